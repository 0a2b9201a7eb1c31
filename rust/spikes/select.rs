//! Sets of samples out of others.

use super::SpikeTrains;
use crate::error::{Error, Result};
use crate::memory::{collected, with_room};

impl SpikeTrains {
    /// Makes the given samples as a set of their own, in the given order; one may be there several times.
    ///
    /// # Errors
    /// [`Error::Value`] if a sample does not exist, [`Error::Memory`] if there is no room for so many.
    pub fn take(&self, samples: &[usize]) -> Result<Self> {
        let (n_samples, n_steps) = (self.n_samples(), self.n_steps());
        if let Some(at) = samples.iter().position(|&sample| sample >= n_samples) {
            return Err(Error::value(format!("samples[{at}]"), format!("in [0, {n_samples})"), samples[at]));
        }
        let rows = |sample: usize| &self.indptr()[sample * n_steps..=(sample + 1) * n_steps];
        let n_spikes = samples.iter().map(|&sample| rows(sample)[n_steps] - rows(sample)[0]);
        let mut taken = self.with_room(samples.len().checked_mul(n_steps), n_spikes)?;
        for &sample in samples {
            taken.push_sample(self.rows_of(sample))?;
        }
        taken.set_lengths_of(self, samples.iter().copied())?;
        Ok(taken)
    }

    /// Makes the steps `from..to` of every sample as a set of their own. Panics where the range is out of bounds or empty.
    /// A sample ends where it did.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first sample that has ended before; [`Error::Memory`] if there is no room for so many.
    pub fn steps(&self, from: usize, to: usize) -> Result<Self> {
        assert!(from < to && to <= self.n_steps(), "steps {from}..{to} of {}", self.n_steps());
        let n_spikes = (0..self.n_samples()).map(|sample| {
            let rows = &self.indptr()[sample * self.n_steps()..];
            rows[to] - rows[from]
        });
        let n_rows = self.n_samples().checked_mul(to - from);
        let mut cut = Self::empty(to - from, self.n_neurons())?.with_room(n_rows, n_spikes)?;
        for sample in 0..self.n_samples() {
            cut.push_sample(self.rows_of(sample).skip(from).take(to - from))?;
        }
        if self.lengths().is_some() {
            if let Some(sample) = (0..self.n_samples()).find(|&sample| self.n_steps_of(sample) <= from) {
                let expected = format!("< {}, the length of sample {sample}", self.n_steps_of(sample));
                return Err(Error::value("the first step", expected, from));
            }
            let left = (0..self.n_samples()).map(|sample| (self.n_steps_of(sample).min(to) - from) as u32);
            cut.set_lengths(collected("n_samples", left)?);
        }
        Ok(cut)
    }

    /// Makes the samples of all sets, one set after the other.
    ///
    /// # Errors
    /// [`Error::Value`] if there is no set, [`Error::Shape`] naming the first of other steps or neurons, [`Error::Memory`] if
    /// there is no room for so many.
    pub fn concatenate(sets: &[&Self]) -> Result<Self> {
        let Some((first, others)) = sets.split_first() else {
            return Err(Error::value("trains", "at least one set of spike trains", "none"));
        };
        let (n_steps, n_neurons) = (first.n_steps(), first.n_neurons());
        for (index, set) in others.iter().enumerate() {
            if (set.n_steps(), set.n_neurons()) != (n_steps, n_neurons) {
                let expected = format!("(n_samples, n_steps={n_steps}, n_neurons={n_neurons}), as trains[0]");
                let shape = [set.n_samples(), set.n_steps(), set.n_neurons()];
                return Err(Error::shape(format!("trains[{}]", index + 1), &shape, expected));
            }
        }
        let n_samples = sets.iter().try_fold(0usize, |sum, set| sum.checked_add(set.n_samples()));
        let n_rows = n_samples.and_then(|n| n.checked_mul(n_steps));
        let mut all = first.with_room(n_rows, sets.iter().map(|set| set.n_spikes()))?;
        for set in sets {
            for sample in 0..set.n_samples() {
                all.push_sample(set.rows_of(sample))?;
            }
        }
        if sets.iter().any(|set| set.lengths().is_some()) {
            let mut lengths = with_room("n_samples", Some(all.n_samples()))?;
            for set in sets {
                lengths.extend((0..set.n_samples()).map(|sample| set.n_steps_of(sample) as u32));
            }
            all.set_lengths(lengths);
        }
        Ok(all)
    }

    /// Makes an empty set of the same steps and neurons, if there is room for so many rows and the spikes of all parts.
    fn with_room(&self, n_rows: Option<usize>, mut n_spikes: impl Iterator<Item = usize>) -> Result<Self> {
        let n_spikes = n_spikes.try_fold(0usize, |sum, n| sum.checked_add(n));
        let mut set = Self::empty(self.n_steps(), self.n_neurons())?;
        set.reserve(n_rows, n_spikes).map(|()| set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples 0, 1, ... of two steps: number `s` fires neuron `s` in its first step and twice neuron 0 in its second.
    fn numbered(n_samples: usize) -> SpikeTrains {
        let counts = (0..n_samples).flat_map(|s| (0..2).flat_map(move |t| (0..4).map(move |n| fires(s, t, n))));
        SpikeTrains::from_counts(n_samples, 2, 4, counts).unwrap()
    }

    fn fires(sample: usize, step: usize, neuron: usize) -> u16 {
        if step == 0 { u16::from(neuron == sample) } else { 2 * u16::from(neuron == 0) }
    }

    #[test]
    fn samples_come_in_the_order_asked_for() {
        let taken = numbered(4).take(&[3, 1, 1]).unwrap();
        assert_eq!(taken.indptr(), [0, 1, 3, 4, 6, 7, 9]);
        assert_eq!(taken.index(), [3, 0, 0, 1, 0, 0, 1, 0, 0]);
        assert_eq!(numbered(4).take(&[]).unwrap().n_samples(), 0);
        let refused = numbered(4).take(&[0, 4]).unwrap_err().to_string();
        assert_eq!(refused, "samples[1] must be in [0, 4), got 4");
    }

    #[test]
    fn steps_of_every_sample() {
        let cut = numbered(3).steps(1, 2).unwrap();
        assert_eq!((cut.n_samples(), cut.n_steps()), (3, 1));
        assert_eq!(cut.index(), [0; 6]);
        assert_eq!(numbered(3).steps(0, 2).unwrap(), numbered(3));
    }

    #[test]
    fn sets_one_after_the_other() {
        let (all, parts) = (numbered(4), [(0, 1), (1, 4)].map(|(from, to)| numbered(4).slice(from, to).unwrap()));
        assert_eq!(SpikeTrains::concatenate(&[&parts[0], &parts[1]]).unwrap(), all);
        assert!(SpikeTrains::concatenate(&[]).is_err());
        let other = SpikeTrains::empty(3, 4).unwrap();
        let refused = SpikeTrains::concatenate(&[&all, &other]).unwrap_err().to_string();
        assert_eq!(
            refused,
            "trains[1] has shape (0, 3, 4), expected (n_samples, n_steps=2, n_neurons=4), as trains[0]"
        );
    }
}
