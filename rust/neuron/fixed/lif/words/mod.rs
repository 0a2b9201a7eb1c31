//! Neurons whose states are words of 16 bits, stepped 32 at a time: the same bits as
//! [`FixedPopulation::step`](super::super::FixedPopulation::step).

mod constants;
mod scale;
mod state;
mod step;

pub use constants::Constants;
pub use scale::{Floor, Nearest, Scale, TowardZero, WordRounding};
pub use state::{WordState, WordVectors};
pub use step::TERMS;

use super::super::{Decay, FixedModel, FixedParams, Overflow, PerNeuron, Reset, Rounding};
use crate::simd::{WORDS, Words};
use constants::Range;
use scale::MAGNITUDE_BITS;

/// Longest shift of sums of which [`TERMS`] words saturate every current.
const LONGEST_INPUT_SHIFT: u32 = 13;

/// Holds the neurons of a layer whose format fits words.
#[derive(Clone, Debug)]
pub struct WordNeurons {
    rounding: Rounding,
    /// Whether decays are shifts.
    shifts: [bool; 2],
    current: Range,
    membrane: Range,
    input_shift: u32,
    /// Whether currents are shifted down.
    gains: bool,
    has_bias: bool,
    subtracts: bool,
    t_ref: i16,
    /// Whether decays multiply, by less than 1, all words are states, and there is no bias.
    is_plain: bool,
    /// Of 32 neurons at a time, the last two of fewer and of none; if all are alike, of 32, of fewer and of none.
    constants: Vec<Constants>,
    /// The first 32 of which not all exist.
    last: usize,
}

impl WordNeurons {
    /// Takes `n` neurons, if words hold their states and every number of a step but sums of what arrives.
    pub fn new(format: &FixedParams, n: usize) -> Option<Self> {
        let widths = [
            (format.current_bits, format.current_overflow, &format.current_decay),
            (format.membrane_bits, format.membrane_overflow, &format.membrane_decay),
        ];
        let fits = |(bits, overflow, decay): &(u32, Overflow, &Decay)| {
            let plain = match decay {
                Decay::Multiply { bits, .. } => *bits <= MAGNITUDE_BITS,
                Decay::Shift { least_one, .. } => !least_one,
                Decay::Table { .. } => false,
            };
            *bits <= i16::BITS && overflow.saturates() && plain
        };
        // Of the current, as it is added to the membrane.
        let most = ((1 << (format.current_bits.min(i16::BITS) - 1)) >> format.gain_shift) + 1;
        let bias = format.bias.values().iter().map(|bias| bias.unsigned_abs()).max().unwrap_or(0);
        let is_word = widths.iter().all(fits)
            && matches!(format.rounding, Rounding::Nearest | Rounding::Floor | Rounding::TowardZero)
            && (format.model, format.max_spikes) == (FixedModel::Lif, 1)
            && (bias == 0 || bias + most <= i16::MAX as u32)
            && format.input_shift <= LONGEST_INPUT_SHIFT
            && format.t_ref_steps <= i16::MAX as u32;
        is_word.then(|| Self::of_words(format, n, bias != 0))
    }

    fn of_words(format: &FixedParams, n: usize, has_bias: bool) -> Self {
        let of_each = |decay: &Decay| match decay {
            Decay::Multiply { factor, .. } => matches!(factor, PerNeuron::Each(_)),
            Decay::Shift { shift, .. } => matches!(shift, PerNeuron::Each(_)),
            Decay::Table { .. } => false,
        };
        let are_alike = !(of_each(&format.current_decay)
            || of_each(&format.membrane_decay)
            || matches!(format.bias, PerNeuron::Each(_))
            || matches!(format.v_th, PerNeuron::Each(_)));
        let last = n / WORDS;
        let lines = (0..last).take(if are_alike { 1 } else { last }).chain([last, last + 1]);
        let constants = lines.map(|line| Constants::new(format, n, line)).collect();
        let is_shift = |decay: &Decay| matches!(decay, Decay::Shift { .. });
        let mut neurons = Self {
            rounding: format.rounding,
            shifts: [is_shift(&format.current_decay), is_shift(&format.membrane_decay)],
            current: Range::new(format.current_overflow, format.current_bits),
            membrane: Range::new(format.membrane_overflow, format.membrane_bits),
            input_shift: format.input_shift,
            gains: format.gain_shift > 0,
            has_bias,
            subtracts: format.reset == Reset::Subtract,
            t_ref: format.t_ref_steps as i16,
            is_plain: false,
            constants,
            last,
        };
        neurons.is_plain = neurons.find_plain();
        neurons
    }

    fn find_plain(&self) -> bool {
        let scales = self.constants.iter().flat_map(|constants| [&constants.current, &constants.membrane]);
        let has_whole = scales.map(|scale| scale.whole).any(|whole| whole != Words::splat(0));
        let [current, membrane] = [self.current, self.membrane].map(|range| range.is_narrower);
        !(has_whole || self.shifts[0] || self.shifts[1] || current || membrane || self.has_bias)
    }

    /// Whether a step has less to look at.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Returns how products are rounded, one of three ways.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// Returns the constants of the neurons from 32 `line` on.
    #[inline(always)]
    pub fn constants(&self, line: usize) -> &Constants {
        let n_full = self.constants.len() - 2;
        let at = if line < self.last { line.min(n_full - 1) } else { n_full + usize::from(line > self.last) };
        &self.constants[at]
    }
}

#[cfg(test)]
mod tests;
