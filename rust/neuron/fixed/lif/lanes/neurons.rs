//! The neurons of a population, for steps of blocks.

use super::block::PerBlock;
use super::decay::LaneDecay;
use crate::neuron::fixed::{Decay, FixedModel, FixedParams, FixedPopulation, Rounding};

/// Most bits of a factor with which products need no more than 32 bits.
const NARROW_FACTOR: u32 = 15;

/// Longest shift whose rounding needs no more than 32 bits.
pub(super) const NARROW_SHIFT: u32 = 30;

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

/// Holds the neurons of a population as steps of blocks need them.
#[derive(Clone, Debug)]
pub struct FixedLanes {
    pub(super) population: FixedPopulation,
    pub(super) current_decay: LaneDecay,
    pub(super) membrane_decay: LaneDecay,
    pub(super) bias: PerBlock,
    pub(super) v_th: PerBlock,
    /// Whether some number of a step may need more than 32 bits.
    pub(super) wide: bool,
    /// Whether neurons are stepped one by one.
    one_by_one: bool,
}

impl FixedLanes {
    /// Takes `n` neurons onto each of which at most `most` arrives at a step, positive or negative.
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

    /// Returns the neurons one by one.
    pub fn population(&self) -> &FixedPopulation {
        &self.population
    }

    /// Whether neurons are to be stepped one by one, as their spikes, draws or ages are of each alone.
    pub fn one_by_one(&self) -> bool {
        self.one_by_one
    }
}
