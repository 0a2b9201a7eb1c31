//! Fixed-point neurons that nothing reaches: many steps at once, and when one may fire.

use super::{Anchor, At, Decay, FiresAt, FixedPopulation, FixedState, Overflows, Rounding, round_shift};

/// No step.
pub(super) const NEVER: u64 = u64::MAX;

/// Longest shift for which a bound on the charge of a decaying current is asked for.
const LONGEST_SHIFT: u32 = 15;

impl FixedPopulation {
    /// Returns the state at the end of step `to`, if nothing arrives after step `from` and no spike is due; refractory up to step
    /// `refractory_until`.
    ///
    /// Steps are taken one by one, until one changes nothing, or all to come only age the membrane.
    pub fn skip(
        &self,
        neuron: usize,
        mut state: FixedState,
        from: u64,
        refractory_until: u64,
        to: u64,
        overflows: &mut Overflows,
    ) -> FixedState {
        let mut step = from;
        while step < to {
            step += 1;
            let is_refractory = refractory_until >= step;
            if !is_refractory && self.only_ages(neuron, state) {
                let draw = |after: u64| self.draws(At { neuron, step: step - 1 + after })[1];
                let (decay, rounding) = (&self.params.membrane_decay, self.params.rounding);
                state.potential = decay.leap(state.potential, to - (step - 1), neuron, rounding, draw);
                return state;
            }
            let after = self.step(At { neuron, step }, state, is_refractory, 0);
            let repeats = after.state == state && self.repeats(neuron, state);
            state = after.state;
            *overflows += after.overflows;
            if repeats {
                let end = if is_refractory { refractory_until.min(to) } else { to };
                *overflows += after.overflows * (end - step);
                step = end;
            }
        }
        state
    }

    /// Whether nothing is added to a membrane that decays by table, nor will be.
    fn only_ages(&self, neuron: usize, FixedState { current, .. }: FixedState) -> bool {
        let format = &self.params;
        if !matches!(format.membrane_decay, Decay::Table { .. }) {
            return false;
        }
        let rounding = format.rounding;
        let stays =
            || rounding != Rounding::Stochastic && format.current_decay.step(current, neuron, rounding, 0).1 == current;
        let added =
            || i64::from(format.bias.get(neuron)) + round_shift(current.x.into(), format.gain_shift, rounding, 0);
        (current == Anchor::default() || stays()) && added() == 0
    }

    /// Whether a step that changes nothing would change nothing again.
    fn repeats(&self, neuron: usize, state: FixedState) -> bool {
        self.params.rounding != Rounding::Stochastic
            || state == FixedState::default() && self.params.bias.get(neuron) == 0
    }

    /// Returns the first step at which a neuron may fire without further input, or an earlier one after `last`; `u64::MAX` if it does
    /// not. The state is that after step `last`, refractory up to step `refractory_until`.
    pub fn next_due(&self, neuron: usize, state: FixedState, last: u64, refractory_until: u64) -> u64 {
        let free = last.max(refractory_until);
        let (current, potential, format) = (i64::from(state.current.x), i64::from(state.potential.x), &self.params);
        let level = i64::from(format.v_th.get(neuron)) - i64::from(format.fires_at == FiresAt::Threshold);
        let (bias, gain) = (i64::from(format.bias.get(neuron)), format.gain_shift);
        // A current never grows nor changes its sign by itself, nor does a membrane without a current: neither passes the number
        // that it was last changed to.
        let rise = ((current.max(0) + (1 << gain) - 1) >> gain) + bias;
        let fall = (current.min(0) >> gain) + bias;
        let (above, below) = (potential.max(0), potential.min(0));
        let mut due = NEVER;
        if above > level {
            due = free + 1;
        } else if rise > 0 && self.most(neuron, current, bias).is_none_or(|most| above.saturating_add(most) > level) {
            due = free + 1 + ((level - above) / rise) as u64;
        }
        if !format.membrane_overflow.saturates() && fall < 0 {
            let room = below - format.membrane_overflow.range(format.membrane_bits).0;
            due = due.min(free + 1 + (room / -fall) as u64);
        }
        if due == NEVER || refractory_until > last || !self.repeats(neuron, state) {
            return due;
        }
        let after = self.step(At { neuron, step: last + 1 }, state, false, 0);
        if after.state == state && after.spikes == 0 { NEVER } else { due }
    }

    /// Returns the most that a current adds to the membrane from the next step on, where there is a simple bound.
    fn most(&self, neuron: usize, current: i64, bias: i64) -> Option<i64> {
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
                i64::try_from(current as u128 * u128::from(kept) / u128::from(lost)).ok()?
            }
            // At least half of 2^-k is lost where u >= 2^k, and 1 a step below.
            Decay::Shift { shift, least_one: true } if shift.get(neuron) <= LONGEST_SHIFT => {
                let k = shift.get(neuron);
                (current << (k + 1)) + (1 << (2 * k))
            }
            Decay::Shift { .. } | Decay::Table { .. } => return None,
        };
        Some(charge >> format.gain_shift)
    }
}
