//! Samples of a layered network, simulated by a chosen engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::auto::{CostModel, Window};
use super::types::EngineKind;
use crate::engine::fixed::{Compiled, FixedScratch};
use crate::engine::graph::{ContinuousEngine, Counts, EventEngine};
use crate::engine::layered::{ForwardScratch, Lists, SampleSpikes, forward};
use crate::error::Result;
use crate::graph::Graph;
use crate::memory::OrUnwind;
use crate::network::Network;
use crate::neuron::fixed::Overflows;
use crate::simd::Real;
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Holds how samples are simulated: all that threads share.
#[derive(Clone, Debug)]
pub struct SampleSimulation<F: Real> {
    kind: EngineKind,
    /// An engine at rest, of which every thread has a copy; `None` for the clocked engine, which needs no graph.
    prototype: Option<Arc<GraphEngine<F>>>,
    /// Fixed-point layers that fire in place of the network's.
    fixed: Option<Arc<FixedSamples>>,
}

/// Holds fixed-point layers, and what has not fitted their formats.
#[derive(Debug)]
pub struct FixedSamples {
    network: Arc<Compiled>,
    /// Currents and membranes, of each layer.
    overflows: Vec<[AtomicU64; 2]>,
}

impl FixedSamples {
    /// Makes layers of which nothing has been counted.
    pub fn new(network: Arc<Compiled>) -> Self {
        let overflows = (0..network.n_layers()).map(|_| Default::default()).collect();
        Self { network, overflows }
    }

    /// Returns the layers.
    pub fn network(&self) -> &Arc<Compiled> {
        &self.network
    }

    /// Returns what has not fitted, layer by layer.
    pub fn overflows(&self) -> Vec<Overflows> {
        let count = |[current, membrane]: &[AtomicU64; 2]| Overflows {
            current: current.load(Ordering::Relaxed),
            membrane: membrane.load(Ordering::Relaxed),
        };
        self.overflows.iter().map(count).collect()
    }

    fn run(&self, n_steps: usize, spikes: &mut SampleSpikes, lists: Lists, scratch: &mut FixedScratch) {
        self.add(self.network.forward(n_steps, spikes, lists, scratch));
    }

    /// Adds what has not fitted in a run.
    pub fn add(&self, overflows: &[Overflows]) {
        for (Overflows { current, membrane }, counts) in overflows.iter().zip(&self.overflows) {
            counts[0].fetch_add(*current, Ordering::Relaxed);
            counts[1].fetch_add(*membrane, Ordering::Relaxed);
        }
    }
}

#[derive(Clone, Debug)]
enum GraphEngine<F: Real> {
    Event(EventEngine<F, F>),
    Continuous(ContinuousEngine<F>),
}

/// Holds buffers of a thread.
#[derive(Debug)]
pub struct SampleScratch<F: Real> {
    forward: ForwardScratch<F>,
    fixed: FixedScratch,
    /// The engine, and the prototype it is a copy of.
    engine: Option<(Arc<GraphEngine<F>>, GraphEngine<F>)>,
    /// Neurons that fired within the step, layer by layer.
    step: Vec<Vec<u32>>,
}

impl<F: Real> Default for SampleScratch<F> {
    fn default() -> Self {
        Self { forward: ForwardScratch::default(), fixed: FixedScratch::default(), engine: None, step: Vec::new() }
    }
}

impl<F: Real> SampleSimulation<F> {
    /// Chooses an engine that is not [`EngineKind::Auto`]; the others than the clocked one run with the present weights.
    ///
    /// # Errors
    /// Those of the engines.
    pub fn new(net: &Network<F>, kind: EngineKind) -> Result<Self> {
        let graph = || Graph::from_network(net).map(Arc::new);
        let prototype = match kind {
            EngineKind::Clocked | EngineKind::Auto => None,
            EngineKind::Event => Some(GraphEngine::Event(EventEngine::new(graph()?)?)),
            EngineKind::Continuous => Some(GraphEngine::Continuous(ContinuousEngine::new(graph()?)?)),
        };
        Ok(Self { kind, prototype: prototype.map(Arc::new), fixed: None })
    }

    /// Makes one that runs layer by layer in fixed point, in place of a network of the same sizes and delays.
    pub fn fixed(layers: Arc<FixedSamples>) -> Self {
        Self { kind: EngineKind::Clocked, prototype: None, fixed: Some(layers) }
    }

