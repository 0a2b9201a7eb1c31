//! Random changes of spike trains.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::{PaddedRows, SpikeTrains};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, catch, reserve, with_room};
use crate::rng::StreamKey;
use crate::stop::check;

/// Separates the random stream of the augmentation from those of the encoder and of the augmentation of images.
const AUGMENT_DOMAIN: u64 = 0x7370_696b_6573_7e00;

/// One more than the largest random word.
const WORDS: f64 = 4_294_967_296.0;

const SPIKES: &str = "spikes of a step";

/// Fewest steps of a changed sample: nothing fires at step 0.
const FEWEST: usize = 2;

/// Changes spike trains at random, drawn anew for every sample and epoch of training.
///
/// A sample is stretched in time, its spikes are shifted along the neurons, a share of them is lost, and a stretch of time and a range
/// of neurons fall silent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpikeAugment {
    /// Largest change of duration, as a share: a sample is 1 - stretch to 1 + stretch times as long.
    pub stretch: f64,
    /// Largest shift along the neurons, either way; spikes that leave are lost.
    pub max_shift: usize,
    /// Largest share of a sample's spikes that are lost.
    pub drop: f64,
    /// Largest share of a sample's steps that fall silent, one after the other.
    pub time_mask: f64,
    /// Most neurons that fall silent, one beside the other.
    pub neuron_mask: usize,
    /// First epoch with changed samples, counted from 1; before it they are taken as they are.
    pub first_epoch: u32,
}

/// Holds the buffers in which a sample is changed.
#[derive(Clone, Debug, Default)]
pub struct SpikeAugmentScratch {
    changed: PaddedRows,
    row: Vec<u32>,
    arriving: Vec<u32>,
    merged: Vec<u32>,
}

/// What becomes of one sample.
struct Change {
    factor: f64,
    shift: i64,
    /// Spikes whose word is below are lost.
    lost: f64,
    silent_steps: Range<usize>,
    silent_neurons: Range<i64>,
    rng: ChaCha8Rng,
}

