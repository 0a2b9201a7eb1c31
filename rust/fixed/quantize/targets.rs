//! What each target leaves to choose, and how it is chosen.

use serde::{Deserialize, Serialize};

use super::xylo;
use crate::error::{Error, Result};
use crate::fixed::presets::{CortexM, LOIHI_NEURONS, Loihi, Spinnaker};
use crate::fixed::{FixedLayer, XyloDevice};
use crate::network::{Layer, Network};
use crate::neuron::LifPropagator;
use crate::neuron::fixed::{Decay, FixedParams, Limits, PerNeuron, Reset, Rounding};
use crate::simd::Real;

/// What states have room for where bits are few: currents in units of the one that just holds a neuron at its threshold,
/// membranes in units of the threshold.
const CURRENT_ROOM: f64 = 10.0;
pub(super) const MEMBRANE_ROOM: f64 = 4.0;

/// Units of a state that make up one of a weight, and a threshold, where bits are many.
const FINE_CURRENT: f64 = 16.0;
const FINE_THRESHOLD: f64 = 4096.0;

/// Least threshold of Loihi for which its weights need no exponent.
const FINE_MANTISSA: f64 = 1024.0;

/// Largest threshold mantissa of Loihi.
const LARGEST_MANTISSA: f64 = 131_071.0;

/// Largest exponent of Loihi's weights.
const LARGEST_EXPONENT: i32 = 7;

/// Fractional bits of SpiNNaker's states.
const SPINNAKER_BITS: i32 = 15;

/// What computes a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A format of one's own.
    Qformat {
        /// Width of weights, in [2, 16].
        weight_bits: u32,
        /// Width of currents and membranes, in [8, 32].
        state_bits: u32,
        /// Bits of the decays' factors, in [1, 31].
        decay_bits: u32,
        /// Of products and shifts.
        rounding: Rounding,
    },
    /// Intel's Loihi.
    Loihi {
        /// In [2, 8].
        weight_bits: u32,
        /// Whether networks for which there is no room are refused.
        #[serde(default = "yes")]
        enforce_limits: bool,
    },
    /// SynSense's Xylo.
    Xylo {
        /// The chip.
        device: XyloDevice,
        /// Likewise; files from before there were limits do not say, and are of any network.
        #[serde(default)]
        enforce_limits: bool,
    },
    /// SpiNNaker.
    Spinnaker {
        /// Likewise.
        #[serde(default = "yes")]
        enforce_limits: bool,
    },
    /// Microcontrollers with Arm Cortex-M cores.
    CortexM {
        /// 8 or 16.
        weight_bits: u32,
    },
}

fn yes() -> bool {
    true
}

/// The integers that weights are rounded to: `step` times one in [-levels, levels].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightGrid {
    pub levels: i32,
    pub step: i32,
}

/// The neurons of a layer.
pub struct Neurons {
    /// For messages.
    pub name: String,
    pub lif: LifPropagator<f64>,
    /// Whether the layer is the last one.
    pub is_output: bool,
    /// Whether it hears itself.
    pub is_recurrent: bool,
    /// Sum of the magnitudes of the weights onto each.
    pub sums: Vec<f64>,
}

impl Target {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn validate(&self) -> Result<()> {
        let check = |name: &str, low: u32, high: u32, got: u32| match (low..=high).contains(&got) {
            true => Ok(()),
            false => Err(Error::value(name, format!("in [{low}, {high}]"), got)),
        };
        match *self {
            Self::Qformat { weight_bits, state_bits, decay_bits, .. } => {
                check("weight_bits", 2, 16, weight_bits)?;
                check("state_bits", 8, 32, state_bits)?;
                check("decay_bits", 1, 31, decay_bits)
            }
            Self::Loihi { weight_bits, .. } => check("weight_bits", 2, 8, weight_bits),
            Self::CortexM { weight_bits: 8 | 16 } | Self::Xylo { .. } | Self::Spinnaker { .. } => Ok(()),
            Self::CortexM { weight_bits } => Err(Error::value("weight_bits", "8 or 16", weight_bits)),
        }
    }

