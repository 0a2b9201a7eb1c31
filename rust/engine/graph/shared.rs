//! Rows of synapses that share their weight, as bit masks: what the clocked engine adds without touching memory twice.
//!
//! Where all synapses of a neuron onto a population have one weight and reach a good part of it, as in most models of
//! cortex, a bit for each neuron says all that a target and a weight for each synapse do. Such rows are added while the
//! neurons are in registers; no sum is written or read.

use super::window::SharedRow;
use crate::graph::{Connectivity, Graph};
use crate::simd::{LANES, LaneMask, Level, Real, level};

/// Holds rows of the projections onto one population.
#[derive(Clone, Debug, Default)]
pub struct SharedRows<F> {
    /// Of each projection: the number of its first row and the weight of each; `None` for one in another form.
    projections: Vec<Option<(u32, Vec<F>)>>,
    /// (n_rows, n_blocks)
    reach: Vec<LaneMask>,
    /// Of each step of a window, what arrives.
    arrivals: Vec<Vec<SharedRow<F>>>,
}

/// Returns the synapses that rows must have for each block of their targets, on average, so that masks cost less than lists.
///
/// From `benches/balanced`: with AVX-512 a block of a mask costs half of a synapse in a list, with AVX2 and `f32` more than
/// one, and otherwise too much.
pub fn least_density<F: Real>() -> f64 {
    match level() {
        Level::X86V4 => 1.0,
        Level::X86V3 if size_of::<F>() == size_of::<f32>() => 2.0,
        _ => f64::INFINITY,
    }
}

impl<F: Real> SharedRows<F> {
    /// Makes rows of the projections of a graph onto population `post` with at least `density` synapses for each row and block,
    /// for windows of `window` steps.
    pub fn new(graph: &Graph<F>, post: usize, window: usize, density: f64) -> Self {
        let n_blocks = graph.populations()[post].n.div_ceil(LANES);
        let mut shared = Self { arrivals: vec![Vec::new(); window], ..Self::default() };
        for projection in graph.projections() {
            let synapses = &projection.synapses;
            let dense = synapses.len() as f64 >= density * (synapses.n_pre() * n_blocks) as f64;
            let own = (projection.post == post && dense).then(|| shared.take(synapses, n_blocks)).flatten();
            shared.projections.push(own);
        }
        shared
    }

    /// Makes masks of a projection if each of its neurons has one weight and reaches no other neuron twice.
    fn take(&mut self, synapses: &Connectivity<F>, n_blocks: usize) -> Option<(u32, Vec<F>)> {
        // Of kernels, masks would be the table of synapses that is not kept.
        if synapses.is_empty() || !synapses.is_listed() || synapses.delays().distinct().len() > 1 {
            return None;
        }
        let n_before = self.reach.len();
        let first = u32::try_from(n_before / n_blocks).ok()?;
        u32::try_from(first as usize + synapses.n_pre()).ok()?;
        let weight = |pre| {
            let weights = &synapses.weight()[synapses.range(pre)];
            let first = weights.first().copied().unwrap_or(F::zero());
            weights.iter().all(|&w| w == first).then_some(first)
        };
        let weights = (0..synapses.n_pre()).map(weight).collect::<Option<Vec<F>>>()?;
        self.reach.resize(n_before + synapses.n_pre() * n_blocks, 0);
        let mut is_twice = false;
        for (pre, mask) in self.reach[n_before..].chunks_exact_mut(n_blocks).enumerate() {
            synapses.for_each(pre, |target, _| {
                let (block, bit) = (&mut mask[target / LANES], 1 << (target % LANES));
                is_twice |= *block & bit != 0;
                *block |= bit;
            });
            if is_twice {
                self.reach.truncate(n_before);
                return None;
            }
        }
        Some((first, weights))
    }

    /// Says whether projection `number` is among them.
    #[inline(always)]
    pub fn has(&self, number: usize) -> bool {
        self.projections[number].is_some()
    }

    /// Takes a spike of neuron `pre` through projection `number` at a step of the window, if the projection is among them.
    #[inline(always)]
    pub fn receive(&mut self, step: usize, number: usize, pre: u32) -> bool {
        let Some((first, weight)) = &self.projections[number] else { return false };
        self.arrivals[step].push(SharedRow { row: first + pre, weight: weight[pre as usize] });
        true
    }

    /// Returns the neurons that each row reaches, (n_rows, n_blocks), and the rows that arrive at each step.
    pub fn arrivals(&self) -> (&[LaneMask], &[Vec<SharedRow<F>>]) {
        (&self.reach, &self.arrivals)
    }

    /// Forgets what arrives.
    pub fn clear(&mut self) {
        self.arrivals.iter_mut().for_each(Vec::clear);
    }
}
