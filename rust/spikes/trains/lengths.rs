//! Samples that end before the longest one does.

use super::{LENGTHS, SpikeTrains};
use crate::error::{Error, Result};
use crate::memory::collected;

impl SpikeTrains {
    /// Says how many steps each sample has, at most `n_steps`: it is run for so many, and ends there.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Value`] naming the first length that is out of range, or shorter than the sample's spikes.
    pub fn with_lengths(mut self, lengths: &[i64]) -> Result<Self> {
        if lengths.len() != self.n_samples {
            return Err(Error::shape("lengths", &[lengths.len()], format!("(n_samples={},)", self.n_samples)));
        }
        for (sample, &length) in lengths.iter().enumerate() {
            if !(1..=self.n_steps as i64).contains(&length) {
                let expected = format!("in [1, n_steps={}]", self.n_steps);
                return Err(Error::value(format!("lengths[{sample}]"), expected, length));
            }
            let rows = &self.indptr[sample * self.n_steps..=(sample + 1) * self.n_steps];
            if rows[length as usize] != rows[self.n_steps] {
                let last = (0..self.n_steps).rev().find(|&t| rows[t] != rows[t + 1]).unwrap_or_default();
                let expected = format!("> {last}, the step of the sample's last spike");
                return Err(Error::value(format!("lengths[{sample}]"), expected, length));
            }
        }
        self.set_lengths(collected(LENGTHS, lengths.iter().map(|&length| length as u32))?);
        Ok(self)
    }

    /// Returns the number of time steps of a sample.
    #[inline(always)]
    pub fn n_steps_of(&self, sample: usize) -> usize {
        self.lengths.as_ref().map_or(self.n_steps, |lengths| lengths[sample] as usize)
    }

    /// Returns the number of time steps of each sample; `None` if all have as many.
    pub fn lengths(&self) -> Option<&[u32]> {
        self.lengths.as_deref()
    }

    /// Refuses a set, called `name`, whose samples are not as long as those of another.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first.
    pub fn check_lengths(&self, name: &str, other: &Self, other_name: &str) -> Result<()> {
        let differs = |&sample: &usize| self.n_steps_of(sample) != other.n_steps_of(sample);
        let either = self.lengths.is_some() || other.lengths.is_some();
        match (0..self.n_samples).filter(|_| either).find(differs) {
            None => Ok(()),
            Some(sample) => {
                let expected = format!("{} steps, as in {other_name}", other.n_steps_of(sample));
                Err(Error::value(format!("sample {sample} of {name}"), expected, self.n_steps_of(sample)))
            }
        }
    }

    /// Sets the length of each sample, behind whose end its rows are empty: not checked.
    pub(crate) fn set_lengths(&mut self, lengths: Vec<u32>) {
        debug_assert_eq!(lengths.len(), self.n_samples);
        let are_all = lengths.iter().all(|&length| length as usize == self.n_steps);
        self.lengths = (!are_all).then_some(lengths);
    }

    /// Sets the lengths to those of the given samples of another set, one for each of this one.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub(in crate::spikes) fn set_lengths_of(
        &mut self,
        of: &Self,
        samples: impl ExactSizeIterator<Item = usize>,
    ) -> Result<()> {
        if let Some(lengths) = &of.lengths {
            self.set_lengths(collected(LENGTHS, samples.map(|sample| lengths[sample]))?);
        }
        Ok(())
    }
}
