//! Thresholds, and how near them potentials count as ties.

use super::super::LifParams;
use super::Bounds;
use crate::simd::{Isa, LANES, Lanes, Real};

/// Says what thresholds neurons have that are computed one by one or in blocks: one for all, which costs no look-up, or each its own.
pub trait Levels<F: Real>: Clone + Send + Sync + std::fmt::Debug + 'static {
    /// Returns threshold and margin of a neuron: potentials this near count as ties.
    fn of(&self, neuron: usize) -> [F; 2];

    /// Returns the thresholds of a block, and these less and more the margins.
    fn of_block<I: Isa<F>>(&self, isa: I, block: usize) -> [I::Vector; 3];

    /// Returns the largest current and potential for which the margin of a neuron is proven.
    fn limits(&self, neuron: usize) -> [f64; 2];
}

/// Holds the one threshold of all neurons.
#[derive(Clone, Copy, Debug)]
pub struct OneLevel<F> {
    v_th: F,
    margin: F,
    limits: [f64; 2],
}

impl<F: Real> OneLevel<F> {
    /// Takes the threshold of a neuron, and what bounds all.
    pub fn new(params: &LifParams, bounds: Bounds) -> Self {
        let limits = [bounds.current, bounds.potential];
        Self { v_th: F::from_f64(params.v_th), margin: F::from_f64(bounds.margin), limits }
    }
}

impl<F: Real> Levels<F> for OneLevel<F> {
    #[inline(always)]
    fn of(&self, _neuron: usize) -> [F; 2] {
        [self.v_th, self.margin]
    }

    #[inline(always)]
    fn of_block<I: Isa<F>>(&self, isa: I, _block: usize) -> [I::Vector; 3] {
        [isa.splat(self.v_th), isa.splat(self.v_th - self.margin), isa.splat(self.v_th + self.margin)]
    }

    fn limits(&self, _neuron: usize) -> [f64; 2] {
        self.limits
    }
}

/// Holds thresholds of each neuron.
#[derive(Clone, Debug)]
pub struct EachLevel<F> {
    v_th: Vec<Lanes<F>>,
    margin: Vec<Lanes<F>>,
    limits: Vec<[f64; 2]>,
}

impl<F: Real> EachLevel<F> {
    /// Takes thresholds in blocks, and what bounds each neuron.
    pub fn new(v_th: Vec<Lanes<F>>, bounds: &[Bounds]) -> Self {
        let mut margin = vec![Lanes::zero(); v_th.len()];
        for (i, bounds) in bounds.iter().enumerate() {
            margin[i / LANES][i % LANES] = F::from_f64(bounds.margin);
        }
        Self { v_th, margin, limits: bounds.iter().map(|bounds| [bounds.current, bounds.potential]).collect() }
    }
}

impl<F: Real> Levels<F> for EachLevel<F> {
    #[inline(always)]
    fn of(&self, neuron: usize) -> [F; 2] {
        let (block, lane) = (neuron / LANES, neuron % LANES);
        [self.v_th[block][lane], self.margin[block][lane]]
    }

    #[inline(always)]
    fn of_block<I: Isa<F>>(&self, isa: I, block: usize) -> [I::Vector; 3] {
        let (v_th, margin) = (isa.load(&self.v_th[block]), isa.load(&self.margin[block]));
        [v_th, isa.sub(v_th, margin), isa.add(v_th, margin)]
    }

    fn limits(&self, neuron: usize) -> [f64; 2] {
        self.limits[neuron]
    }
}
