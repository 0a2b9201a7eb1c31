//! Streaming simulations for Python.

use std::sync::Arc;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::arrays::{from_python, vector};
use super::calls::Watch;
use super::graph::{AnyGraph, GraphCore};
use crate::error::Error;
use crate::fixed::Overflows;
use crate::sim::fixed::FixedSimulator;
use crate::sim::{Counts, Events, Simulator, State, Time};

enum AnySimulator {
    F32(Simulator<f32>),
    F64(Simulator<f64>),
    I8(FixedSimulator<i8>),
    I16(FixedSimulator<i16>),
    I32(FixedSimulator<i32>),
}

/// Evaluates `$body` with `$simulator` bound to the simulator of whichever weights.
macro_rules! with_simulator {
    ($any:expr, $simulator:ident => $body:expr) => {
        match $any {
            AnySimulator::F32($simulator) => $body,
            AnySimulator::F64($simulator) => $body,
            AnySimulator::I8($simulator) => $body,
            AnySimulator::I16($simulator) => $body,
            AnySimulator::I32($simulator) => $body,
        }
    };
}

/// A simulation that events are pushed into and read from; strsbp_rs.Simulator wraps it.
#[pyclass(module = "strsbp_rs._strsbp_rs")]
pub struct SimulatorCore {
    simulator: AnySimulator,
}

#[pymethods]
impl SimulatorCore {
    #[new]
    fn new(
        py: Python<'_>,
        graph: PyRef<'_, GraphCore>,
        engine: &Bound<'_, PyAny>,
        record: Vec<usize>,
    ) -> PyResult<Self> {
        let engine = from_python("engine", engine)?;
        let graph = graph.graph.clone();
        let simulator = py.detach(|| match &graph {
            AnyGraph::F32(graph) => Simulator::new(Arc::clone(graph), engine, &record).map(AnySimulator::F32),
            AnyGraph::F64(graph) => Simulator::new(Arc::clone(graph), engine, &record).map(AnySimulator::F64),
            AnyGraph::I8(graph) => FixedSimulator::new(Arc::clone(graph), engine, &record).map(AnySimulator::I8),
            AnyGraph::I16(graph) => FixedSimulator::new(Arc::clone(graph), engine, &record).map(AnySimulator::I16),
            AnyGraph::I32(graph) => FixedSimulator::new(Arc::clone(graph), engine, &record).map(AnySimulator::I32),
        })?;
        Ok(Self { simulator })
    }

