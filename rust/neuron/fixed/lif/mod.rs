//! LIF neurons: a step, and vectors of it with the same bits.

mod lanes;
pub mod words;

pub use lanes::{FixedBlock, FixedLanes};

use super::population::fit;
use super::{Anchor, At, FixedPopulation, FixedState, FixedStep, Overflows, round_shift};

impl FixedPopulation {
    /// Steps a neuron with the sum of what arrives.
    pub(super) fn step_lif(
        &self,
        at: At,
        FixedState { current, potential }: FixedState,
        is_refractory: bool,
        input: i64,
    ) -> FixedStep {
        let (format, i) = (&self.params, at.neuron);
        let ([on_u, on_v, on_gain, _], rounding) = (self.draws(at), format.rounding);
        let mut overflows = Overflows::default();
        let (left, unchanged) = format.current_decay.step(current, i, rounding, on_u);
        let new = left + (input << format.input_shift);
        let new = fit(new, format.current_bits, format.current_overflow, &mut overflows.current);
        let current = if input == 0 { unchanged } else { Anchor::new(new) };
        if is_refractory {
            return FixedStep { state: FixedState { current, potential }, spikes: 0, overflows };
        }
        let added = i64::from(format.bias.get(i)) + round_shift(new, format.gain_shift, rounding, on_gain);
        let (left, unchanged) = format.membrane_decay.step(potential, i, rounding, on_v);
        let potential = fit(left + added, format.membrane_bits, format.membrane_overflow, &mut overflows.membrane);
        let (potential, spikes) = self.fire(i, potential);
        let potential = if added == 0 && spikes == 0 { unchanged } else { Anchor::new(potential) };
        FixedStep { state: FixedState { current, potential }, spikes, overflows }
    }
}
