//! Formats of hardware, from the constants that its own tools use.

use serde::{Deserialize, Serialize};

use super::xylo_chip::XyloDevice;
use crate::error::{Error, Result};
use crate::memory::collected;
use crate::neuron::fixed::{
    Decay, FiresAt, FixedModel, FixedParams, Limits, Overflow, PerNeuron, Reset, Rounding, XyloVersion,
};

/// Hardware, and the constants of its neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Preset {
    /// Intel's Loihi.
    Loihi(Loihi),
    /// SynSense's Xylo.
    Xylo(Xylo),
    /// SpiNNaker.
    Spinnaker(Spinnaker),
    /// Microcontrollers with Arm Cortex-M cores.
    CortexM(CortexM),
}

impl Preset {
    /// The format.
    ///
    /// # Errors
    /// [`Error::Value`] naming the constant that the hardware does not hold.
    pub fn format(&self) -> Result<FixedParams> {
        match self {
            Self::Loihi(neuron) => neuron.format(),
            Self::Xylo(neuron) => neuron.format(),
            Self::Spinnaker(neuron) => neuron.format(),
            Self::CortexM(neuron) => neuron.format(),
        }
    }
}

fn check<T: PartialOrd + Copy + std::fmt::Display>(name: &str, least: T, most: T, values: &[T]) -> Result<()> {
    match values.iter().find(|&&value| value < least || value > most) {
        None => Ok(()),
        Some(&value) => Err(Error::value(name, format!("in [{least}, {most}]"), value)),
    }
}

/// Neurons of a chip of Loihi: 1024 of each of 128 cores.
pub(super) const LOIHI_NEURONS: usize = 128 * 1024;

/// Neurons of Loihi, by the rules of the bit-accurate LIF model of the open Lava framework.
///
/// Compared with that model bit for bit, but for refractory times, which it has none of. A current that is more than 2^24 off is
/// wrapped until it is not: Lava wraps it once. Limits are those that its open emulators know of; the number of axons of a core
/// (4096) bounds the fan-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loihi {
    /// Decay of the current, in [0, 4095].
    pub du: PerNeuron<u32>,
    /// Decay of the voltage, in [0, 4095].
    pub dv: PerNeuron<u32>,
    /// Threshold mantissa, in [0, 131071].
    pub v_th: PerNeuron<i32>,
    /// Bias mantissa, in [-4096, 4095].
    pub bias_mantissa: PerNeuron<i32>,
    /// Bias exponent, in [0, 7].
    pub bias_exponent: u32,
    /// Refractory time, in [0, 62].
    pub t_ref_steps: u32,
}

impl Loihi {
    /// The format.
    ///
    /// # Errors
    /// As [`Preset::format`].
    pub fn format(&self) -> Result<FixedParams> {
        check("du", 0, 4095, self.du.values())?;
        check("dv", 0, 4095, self.dv.values())?;
        check("v_th", 0, 131_071, self.v_th.values())?;
        check("bias_mantissa", -4096, 4095, self.bias_mantissa.values())?;
        check("bias_exponent", 0, 7, &[self.bias_exponent])?;
        check("t_ref_steps", 0, 62, &[self.t_ref_steps])?;
        let decay = |factor| Decay::Multiply { factor, bits: 12 };
        Ok(FixedParams {
            v_th: self.v_th.map(|v_th| v_th << 6),
            bias: self.bias_mantissa.map(|mantissa| mantissa << self.bias_exponent),
            input_shift: 6,
            current_overflow: Overflow::WrapUpper,
            membrane_overflow: Overflow::SaturateSymmetric,
            t_ref_steps: self.t_ref_steps,
            limits: Limits { n: Some(LOIHI_NEURONS), fan_in: Some(4096), delay: Some(62), ..Limits::default() },
            ..FixedParams::new(16, 24, 24, decay(self.du.map(|du| 4095 - du)), decay(self.dv.map(|dv| 4096 - dv)), 1)
        })
    }
}

/// Which signs the weights of a connection of Loihi have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignMode {
    /// Both; the sign takes one of the bits.
    Mixed,
    /// None below 0.
    Excitatory,
    /// None above 0.
    Inhibitory,
}

/// The weights of a connection as Loihi holds them: clipped, without the low bits it does not have, times 2^exponent.
///
/// # Errors
/// [`Error::Value`] if `weight_bits` is outside [1, 8] or `exponent` outside [0, 7]; a negative one shifts sums, not weights;
/// [`Error::Memory`].
pub fn loihi_weights(weights: &[i64], weight_bits: u32, exponent: i32, mode: Option<SignMode>) -> Result<Vec<i64>> {
    check("weight_bits", 1, 8, &[weight_bits])?;
    check("exponent", 0, 7, &[exponent])?;
    let mode = mode.unwrap_or_else(|| match weights {
        weights if weights.iter().all(|&w| w >= 0) => SignMode::Excitatory,
        weights if weights.iter().all(|&w| w <= 0) => SignMode::Inhibitory,
        _ => SignMode::Mixed,
    });
    let dropped = 8 - weight_bits + u32::from(mode == SignMode::Mixed);
    let held = |&w: &i64| match mode {
        SignMode::Mixed => w.clamp(-256, 255) >> dropped << dropped,
        SignMode::Excitatory => w.clamp(0, 255) >> dropped << dropped,
        // Clipped first: the lowest of all integers has no negative.
        SignMode::Inhibitory => -(-w.clamp(-255, 0) >> dropped << dropped),
    };
    collected("weights", weights.iter().map(|w| held(w) << exponent))
}

