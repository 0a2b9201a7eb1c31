//! States of 32 neurons, in memory and in registers.

use crate::neuron::fixed::FixedState;
use crate::simd::{WordIsa, Words};

/// State of 32 neurons in memory.
#[derive(Clone, Copy, Debug)]
pub struct WordState {
    pub(super) u: Words,
    pub(super) v: Words,
    /// Steps for which each is still held, if positive.
    pub(super) held: Words,
}

impl WordState {
    /// All zero.
    pub fn zero() -> Self {
        let zero = Words::splat(0);
        Self { u: zero, v: zero, held: zero }
    }

    /// Sets current and membrane of a neuron.
    pub fn set_neuron(&mut self, at: usize, state: FixedState) {
        (self.u.0[at], self.v.0[at]) = (state.u.x as i16, state.v.x as i16);
    }

    /// Current, membrane and the steps for which a neuron is still held.
    #[cfg(test)]
    pub fn neuron(&self, at: usize) -> (FixedState, u64) {
        let state = FixedState::new(self.u.0[at].into(), self.v.0[at].into());
        (state, self.held.0[at].max(0) as u64)
    }
}

/// [`WordState`] in registers.
#[derive(Clone, Copy)]
pub struct WordVectors<W: WordIsa> {
    pub(super) u: W::Words,
    pub(super) v: W::Words,
    pub(super) held: W::Words,
}

impl<W: WordIsa> WordVectors<W> {
    /// Reads a state.
    #[inline(always)]
    pub fn load(isa: W, state: &WordState) -> Self {
        Self { u: isa.load_words(&state.u), v: isa.load_words(&state.v), held: isa.load_words(&state.held) }
    }

    /// Writes the state.
    #[inline(always)]
    pub fn store(self, isa: W, state: &mut WordState) {
        isa.store_words(self.u, &mut state.u);
        isa.store_words(self.v, &mut state.v);
        isa.store_words(self.held, &mut state.held);
    }
}
