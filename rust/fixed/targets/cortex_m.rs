//! Microcontrollers with Arm Cortex-M cores: their neurons, and how a network is brought to them.

use serde::{Deserialize, Serialize};

use super::neurons::{Neurons, WeightGrid, shifts};
use super::{Chip, check};
use crate::error::{Error, Result};
use crate::neuron::fixed::{Decay, FixedParams, Limits, PerNeuron, Reset, Rounding};

/// Holds the constants of neurons as a microcontroller computes them at little cost: 32-bit states, decays by shift or 16-bit factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CortexMNeurons {
    /// Width of weights, 8 or 16.
    pub weight_bits: u32,
    /// Decay of the current: by a shift in [1, 15] with at least one, or a factor of 16 bits.
    pub current_decay: Decay,
    /// Decay of the membrane, likewise.
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

impl CortexMNeurons {
    /// Returns the format.
    ///
    /// # Errors
    /// As [`Preset::format`](super::Preset::format).
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

/// Brings a network to a microcontroller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CortexM {
    /// Width of weights, 8 or 16.
    pub weight_bits: u32,
}

impl Chip for CortexM {
    fn name(&self) -> &'static str {
        "CortexM"
    }

    fn validate(&self) -> Result<()> {
        match self.weight_bits {
            8 | 16 => Ok(()),
            bits => Err(Error::value("weight_bits", "8 or 16", bits)),
        }
    }

    fn weight_grid(&self) -> WeightGrid {
        WeightGrid::symmetric(self.weight_bits)
    }

    /// Lets states decay by shift where a time constant is a power of two of steps, else by factors of 16 bits; a level is a unit.
    fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        _most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
        let (input_shift, gain_shift, v_th) = shifts(neurons, levels, 32)?;
        let decay = |name: &str, decay: f64| -> Result<_> {
            let shift = -(1.0 - decay).log2();
            if (shift - shift.round()).abs() < 1e-3 && (1.0..=15.0).contains(&shift.round()) {
                return Ok(Decay::Shift { shift: (shift.round() as u32).into(), least_one: true });
            }
            Ok(Decay::Multiply { factor: neurons.factor(name, decay, 16)?.min(65535).into(), bits: 16 })
        };
        let preset = CortexMNeurons {
            weight_bits: self.weight_bits,
            current_decay: decay("current", neurons.lif.syn_decay)?,
            membrane_decay: decay("membrane", neurons.lif.mem_decay)?,
            v_th,
            bias: 0.into(),
            input_shift,
            gain_shift,
            reset: Reset::Zero,
            t_ref_steps: neurons.lif.t_ref_steps,
        };
        Ok((preset.format()?, self.weight_grid(), levels.to_vec()))
    }
}
