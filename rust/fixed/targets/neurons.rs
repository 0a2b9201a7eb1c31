//! The neurons of a layer on their way to fixed point, and what is chosen for them.

use crate::error::{Error, Result};
use crate::neuron::LifPropagator;
use crate::neuron::fixed::PerNeuron;

/// What states have room for where bits are few: currents in units of the one that just holds a neuron at its threshold,
/// membranes in units of the threshold.
const CURRENT_ROOM: f64 = 10.0;
pub const MEMBRANE_ROOM: f64 = 4.0;

/// Units of a state that make up one of a weight, and a threshold, where bits are many.
const FINE_CURRENT: f64 = 16.0;
const FINE_THRESHOLD: f64 = 4096.0;

/// Units of a current where windows fire at once, so that currents are larger, and need the room: at most, and at least.
const FINE_OF_WINDOWS: f64 = 4.0;
const LEAST_OF_WINDOWS: f64 = 1.0;

/// What rounding to the nearest may leave of a current for ever, in units of the one that just holds a neuron at its threshold.
const LEFT_FOR_EVER: f64 = 0.05;

/// Threshold, in units of weights, for which these are fine enough.
pub const FINE_MANTISSA: f64 = 1024.0;

/// Holds the integers that weights are rounded to: `step` times one in [-levels, levels].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightGrid {
    /// Number of levels of either sign.
    pub levels: i32,
    /// What all are multiples of.
    pub step: i32,
}

impl WeightGrid {
    /// Makes the grid of all integers of so many bits but the lowest, whose negative has more.
    pub fn symmetric(bits: u32) -> Self {
        Self { levels: (1 << (bits - 1)) - 1, step: 1 }
    }
}

/// Holds what is known of the neurons of a layer.
pub struct Neurons {
    /// For messages.
    pub name: String,
    /// Factors of a time step in floating point.
    pub lif: LifPropagator<f64>,
    /// Thresholds in floating point: one, or one for each row or channel.
    pub v_th: PerNeuron<f64>,
    /// Whether the layer is the last one.
    pub is_output: bool,
    /// Whether it is connected onto itself.
    pub is_recurrent: bool,
    /// Neurons that share a row of the matrix of weights: one after the other, as those of a channel.
    pub per_row: usize,
    /// Whether spikes from windows reach it, or from layers above such.
    pub has_windows: bool,
    /// Sum of the magnitudes of the weights onto each, of one neuron a row.
    pub sums: Vec<f64>,
}

impl Neurons {
    /// Makes a number of the threshold of all neurons if there is one and one unit, else of that of each, in its unit: units are of
    /// all weights, or of each row.
    pub fn thresholds<T>(&self, units: &[f64], f: impl Fn(f64) -> T) -> PerNeuron<T> {
        self.each(units, |v_th, unit| f(self.in_units(v_th, unit)))
    }

    fn each<T>(&self, units: &[f64], of: impl Fn(f64, f64) -> T) -> PerNeuron<T> {
        if let (PerNeuron::Same(v_th), [unit]) = (&self.v_th, units) {
            return PerNeuron::Same(of(*v_th, *unit));
        }
        let (n, v_th) = (self.sums.len() * self.per_row, self.v_th.values());
        PerNeuron::Each((0..n).map(|i| of(v_th[i * v_th.len() / n], units[i * units.len() / n])).collect())
    }

    /// Makes a number of the threshold of all neurons if there is one, else of that of each.
    pub fn own_thresholds<T>(&self, f: impl Fn(f64) -> T) -> PerNeuron<T> {
        self.each(&[1.0], |v_th, _| f(v_th))
    }

    /// Returns the largest threshold in units of weights, as [`thresholds`](Self::thresholds) has them.
    pub fn largest_threshold(&self, units: &[f64]) -> f64 {
        self.in_their_units(units).fold(0.0, f64::max)
    }

    /// Goes through the thresholds in units of weights: of all neurons, of rows or of each.
    fn in_their_units(&self, units: &[f64]) -> impl Iterator<Item = f64> {
        let v_th = self.v_th.values();
        // Of lists that differ in length one has one entry.
        let n = v_th.len().max(units.len());
        (0..n).map(move |i| self.in_units(v_th[i * v_th.len() / n], units[i * units.len() / n]))
    }

