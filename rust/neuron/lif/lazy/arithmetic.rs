//! What the event engine asks of a neuron's numbers.

use crate::simd::Weight;

/// Says how a neuron's numbers are kept and stepped: what the event engine asks of an arithmetic.
///
/// Floating point here; an integer model can be bit for bit that of a clocked simulation, if `skip` is repeated steps.
pub trait Arithmetic: Clone + Send + Sync + std::fmt::Debug + 'static {
    /// Weight of a synapse.
    type Weight: Weight;
    /// Current, potential and summed input.
    type Value: Copy + Default + PartialEq + Send + Sync + std::fmt::Debug;

    /// Returns the steps for which a neuron is refractory after a spike.
    fn t_ref_steps(&self) -> u32;

    /// Adds a synapse's weight to the input of a step.
    fn accumulate(&self, input: Self::Value, weight: Self::Weight) -> Self::Value;

    /// Says whether a state of neuron `i` is one that [`near`](Stepped::near) is proven for.
    fn covers(&self, _i: usize, _p: Self::Value, _u: Self::Value) -> bool {
        true
    }

    /// Returns current and potential after `steps` steps without input.
    fn skip(&self, p: Self::Value, u: Self::Value, steps: u64) -> (Self::Value, Self::Value);

    /// Returns the current after `steps` steps without input, in which the neuron is refractory.
    fn skip_refractory(&self, p: Self::Value, steps: u64) -> Self::Value;

    /// Takes a step of neuron `i` with input.
    fn step(&self, i: usize, p: Self::Value, u: Self::Value, input: Self::Value) -> Stepped<Self::Value>;

    /// Takes `steps` >= 1 steps of neuron `i`, of which the last one has input.
    #[inline(always)]
    fn leap(&self, i: usize, p: Self::Value, u: Self::Value, steps: u64, input: Self::Value) -> Stepped<Self::Value> {
        let (p, u) = self.skip(p, u, steps - 1);
        self.step(i, p, u, input)
    }

    /// Takes a [`leap`](Self::leap) where nothing comes of it: the neuron does not fire, nor nearly, nor later without further input.
    /// `None` where something may; this is asked first, and mostly all that is asked.
    #[inline(always)]
    fn leap_quietly(
        &self,
        i: usize,
        p: Self::Value,
        u: Self::Value,
        steps: u64,
        input: Self::Value,
    ) -> Option<[Self::Value; 2]> {
        let Stepped { current: p, potential: u, fires, near } = self.leap(i, p, u, steps, input);
        (!fires && !near && self.soonest_firing(i, p, u).is_none()).then_some([p, u])
    }

    /// Returns the current after a step with input in which the neuron is refractory.
    fn step_refractory(&self, p: Self::Value, input: Self::Value) -> Self::Value;

    /// Says how many steps from now neuron `i` may fire first if it gets no input: never more than it takes, `None` if it never
    /// will.
    fn next_firing(&self, i: usize, p: Self::Value, u: Self::Value) -> Option<u64>;

    /// Says what [`next_firing`](Self::next_firing) does or less, at a lower price: most predictions are overturned by new input.
    fn soonest_firing(&self, i: usize, p: Self::Value, u: Self::Value) -> Option<u64> {
        self.next_firing(i, p, u)
    }
}

/// Holds what a step leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stepped<V> {
    /// Synaptic current.
    pub current: V,
    /// Membrane potential, after a reset if there was one.
    pub potential: V,
    /// Whether the neuron fires.
    pub fires: bool,
    /// Whether the potential was so near the threshold that rounding decided.
    pub near: bool,
}
