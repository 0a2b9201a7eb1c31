//! Runs that record the spikes of all layers and, of chosen neurons, currents and potentials.

use super::{Data, Worker};
use crate::engine::graph::Counts;
use crate::engine::layered::{Lists, MembraneTrace, SampleSpikes};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::memory::{OrUnwind, collected, product, with_room};
use crate::network::Network;
use crate::sim::{EngineKind, SampleSimulation, operations};
use crate::simd::Real;
use crate::spikes::SpikeTrains;

/// Says how many samples are simulated between two looks at whether to stop.
const CHUNK: usize = 64;

/// Names what takes the memory of traces, for messages.
const TRACES: &str = "n_samples * n_steps * neurons of record_traces";

/// Names the neurons of a layer whose currents and potentials are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Number of the layer, 0 for the first above the input.
    pub layer: usize,
    /// Numbers of the neurons.
    pub neurons: Vec<usize>,
}

/// Holds currents and potentials of the traced neurons of a layer, (n_samples, n_steps, n_traced) row-major each.
#[derive(Clone, Debug, PartialEq)]
pub struct Traces<T> {
    /// Synaptic currents.
    pub current: Vec<T>,
    /// Membrane potentials before a reset.
    pub potential: Vec<T>,
}

/// Holds what a run that records leaves behind.
#[derive(Debug)]
pub struct Recording<T> {
    /// Spike trains of the input and of every layer.
    pub spikes: Vec<SpikeTrains>,
    /// Traces of every layer asked for, in the order they were asked for.
    pub traces: Vec<Traces<T>>,
    /// What the simulation has done, summed over the samples.
    pub operations: Counts,
}

/// Returns the graph that operations are counted of, where the engine does not count on the way.
///
/// # Errors
/// [`Error::Memory`].
pub fn graph_to_count<F: Real>(net: &Network<F>, simulation: &SampleSimulation<F>) -> Result<Option<Graph<F>>> {
    (simulation.kind() == EngineKind::Clocked).then(|| Graph::from_network(net)).transpose()
}

/// Checks that the neurons to be traced exist, and that `engine` has traces.
///
/// # Errors
/// [`Error::Value`] naming the layer or neuron.
pub fn check_traced<F: Real>(net: &Network<F>, engine: EngineKind, traced: &[Traced]) -> Result<()> {
    if engine == EngineKind::Continuous && !traced.is_empty() {
        let got = format!("{} layers", traced.len());
        return Err(Error::value("record_traces", "empty in continuous time", got));
    }
    let n_layers = net.layers().len();
    for Traced { layer, neurons } in traced {
        let Some(found) = net.layers().get(*layer) else {
            return Err(Error::value("record_traces", format!("layers in [0, {n_layers})"), layer));
        };
        if found.below().pattern().max_windows().is_some() {
            let expected = "neurons that integrate, which have a current and a potential";
            return Err(Error::value(format!("record_traces[{layer}]"), expected, "those of max pooling"));
        }
        if let Some(neuron) = neurons.iter().find(|&&neuron| neuron >= found.n_out()) {
            let name = format!("record_traces[{layer}]");
            return Err(Error::value(name, format!("neurons in [0, {})", found.n_out()), neuron));
        }
    }
    Ok(())
}

/// Holds those of one sample.
struct Sample<T> {
    spikes: SampleSpikes,
    traces: Vec<Traces<T>>,
    operations: Counts,
}

