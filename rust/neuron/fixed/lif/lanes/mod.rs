//! Blocks of 16 neurons stepped in vectors: the same bits as [`FixedPopulation::step`].

mod arithmetic;
mod block;
mod step;

pub use block::FixedBlock;

use super::super::{Decay, FixedModel, FixedParams, FixedPopulation, Overflows, PerNeuron, Rounding};
use crate::simd::{LaneMask, Lanes};
use block::PerBlock;
use step::run_blocks;

/// Most bits of a factor with which products need no more than 32 bits.
const NARROW_FACTOR: u32 = 15;

/// Longest shift whose rounding needs no more than 32 bits.
const NARROW_SHIFT: u32 = 30;

/// What a step leaves of a state.
#[derive(Clone, Debug)]
struct LaneDecay {
    kind: Kind,
    /// Factors or shifts.
    by: PerBlock,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Multiply { bits: u32 },
    Shift { least_one: bool },
}

impl LaneDecay {
    fn new(decay: &Decay, n: usize) -> Self {
        match decay {
            Decay::Multiply { factor, bits } => {
                Self { kind: Kind::Multiply { bits: *bits }, by: PerBlock::new(factor, n, 0, |factor| factor as i32) }
            }
            Decay::Shift { shift, least_one } => Self {
                kind: Kind::Shift { least_one: *least_one },
                by: PerBlock::new(shift, n, 0, |shift| shift as i32),
            },
            // Neurons with tables are stepped one by one.
            Decay::Table { .. } => Self {
                kind: Kind::Shift { least_one: false },
                by: PerBlock::new(&PerNeuron::Same(0), n, 0, |shift| shift),
            },
        }
    }
}

fn is_narrow(decay: &Decay) -> bool {
    match decay {
        Decay::Multiply { bits, .. } => *bits <= NARROW_FACTOR,
        Decay::Shift { shift, .. } => shift.values().iter().all(|&shift| shift <= NARROW_SHIFT),
        Decay::Table { .. } => true,
    }
}

/// Whether blocks have no step for a format.
fn is_single(format: &FixedParams) -> bool {
    let is_table = |decay: &Decay| matches!(decay, Decay::Table { .. });
    format.model != FixedModel::Lif
        || format.rounding == Rounding::Stochastic
        || format.max_spikes > 1
        || is_table(&format.current_decay)
        || is_table(&format.membrane_decay)
}

/// The neurons of a population, for steps of blocks.
#[derive(Clone, Debug)]
pub struct FixedLanes {
    population: FixedPopulation,
    current_decay: LaneDecay,
    membrane_decay: LaneDecay,
    bias: PerBlock,
    v_th: PerBlock,
    /// Whether some number of a step may need more than 32 bits.
    wide: bool,
    /// Whether neurons are stepped one by one.
    one_by_one: bool,
}

impl FixedLanes {
    /// Of `n` neurons onto each of which at most `most` arrives at a step, positive or negative.
    pub fn new(population: FixedPopulation, n: usize, most: i64) -> Self {
        let format = population.params();
        Self {
            current_decay: LaneDecay::new(&format.current_decay, n),
            membrane_decay: LaneDecay::new(&format.membrane_decay, n),
            bias: PerBlock::new(&format.bias, n, 0, |bias| bias),
            v_th: PerBlock::new(&format.v_th, n, i32::MAX, |v_th| v_th),
            wide: !(is_narrow(&format.current_decay)
                && is_narrow(&format.membrane_decay)
                && Self::sums_fit(&population, most)),
            one_by_one: is_single(format),
            population,
        }
    }

    /// Whether all sums of a step have 32 bits, if at most `most` arrives.
    pub fn sums_fit(population: &FixedPopulation, most: i64) -> bool {
        let format = population.params();
        let bias = format.bias.values().iter().map(|&bias| i64::from(bias).abs()).max().unwrap_or(0);
        let (u, v) = (1i64 << (format.current_bits - 1), 1i64 << (format.membrane_bits - 1));
        let fits = |x: i64| x < 1 << 31;
        format.gain_shift <= NARROW_SHIFT
            && fits(most)
            && fits(u + (most << format.input_shift))
            && fits(v + bias + (u >> format.gain_shift) + 1)
    }

    /// The neurons one by one.
    pub fn population(&self) -> &FixedPopulation {
        &self.population
    }

    /// Whether neurons are to be stepped one by one, as their spikes, draws or ages are of each alone.
    pub fn one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// Steps all blocks through a window of steps, with the sums that arrive at each, (n_steps, n_blocks), which are then
    /// zero; who fired at each, likewise. What did not fit.
    #[inline]
    pub fn run(&self, blocks: &mut [FixedBlock], input: &mut [Lanes<i32>], fired: &mut [LaneMask]) -> Overflows {
        run_blocks(self, blocks, input, fired)
    }
}

#[cfg(test)]
mod tests;
