//! Delays of the synapses of one projection.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::memory::{collected, with_room};
use crate::network::delay_steps;
use crate::stop::{check, looking};

/// Synapses, for messages.
pub(super) const SYNAPSES: &str = "n_synapses";

/// Synapses or rows between two looks at whether to stop.
pub(super) const UNASKED: usize = 1 << 16;

/// Different delays that one byte a synapse tells apart.
const SMALL: usize = 256;

/// Holds transmission delays [ms] of a projection.
#[derive(Clone, Debug, PartialEq)]
pub struct Delays {
    /// The delays that occur, ascending.
    distinct: Vec<f64>,
    /// Which of them a synapse has; rows are sorted by it.
    index: Index,
}

#[derive(Clone, Debug, PartialEq)]
enum Index {
    /// All synapses have the one delay, or tell theirs by themselves.
    Same,
    Small(Vec<u8>),
    Large(Vec<u32>),
}

impl Delays {
    /// Makes the delays of synapses that have one for all [ms].
    pub(crate) fn same(delay: f64) -> Self {
        Self { distinct: vec![delay], index: Index::Same }
    }

    /// Holds the delays that occur, ascending, and which of them each synapse has; no index if all have the one.
    pub(crate) fn each(distinct: Vec<f64>, index: Vec<u32>) -> Self {
        let index = match distinct.len() {
            0 | 1 => Index::Same,
            n if n <= SMALL => Index::Small(index.iter().map(|&i| i as u8).collect()),
            _ => Index::Large(index),
        };
        Self { distinct, index }
    }

    /// Makes [`each`](Self::each) of at most 256 delays, whose index needs no copy.
    pub(crate) fn few(distinct: Vec<f64>, index: Vec<u8>) -> Self {
        assert!(distinct.len() <= SMALL);
        Self { distinct, index: Index::Small(index) }
    }

    /// Makes the delays, ascending, of synapses that tell by themselves which of them they have.
    pub(super) fn elsewhere(distinct: Vec<f64>) -> Self {
        Self { distinct, index: Index::Same }
    }

    /// Returns the delays that occur [ms], ascending.
    pub fn distinct(&self) -> &[f64] {
        &self.distinct
    }

    /// Says whether synapses have delays of their own.
    pub(super) fn is_indexed(&self) -> bool {
        self.index != Index::Same
    }

    /// Returns where in a row those with delay number `group` are.
    #[inline(always)]
    pub(super) fn within(&self, row: Range<usize>, group: usize) -> Range<usize> {
        match &self.index {
            Index::Same => row,
            Index::Small(index) => within(row, index, group as u8),
            Index::Large(index) => within(row, index, group as u32),
        }
    }

    /// Returns the delay number of the synapse at `place`.
    #[inline(always)]
    pub(super) fn group(&self, place: usize) -> usize {
        match &self.index {
            Index::Same => 0,
            Index::Small(index) => index[place] as usize,
            Index::Large(index) => index[place] as usize,
        }
    }

    /// Tells, in numbers, the delay of every synapse, but of those that tell it by themselves.
    pub(super) fn words(&self, mut take: impl FnMut(u64)) {
        take(self.distinct.len() as u64);
        self.distinct.iter().for_each(|delay| take(delay.to_bits()));
        match &self.index {
            Index::Same => {}
            Index::Small(index) => {
                let (eights, rest) = index.as_chunks::<8>();
                eights.iter().for_each(|&eight| take(u64::from_le_bytes(eight)));
                rest.iter().for_each(|&value| take(u64::from(value)));
            }
            Index::Large(index) => take_pairs(index, take),
        }
    }

    /// Returns the delays in steps of `dt` ms.
    ///
    /// # Errors
    /// [`Error::Value`] if one is not a whole number of steps, or too long.
    pub fn steps(&self, name: &str, dt: f64) -> Result<Vec<u32>> {
        self.distinct.iter().map(|&delay| delay_steps(name, delay, dt)).collect()
    }
}

fn within<T: Ord + Copy>(range: Range<usize>, index: &[T], group: T) -> Range<usize> {
    let row = &index[range.clone()];
    let from = row.partition_point(|&g| g < group);
    let to = from + row[from..].partition_point(|&g| g == group);
    range.start + from..range.start + to
}

/// Returns the delays that occur, ascending, and which of them each is.
pub(super) fn distinct_delays(delay: &[f64]) -> Result<(Vec<f64>, Vec<u32>)> {
    if let Some(at) = delay.iter().position(|d| !(d.is_finite() && *d >= 0.0)) {
        let name = if delay.len() == 1 { "delay".to_owned() } else { format!("delay[{at}]") };
        return Err(Error::value(name, "finite and >= 0 ms", delay[at]));
    }
    let mut distinct = collected(SYNAPSES, delay.iter().copied())?;
    distinct.sort_unstable_by(looking(f64::total_cmp));
    distinct.dedup();
    distinct.shrink_to_fit();
    let mut index = with_room(SYNAPSES, Some(delay.len()))?;
    for delay in delay.chunks(UNASKED) {
        check()?;
        index.extend(delay.iter().map(|d| distinct.partition_point(|known| known < d) as u32));
    }
    Ok((distinct, index))
}

/// Tells numbers of 32 bits, two at a time.
pub(super) fn take_pairs(values: &[u32], mut take: impl FnMut(u64)) {
    let (pairs, rest) = values.as_chunks::<2>();
    pairs.iter().for_each(|&[low, high]| take(u64::from(low) | u64::from(high) << 32));
    rest.iter().for_each(|&value| take(u64::from(value)));
}