    /// Appends inputs: `t` in steps (int64) or ms (float64), `x` int64.
    fn push(&mut self, name: &str, t: &Bound<'_, PyAny>, x: PyReadonlyArray1<'_, i64>) -> PyResult<()> {
        let contiguous = |_| PyTypeError::new_err("t and x must be C-contiguous");
        let x = x.as_slice().map_err(contiguous)?;
        if let Ok(t) = t.extract::<PyReadonlyArray1<'_, i64>>() {
            let t = t.as_slice().map_err(contiguous)?;
            return Ok(with_simulator!(&mut self.simulator, simulator => simulator.push_steps(name, t, x))?);
        }
        let t: PyReadonlyArray1<'_, f64> = t.extract()?;
        let t = t.as_slice().map_err(contiguous)?;
        Ok(with_simulator!(&mut self.simulator, simulator => simulator.push_times(name, t, x))?)
    }

    /// Runs on, up to and without step `until` (or time [ms], if a float).
    fn advance(&mut self, py: Python<'_>, until: &Bound<'_, PyAny>) -> PyResult<()> {
        let until = match until.extract::<u64>() {
            Ok(steps) => Time::Steps(steps),
            Err(_) => Time::Ms(until.extract()?),
        };
        let mut watch = Watch::new(None);
        let simulator = &mut self.simulator;
        let result = py.detach(|| {
            let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
            with_simulator!(simulator, simulator => simulator.advance(until, &mut keep_going))
        });
        watch.finish(result)
    }

    /// Spikes since the last call: (t, x), t in steps or ms.
    fn take_events<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match with_simulator!(&mut self.simulator, simulator => simulator.take_events()) {
            Events::Grid(t, x) => {
                let t: Vec<i64> = t.into_iter().map(|t| t as i64).collect();
                (vector(py, t), vector(py, x)).into_pyobject(py)
            }
            Events::Continuous(t, x) => (vector(py, t), vector(py, x)).into_pyobject(py),
        }
    }

    /// Time reached: steps, or ms as a float.
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match with_simulator!(&self.simulator, simulator => simulator.now()) {
            Time::Steps(steps) => Ok(steps.into_pyobject(py)?.into_any()),
            Time::Ms(ms) => Ok(ms.into_pyobject(py)?.into_any()),
        }
    }

    /// Name of the engine that runs at present.
    #[getter]
    fn engine(&self) -> &'static str {
        with_simulator!(&self.simulator, simulator => simulator.engine().name())
    }

    /// What was done since the start or the last reset.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts_dict(py, with_simulator!(&self.simulator, simulator => simulator.counts()))
    }

    /// Whether the count of near ties holds all spikes on which rounding may have decided.
    #[getter]
    fn ties_are_proven(&self) -> bool {
        with_simulator!(&self.simulator, simulator => simulator.ties_are_proven())
    }

    /// Back to rest.
    fn reset(&mut self) {
        with_simulator!(&mut self.simulator, simulator => simulator.reset());
    }

    /// Sets the potentials that the neurons of a population start from.
    fn set_potentials(&mut self, population: usize, potentials: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let potentials = potentials.as_array().to_vec();
        Ok(with_simulator!(&mut self.simulator, simulator => simulator.set_potentials(population, &potentials))?)
    }

    /// Everything that a later run depends on, as bytes.
    fn state<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let simulator = &mut self.simulator;
        let bytes = py.detach(|| with_simulator!(simulator, simulator => simulator.state().to_bytes()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Goes on from what [`state`](Self::state) gave.
    fn set_state(&mut self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        let simulator = &mut self.simulator;
        let set = || -> Result<(), Error> {
            with_simulator!(simulator, simulator => simulator.set_state(&State::from_bytes(state)?))
        };
        Ok(py.detach(set)?)
    }

    /// What has not fitted its number format, (current, membrane) of every population; of floating-point neurons nothing.
    fn overflows(&mut self) -> Option<Vec<(u64, u64)>> {
        let overflows = match &mut self.simulator {
            AnySimulator::F32(_) | AnySimulator::F64(_) => return None,
            AnySimulator::I8(simulator) => simulator.overflows(),
            AnySimulator::I16(simulator) => simulator.overflows(),
            AnySimulator::I32(simulator) => simulator.overflows(),
        };
        Some(overflows.into_iter().map(|Overflows { current, membrane }| (current, membrane)).collect())
    }

    /// Currents and membranes of fixed-point neurons.
    fn integer_states<'py>(&mut self, py: Python<'py>, population: usize) -> PyResult<Bound<'py, PyTuple>> {
        let states = match &mut self.simulator {
            AnySimulator::F32(_) | AnySimulator::F64(_) => {
                return Err(Error::dtype("the graph", "int8, int16 or int32, to have integer states", "float").into());
            }
            AnySimulator::I8(simulator) => simulator.states(population)?,
            AnySimulator::I16(simulator) => simulator.states(population)?,
            AnySimulator::I32(simulator) => simulator.states(population)?,
        };
        let current = vector(py, states.iter().map(|neuron| neuron.p).collect::<Vec<i32>>());
        (current, vector(py, states.iter().map(|neuron| neuron.u).collect::<Vec<i32>>())).into_pyobject(py)
    }
}

/// Counts by name.
pub fn counts_dict(py: Python<'_>, counts: Counts) -> PyResult<Bound<'_, PyDict>> {
    let Counts { input_events, spikes, synaptic_events, state_updates, near_ties } = counts;
    let dict = PyDict::new(py);
    dict.set_item("input_events", input_events)?;
    dict.set_item("spikes", spikes)?;
    dict.set_item("synaptic_events", synaptic_events)?;
    dict.set_item("state_updates", state_updates)?;
    dict.set_item("near_ties", near_ties)?;
    Ok(dict)
}