/// Runs a network on all samples and records.
///
/// `trace` integrates a neuron, given by layer and number, once more from the spikes of a sample. The data must have passed
/// [`check_inputs`](super::check_inputs), `traced` [`check_traced`].
///
/// # Errors
/// [`Error::Interrupted`] if `keep_going` says no; [`Error::Memory`].
pub fn record<F: Real, T: Copy + Default + Send>(
    worker: &Worker<F>,
    net: &Network<F>,
    simulation: &SampleSimulation<F>,
    data: Data<'_>,
    seed: u64,
    traced: &[Traced],
    trace: impl Fn(&SampleSpikes, usize, usize) -> MembraneTrace<T> + Sync,
    keep_going: &mut dyn FnMut() -> bool,
) -> Result<Recording<T>> {
    let graph = graph_to_count(net, simulation)?;
    let (n_samples, n_steps) = (data.n_samples(), data.n_steps());
    let sizes = std::iter::once(net.n_in()).chain(net.layers().iter().map(|layer| layer.n_out()));
    let empty = |n| {
        let mut trains = SpikeTrains::empty(n_steps, n)?;
        trains.reserve_samples(n_samples).map(|()| trains)
    };
    let mut recording = Recording {
        spikes: sizes.map(empty).collect::<Result<_>>()?,
        traces: traced.iter().map(|of| Traces::with_room(n_samples, n_steps, of)).collect::<Result<_>>()?,
        operations: Counts::default(),
    };
    for first in (0..n_samples).step_by(CHUNK) {
        if !keep_going() {
            return Err(Error::Interrupted);
        }
        let range = first..n_samples.min(first + CHUNK);
        let mut outputs: Vec<Option<Sample<T>>> = range.clone().map(|_| None).collect();
        let use_sample = |spikes: &SampleSpikes, counted: Option<Counts>, output: &mut Option<Sample<T>>| {
            let of_layer = |of: &Traced| Traces::of_sample(spikes, n_steps, of, &trace);
            let operations = graph.as_ref().map(|graph| operations(graph, spikes.n_steps(), spikes)).or(counted);
            let mut sorted = spikes.clone();
            sorted.sort();
            *output = Some(Sample {
                spikes: sorted,
                traces: traced.iter().map(of_layer).collect(),
                operations: operations.unwrap_or_default(),
            });
        };
        worker.simulate(net, simulation, data, seed, range, Lists::All, &mut outputs, keep_going, use_sample)?;
        outputs.into_iter().flatten().try_for_each(|sample| recording.push(n_steps, sample))?;
    }
    if let Some(lengths) = data.lengths() {
        for trains in &mut recording.spikes {
            trains.set_lengths(collected("n_samples", lengths.iter().copied())?);
        }
    }
    Ok(recording)
}

impl<T: Copy> Recording<T> {
    fn push(&mut self, n_steps: usize, sample: Sample<T>) -> Result<()> {
        self.operations += sample.operations;
        let layers = std::iter::once(&sample.spikes.input).chain(&sample.spikes.layers);
        for (trains, layer) in self.spikes.iter_mut().zip(layers) {
            let silent = std::iter::repeat_n(&[][..], n_steps - layer.by_time.n_rows());
            trains.push_sample((0..layer.by_time.n_rows()).map(|t| layer.by_time.row(t)).chain(silent))?;
        }
        for (all, part) in self.traces.iter_mut().zip(sample.traces) {
            all.current.extend(part.current);
            all.potential.extend(part.potential);
        }
        Ok(())
    }
}

impl<T: Copy + Default> Traces<T> {
    fn with_room(n_samples: usize, n_steps: usize, of: &Traced) -> Result<Self> {
        let n = product(&[n_samples, n_steps, of.neurons.len()]);
        Ok(Self { current: with_room(TRACES, n)?, potential: with_room(TRACES, n)? })
    }

    /// Returns the traces of one sample; in a thread, where want of memory unwinds.
    fn of_sample(
        spikes: &SampleSpikes,
        n_steps: usize,
        of: &Traced,
        trace: impl Fn(&SampleSpikes, usize, usize) -> MembraneTrace<T>,
    ) -> Self {
        let all: Vec<_> = of.neurons.iter().map(|&neuron| trace(spikes, of.layer, neuron)).collect();
        let mut traces = Self::with_room(1, n_steps, of).or_unwind();
        for t in 0..n_steps {
            // Behind the end of a sample is rest.
            traces.current.extend(all.iter().map(|trace| trace.current.get(t).copied().unwrap_or_default()));
            traces.potential.extend(all.iter().map(|trace| trace.potential.get(t).copied().unwrap_or_default()));
        }
        traces
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