    /// Returns a threshold in units of a weight: of currents that, kept up for a step, bring the membrane there.
    fn in_units(&self, v_th: f64, unit: f64) -> f64 {
        v_th / (self.lif.mem_gain * unit)
    }

    /// Returns what a level stands for where there are no weights: something as fine as thresholds need.
    pub fn silent_level(&self, grid: WeightGrid) -> f64 {
        let highest = self.v_th.values().iter().copied().fold(0.0, f64::max);
        f64::from(grid.step) * highest / (self.lif.mem_gain * FINE_MANTISSA)
    }

    /// Returns the largest current, in units of a weight, if all inputs fire at every step.
    pub(super) fn largest_current(&self, units: &[f64]) -> f64 {
        let unit = |i: usize| if units.len() == 1 { units[0] } else { units[i] };
        let largest = self.sums.iter().enumerate().map(|(i, sum)| sum / unit(i)).fold(0.0, f64::max);
        largest / (1.0 - self.lif.syn_decay)
    }

    /// Returns the units of a current that make up one of a weight, where bits are many.
    fn fine_current(&self, units: &[f64]) -> f64 {
        if !self.has_windows {
            return FINE_CURRENT;
        }
        let lowest = self.in_their_units(units).fold(f64::INFINITY, f64::min);
        let holds = lowest * (1.0 - self.lif.mem_decay);
        // Rounded to the nearest, what loses less than half a unit loses nothing.
        let left = 0.5 / (1.0 - self.lif.syn_decay);
        (left / (LEFT_FOR_EVER * holds)).clamp(LEAST_OF_WINDOWS, FINE_OF_WINDOWS)
    }

    /// Refuses thresholds that are next to nothing beside the weights.
    pub fn check_thresholds(&self, v_th: &PerNeuron<i32>) -> Result<()> {
        match v_th.values().iter().find(|&&v_th| v_th < 1) {
            Some(v_th) => Err(Error::value(&self.name, "of thresholds of at least a unit of their weights", v_th)),
            None => Ok(()),
        }
    }

    /// Returns a factor of so many bits.
    pub fn factor(&self, name: &str, decay: f64, bits: u32) -> Result<u32> {
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

pub fn largest(units: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    units.iter().map(|&unit| f(unit)).fold(0.0, f64::max)
}

/// Returns the bits by which a state is finer than a weight: as many as leave room for the largest state and for usual ones, if that is as
/// fine as wanted; else as leave room for usual ones, or for what is fine.
pub(super) fn finer_by(bits: u32, largest: f64, usual: f64, fine: f64) -> i32 {
    let room = 2f64.powi(bits as i32 - 1);
    let all_fit = room / largest.max(usual).max(1e-300);
    let chosen = if all_fit >= fine { all_fit } else { all_fit.max((room / usual.max(1e-300)).min(fine)) };
    chosen.log2().floor() as i32
}

/// Returns shifts up of weights and down of currents, and thresholds, for states of so many bits.
pub fn shifts(neurons: &Neurons, units: &[f64], state_bits: u32) -> Result<(u32, u32, PerNeuron<i32>)> {
    let left = 1.0 - neurons.lif.mem_decay;
    let current = neurons.largest_current(units);
    let v_th = neurons.largest_threshold(units);
    let fine = neurons.fine_current(units);
    let input_shift = finer_by(state_bits, current, CURRENT_ROOM * v_th * left, fine).clamp(0, 31);
    let membrane_shift = finer_by(state_bits, current / left, MEMBRANE_ROOM * v_th, FINE_THRESHOLD / v_th);
    let gain_shift = (input_shift - membrane_shift).clamp(0, 31);
    let finer = 2f64.powi(input_shift - gain_shift);
    let highest = 2f64.powi(state_bits as i32 - 1) - 2.0;
    let thresholds = neurons.thresholds(units, |v_th| (v_th * finer).round());
    if let Some(v_th) = thresholds.values().iter().find(|v_th| !(1.0..=highest).contains(*v_th)) {
        let expected = format!("in [1, {highest}] in units of a membrane of {state_bits} bits");
        return Err(Error::value(format!("the threshold of {}", neurons.name), expected, v_th));
    }
    Ok((input_shift as u32, gain_shift as u32, thresholds.map(|v_th| v_th as i32)))
}
