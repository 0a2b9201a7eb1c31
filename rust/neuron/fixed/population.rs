//! A population of fixed-point neurons, stepped one by one: the definition.

use super::{
    Anchor, At, Decay, FixedNeuron, FixedParams, FixedState, FixedStep, Overflow, Overflows, Reset, Rounding, Rules,
    round_shift,
};
use crate::error::Result;
use crate::rng::philox;

/// The neurons of a population.
#[derive(Clone, Debug)]
pub struct FixedLif {
    pub(super) params: FixedParams,
    /// Number of the population in its graph.
    population: u32,
}

impl FixedLif {
    /// The `n` neurons of population number `population`.
    ///
    /// # Errors
    /// Those of [`FixedParams::validate`].
    pub fn new(params: &FixedParams, n: usize, population: usize) -> Result<Self> {
        params.validate(n)?;
        Ok(Self { params: params.clone(), population: population as u32 })
    }

    /// Number format and neuron.
    pub fn params(&self) -> &FixedParams {
        &self.params
    }

    /// The state after step 0, at which nothing arrives: of the order of things in Xylo, before the first step.
    pub fn rest(&self, neuron: usize) -> FixedState {
        let v = if self.params.rules == Rules::Lif { self.params.bias.get(neuron) } else { 0 };
        FixedState::new(0, v.into())
    }

    /// Current and membrane after step `at.step`, in which a state was reached.
    pub fn values(&self, at: At, state: FixedState) -> (i64, i64) {
        let ([on_u, on_v, ..], rounding) = (self.draws(at), self.params.rounding);
        let value = |decay: &Decay, state, draw| decay.value(state, at.neuron, rounding, draw);
        (value(&self.params.current_decay, state.u, on_u), value(&self.params.membrane_decay, state.v, on_v))
    }

    /// Takes a spike, where the current saturates at each.
    #[inline(always)]
    pub fn add(&self, u: &mut Anchor, weight: i32, overflows: &mut Overflows) {
        let (sum, format) = (i64::from(u.x) + i64::from(weight), &self.params);
        *u = Anchor::new(fit(sum, format.current_bits, format.current_overflow, &mut overflows.current));
    }

    /// Steps a neuron; the number of its spikes.
    pub fn advance(&self, at: At, neuron: &mut FixedNeuron, input: i32, overflows: &mut Overflows) -> u32 {
        let after = self.step(at, neuron.state, neuron.held > 0, input.into());
        *overflows += after.overflows;
        neuron.state = after.state;
        neuron.held = if after.spikes > 0 { self.params.t_ref_steps } else { neuron.held.saturating_sub(1) };
        after.spikes
    }

    /// A step with the sum of what arrives; where the current saturates at each spike, they are in it already.
    pub fn step(&self, at: At, state: FixedState, is_held: bool, input: i64) -> FixedStep {
        match self.params.rules {
            Rules::Lif => self.step_lif(at, state, is_held, input),
            Rules::XyloV1 | Rules::XyloV2 => self.step_xylo(at.neuron, state),
        }
    }

    pub(super) fn draws(&self, at: At) -> [u32; 4] {
        if self.params.rounding != Rounding::Stochastic {
            return [0; 4];
        }
        let halves = |x: u64| [x as u32, (x >> 32) as u32];
        let [low, high] = halves(at.step);
        philox([at.neuron as u32, self.population, low, high], halves(self.params.rounding_seed))
    }

    fn step_lif(&self, at: At, FixedState { u, v }: FixedState, is_held: bool, input: i64) -> FixedStep {
        let (format, i) = (&self.params, at.neuron);
        let ([on_u, on_v, on_gain, _], rounding) = (self.draws(at), format.rounding);
        let mut overflows = Overflows::default();
        let (left, unchanged) = format.current_decay.step(u, i, rounding, on_u);
        let new = left + (input << format.input_shift);
        let new = fit(new, format.current_bits, format.current_overflow, &mut overflows.current);
        let u = if input == 0 { unchanged } else { Anchor::new(new) };
        if is_held {
            return FixedStep { state: FixedState { u, v }, spikes: 0, overflows };
        }
        let added = i64::from(format.bias.get(i)) + round_shift(new, format.gain_shift, rounding, on_gain);
        let (left, unchanged) = format.membrane_decay.step(v, i, rounding, on_v);
        let v = fit(left + added, format.membrane_bits, format.membrane_overflow, &mut overflows.membrane);
        let (v, spikes) = self.fire(i, v);
        let v = if added == 0 && spikes == 0 { unchanged } else { Anchor::new(v) };
        FixedStep { state: FixedState { u, v }, spikes, overflows }
    }

    fn step_xylo(&self, i: usize, FixedState { u, v }: FixedState) -> FixedStep {
        let format = &self.params;
        let mut overflows = Overflows::default();
        let mut saturated = |x| fit(x, format.membrane_bits, Overflow::Saturate, &mut overflows.membrane);
        let decayed = |decay: &Decay, x| decay.apply(x, 1, i, Rounding::Floor, 0);
        let (u, v) = (i64::from(u.x), i64::from(v.x));
        let u = decayed(&format.current_decay, u);
        let left = decayed(&format.membrane_decay, v);
        let v = if format.rules == Rules::XyloV1 {
            saturated(left + u)
        } else {
            // A membrane of -2^15 that loses all of it: the loss wraps.
            let leak = Overflow::Wrap.fit(left - v, format.membrane_bits);
            let mut change = saturated(leak + u);
            let bias = format.bias.get(i);
            if bias != 0 {
                change = saturated(change + i64::from(bias));
            }
            saturated(v + change)
        };
        let (v, spikes) = self.fire(i, v);
        FixedStep { state: FixedState::new(u, v), spikes, overflows }
    }

    #[inline(always)]
    fn fire(&self, i: usize, mut v: i64) -> (i64, u32) {
        let mut spikes = 0;
        while spikes < self.params.max_spikes && self.params.fires(v, i) {
            spikes += 1;
            v = if self.params.reset == Reset::Zero { 0 } else { v - i64::from(self.params.v_th.get(i)) };
        }
        (v, spikes)
    }
}

#[inline(always)]
fn fit(x: i64, bits: u32, overflow: Overflow, changed: &mut u64) -> i64 {
    let kept = overflow.fit(x, bits);
    *changed += u64::from(kept != x);
    kept
}

#[cfg(test)]
mod tests;
