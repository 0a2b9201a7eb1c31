//! Streaming simulations for Python.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::any_graph::AnyGraph;
use super::arrays::{from_python, vector};
use super::calls::{Watch, detached, long};
use super::counts::{counts_dict, overflow_counts};
use super::graph::GraphCore;
use crate::error::Error;
use crate::sim::{EngineKind, Events, FixedSimulator, FloatSimulator, State, Time};

enum AnySimulator {
    F32(FloatSimulator<f32>),
    F64(FloatSimulator<f64>),
    I8(FixedSimulator<i8>),
    I16(FixedSimulator<i16>),
    I32(FixedSimulator<i32>),
}

/// Is two arrays of one number a neuron.
type TwoArrays<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Evaluates `$body` with `$simulator` bound to the simulator of whichever weights.
macro_rules! with_simulator {
    ($any:expr, $simulator:ident => $body:expr) => {
        match &mut *$any {
            AnySimulator::F32($simulator) => $body,
            AnySimulator::F64($simulator) => $body,
            AnySimulator::I8($simulator) => $body,
            AnySimulator::I16($simulator) => $body,
            AnySimulator::I32($simulator) => $body,
        }
    };
}

/// Holds a simulation that events are pushed into and read from; strsbp_rs.Simulator wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct SimulatorCore {
    simulator: Mutex<Held>,
    /// What it was made of.
    made: Made,
}

/// Holds a simulator, and whether it stopped in the middle of a step: then it is of no use.
struct Held {
    simulator: AnySimulator,
    is_broken: bool,
}

/// Holds what a simulator is made of.
struct Made {
    graph: AnyGraph,
    engine: EngineKind,
    record: Vec<usize>,
}

impl Made {
    fn simulator(&self) -> Result<AnySimulator, Error> {
        let Self { graph, engine, record } = self;
        match graph {
            AnyGraph::F32(graph) => FloatSimulator::new(Arc::clone(graph), *engine, record).map(AnySimulator::F32),
            AnyGraph::F64(graph) => FloatSimulator::new(Arc::clone(graph), *engine, record).map(AnySimulator::F64),
            AnyGraph::I8(graph) => FixedSimulator::new(Arc::clone(graph), *engine, record).map(AnySimulator::I8),
            AnyGraph::I16(graph) => FixedSimulator::new(Arc::clone(graph), *engine, record).map(AnySimulator::I16),
            AnyGraph::I32(graph) => FixedSimulator::new(Arc::clone(graph), *engine, record).map(AnySimulator::I32),
        }
    }
}

/// Holds the simulator, while nobody else has it.
struct Locked<'a>(MutexGuard<'a, Held>);

impl Deref for Locked<'_> {
    type Target = AnySimulator;

    fn deref(&self) -> &AnySimulator {
        &self.0.simulator
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut AnySimulator {
        &mut self.0.simulator
    }
}

