//! States of 32 neurons, in memory and in registers.

use crate::neuron::fixed::FixedState;
use crate::simd::{WordIsa, Words};

/// Holds the states of 32 neurons in memory.
#[derive(Clone, Copy, Debug)]
pub struct WordState {
    pub(super) current: Words,
    pub(super) potential: Words,
    /// Steps for which each is still refractory, if positive.
    pub(super) refractory: Words,
}

impl WordState {
    /// Makes a state of which all is zero.
    pub fn zero() -> Self {
        let zero = Words::splat(0);
        Self { current: zero, potential: zero, refractory: zero }
    }

    /// Sets current and potential of a neuron.
    pub fn set_neuron(&mut self, at: usize, state: FixedState) {
        (self.current.0[at], self.potential.0[at]) = (state.current.x as i16, state.potential.x as i16);
    }

    /// Returns current, potential and the steps for which a neuron is still refractory.
    #[cfg(test)]
    pub fn neuron(&self, at: usize) -> (FixedState, u64) {
        let state = FixedState::new(self.current.0[at].into(), self.potential.0[at].into());
        (state, self.refractory.0[at].max(0) as u64)
    }
}

/// Holds a [`WordState`] in registers.
#[derive(Clone, Copy)]
pub struct WordVectors<W: WordIsa> {
    pub(super) current: W::Words,
    pub(super) potential: W::Words,
    pub(super) refractory: W::Words,
}

impl<W: WordIsa> WordVectors<W> {
    /// Reads a state.
    #[inline(always)]
    pub fn load(isa: W, state: &WordState) -> Self {
        Self {
            current: isa.load_words(&state.current),
            potential: isa.load_words(&state.potential),
            refractory: isa.load_words(&state.refractory),
        }
    }

    /// Writes the state.
    #[inline(always)]
    pub fn store(self, isa: W, state: &mut WordState) {
        isa.store_words(self.current, &mut state.current);
        isa.store_words(self.potential, &mut state.potential);
        isa.store_words(self.refractory, &mut state.refractory);
    }
}
