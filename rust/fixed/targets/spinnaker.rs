//! SpiNNaker, about: its neurons, and how a network is brought to it.

use serde::{Deserialize, Serialize};

use super::neurons::{Neurons, WeightGrid, largest};
use super::{Chip, check, yes};
use crate::error::{Error, Result};
use crate::neuron::fixed::{Decay, FiresAt, FixedParams, Limits, PerNeuron, Rounding};

/// Fractional bits of states.
const STATE_BITS: i32 = 15;

/// Holds the constants of neurons of about SpiNNaker's precision: experimental, compared with nothing.
///
/// States are of 32 bits, s16.15. The machine has a current and a saturating buffer of weights for each sign, and rounds products of
/// the membrane to the nearest; here there is one current, and all rounds down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpinnakerNeurons {
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

impl SpinnakerNeurons {
    /// Returns the format.
    ///
    /// # Errors
    /// As [`Preset::format`](super::Preset::format).
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

/// Brings a network to SpiNNaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spinnaker {
    /// Whether networks for which there is no room are refused.
    #[serde(default = "yes")]
    pub enforce_limits: bool,
}

impl Chip for Spinnaker {
    fn name(&self) -> &'static str {
        "SpiNNaker"
    }

    fn has_free_scale(&self) -> bool {
        false
    }

    fn weight_grid(&self) -> WeightGrid {
        WeightGrid { levels: (1 << 16) - 1, step: 1 }
    }

    /// Takes units of 2^-15 times a power of two: weights hold the gain, and have the scale of the membrane.
    fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        _most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
        let grid = self.weight_grid();
        let finest = 2f64.powi(-STATE_BITS) / neurons.lif.mem_gain;
        let needed = (largest(levels, |level| level) / finest).log2().ceil();
        if needed > f64::from(STATE_BITS) {
            let most = f64::from(grid.levels) * finest * 2f64.powi(STATE_BITS);
            return Err(Error::value(
                &neurons.name,
                format!("of weights within +-{most:.0}, on this target"),
                "larger ones",
            ));
        }
        let left_shift = needed.max(0.0) as u32;
        let (decays, bits) = ([neurons.lif.syn_decay, neurons.lif.mem_decay], 2f64.powi(STATE_BITS));
        if let Some(v_th) = neurons.v_th.values().iter().find(|&&v_th| v_th * bits >= f64::from(i32::MAX)) {
            return Err(Error::value(&neurons.name, "of a threshold below 65536, on this target", v_th));
        }
        let preset = SpinnakerNeurons {
            current_factor: ((decays[0] * 2f64.powi(32)) as u32).into(),
            membrane_factor: ((decays[1] * bits).round() as u32).into(),
            v_th: neurons.own_thresholds(|v_th| (v_th * bits).round() as i32),
            left_shift,
            t_ref_steps: neurons.lif.t_ref_steps,
        };
        let mut format = preset.format()?;
        if !self.enforce_limits {
            format.limits = Limits::default();
        }
        Ok((format, grid, vec![finest * 2f64.powi(left_shift as i32)]))
    }

    fn cure(&self, _is_coarser: bool) -> &'static str {
        "make weights and v_th larger by the same factor"
    }

    fn why_weights_vanish(&self, _is_coarser: bool) -> &'static str {
        "they are small against the smallest that it holds"
    }
}
