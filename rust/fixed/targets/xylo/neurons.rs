//! The neurons of Xylo, and the weights it adds.

use serde::{Deserialize, Serialize};

use super::XyloDevice;
use crate::error::{Error, Result};
use crate::fixed::targets::check;
use crate::memory::collected;
use crate::neuron::fixed::{
    Decay, FiresAt, FixedModel, FixedParams, Limits, Overflow, PerNeuron, Reset, Rounding, XyloVersion,
};

/// Holds the constants of Xylo's neurons with one synapse, by the rules of the simulator xylosim.
///
/// Compared with it bit for bit; time is one step later, as input too takes a step. Neurons with two synapses and aliases, which
/// the chips have, are not modelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XyloNeurons {
    /// The chip.
    pub device: XyloDevice,
    /// Whether these are output neurons, which fire once a step at most; hidden ones do up to 31 times.
    pub is_output: bool,
    /// Threshold, in [1, 32767].
    pub v_th: PerNeuron<i32>,
    /// Bit shift of the current's decay, in [1, 15].
    pub dash_syn: PerNeuron<u32>,
    /// Bit shift of the membrane's decay, in [0, 15].
    pub dash_mem: PerNeuron<u32>,
    /// Bias, in [-32768, 32767]; the first version has none.
    pub bias: PerNeuron<i32>,
}

impl XyloNeurons {
    /// Returns the format.
    ///
    /// # Errors
    /// As [`Preset::format`](crate::fixed::Preset::format).
    pub fn format(&self) -> Result<FixedParams> {
        check("v_th", 1, 32767, self.v_th.values())?;
        check("dash_syn", 1, 15, self.dash_syn.values())?;
        check("dash_mem", 0, 15, self.dash_mem.values())?;
        check("bias", -32768, 32767, self.bias.values())?;
        let room = self.device.room();
        let decay = |shift: &PerNeuron<u32>| Decay::Shift { shift: shift.clone(), least_one: true };
        let format = FixedParams {
            v_th: self.v_th.clone(),
            bias: self.bias.clone(),
            rounding: Rounding::Floor,
            fires_at: FiresAt::Threshold,
            reset: Reset::Subtract,
            max_spikes: if self.is_output { 1 } else { 31 },
            model: FixedModel::Xylo(if self.device == XyloDevice::A1 { XyloVersion::V1 } else { XyloVersion::V2 }),
            limits: Limits {
                n: Some(if self.is_output { room.outputs } else { room.hidden }),
                fan_out: room.fan_out,
                delay: Some(0),
                inputs: (!self.is_output).then_some(room.inputs),
                input_spikes: Some(15),
                ..Limits::default()
            },
            ..FixedParams::new(16, 16, 16, decay(&self.dash_syn), decay(&self.dash_mem), 1)
        };
        let n = |values: &PerNeuron<i32>| if let PerNeuron::Each(values) = values { values.len() } else { 1 };
        match self.device == XyloDevice::A1 && (0..n(&self.bias)).any(|i| self.bias.get(i) != 0) {
            true => Err(Error::value("bias", "0 on Xylo-A1, which has none", "another")),
            false => Ok(format),
        }
    }
}

/// Returns weights of 8 bits as Xylo adds them: shifted up, of 16 bits that wrap.
///
/// # Errors
/// [`Error::Value`] if a weight is outside [-128, 127] or `shift` outside [0, 15]; [`Error::Memory`].
pub fn xylo_weights(weights: &[i64], shift: u32) -> Result<Vec<i64>> {
    check("weights", -128, 127, weights)?;
    check("shift", 0, 15, &[shift])?;
    collected("weights", weights.iter().map(|w| Overflow::Wrap.fit(w << shift, 16)))
}
