//! Which engine on the time grid is the faster one, from what a run has been through.

use crate::engine::graph::Counts;
use crate::graph::{Graph, Population};
use crate::simd::LANES;
use crate::simd::Weight;

/// Times on a machine with AVX-512, in `f32` [ns]; only their ratios matter. `benches/activity.py` and `benches/layered.py`
/// measure what they add up to.
mod cost {
    /// A block of sixteen neurons a step, clocked.
    pub const CLOCKED_BLOCK: f64 = 3.4;
    /// A synaptic event, clocked.
    pub const CLOCKED_SYNAPSE: f64 = 1.2;
    /// A synaptic event of a neuron that reaches a whole population, clocked.
    pub const CLOCKED_WHOLE_SYNAPSE: f64 = 0.1;
    /// A block of sixteen neurons a step, in samples.
    pub const SAMPLE_BLOCK: f64 = 4.6;
    /// A synaptic event in samples.
    pub const SAMPLE_SYNAPSE: f64 = 0.04;
    /// A neuron that is touched by itself.
    pub const NEURON: f64 = 5.5;
    /// A synaptic event onto a neuron that is touched by itself.
    pub const SYNAPSE: f64 = 3.0;
    /// A block of sixteen that is touched together.
    pub const BLOCK: f64 = 25.0;
    /// A step at which anything happens.
    pub const EVENT_STEP: f64 = 60.0;
}

/// Neurons whose inputs, and whose states, lie in caches.
const NEAR_INPUTS: f64 = 16384.0;
const NEAR_STATES: f64 = 30_000.0;

/// How much faster the other engine must promise to be for a change: the estimates are rough.
const MARGIN: f64 = 1.3;

/// Steps after which the choice of an engine is thought over.
pub const WINDOW: u64 = 256;

/// Holds what the choice of an engine rests on.
#[derive(Clone, Copy, Debug)]
pub struct Auto {
    pub(super) costs: CostModel,
    /// Step of the last decision.
    pub(super) since: u64,
    /// What had been done by then.
    pub(super) before: Counts,
}

impl Auto {
    /// Makes the choice of a run that has not begun.
    pub fn new<W: Weight>(graph: &Graph<W>) -> Self {
        Self { costs: CostModel::new(graph), since: 0, before: Counts::default() }
    }

    /// Forgets the run.
    pub fn restart(&mut self) {
        (self.since, self.before) = (0, Counts::default());
    }
}

/// Holds what the costs of a graph depend on.
#[derive(Clone, Copy, Debug)]
pub struct CostModel {
    n_neurons: f64,
    n_blocks: f64,
    /// In samples, where the lanes of a block are channels of one position of a plane.
    n_sample_blocks: f64,
    /// Neurons that one arriving spike touches are touched in blocks, or one by one.
    in_blocks: bool,
    /// Synapses of a presynaptic neuron, on average.
    fan_out: f64,
}

/// Holds what happened in a number of steps.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The steps.
    pub steps: u64,
    /// What they brought.
    pub counts: Counts,
}

impl CostModel {
    /// Makes it of a graph.
    pub fn new<W: Weight>(graph: &Graph<W>) -> Self {
        let (mut whole, mut rows) = (0, 0);
        for projection in graph.projections() {
            rows += projection.synapses.n_pre();
            whole += if projection.synapses.is_all() { projection.synapses.len() } else { 0 };
        }
        let n_synapses = graph.n_synapses();
        let blocks = |population: &Population| match population.integrating() {
            Some(_) => population.n.div_ceil(LANES),
            None => 0,
        };
        let n_blocks: usize = graph.populations().iter().map(blocks).sum();
        // Of those in a plane, as its kernels tell.
        let kernels = graph.projections().iter().filter_map(|projection| projection.synapses.sliding());
        let more = kernels.map(|kernels| {
            let post = kernels.post();
            post.plane() * post.channels.div_ceil(LANES) - post.n().div_ceil(LANES)
        });
        Self {
            n_neurons: graph.n_integrating() as f64,
            n_blocks: n_blocks as f64,
            n_sample_blocks: (n_blocks + more.sum::<usize>()) as f64,
            in_blocks: 2 * whole > n_synapses,
            fan_out: n_synapses as f64 / rows.max(1) as f64,
        }
    }

    /// Returns how far memory is away, in doublings of what is near.
    fn distance(&self, near: f64) -> f64 {
        (self.n_neurons / near).log2().clamp(0.0, 6.0)
    }

    /// Returns the time of the clocked engine [ns].
    pub fn clocked(&self, window: Window) -> f64 {
        let synapse = match self.in_blocks {
            true => cost::CLOCKED_WHOLE_SYNAPSE,
            false => cost::CLOCKED_SYNAPSE * (1.0 + 0.5 * self.distance(NEAR_INPUTS)),
        };
        window.steps as f64 * self.n_blocks * cost::CLOCKED_BLOCK + window.counts.synaptic_events as f64 * synapse
    }

    /// Returns the time of the clocked simulation of samples of a network [ns], whose weights and states stay in registers and near caches.
    pub fn clocked_samples(&self, window: Window) -> f64 {
        window.steps as f64 * self.n_sample_blocks * cost::SAMPLE_BLOCK
            + window.counts.synaptic_events as f64 * cost::SAMPLE_SYNAPSE
    }

    /// Returns the time of the event engine [ns], as if arrivals were spread at random.
    pub fn event(&self, window: Window) -> f64 {
        let (steps, arrivals) = (window.steps.max(1) as f64, window.counts.synaptic_events as f64);
        let spikes_a_step = arrivals / self.fan_out.max(1.0) / steps;
        let active = steps * -(-spikes_a_step).exp_m1();
        let touched = if self.in_blocks {
            let blocks = (self.fan_out / LANES as f64).min(self.n_blocks);
            active * blocks * cost::BLOCK + arrivals * cost::CLOCKED_WHOLE_SYNAPSE
        } else {
            let share = -(-arrivals / steps / self.n_neurons).exp_m1();
            let far = 1.0 + 0.18 * self.distance(NEAR_STATES);
            (steps * self.n_neurons * share * cost::NEURON + arrivals * cost::SYNAPSE) * far
        };
        active * cost::EVENT_STEP + touched
    }

    /// Says whether another engine would do better than the one that is used.
    pub fn should_change(&self, is_event: bool, window: Window) -> bool {
        let (used, other) = match is_event {
            true => (self.event(window), self.clocked(window)),
            false => (self.clocked(window), self.event(window)),
        };
        used > MARGIN * other
    }
}

#[cfg(test)]
#[path = "auto_tests.rs"]
mod tests;