    /// Refuses a network that the hardware cannot be as a whole.
    ///
    /// # Errors
    /// [`Error::Value`] saying what it lacks.
    pub fn check_network<F: Real>(&self, net: &Network<F>) -> Result<()> {
        match self {
            Self::Xylo { device, enforce_limits } => xylo::check_network(net, *device, *enforce_limits),
            Self::Loihi { enforce_limits: true, .. } => {
                let n: usize = net.layers().iter().map(Layer::n_out).sum();
                let expected = || format!("of at most {LOIHI_NEURONS} neurons in all, those of Loihi");
                if n > LOIHI_NEURONS { Err(Error::value("layers", expected(), n)) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Refuses integer weights for which the hardware as a whole has no room.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_integers(&self, layers: &[FixedLayer]) -> Result<()> {
        match self {
            Self::Xylo { device, enforce_limits: true } => xylo::check_integers(*device, layers),
            _ => Ok(()),
        }
    }

    /// Formats without the limits of the hardware, if they are not to be enforced; those of its rules stay.
    fn limited(&self, mut format: FixedParams) -> FixedParams {
        match self {
            Self::Loihi { enforce_limits: false, .. } | Self::Spinnaker { enforce_limits: false } => {
                format.limits = Limits::default();
            }
            Self::Xylo { enforce_limits: false, .. } => {
                let Limits { delay, input_spikes, .. } = format.limits;
                format.limits = Limits { delay, input_spikes, ..Limits::default() };
            }
            _ => {}
        }
        format
    }

    /// Bits by which weights of layers may be shifted up, where the hardware has one shift for those of several layers.
    pub fn most_up(&self, layers: &[(Neurons, Vec<f64>)]) -> Vec<Option<i32>> {
        match self {
            Self::Xylo { enforce_limits: true, .. } => xylo::most_up(layers),
            _ => vec![None; layers.len()],
        }
    }

    /// Whether weights may have any scale.
    pub fn has_free_scale(&self) -> bool {
        !matches!(self, Self::Spinnaker { .. })
    }

    /// Integers of weights, before anything is known of them.
    pub fn weight_grid(&self) -> WeightGrid {
        let (bits, step) = match self {
            Self::Qformat { weight_bits, .. } | Self::CortexM { weight_bits } => (*weight_bits, 1),
            // Signs are mixed, which costs the lowest bit.
            Self::Loihi { weight_bits, .. } => (*weight_bits, 1 << (9 - weight_bits)),
            Self::Xylo { .. } => (8, 1),
            Self::Spinnaker { .. } => (17, 1),
        };
        WeightGrid { levels: (1 << (bits - 1)) - 1, step }
    }

    /// Format, integers of weights, and what a unit of them stands for, if a level is to stand for `levels`, of all neurons or
    /// of each; `most_up` is that of the layer.
    pub fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
        let grid = self.weight_grid();
        let (format, grid, units) = match self {
            // A level is a unit.
            Self::Qformat { weight_bits, state_bits, decay_bits, rounding } => {
                let format = qformat(neurons, levels, *weight_bits, *state_bits, *decay_bits, *rounding)?;
                (format, grid, levels.to_vec())
            }
            Self::CortexM { weight_bits } => (cortex_m(neurons, levels, *weight_bits)?, grid, levels.to_vec()),
            Self::Loihi { .. } => loihi(neurons, levels, grid)?,
            Self::Spinnaker { .. } => spinnaker(neurons, levels, grid)?,
            Self::Xylo { device, .. } => xylo::format(neurons, levels, grid, *device, most_up)?,
        };
        Ok((self.limited(format), grid, units))
    }
}

impl Neurons {
    /// Of all neurons if there is one unit, else of each.
    pub fn each<T>(&self, units: &[f64], f: impl Fn(f64) -> T) -> PerNeuron<T> {
        if units.len() == 1 {
            PerNeuron::Same(f(units[0]))
        } else {
            PerNeuron::Each(units.iter().map(|&u| f(u)).collect())
        }
    }

    /// What a level stands for where there are no weights: something as fine as thresholds need.
    pub fn silent_level(&self, grid: WeightGrid) -> f64 {
        f64::from(grid.step) * self.lif.v_th / (self.lif.mem_gain * FINE_MANTISSA)
    }

    /// Threshold in units of a weight: of currents that, kept up for a step, bring the membrane there.
    pub fn threshold(&self, unit: f64) -> f64 {
        self.lif.v_th / (self.lif.mem_gain * unit)
    }

    /// The largest current, in units of a weight, if all inputs fire at every step.
    fn largest_current(&self, units: &[f64]) -> f64 {
        let unit = |i: usize| if units.len() == 1 { units[0] } else { units[i] };
        let largest = self.sums.iter().enumerate().map(|(i, sum)| sum / unit(i)).fold(0.0, f64::max);
        largest / (1.0 - self.lif.syn_decay)
    }

    /// Refuses thresholds that are next to nothing beside the weights.
    pub fn check_thresholds(&self, v_th: &PerNeuron<i32>) -> Result<()> {
        match v_th.values().iter().find(|&&v_th| v_th < 1) {
            Some(v_th) => Err(Error::value(&self.name, "of thresholds of at least a unit of their weights", v_th)),
            None => Ok(()),
        }
    }

    /// A factor of so many bits.
    fn factor(&self, name: &str, decay: f64, bits: u32) -> Result<u32> {
        let factor = (decay * 2f64.powi(bits as i32)).round() as u32;
        match factor {
            0 if name == "membrane" => {
                let expected = format!("enough for what a step leaves of {}'s membrane, {decay:.3}", self.name);
                Err(Error::value("decay_bits", expected, bits))
            }
            factor => Ok(factor),
        }
    }
}

pub(super) fn largest(units: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    units.iter().map(|&unit| f(unit)).fold(0.0, f64::max)
}

/// Bits by which a state is finer than a weight: as many as leave room for the largest state and for usual ones, if that is as
/// fine as wanted; else as leave room for usual ones, or for what is fine.
fn finer_by(bits: u32, largest: f64, usual: f64, fine: f64) -> i32 {
    let room = 2f64.powi(bits as i32 - 1);
    let all_fit = room / largest.max(usual).max(1e-300);
    let chosen = if all_fit >= fine { all_fit } else { all_fit.max((room / usual.max(1e-300)).min(fine)) };
    chosen.log2().floor() as i32
}

/// Shifts up of weights and down of currents, and thresholds, for states of so many bits.
fn shifts(neurons: &Neurons, units: &[f64], state_bits: u32) -> Result<(u32, u32, PerNeuron<i32>)> {
    let left = 1.0 - neurons.lif.mem_decay;
    let current = neurons.largest_current(units);
    let v_th = largest(units, |unit| neurons.threshold(unit));
    let input_shift = finer_by(state_bits, current, CURRENT_ROOM * v_th * left, FINE_CURRENT).clamp(0, 31);
    let membrane_shift = finer_by(state_bits, current / left, MEMBRANE_ROOM * v_th, FINE_THRESHOLD / v_th);
    let gain_shift = (input_shift - membrane_shift).clamp(0, 31);
    let finer = 2f64.powi(input_shift - gain_shift);
    let highest = 2f64.powi(state_bits as i32 - 1) - 2.0;
    let thresholds = neurons.each(units, |unit| (neurons.threshold(unit) * finer).round());
    if let Some(v_th) = thresholds.values().iter().find(|v_th| !(1.0..=highest).contains(*v_th)) {
        let expected = format!("in [1, {highest}] in units of a membrane of {state_bits} bits");
        return Err(Error::value(format!("the threshold of {}", neurons.name), expected, v_th));
    }
    Ok((input_shift as u32, gain_shift as u32, thresholds.map(|v_th| v_th as i32)))
}

fn qformat(
    neurons: &Neurons,
    units: &[f64],
    weight_bits: u32,
    state_bits: u32,
    decay_bits: u32,
    rounding: Rounding,
) -> Result<FixedParams> {
    let (input_shift, gain_shift, v_th) = shifts(neurons, units, state_bits)?;
    let decay = |name: &str, decay| -> Result<_> {
        Ok(Decay::Multiply { factor: neurons.factor(name, decay, decay_bits)?.into(), bits: decay_bits })
    };
    let current_decay = decay("current", neurons.lif.syn_decay)?;
    let membrane_decay = decay("membrane", neurons.lif.mem_decay)?;
    Ok(FixedParams {
        v_th,
        input_shift,
        gain_shift,
        rounding,
        t_ref_steps: neurons.lif.t_ref_steps,
        ..FixedParams::new(weight_bits, state_bits, state_bits, current_decay, membrane_decay, 1)
    })
}

/// Decays by shift where a time constant is a power of two of steps, else by factors of 16 bits.
fn cortex_m(neurons: &Neurons, units: &[f64], weight_bits: u32) -> Result<FixedParams> {
    let (input_shift, gain_shift, v_th) = shifts(neurons, units, 32)?;
    let decay = |name: &str, decay: f64| -> Result<_> {
        let shift = -(1.0 - decay).log2();
        if (shift - shift.round()).abs() < 1e-3 && (1.0..=15.0).contains(&shift.round()) {
            return Ok(Decay::Shift { shift: (shift.round() as u32).into(), least_one: true });
        }
        Ok(Decay::Multiply { factor: neurons.factor(name, decay, 16)?.min(65535).into(), bits: 16 })
    };
    let preset = CortexM {
        weight_bits,
        current_decay: decay("current", neurons.lif.syn_decay)?,
        membrane_decay: decay("membrane", neurons.lif.mem_decay)?,
        v_th,
        bias: 0.into(),
        input_shift,
        gain_shift,
        reset: Reset::Zero,
        t_ref_steps: neurons.lif.t_ref_steps,
    };
    preset.format()
}

/// Weights get an exponent where thresholds would be coarse without, and fewer levels where they would be too high.
fn loihi(neurons: &Neurons, levels: &[f64], grid: WeightGrid) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
    let unit = |level: f64, exponent: i32| level / f64::from(grid.step << exponent);
    let highest = |exponent| largest(levels, |level| neurons.threshold(unit(level, exponent)));
    let fits = |exponent: i32| highest(exponent) * MEMBRANE_ROOM <= LARGEST_MANTISSA;
    let mut exponent = 0;
    while highest(exponent) < FINE_MANTISSA && exponent < LARGEST_EXPONENT && fits(exponent + 1) {
        exponent += 1;
    }
    let coarser = (highest(exponent) / LARGEST_MANTISSA).max(1.0);
    let grid = WeightGrid { step: grid.step << exponent, ..grid };
    let units: Vec<f64> = levels.iter().map(|&level| coarser * level / f64::from(grid.step)).collect();
    let v_th = neurons.each(&units, |unit| neurons.threshold(unit).round().min(LARGEST_MANTISSA) as i32);
    neurons.check_thresholds(&v_th)?;
    let lost = |decay: f64| ((1.0 - decay) * 4096.0).round();
    let preset = Loihi {
        du: ((lost(neurons.lif.syn_decay) - 1.0).clamp(0.0, 4095.0) as u32).into(),
        dv: (lost(neurons.lif.mem_decay).min(4095.0) as u32).into(),
        v_th,
        bias_mantissa: 0.into(),
        bias_exponent: 0,
        t_ref_steps: neurons.lif.t_ref_steps,
    };
    Ok((preset.format()?, grid, units))
}

/// Units are 2^-15 times a power of two: weights hold the gain, and have the scale of the membrane.
fn spinnaker(neurons: &Neurons, levels: &[f64], grid: WeightGrid) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
    let finest = 2f64.powi(-SPINNAKER_BITS) / neurons.lif.mem_gain;
    let needed = (largest(levels, |level| level) / finest).log2().ceil();
    if needed > f64::from(SPINNAKER_BITS) {
        let most = f64::from(grid.levels) * finest * 2f64.powi(SPINNAKER_BITS);
        return Err(Error::value(
            &neurons.name,
            format!("of weights within +-{most:.0}, on this target"),
            "larger ones",
        ));
    }
    let left_shift = needed.max(0.0) as u32;
    let (decays, bits) = ([neurons.lif.syn_decay, neurons.lif.mem_decay], 2f64.powi(SPINNAKER_BITS));
    if neurons.lif.v_th * bits >= f64::from(i32::MAX) {
        return Err(Error::value(&neurons.name, "of a threshold below 65536, on this target", neurons.lif.v_th));
    }
    let preset = Spinnaker {
        current_factor: ((decays[0] * 2f64.powi(32)) as u32).into(),
        membrane_factor: ((decays[1] * bits).round() as u32).into(),
        v_th: ((neurons.lif.v_th * bits).round() as i32).into(),
        left_shift,
        t_ref_steps: neurons.lif.t_ref_steps,
    };
    Ok((preset.format()?, grid, vec![finest * 2f64.powi(left_shift as i32)]))
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
