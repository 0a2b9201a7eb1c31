//! States of fixed-point neurons, and what a step makes of them.

use std::ops::{AddAssign, Mul};

use super::Anchor;

/// Counts numbers that did not fit their format, and were changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overflows {
    /// Of currents.
    pub current: u64,
    /// Of membranes.
    pub membrane: u64,
}

impl AddAssign for Overflows {
    fn add_assign(&mut self, other: Self) {
        self.current += other.current;
        self.membrane += other.membrane;
    }
}

impl Mul<u64> for Overflows {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self { current: self.current * times, membrane: self.membrane * times }
    }
}

/// Holds current and potential of a neuron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedState {
    /// Synaptic current.
    pub current: Anchor,
    /// Potential of the membrane.
    pub potential: Anchor,
}

impl FixedState {
    /// Makes a state that has just been changed to numbers of 32 bits.
    #[inline(always)]
    pub fn new(current: i64, potential: i64) -> Self {
        Self { current: Anchor::new(current), potential: Anchor::new(potential) }
    }
}

/// Holds a neuron that is stepped by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedNeuron {
    /// Current and potential.
    pub state: FixedState,
    /// Steps for which it is still refractory.
    pub refractory: u32,
}

/// Holds what a step has made of a neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedStep {
    /// After the step, and a reset if there was one.
    pub state: FixedState,
    /// Number of spikes.
    pub spikes: u32,
    /// What did not fit.
    pub overflows: Overflows,
}

/// Says where the random numbers of a step come from: the neuron, and the step.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Number of the neuron in its population.
    pub neuron: usize,
    /// The step.
    pub step: u64,
}
