//! Intel's Loihi: its neurons, the weights it holds, and how a network is brought to it.

use serde::{Deserialize, Serialize};

use super::neurons::{FINE_MANTISSA, MEMBRANE_ROOM, Neurons, WeightGrid};
use super::{Chip, LayerOutline, check, yes};
use crate::error::{Error, Result};
use crate::memory::collected;
use crate::neuron::fixed::{Decay, FixedParams, Limits, Overflow, PerNeuron};

/// Largest threshold mantissa.
const LARGEST_MANTISSA: f64 = 131_071.0;

/// Largest exponent of weights.
const LARGEST_EXPONENT: i32 = 7;

/// Neurons of a chip of Loihi: 1024 of each of 128 cores.
const LOIHI_NEURONS: usize = 128 * 1024;

/// Holds the constants of Loihi's neurons, by the rules of the bit-accurate LIF model of the open Lava framework.
///
/// Compared with that model bit for bit, but for refractory times, which it has none of. A current that is more than 2^24 off is
/// wrapped until it is not: Lava wraps it once. Limits are those that its open emulators know of; the number of axons of a core
/// (4096) bounds the fan-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoihiNeurons {
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

impl LoihiNeurons {
    /// Returns the format.
    ///
    /// # Errors
    /// As [`Preset::format`](super::Preset::format).
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

/// Says which signs the weights of a connection of Loihi have.
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

/// Returns the weights of a connection as Loihi holds them: clipped, without the low bits it does not have, times 2^exponent.
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

/// Brings a network to Loihi.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loihi {
    /// Width of weights, in [2, 8].
    pub weight_bits: u32,
    /// Whether networks for which there is no room are refused.
    #[serde(default = "yes")]
    pub enforce_limits: bool,
}

impl Chip for Loihi {
    fn name(&self) -> &'static str {
        "Loihi"
    }

    fn validate(&self) -> Result<()> {
        check("weight_bits", 2, 8, &[self.weight_bits])
    }

    fn check_network(&self, layers: &[LayerOutline]) -> Result<()> {
        if let Some(l) = layers.iter().position(|layer| layer.is_max_pool) {
            let expected = "AvgPool2d, AvgPool1d or a stride of the convolution below on Loihi, whose neurons integrate and do not \
                            count the spikes of each input";
            return Err(Error::value(format!("layers[{l}]"), expected, "max pooling"));
        }
        let n: usize = layers.iter().map(|layer| layer.n_out).sum();
        let expected = || format!("of at most {LOIHI_NEURONS} neurons in all, those of Loihi");
        if self.enforce_limits && n > LOIHI_NEURONS { Err(Error::value("layers", expected(), n)) } else { Ok(()) }
    }

    /// Returns levels without the lowest bit, which mixed signs cost.
    fn weight_grid(&self) -> WeightGrid {
        WeightGrid { levels: (1 << (self.weight_bits - 1)) - 1, step: 1 << (9 - self.weight_bits) }
    }

    /// Gives weights an exponent where thresholds would be coarse without, and fewer levels where they would be too high.
    fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        _most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
        let grid = self.weight_grid();
        let unit = |level: f64, exponent: i32| level / f64::from(grid.step << exponent);
        let units_of = |exponent| levels.iter().map(|&level| unit(level, exponent)).collect::<Vec<_>>();
        let highest = |exponent| neurons.largest_threshold(&units_of(exponent));
        let fits = |exponent: i32| highest(exponent) * MEMBRANE_ROOM <= LARGEST_MANTISSA;
        let mut exponent = 0;
        while highest(exponent) < FINE_MANTISSA && exponent < LARGEST_EXPONENT && fits(exponent + 1) {
            exponent += 1;
        }
        let coarser = (highest(exponent) / LARGEST_MANTISSA).max(1.0);
        let grid = WeightGrid { step: grid.step << exponent, ..grid };
        let units: Vec<f64> = levels.iter().map(|&level| coarser * level / f64::from(grid.step)).collect();
        let v_th = neurons.thresholds(&units, |v_th| v_th.round().min(LARGEST_MANTISSA) as i32);
        neurons.check_thresholds(&v_th)?;
        let lost = |decay: f64| ((1.0 - decay) * 4096.0).round();
        let preset = LoihiNeurons {
            du: ((lost(neurons.lif.syn_decay) - 1.0).clamp(0.0, 4095.0) as u32).into(),
            dv: (lost(neurons.lif.mem_decay).min(4095.0) as u32).into(),
            v_th,
            bias_mantissa: 0.into(),
            bias_exponent: 0,
            t_ref_steps: neurons.lif.t_ref_steps,
        };
        let mut format = preset.format()?;
        if !self.enforce_limits {
            format.limits = Limits::default();
        }
        Ok((format, grid, units))
    }

    fn cure(&self, is_coarser: bool) -> &'static str {
        match is_coarser {
            true if self.weight_bits < 8 => {
                "use weight_bits=8, a lower v_th or a larger dt, train with larger weights, or take a target whose thresholds \
                 have more room (QFormat, CortexM)"
            }
            true => super::CURE_OF_THRESHOLDS,
            false => super::CURE_OF_WEIGHTS,
        }
    }
}