/// Neurons of Xylo with one synapse, by the rules of the simulator xylosim.
///
/// Compared with it bit for bit; time is one step later, as input too takes a step. Neurons with two synapses and aliases, which
/// the chips have, are not modelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xylo {
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

impl Xylo {
    /// The format.
    ///
    /// # Errors
    /// As [`Preset::format`].
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

/// Weights of 8 bits as Xylo adds them: shifted up, of 16 bits that wrap.
///
/// # Errors
/// [`Error::Value`] if a weight is outside [-128, 127] or `shift` outside [0, 15]; [`Error::Memory`].
pub fn xylo_weights(weights: &[i64], shift: u32) -> Result<Vec<i64>> {
    check("weights", -128, 127, weights)?;
    check("shift", 0, 15, &[shift])?;
    collected("weights", weights.iter().map(|w| Overflow::Wrap.fit(w << shift, 16)))
}

/// Neurons of about SpiNNaker's precision: experimental, compared with nothing.
///
/// States are of 32 bits, s16.15. The machine has a current and a saturating buffer of weights for each sign, and rounds products of
/// the membrane to the nearest; here there is one current, and all rounds down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spinnaker {
    /// What is left of the current after a step, times 2^32.
    pub current_factor: PerNeuron<u32>,
    /// What is left of the membrane after a step, times 2^15, in [1, 32768].
    pub membrane_factor: PerNeuron<u32>,
    /// Threshold times 2^15.
    pub v_th: PerNeuron<i32>,
    /// Bits by which weights are shifted up to s16.15, in [0, 15].
    pub left_shift: u32,
    /// Refractory time.
    pub t_ref_steps: u32,
}

impl Spinnaker {
    /// The format.
    ///
    /// # Errors
    /// As [`Preset::format`].
    pub fn format(&self) -> Result<FixedParams> {
        check("membrane_factor", 1, 32768, self.membrane_factor.values())?;
        check("left_shift", 0, 15, &[self.left_shift])?;
        let decay = |factor: &PerNeuron<u32>, bits| Decay::Multiply { factor: factor.clone(), bits };
        Ok(FixedParams {
            v_th: self.v_th.clone(),
            input_shift: self.left_shift,
            rounding: Rounding::Floor,
            fires_at: FiresAt::Threshold,
            t_ref_steps: self.t_ref_steps,
            limits: Limits { delay: Some(15), ..Limits::default() },
            // Magnitudes of 16 bits, and a sign.
            ..FixedParams::new(17, 32, 32, decay(&self.current_factor, 32), decay(&self.membrane_factor, 15), 1)
        })
    }
}

/// Neurons as a microcontroller computes them at little cost: 32-bit states, decays by shift or 16-bit factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CortexM {
    /// 8 or 16.
    pub weight_bits: u32,
    /// By a shift in [1, 15] with at least one, or a factor of 16 bits.
    pub current_decay: Decay,
    /// Likewise.
    pub membrane_decay: Decay,
    /// Threshold.
    pub v_th: PerNeuron<i32>,
    /// Bias.
    pub bias: PerNeuron<i32>,
    /// Bits by which summed weights are shifted up.
    pub input_shift: u32,
    /// Bits by which the current is shifted down.
    pub gain_shift: u32,
    /// What a spike makes of the membrane.
    pub reset: Reset,
    /// Refractory time, below 2^16.
    pub t_ref_steps: u32,
}

impl CortexM {
    /// The format.
    ///
    /// # Errors
    /// As [`Preset::format`].
    pub fn format(&self) -> Result<FixedParams> {
        let fan_in = match self.weight_bits {
            8 => 1 << 24,
            16 => (1 << 16) - 1,
            bits => return Err(Error::value("weight_bits", "8 or 16", bits)),
        };
        for (name, decay) in [("current_decay", &self.current_decay), ("membrane_decay", &self.membrane_decay)] {
            match decay {
                Decay::Shift { shift, .. } => check(&format!("{name}.shift"), 1, 15, shift.values())?,
                Decay::Multiply { factor, bits: 16 } => check(&format!("{name}.factor"), 1, 65535, factor.values())?,
                Decay::Multiply { bits, .. } => return Err(Error::value(format!("{name}.bits"), "16", bits)),
                Decay::Table { .. } => return Err(Error::value(name, "by shift or by a factor", "a table")),
            }
        }
        check("t_ref_steps", 0, 65535, &[self.t_ref_steps])?;
        Ok(FixedParams {
            v_th: self.v_th.clone(),
            bias: self.bias.clone(),
            input_shift: self.input_shift,
            gain_shift: self.gain_shift,
            rounding: Rounding::Floor,
            reset: self.reset,
            t_ref_steps: self.t_ref_steps,
            limits: Limits { fan_in: Some(fan_in), ..Limits::default() },
            ..FixedParams::new(self.weight_bits, 32, 32, self.current_decay.clone(), self.membrane_decay.clone(), 1)
        })
    }
}

#[cfg(test)]
#[path = "presets_tests.rs"]
mod tests;