impl SpikeAugment {
    /// Checks every field, for samples of `n_in` neurons.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field.
    pub fn validate(&self, n_in: usize) -> Result<()> {
        if !(0.0..1.0).contains(&self.stretch) {
            return Err(Error::value("stretch", "in [0, 1), a share", self.stretch));
        }
        if self.max_shift >= n_in {
            return Err(Error::value("max_shift", format!("< {n_in}, the number of inputs"), self.max_shift));
        }
        for (name, share) in [("drop", self.drop), ("time_mask", self.time_mask)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::value(name, "in [0, 1], a share", share));
            }
        }
        if self.neuron_mask > n_in {
            return Err(Error::value("neuron_mask", format!("<= {n_in}, the number of inputs"), self.neuron_mask));
        }
        if self.first_epoch == 0 {
            return Err(Error::value("first_epoch", ">= 1", 0));
        }
        Ok(())
    }

    /// Returns how many steps each sample has in an epoch, of those that it had, at most `most`.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn lengths(&self, lengths: &[u32], most: usize, seed: u64, epoch: u32) -> Result<Vec<u32>> {
        let mut changed = with_room("n_samples", Some(lengths.len()))?;
        changed.extend((0..).zip(lengths).map(|(sample, &length)| {
            let factor = self.factor(&mut StreamKey { seed, epoch, sample }.rng(AUGMENT_DOMAIN));
            // The last of so many steps is at most at the last of these.
            let stretched = (f64::from(length) * factor).ceil() as usize;
            stretched.max(FEWEST).min(most) as u32
        }));
        Ok(changed)
    }

    /// Changes a sample that is listed by time, as (seed, epoch, sample) say; it has `n_steps` then.
    ///
    /// Steps that coincide are one, in which a neuron fires as often as in that of them in which it fires most.
    pub fn apply(&self, key: StreamKey, n_steps: usize, by_time: &mut PaddedRows, scratch: &mut SpikeAugmentScratch) {
        let n_in = by_time.n_columns();
        let mut change = self.change(key, n_steps, n_in);
        let SpikeAugmentScratch { changed, row, arriving, merged } = scratch;
        changed.clear(n_in);
        row.clear();
        for t in 0..by_time.n_rows() {
            let to = (t as f64 * change.factor) as usize;
            if to >= n_steps {
                break;
            }
            while changed.n_rows() < to {
                changed.push_row(row);
                row.clear();
            }
            change.keep(by_time.row(t), to, n_in, arriving);
            merge(row, arriving, merged);
        }
        while changed.n_rows() < n_steps {
            changed.push_row(row);
            row.clear();
        }
        std::mem::swap(by_time, changed);
    }

    /// Changes the samples of a set, as they are in an epoch of training.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Interrupted`] if the work is to stop.
    pub fn apply_all(&self, trains: &SpikeTrains, seed: u64, epoch: u32) -> Result<SpikeTrains> {
        let (n_steps, n_neurons) = (trains.n_steps(), trains.n_neurons());
        if epoch < self.first_epoch {
            return trains.slice(0, trains.n_samples());
        }
        let lengths = trains.lengths().map(|lengths| self.lengths(lengths, n_steps, seed, epoch)).transpose()?;
        catch(|| {
            let mut all = SpikeTrains::empty(n_steps, n_neurons)?;
            let (mut rows, mut scratch) = (PaddedRows::default(), SpikeAugmentScratch::default());
            for (sample, at) in (0..trains.n_samples()).zip(0..) {
                check()?;
                let train = trains.sample(sample);
                rows.clear(n_neurons);
                (0..train.n_steps()).for_each(|t| rows.push_row(train.at(t)));
                let length = lengths.as_ref().map_or(n_steps, |lengths| lengths[sample] as usize);
                self.apply(StreamKey { seed, epoch, sample: at }, length, &mut rows, &mut scratch);
                all.push_sample((0..n_steps).map(|t| if t < length { rows.row(t) } else { &[] }))?;
            }
            if let Some(lengths) = lengths {
                all.set_lengths(lengths);
            }
            Ok(all)
        })
    }

    /// Draws what becomes of a sample: all of it whether wanted or not, so that no field changes what another does.
    fn change(&self, key: StreamKey, n_steps: usize, n_in: usize) -> Change {
        let mut rng = key.rng(AUGMENT_DOMAIN);
        let factor = self.factor(&mut rng);
        let mut share = || f64::from(rng.next_u32()) / WORDS;
        let shift = place(share(), 2 * self.max_shift + 1) as i64 - self.max_shift as i64;
        let lost = self.drop * share() * WORDS;
        let width = (self.time_mask * share() * n_steps as f64) as usize;
        let first = place(share(), n_steps - width + 1);
        let silent_steps = first..first + width;
        let width = place(share(), self.neuron_mask + 1);
        let first = place(share(), n_in - width + 1);
        let silent_neurons = first as i64..(first + width) as i64;
        Change { factor, shift, lost, silent_steps, silent_neurons, rng }
    }

    /// Draws how much longer a sample becomes: first of all.
    fn factor(&self, rng: &mut ChaCha8Rng) -> f64 {
        1.0 + self.stretch * (f64::from(rng.next_u32() as i32) / (WORDS / 2.0))
    }
}

impl Change {
    /// Lists in `kept` what is left of the spikes `row`, which are in step `to` now, of `n_in` neurons.
    fn keep(&mut self, row: &[u32], to: usize, n_in: usize, kept: &mut Vec<u32>) {
        kept.clear();
        reserve(SPIKES, kept, row.len()).or_unwind();
        for &neuron in row {
            // Drawn whatever else becomes of it.
            let is_lost = self.lost > 0.0 && f64::from(self.rng.next_u32()) < self.lost;
            let neuron = i64::from(neuron) + self.shift;
            let is_left = (0..n_in as i64).contains(&neuron) && !self.silent_neurons.contains(&neuron);
            if is_left && !is_lost && !self.silent_steps.contains(&to) {
                kept.push(neuron as u32);
            }
        }
    }
}

/// Adds the neurons of a step to those of another, both ascending: each fires as often as where it does most.
fn merge(row: &mut Vec<u32>, other: &mut Vec<u32>, merged: &mut Vec<u32>) {
    if other.is_empty() {
        return;
    }
    if row.is_empty() {
        return std::mem::swap(row, other);
    }
    merged.clear();
    reserve(SPIKES, merged, row.len() + other.len()).or_unwind();
    let (mut a, mut b) = (row.iter().copied().peekable(), other.iter().copied().peekable());
    while let (Some(&x), Some(&y)) = (a.peek(), b.peek()) {
        merged.push(x.min(y));
        if x <= y {
            a.next();
        }
        if y <= x {
            b.next();
        }
    }
    merged.extend(a);
    merged.extend(b);
    std::mem::swap(row, merged);
}

/// Returns which of `n` places a share in [0, 1) is in.
fn place(share: f64, n: usize) -> usize {
    (share * n as f64) as usize
}

#[cfg(test)]
#[path = "augment_tests.rs"]
mod tests;
