//! States and constants of 16 neurons at a time.

use crate::neuron::fixed::{FixedState, PerNeuron};
use crate::simd::{LANES, Lanes};

/// A block holds the states of sixteen neurons.
#[derive(Clone, Copy, Debug)]
pub struct FixedBlock {
    pub(super) current: Lanes<i32>,
    pub(super) potential: Lanes<i32>,
    /// Steps for which each is still refractory.
    pub(super) refractory: Lanes<i32>,
}

impl FixedBlock {
    /// Makes a block of which all is zero.
    pub fn zero() -> Self {
        let zero = Lanes([0; LANES]);
        Self { current: zero, potential: zero, refractory: zero }
    }

    /// Returns the state of a neuron, and the steps for which it is still refractory.
    pub fn neuron(&self, lane: usize) -> (FixedState, u64) {
        (FixedState::new(self.current[lane].into(), self.potential[lane].into()), self.refractory[lane] as u64)
    }

    /// Sets what [`neuron`](Self::neuron) gives.
    pub fn set_neuron(&mut self, lane: usize, state: FixedState, refractory: u64) {
        (self.current[lane], self.potential[lane], self.refractory[lane]) =
            (state.current.x, state.potential.x, refractory as i32);
    }
}

/// Holds a constant of every neuron; where the last block has none, one that keeps all at rest.
#[derive(Clone, Debug)]
pub(super) struct PerBlock {
    /// Of each block, or of all but the last one and of the last one.
    lanes: Vec<Lanes<i32>>,
    /// Number of the last block, if all are alike.
    last: Option<usize>,
}

impl PerBlock {
    pub(super) fn new<T: Copy>(values: &PerNeuron<T>, n: usize, resting: i32, number: impl Fn(T) -> i32) -> Self {
        let n_blocks = n.div_ceil(LANES);
        let block = |b: usize| {
            Lanes(std::array::from_fn(|l| if b * LANES + l < n { number(values.get(b * LANES + l)) } else { resting }))
        };
        match values {
            PerNeuron::Same(value) => {
                Self { lanes: vec![Lanes([number(*value); LANES]), block(n_blocks - 1)], last: Some(n_blocks - 1) }
            }
            PerNeuron::Each(_) => Self { lanes: (0..n_blocks).map(block).collect(), last: None },
        }
    }

    #[inline(always)]
    pub(super) fn get(&self, block: usize) -> &Lanes<i32> {
        match self.last {
            Some(last) => &self.lanes[usize::from(block == last)],
            None => &self.lanes[block],
        }
    }
}
