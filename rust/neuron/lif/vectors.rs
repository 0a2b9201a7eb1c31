//! LIF neurons sixteen at a time, in memory and in registers.

use super::LifPropagator;
use crate::simd::{Isa, LaneMask, Lanes, Real};

/// Steps between two flushes: from the level of a flush, no decay gets far into denormal numbers within them.
pub const FLUSH_EVERY: u64 = 32;

/// The state of a block of LIF neurons between two steps, in memory.
#[derive(Clone, Copy, Debug)]
pub struct LifLanes<F> {
    /// Synaptic current.
    current: Lanes<F>,
    /// Membrane potential.
    potential: Lanes<F>,
    /// Steps for which the neuron is still refractory, if positive.
    refractory: Lanes<F>,
}

impl<F: Real> LifLanes<F> {
    /// Makes a block at rest.
    pub fn rest() -> Self {
        Self { current: Lanes::zero(), potential: Lanes::zero(), refractory: Lanes::zero() }
    }

    /// Returns current, potential and the steps that are left of the refractory time, of one neuron.
    pub fn neuron(&self, lane: usize) -> (F, F, u64) {
        (self.current[lane], self.potential[lane], self.refractory[lane].max(F::zero()).widen() as u64)
    }

    /// Returns the synaptic currents, to be changed.
    #[inline(always)]
    pub fn current_mut(&mut self) -> &mut Lanes<F> {
        &mut self.current
    }

    /// Sets what [`neuron`](Self::neuron) reads.
    pub fn set_neuron(&mut self, lane: usize, current: F, potential: F, refractory: u64) {
        (self.current[lane], self.potential[lane], self.refractory[lane]) =
            (current, potential, F::from_f64(refractory as f64));
    }
}

/// [`LifLanes`] in registers.
#[derive(Clone, Copy, Debug)]
pub struct LifVectors<F: Real, I: Isa<F>> {
    current: I::Vector,
    potential: I::Vector,
    refractory: I::Vector,
}

impl<F: Real, I: Isa<F>> LifVectors<F, I> {
    /// Makes a block at rest.
    #[inline(always)]
    pub fn rest(isa: I) -> Self {
        Self { current: isa.zero(), potential: isa.zero(), refractory: isa.zero() }
    }

    /// Loads a block from memory.
    #[inline(always)]
    pub fn load(isa: I, state: &LifLanes<F>) -> Self {
        Self {
            current: isa.load(&state.current),
            potential: isa.load(&state.potential),
            refractory: isa.load(&state.refractory),
        }
    }

    /// Stores a block to memory.
    #[inline(always)]
    pub fn store(self, isa: I, state: &mut LifLanes<F>) {
        isa.store(self.current, &mut state.current);
        isa.store(self.potential, &mut state.potential);
        isa.store(self.refractory, &mut state.refractory);
    }

    /// Integrates the summed weights of the spikes of the step before, and says which neurons fire; those not `free` stay at 0.
    #[inline(always)]
    fn integrate(
        &mut self,
        isa: I,
        input: I::Vector,
        free: I::Mask,
        lif: &LifPropagator<F>,
        v_th: I::Vector,
    ) -> I::Mask {
        self.current = isa.add(isa.mul(isa.splat(lif.syn_decay), self.current), input);
        self.charge(isa, free, lif, v_th)
    }

    /// Integrates the current and says which neurons fire; those not `free` stay at 0.
    #[inline(always)]
    fn charge(&mut self, isa: I, free: I::Mask, lif: &LifPropagator<F>, v_th: I::Vector) -> I::Mask {
        let potential =
            isa.add(isa.mul(isa.splat(lif.mem_decay), self.potential), isa.mul(isa.splat(lif.mem_gain), self.current));
        self.potential = isa.select(free, potential, isa.zero());
        isa.greater(self.potential, v_th)
    }

    /// Advances a step and says which neurons fire, whose thresholds are `v_th`.
    ///
    /// Refractory steps are counted in `F`, exact up to the longest refractory time, 2^24 steps.
    #[inline(always)]
    pub fn step(&mut self, isa: I, input: I::Vector, lif: &LifPropagator<F>, v_th: I::Vector) -> LaneMask {
        let free = isa.greater(isa.splat(F::one()), self.refractory);
        let fires = self.integrate(isa, input, free, lif, v_th);
        self.reset(isa, fires, lif)
    }

    /// Advances a step of neurons whose current has decayed and received the spikes of the step before, says which neurons fire, and
    /// leaves their current decayed for the next one.
    #[inline(always)]
    pub fn step_received(&mut self, isa: I, lif: &LifPropagator<F>, v_th: I::Vector) -> LaneMask {
        let free = isa.greater(isa.splat(F::one()), self.refractory);
        let fires = self.charge(isa, free, lif, v_th);
        self.current = isa.mul(isa.splat(lif.syn_decay), self.current);
        self.reset(isa, fires, lif)
    }

    #[inline(always)]
    fn reset(&mut self, isa: I, fires: I::Mask, lif: &LifPropagator<F>) -> LaneMask {
        self.potential = isa.select(fires, isa.zero(), self.potential);
        let t_ref = isa.splat(F::from_f64(f64::from(lif.t_ref_steps)));
        self.refractory = isa.select(fires, t_ref, isa.sub(self.refractory, isa.splat(F::one())));
        isa.bits(fires)
    }

    /// Advances the step before step `next` of a window from whose start refractory steps are counted; a neuron that fires is free
    /// again at step `free_again`, later than `next`.
    ///
    /// Its potential is made zero at its next step or by [`end_window`](Self::end_window), whichever comes first.
    #[inline(always)]
    pub fn step_of_window(
        &mut self,
        isa: I,
        input: I::Vector,
        lif: &LifPropagator<F>,
        v_th: I::Vector,
        next: I::Vector,
        free_again: I::Vector,
    ) -> LaneMask {
        let fires = self.integrate(isa, input, isa.greater(next, self.refractory), lif, v_th);
        self.refractory = isa.select(fires, free_again, self.refractory);
        isa.bits(fires)
    }

    /// Counts refractory steps from the end of a window of `n_steps` on.
    #[inline(always)]
    pub fn end_window(&mut self, isa: I, n_steps: I::Vector) {
        self.refractory = isa.sub(self.refractory, n_steps);
        let refractory = isa.greater(self.refractory, isa.zero());
        self.potential = isa.select(refractory, isa.zero(), self.potential);
    }

    /// Makes zero what silence has left of current and potential, see [`LifPropagator::flush`].
    #[inline(always)]
    pub fn flush(&mut self, isa: I, lif: &LifPropagator<F>) {
        self.current = isa.flushed(self.current, lif.flush);
        self.potential = isa.flushed(self.potential, lif.flush);
    }
}
