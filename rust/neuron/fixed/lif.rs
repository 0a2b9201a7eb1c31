//! A step of one neuron: the definition that every engine keeps to, bit for bit.

use std::ops::{AddAssign, Mul};

use super::anchor::Anchor;
use super::format::{Decay, FiresAt, FixedParams, Overflow, Reset, Rounding, Rules};
use super::rounding::round_shift;
use crate::error::Result;
use crate::rng::philox;

/// No step.
const NEVER: u64 = u64::MAX;

/// Longest shift for which a bound on the charge of a decaying current is asked for.
const LONGEST_SHIFT: u32 = 15;

/// Numbers that did not fit their format, and were changed.
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

/// Current and membrane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedState {
    /// Synaptic current.
    pub u: Anchor,
    /// Membrane.
    pub v: Anchor,
}

impl FixedState {
    /// A state that has just been changed to numbers of 32 bits.
    #[inline(always)]
    pub fn new(u: i64, v: i64) -> Self {
        Self { u: Anchor::new(u), v: Anchor::new(v) }
    }
}

/// A neuron that is stepped by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedNeuron {
    /// Current and membrane.
    pub state: FixedState,
    /// Steps for which it is still held.
    pub held: u32,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedStep {
    /// After the step, and a reset if there was one.
    pub state: FixedState,
    /// Number of spikes.
    pub spikes: u32,
    /// What did not fit.
    pub overflows: Overflows,
}

/// Where the random numbers of a step come from: the neuron, and the step.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Number of the neuron in its population.
    pub neuron: usize,
    /// The step.
    pub step: u64,
}

/// The neurons of a population.
#[derive(Clone, Debug)]
pub struct FixedLif {
    params: FixedParams,
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

    fn draws(&self, at: At) -> [u32; 4] {
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

    /// The state at the end of step `to`, if nothing arrives after step `from` and no spike is due; held up to step `held`.
    ///
    /// Steps are taken one by one, until one changes nothing, or all to come only age the membrane.
    pub fn skip(
        &self,
        neuron: usize,
        mut state: FixedState,
        from: u64,
        held: u64,
        to: u64,
        overflows: &mut Overflows,
    ) -> FixedState {
        let mut step = from;
        while step < to {
            step += 1;
            let is_held = held >= step;
            if !is_held && self.only_ages(neuron, state) {
                let draw = |after: u64| self.draws(At { neuron, step: step - 1 + after })[1];
                let (decay, rounding) = (&self.params.membrane_decay, self.params.rounding);
                state.v = decay.leap(state.v, to - (step - 1), neuron, rounding, draw);
                return state;
            }
            let after = self.step(At { neuron, step }, state, is_held, 0);
            let repeats = after.state == state && self.repeats(neuron, state);
            state = after.state;
            *overflows += after.overflows;
            if repeats {
                let end = if is_held { held.min(to) } else { to };
                *overflows += after.overflows * (end - step);
                step = end;
            }
        }
        state
    }

    /// Whether nothing is added to a membrane that decays by table, nor will be.
    fn only_ages(&self, neuron: usize, FixedState { u, .. }: FixedState) -> bool {
        let format = &self.params;
        if !matches!(format.membrane_decay, Decay::Table { .. }) {
            return false;
        }
        let rounding = format.rounding;
        let stays = || rounding != Rounding::Stochastic && format.current_decay.step(u, neuron, rounding, 0).1 == u;
        let added = || i64::from(format.bias.get(neuron)) + round_shift(u.x.into(), format.gain_shift, rounding, 0);
        (u == Anchor::default() || stays()) && added() == 0
    }

    /// Whether a step that changes nothing would change nothing again.
    fn repeats(&self, neuron: usize, state: FixedState) -> bool {
        self.params.rounding != Rounding::Stochastic
            || state == FixedState::default() && self.params.bias.get(neuron) == 0
    }

    /// The first step at which a neuron may fire without further input, or an earlier one after `last`; `u64::MAX` if it does
    /// not. The state is that after step `last`, held up to step `held`.
    pub fn next_due(&self, neuron: usize, state: FixedState, last: u64, held: u64) -> u64 {
        let free = last.max(held);
        let (u, v, format) = (i64::from(state.u.x), i64::from(state.v.x), &self.params);
        let level = i64::from(format.v_th.get(neuron)) - i64::from(format.fires_at == FiresAt::Threshold);
        let (bias, gain) = (i64::from(format.bias.get(neuron)), format.gain_shift);
        // A current never grows nor changes its sign by itself, nor does a membrane without a current: neither passes the number
        // that it was last changed to.
        let rise = ((u.max(0) + (1 << gain) - 1) >> gain) + bias;
        let fall = (u.min(0) >> gain) + bias;
        let (above, below) = (v.max(0), v.min(0));
        let mut due = NEVER;
        if above > level {
            due = free + 1;
        } else if rise > 0 && self.most(neuron, u, bias).is_none_or(|most| above.saturating_add(most) > level) {
            due = free + 1 + ((level - above) / rise) as u64;
        }
        if !format.membrane_overflow.saturates() && fall < 0 {
            let room = below - format.membrane_overflow.range(format.membrane_bits).0;
            due = due.min(free + 1 + (room / -fall) as u64);
        }
        if due == NEVER || held > last || !self.repeats(neuron, state) {
            return due;
        }
        let after = self.step(At { neuron, step: last + 1 }, state, false, 0);
        if after.state == state && after.spikes == 0 { NEVER } else { due }
    }

    /// The most that a current adds to the membrane from the next step on, where there is a simple bound.
    fn most(&self, neuron: usize, u: i64, bias: i64) -> Option<i64> {
        let format = &self.params;
        let down = matches!(format.rounding, Rounding::Floor | Rounding::TowardZero);
        if bias > 0 || !down {
            return None;
        }
        let charge = match &format.current_decay {
            // u c / 2^n + u (c / 2^n)^2 + ...
            Decay::Multiply { factor, bits } => {
                let (kept, lost) = (u64::from(factor.get(neuron)), (1u64 << bits) - u64::from(factor.get(neuron)));
                if lost == 0 {
                    return None;
                }
                i64::try_from(u as u128 * u128::from(kept) / u128::from(lost)).ok()?
            }
            // At least half of 2^-k is lost where u >= 2^k, and 1 a step below.
            Decay::Shift { shift, least_one: true } if shift.get(neuron) <= LONGEST_SHIFT => {
                let k = shift.get(neuron);
                (u << (k + 1)) + (1 << (2 * k))
            }
            Decay::Shift { .. } | Decay::Table { .. } => return None,
        };
        Some(charge >> format.gain_shift)
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
