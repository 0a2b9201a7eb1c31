//! Neurons of Xylo: currents that saturate at every spike, neurons that fire several times in a step.

use super::population::fit;
use super::{
    Decay, FiresAt, FixedModel, FixedParams, FixedPopulation, FixedState, FixedStep, Overflow, Overflows, Reset,
    Rounding, XyloVersion,
};
use crate::error::{Error, Result};

impl FixedParams {
    /// Whether these are output neurons of Xylo, which fire once a step at most.
    pub fn is_xylo_output(&self) -> bool {
        matches!(self.model, FixedModel::Xylo(_)) && self.max_spikes == 1
    }
}

/// Refuses a format whose choices the rules leave no room for.
///
/// # Errors
/// [`Error::Value`].
pub(super) fn check(params: &FixedParams, version: XyloVersion) -> Result<()> {
    let expected = "that of the xylo rules (16-bit states that saturate, decay by shift of at least one, floor, subtraction \
                    at >= v_th, no shifts, no refractory time)";
    let shifts = |decay: &Decay| matches!(decay, Decay::Shift { least_one: true, .. });
    let states = (params.current_bits, params.membrane_bits) == (16, 16)
        && (params.current_overflow, params.membrane_overflow) == (Overflow::Saturate, Overflow::Saturate);
    let steps = shifts(&params.current_decay) && shifts(&params.membrane_decay) && params.rounding == Rounding::Floor;
    let spikes = params.fires_at == FiresAt::Threshold && params.reset == Reset::Subtract && params.t_ref_steps == 0;
    let plain = (params.input_shift, params.gain_shift) == (0, 0) && params.weight_bits <= 16;
    if !(states && steps && spikes && plain) {
        return Err(Error::value("the format", expected, format!("{params:?}")));
    }
    match version == XyloVersion::V1 && params.bias.values().iter().any(|&bias| bias != 0) {
        true => Err(Error::value("bias", "0, as Xylo's first version has none", "another")),
        false => Ok(()),
    }
}

impl FixedPopulation {
    /// Steps neuron `i`, whose current has taken all that arrives.
    pub(super) fn step_xylo(
        &self,
        i: usize,
        FixedState { current, potential }: FixedState,
        version: XyloVersion,
    ) -> FixedStep {
        let format = &self.params;
        let mut overflows = Overflows::default();
        let mut saturated = |x| fit(x, format.membrane_bits, Overflow::Saturate, &mut overflows.membrane);
        let decayed = |decay: &Decay, x| decay.apply(x, 1, i, Rounding::Floor, 0);
        let (current, potential) = (i64::from(current.x), i64::from(potential.x));
        let current = decayed(&format.current_decay, current);
        let left = decayed(&format.membrane_decay, potential);
        let potential = match version {
            XyloVersion::V1 => saturated(left + current),
            XyloVersion::V2 => {
                // A membrane of -2^15 that loses all of it: the loss wraps.
                let leak = Overflow::Wrap.fit(left - potential, format.membrane_bits);
                let mut change = saturated(leak + current);
                let bias = format.bias.get(i);
                if bias != 0 {
                    change = saturated(change + i64::from(bias));
                }
                saturated(potential + change)
            }
        };
        let (potential, spikes) = self.fire(i, potential);
        FixedStep { state: FixedState::new(current, potential), spikes, overflows }
    }
}
