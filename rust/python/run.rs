//! Runs of networks on samples, for Python.

use numpy::{Element, PyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arrays::{shaped, vector};
use super::calls::{Watch, detached};
use super::counts::counts_dict;
use super::samples::{EncoderArgument, Preparation, Samples};
use super::spikes::SpikeTrainsCore;
use crate::engine::graph::Counts;
use crate::engine::layered::{MembraneTrace, SampleSpikes};
use crate::error::Error;
use crate::learn::{Data, Traced, Worker, check_inputs, check_traced, count_spikes, graph_to_count, record};
use crate::memory::collected;
use crate::network::Network;
use crate::sim::{EngineKind, SampleSimulation};
use crate::simd::Real;

/// Whether a run is to go on.
pub type Going<'a> = &'a mut dyn FnMut() -> bool;

/// Samples to run a network on.
pub struct SampleRun<'a, 'py> {
    pub x: &'a Bound<'py, PyAny>,
    pub encoder: Option<EncoderArgument>,
    pub seed: u64,
    pub n_threads: Option<usize>,
}

/// How many samples were run, and for how many steps.
struct Ran {
    n_samples: usize,
    /// Of the longest.
    n_steps: usize,
    /// Of each, if they differ.
    lengths: Option<Vec<u32>>,
}

impl<'py> SampleRun<'_, 'py> {
    /// Runs the network and counts: a dict of `counts`, uint32 (n_samples, n_out), `n_spikes` and `silent_neurons` of every
    /// layer, `n_steps`, `lengths`, uint32 (n_samples,) or `None` if all samples have `n_steps`, `mean_steps`, `engine`, and
    /// `operations`, `None` unless they are `counted`.
    pub fn spike_counts<F: Real>(
        &self,
        py: Python<'py>,
        net: &Network<F>,
        prepare: impl FnOnce(&Worker<F>, Data<'_>, Going<'_>) -> Result<SampleSimulation<F>, Error> + Send,
        counted: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let seed = self.seed;
        let (found, engine, ran) = self.on(py, net, prepare, |worker, simulation, data, going| {
            let graph = if counted { graph_to_count(net, simulation)? } else { None };
            count_spikes(worker, net, simulation, data, seed, graph.as_ref(), &mut |_| going())
        })?;
        let n_out = net.n_out();
        let dict = result_dict(py, engine, found.done.filter(|_| counted))?;
        let Ran { n_samples, n_steps, lengths } = ran;
        dict.set_item("counts", shaped(py, found.counts, [n_samples, n_out])?)?;
        dict.set_item("n_spikes", found.n_spikes)?;
        dict.set_item("silent_neurons", found.activity.silent())?;
        dict.set_item("n_steps", n_steps)?;
        dict.set_item("lengths", lengths.map(|lengths| vector(py, lengths)))?;
        dict.set_item("mean_steps", found.n_steps as f64 / n_samples.max(1) as f64)?;
        Ok(dict)
    }

    /// Runs the network and records: a dict of `spikes`, those of the input and of every layer, `traces`, for each entry of
    /// `traced` a pair of currents and potentials, (n_samples, n_steps, n_traced) each, `engine` and `operations`.
    pub fn record<F: Real, T: Element + Copy + Default>(
        &self,
        py: Python<'py>,
        net: &Network<F>,
        prepare: impl FnOnce(&Worker<F>, Data<'_>, Going<'_>) -> Result<SampleSimulation<F>, Error> + Send,
        traced: Vec<(usize, Vec<usize>)>,
        trace: impl Fn(&SampleSpikes, usize, usize, usize) -> MembraneTrace<T> + Sync,
        engine: EngineKind,
    ) -> PyResult<Bound<'py, PyDict>> {
        let traced: Vec<_> = traced.into_iter().map(|(layer, neurons)| Traced { layer, neurons }).collect();
        check_traced(net, engine, &traced)?;
        let seed = self.seed;
        let (found, engine, Ran { n_samples, n_steps, .. }) =
            self.on(py, net, prepare, |worker, simulation, data, going| {
                let trace = |spikes: &SampleSpikes, layer, neuron| trace(spikes, spikes.n_steps(), layer, neuron);
                record(worker, net, simulation, data, seed, &traced, trace, going)
            })?;
        let mut traces = Vec::new();
        for (of, traced) in found.traces.into_iter().zip(&traced) {
            let shape = [n_samples, n_steps, traced.neurons.len()];
            let array = |values| -> PyResult<Bound<'py, PyArray3<T>>> { shaped(py, values, shape) };
            traces.push((array(of.current)?, array(of.potential)?));
        }
        let dict = result_dict(py, engine, Some(found.operations))?;
        dict.set_item("spikes", found.spikes.into_iter().map(SpikeTrainsCore).collect::<Vec<_>>())?;
        dict.set_item("traces", traces)?;
        Ok(dict)
    }
}

impl SampleRun<'_, '_> {
    /// Does `work` with a network on the samples, without the GIL; returns what it gives, the engine, and how much there
    /// was.
    fn on<F: Real, R: Send>(
        &self,
        py: Python<'_>,
        net: &Network<F>,
        prepare: impl FnOnce(&Worker<F>, Data<'_>, Going<'_>) -> Result<SampleSimulation<F>, Error> + Send,
        work: impl FnOnce(&Worker<F>, &SampleSimulation<F>, Data<'_>, Going<'_>) -> Result<R, Error> + Send,
    ) -> PyResult<(R, EngineKind, Ran)> {
        let samples = Samples::extract(self.x)?;
        let preparation = Preparation::new(&samples, self.encoder.clone(), None)?;
        let (values, n_threads) = (samples.values()?, self.n_threads);
        let mut watch = Watch::new(None);
        let result = detached(py, || {
            let data = preparation.data(values, false)?;
            check_inputs(net, data)?;
            let worker = Worker::new(n_threads)?;
            let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
            let simulation = prepare(&worker, data, &mut keep_going)?;
            let found = work(&worker, &simulation, data, &mut keep_going)?;
            let lengths = data.lengths().map(|lengths| collected("n_samples", lengths.iter().copied())).transpose()?;
            let ran = Ran { n_samples: data.n_samples(), n_steps: data.n_steps(), lengths };
            Ok((found, simulation.kind(), ran))
        });
        watch.finish(result)
    }
}

/// Returns the engine that simulated the network, and what it has done.
fn result_dict<'py>(py: Python<'py>, engine: EngineKind, done: Option<Counts>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("engine", engine.name())?;
    dict.set_item("operations", done.map(|done| counts_dict(py, done)).transpose()?)?;
    Ok(dict)
}