impl SimulatorCore {
    /// Returns the simulator, unless another thread runs it or it is broken.
    fn lock(&self) -> PyResult<Locked<'_>> {
        let locked = self.lock_any()?;
        if locked.0.is_broken {
            let why =
                "the simulation stopped in the middle of a step for want of memory: reset or set_state sets it right";
            return Err(PyRuntimeError::new_err(why));
        }
        Ok(locked)
    }

    /// Returns the simulator, unless another thread runs it.
    fn lock_any(&self) -> PyResult<Locked<'_>> {
        match self.simulator.try_lock() {
            Ok(simulator) => Ok(Locked(simulator)),
            Err(TryLockError::Poisoned(poisoned)) => Ok(Locked(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("the simulator is running: in another thread, or around a signal handler"))
            }
        }
    }
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
        let made = Made { graph: graph.graph.present(), engine, record };
        let simulator = long(py, None, usize::MAX, || made.simulator())?;
        Ok(Self { simulator: Mutex::new(Held { simulator, is_broken: false }), made })
    }

    /// Appends inputs: `t` in steps (int64) or ms (float64), `x` int64.
    fn push(&self, name: &str, t: &Bound<'_, PyAny>, x: PyReadonlyArray1<'_, i64>) -> PyResult<()> {
        let contiguous = |_| PyTypeError::new_err("t and x must be C-contiguous");
        let x = x.as_slice().map_err(contiguous)?;
        if let Ok(t) = t.extract::<PyReadonlyArray1<'_, i64>>() {
            let t = t.as_slice().map_err(contiguous)?;
            return Ok(with_simulator!(self.lock()?, simulator => simulator.push_steps(name, t, x))?);
        }
        let t: PyReadonlyArray1<'_, f64> = t.extract()?;
        let t = t.as_slice().map_err(contiguous)?;
        Ok(with_simulator!(self.lock()?, simulator => simulator.push_times(name, t, x))?)
    }

    /// Runs on, up to and without step `until` (or time [ms], if a float).
    fn advance(&self, py: Python<'_>, until: &Bound<'_, PyAny>) -> PyResult<()> {
        let until = match until.extract::<u64>() {
            Ok(steps) => Time::Steps(steps),
            Err(_) => Time::Ms(until.extract()?),
        };
        let mut watch = Watch::new(None);
        let mut guard = self.lock()?;
        let simulator = &mut *guard;
        let result = detached(py, || {
            let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
            with_simulator!(simulator, simulator => simulator.advance(until, &mut keep_going))
        });
        guard.0.is_broken = matches!(result, Err(Error::Memory { .. } | Error::Bug { .. }));
        watch.finish(result)
    }

    /// Returns the spikes since the last call: (t, x), t in steps or ms.
    fn take_events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match with_simulator!(self.lock()?, simulator => simulator.take_events()) {
            Events::Grid(t, x) => {
                let t: Vec<i64> = t.into_iter().map(|t| t as i64).collect();
                (vector(py, t), vector(py, x)).into_pyobject(py)
            }
            Events::Continuous(t, x) => (vector(py, t), vector(py, x)).into_pyobject(py),
        }
    }

    /// Returns the time reached: steps, or ms as a float.
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match with_simulator!(self.lock()?, simulator => simulator.now()) {
            Time::Steps(steps) => Ok(steps.into_pyobject(py)?.into_any()),
            Time::Ms(ms) => Ok(ms.into_pyobject(py)?.into_any()),
        }
    }

    /// Returns the name of the engine that runs at present.
    #[getter]
    fn engine(&self) -> PyResult<&'static str> {
        Ok(with_simulator!(self.lock()?, simulator => simulator.engine().name()))
    }

    /// Returns what was done since the start or the last reset.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts_dict(py, with_simulator!(self.lock()?, simulator => simulator.counts()))
    }

    /// Says whether the count of near ties holds all spikes on which rounding may have decided; `None` if none are counted.
    #[getter]
    fn ties_are_proven(&self) -> PyResult<Option<bool>> {
        Ok(with_simulator!(self.lock()?, simulator => simulator.ties_are_proven()))
    }

    /// Goes back to rest.
    fn reset(&self) -> PyResult<()> {
        let mut locked = self.lock_any()?;
        if locked.0.is_broken {
            *locked.0 = Held { simulator: self.made.simulator()?, is_broken: false };
        }
        with_simulator!(locked, simulator => simulator.reset());
        Ok(())
    }

    /// Sets the potentials that the neurons of a population start from.
    fn set_potentials(&self, population: usize, potentials: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let potentials = potentials.as_array().to_vec();
        Ok(with_simulator!(self.lock()?, simulator => simulator.set_potentials(population, &potentials))?)
    }

    /// Returns synaptic currents and membrane potentials of a population at the present.
    fn currents_and_potentials<'py>(&self, py: Python<'py>, population: usize) -> PyResult<TwoArrays<'py>> {
        let found = with_simulator!(self.lock()?, simulator => simulator.currents_and_potentials(population));
        let (currents, potentials) = found?;
        Ok((vector(py, currents), vector(py, potentials)))
    }

    /// Returns everything that a later run depends on, as bytes.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut guard = self.lock()?;
        let simulator = &mut *guard;
        let bytes = detached(py, || with_simulator!(simulator, simulator => simulator.state().to_bytes()))?;
        super::arrays::bytes(py, &bytes)
    }

    /// Goes on from what [`state`](Self::state) gave.
    fn set_state(&self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        let mut guard = self.lock_any()?;
        // A broken one stays what it is until the state has turned out to be right.
        let mut fresh = if guard.0.is_broken { Some(self.made.simulator()?) } else { None };
        let simulator = fresh.as_mut().unwrap_or(&mut guard);
        let set = || -> Result<(), Error> {
            with_simulator!(simulator, simulator => simulator.set_state(&State::from_bytes(state)?))
        };
        detached(py, set)?;
        if let Some(simulator) = fresh {
            *guard.0 = Held { simulator, is_broken: false };
        }
        Ok(())
    }

    /// Returns what has not fitted its number format, (current, membrane) of every population; of floating-point neurons nothing.
    fn overflows(&self) -> PyResult<Option<Vec<(u64, u64)>>> {
        let mut guard = self.lock()?;
        if matches!(&*guard, AnySimulator::F32(_) | AnySimulator::F64(_)) {
            return Ok(None);
        }
        let overflows = with_simulator!(guard, simulator => simulator.overflows());
        Ok(Some(overflow_counts(&overflows)))
    }
}