    /// Returns the engine.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Simulates all layers; `spikes.input` holds the input, listed by time, and the layers are filled.
    ///
    /// What was done is counted on the way by the engines of graphs; for the clocked one see [`operations`].
    pub fn run(
        &self,
        net: &Network<F>,
        n_steps: usize,
        spikes: &mut SampleSpikes,
        lists: Lists,
        scratch: &mut SampleScratch<F>,
    ) -> Option<Counts> {
        if let Some(fixed) = &self.fixed {
            fixed.run(n_steps, spikes, lists, &mut scratch.fixed);
            return None;
        }
        let Some(prototype) = &self.prototype else {
            forward(net, n_steps, spikes, lists, &mut scratch.forward);
            return None;
        };
        if scratch.engine.as_ref().is_none_or(|(known, _)| !Arc::ptr_eq(known, prototype)) {
            scratch.engine = Some((Arc::clone(prototype), GraphEngine::clone(prototype)));
        }
        let (_, engine) = scratch.engine.as_mut().expect("just set");
        let SampleSpikes { input, layers } = spikes;
        for (spikes, layer) in layers.iter_mut().zip(net.layers()) {
            spikes.by_time.clear(layer.n_out());
        }
        let events = (0..n_steps).flat_map(|t| input.by_time.row(t).iter().map(move |&x| (t, x)));
        match engine {
            GraphEngine::Event(engine) => {
                engine.reset();
                engine.transit_mut().push(events.map(|(t, x)| (t as u64, x))).or_unwind();
                // Population 0 is the input.
                let mut record = |step: u64, population: usize, fired: &[u32]| {
                    let rows = &mut layers[population - 1].by_time;
                    end_rows(rows, step as usize);
                    rows.push_row(fired);
                };
                engine.advance(n_steps as u64, &mut record, &mut || !is_stopped());
            }
            GraphEngine::Continuous(engine) => {
                engine.reset();
                let dt = engine.graph().dt();
                engine.push(events.map(|(t, x)| (t as f64 * dt, x))).or_unwind();
                scratch.step.resize_with(layers.len(), Vec::new);
                let step_of_layer = &mut scratch.step;
                let mut record = |time: f64, population: usize, neuron: u32| {
                    let (rows, fired) = (&mut layers[population - 1].by_time, &mut step_of_layer[population - 1]);
                    let step = grid_step(time, dt, n_steps);
                    // Row t is under construction while spikes of step t come.
                    if rows.n_rows() < step {
                        push_step(rows, fired);
                        end_rows(rows, step);
                    }
                    fired.push(neuron);
                };
                engine.advance(((n_steps - 1) as f64 * dt).next_up(), &mut record, &mut || !is_stopped());
                for (layer, fired) in layers.iter_mut().zip(step_of_layer) {
                    push_step(&mut layer.by_time, fired);
                }
            }
        }
        let n_layers = layers.len();
        for (l, layer) in layers.iter_mut().enumerate() {
            end_rows(&mut layer.by_time, n_steps);
            if lists == Lists::All || l + 1 == n_layers {
                layer.list_by_neuron();
            }
        }
        Some(match engine {
            GraphEngine::Event(engine) => engine.counts(),
            GraphEngine::Continuous(engine) => engine.counts(),
        })
    }
}

/// Adds empty rows until there are `n`.
fn end_rows(rows: &mut PaddedRows, n: usize) {
    while rows.n_rows() < n {
        rows.end_row();
    }
}

/// Adds the neurons that fired within a step; one that did so twice counts once.
fn push_step(rows: &mut PaddedRows, fired: &mut Vec<u32>) {
    fired.sort_unstable();
    fired.dedup();
    rows.push_row(fired);
    fired.clear();
}

/// Returns the step at whose end a spike at `time` is seen on the grid.
fn grid_step(time: f64, dt: f64, n_steps: usize) -> usize {
    ((time / dt).ceil() as usize).clamp(1, n_steps - 1)
}

/// Returns what a clocked simulation of a sample has done, from its spikes.
pub fn operations<F: Real>(graph: &Graph<F>, n_steps: usize, spikes: &SampleSpikes) -> Counts {
    let layer = |population: usize| if population == 0 { &spikes.input } else { &spikes.layers[population - 1] };
    let mut counts = Counts {
        input_events: spikes.input.by_time.total() as u64,
        spikes: spikes.layers.iter().map(|layer| layer.by_time.total() as u64).sum(),
        state_updates: (n_steps as u64 - 1) * graph.n_integrating() as u64,
        ..Counts::default()
    };
    for projection in graph.projections() {
        let synapses = &projection.synapses;
        for (group, &delay) in synapses.delays().distinct().iter().enumerate() {
            let steps = (delay / graph.dt()).round() as usize;
            // What would arrive after the end does not.
            for t in 0..n_steps.saturating_sub(steps + 1) {
                let row = layer(projection.pre).by_time.row(t);
                if synapses.is_all() {
                    counts.synaptic_events += (row.len() * synapses.n_post()) as u64;
                    continue;
                }
                let arriving =
                    row.iter().map(|&neuron| synapses.count(synapses.group_range(neuron as usize, group)) as u64);
                counts.synaptic_events += arriving.sum::<u64>();
            }
        }
    }
    counts
}

/// Returns the faster engine on the grid for samples like the one whose spikes, of a clocked simulation, are given.
pub fn faster_engine<F: Real>(net: &Network<F>, n_steps: usize, spikes: &SampleSpikes) -> Result<EngineKind> {
    let graph = Graph::from_network(net)?;
    let window = Window { steps: n_steps as u64, counts: operations(&graph, n_steps, spikes) };
    let costs = CostModel::new(&graph);
    let is_event = costs.event(window) < costs.clocked_samples(window);
    Ok(if is_event { EngineKind::Event } else { EngineKind::Clocked })
}

#[cfg(test)]
#[path = "samples_tests.rs"]
mod tests;
