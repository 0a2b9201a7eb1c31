//! A population of fixed-point neurons, stepped one by one: the definition.

use super::{
    Anchor, At, Decay, FixedModel, FixedNeuron, FixedParams, FixedState, FixedStep, Overflow, Overflows, Reset,
    Rounding,
};
use crate::error::Result;
use crate::rng::philox;

/// Holds the neurons of a population, which are stepped by the rules of their model.
#[derive(Clone, Debug)]
pub struct FixedPopulation {
    pub(super) params: FixedParams,
    /// Number of the population in its graph.
    number: u32,
}

impl FixedPopulation {
    /// Makes the `n` neurons of population number `number`.
    ///
    /// # Errors
    /// Those of [`FixedParams::validate`].
    pub fn new(params: &FixedParams, n: usize, number: usize) -> Result<Self> {
        params.validate(n)?;
        Ok(Self { params: params.clone(), number: number as u32 })
    }

    /// Returns the same neurons without spikes and resets: a step of theirs leaves the membrane as it is before a reset.
    pub(crate) fn silent(&self) -> Self {
        Self { params: FixedParams { max_spikes: 0, ..self.params.clone() }, number: self.number }
    }

    /// Returns number format and neuron.
    pub fn params(&self) -> &FixedParams {
        &self.params
    }

    /// Returns the state after step 0, at which nothing arrives; of a model that does nothing then, the one before the first step.
    pub fn rest(&self, neuron: usize) -> FixedState {
        let potential = if self.params.model.abilities().acts_at_step_0 { self.params.bias.get(neuron) } else { 0 };
        FixedState::new(0, potential.into())
    }

    /// Returns current and potential after step `at.step`, in which a state was reached.
    pub fn values(&self, at: At, state: FixedState) -> (i64, i64) {
        let ([on_u, on_v, ..], rounding) = (self.draws(at), self.params.rounding);
        let value = |decay: &Decay, state, draw| decay.value(state, at.neuron, rounding, draw);
        (
            value(&self.params.current_decay, state.current, on_u),
            value(&self.params.membrane_decay, state.potential, on_v),
        )
    }

    /// Takes a spike, where the current saturates at each.
    #[inline(always)]
    pub fn add(&self, current: &mut Anchor, weight: i32, overflows: &mut Overflows) {
        let (sum, format) = (i64::from(current.x) + i64::from(weight), &self.params);
        *current = Anchor::new(fit(sum, format.current_bits, format.current_overflow, &mut overflows.current));
    }

    /// Steps a neuron, and returns the number of its spikes.
    pub fn advance(&self, at: At, neuron: &mut FixedNeuron, input: i32, overflows: &mut Overflows) -> u32 {
        let after = self.step(at, neuron.state, neuron.refractory > 0, input.into());
        *overflows += after.overflows;
        neuron.state = after.state;
        neuron.refractory =
            if after.spikes > 0 { self.params.t_ref_steps } else { neuron.refractory.saturating_sub(1) };
        after.spikes
    }

    /// Steps a state with the sum of what arrives; where the current saturates at each spike, they are in it already.
    pub fn step(&self, at: At, state: FixedState, is_refractory: bool, input: i64) -> FixedStep {
        match self.params.model {
            FixedModel::Lif => self.step_lif(at, state, is_refractory, input),
            FixedModel::Xylo(version) => self.step_xylo(at.neuron, state, version),
        }
    }

    pub(super) fn draws(&self, at: At) -> [u32; 4] {
        if self.params.rounding != Rounding::Stochastic {
            return [0; 4];
        }
        let halves = |x: u64| [x as u32, (x >> 32) as u32];
        let [low, high] = halves(at.step);
        philox([at.neuron as u32, self.number, low, high], halves(self.params.rounding_seed))
    }

    #[inline(always)]
    pub(super) fn fire(&self, i: usize, mut potential: i64) -> (i64, u32) {
        let mut spikes = 0;
        while spikes < self.params.max_spikes && self.params.fires(potential, i) {
            spikes += 1;
            potential =
                if self.params.reset == Reset::Zero { 0 } else { potential - i64::from(self.params.v_th.get(i)) };
        }
        (potential, spikes)
    }
}

#[inline(always)]
pub(super) fn fit(x: i64, bits: u32, overflow: Overflow, changed: &mut u64) -> i64 {
    let kept = overflow.fit(x, bits);
    *changed += u64::from(kept != x);
    kept
}

#[cfg(test)]
mod tests;
