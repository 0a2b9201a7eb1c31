//! Spike trains of many samples as sparse events.

mod lengths;

use crate::error::{Error, Result};
use crate::memory::{collected, copied, filled, no_room, product, reserve};
use crate::stop::{check, is_stopped};

/// What takes the memory, for messages.
const ROWS: &str = "n_samples * n_steps";
const SPIKES: &str = "n_spikes";
const LENGTHS: &str = "n_samples";

/// Rows made between two looks at whether to stop.
const ROWS_UNASKED: usize = 64;

/// Spike trains of `n_samples` samples: which neurons fire at which step, as compressed sparse rows.
///
/// Row `sample * n_steps + t` lists, ascending, the neurons that fire at step `t`; one that fires k times, as some hardware's
/// neurons may, is listed k times. Samples may be shorter than `n_steps`: then the rows behind their ends are empty.
#[derive(Debug, PartialEq, Eq)]
pub struct SpikeTrains {
    n_samples: usize,
    n_steps: usize,
    n_neurons: usize,
    indptr: Vec<usize>,
    index: Vec<u32>,
    /// Number of time steps of each sample; `None` if all have `n_steps`.
    lengths: Option<Vec<u32>>,
}

impl Clone for SpikeTrains {
    fn clone(&self) -> Self {
        let lengths = self.lengths.as_ref().map(|lengths| copied(LENGTHS, lengths));
        Self { indptr: copied(ROWS, &self.indptr), index: copied(SPIKES, &self.index), lengths, ..*self }
    }
}

/// The spike trains of one sample.
#[derive(Clone, Copy, Debug)]
pub struct SpikeTrain<'a> {
    indptr: &'a [usize],
    index: &'a [u32],
}

impl<'a> SpikeTrain<'a> {
    /// Returns the neurons that fire at step `t`, ascending, each as often as it fires.
    #[inline(always)]
    pub fn at(&self, t: usize) -> &'a [u32] {
        &self.index[self.indptr[t]..self.indptr[t + 1]]
    }

    /// Returns the number of time steps.
    #[inline(always)]
    pub fn n_steps(&self) -> usize {
        self.indptr.len() - 1
    }
}

impl SpikeTrains {
    /// Makes an empty set, to which samples are [pushed](Self::push_sample).
    ///
    /// # Errors
    /// [`Error::Value`] if `n_steps` or `n_neurons` is 0.
    pub fn empty(n_steps: usize, n_neurons: usize) -> Result<Self> {
        if n_steps == 0 {
            return Err(Error::value("n_steps", ">= 1", 0));
        }
        if n_neurons == 0 || n_neurons >= u32::MAX as usize {
            return Err(Error::value("n_neurons", "in [1, 2^32 - 1)", n_neurons));
        }
        Ok(Self { n_samples: 0, n_steps, n_neurons, indptr: vec![0], index: Vec::new(), lengths: None })
    }

    /// Checks and takes compressed sparse rows: `indptr` of length `n_samples * n_steps + 1`, `index` sorted within a row.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Value`] naming the first offending entry; [`Error::Memory`].
    pub fn from_csr(n_samples: usize, n_steps: usize, n_neurons: usize, indptr: &[i64], index: &[i64]) -> Result<Self> {
        let mut trains = Self::empty(n_steps, n_neurons)?;
        // In 128 bits, where two of 64 always have a product and a successor.
        let n_starts = n_samples as u128 * n_steps as u128 + 1;
        if indptr.len() as u128 != n_starts {
            return Err(Error::shape("indptr", &[indptr.len()], format!("(n_samples * n_steps + 1 = {n_starts},)")));
        }
        let n_rows = indptr.len() - 1;
        if indptr[0] != 0 {
            return Err(Error::value("indptr[0]", "0", indptr[0]));
        }
        if indptr[n_rows] != index.len() as i64 {
            return Err(Error::value(
                format!("indptr[{n_rows}]"),
                format!("the length of indices, {}", index.len()),
                indptr[n_rows],
            ));
        }
        if let Some(r) = indptr.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(Error::value(
                format!("indptr[{}]", r + 1),
                format!(">= indptr[{r}] = {}", indptr[r]),
                indptr[r + 1],
            ));
        }
        for (row, pair) in indptr.windows(2).enumerate() {
            if row.is_multiple_of(ROWS_UNASKED) {
                check()?;
            }
            let (from, to) = (pair[0] as usize, pair[1] as usize);
            for at in from..to {
                if index[at] < 0 || index[at] >= n_neurons as i64 {
                    return Err(Error::value(
                        format!("indices[{at}]"),
                        format!("a neuron in [0, {n_neurons})"),
                        index[at],
                    ));
                }
                if at > from && index[at] < index[at - 1] {
                    let expected = format!(">= indices[{}] = {} (sorted within a row)", at - 1, index[at - 1]);
                    return Err(Error::value(format!("indices[{at}]"), expected, index[at]));
                }
            }
        }
        trains.n_samples = n_samples;
        trains.indptr = collected(ROWS, indptr.iter().map(|&at| at as usize))?;
        trains.index = collected(SPIKES, index.iter().map(|&neuron| neuron as u32))?;
        Ok(trains)
    }

    /// Takes compressed sparse rows, each sorted and in range: not checked.
    ///
    /// # Errors
    /// [`Error::Value`] if `n_steps` or `n_neurons` is 0.
    pub(super) fn from_rows(n_steps: usize, n_neurons: usize, indptr: Vec<usize>, index: Vec<u32>) -> Result<Self> {
        let n_samples = (indptr.len() - 1) / n_steps.max(1);
        debug_assert!(indptr.len() == n_samples * n_steps + 1 && indptr.last() == Some(&index.len()));
        Ok(Self { n_samples, indptr, index, ..Self::empty(n_steps, n_neurons)? })
    }

    /// Makes one from how often each neuron fires at each step, (n_samples, n_steps, n_neurons) in C order.
    ///
    /// # Errors
    /// [`Error::Value`] if `n_steps` or `n_neurons` is 0; [`Error::Memory`].
    pub fn from_counts(
        n_samples: usize,
        n_steps: usize,
        n_neurons: usize,
        counts: impl Iterator<Item = u16>,
    ) -> Result<Self> {
        let mut trains = Self::empty(n_steps, n_neurons)?;
        let mut counts = counts;
        trains.reserve_samples(n_samples)?;
        for row in 0..n_samples * n_steps {
            if row.is_multiple_of(ROWS_UNASKED) {
                check()?;
            }
            for (neuron, count) in counts.by_ref().take(n_neurons).enumerate() {
                if count == 0 {
                    continue;
                }
                reserve(SPIKES, &mut trains.index, count.into())?;
                trains.index.extend(std::iter::repeat_n(neuron as u32, count.into()));
            }
            trains.indptr.push(trains.index.len());
        }
        trains.n_samples = n_samples;
        Ok(trains)
    }

    /// Adds a sample from its events (t, x): `t` ascending, `x` a neuron; of repeated events all are kept, or one.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first event that is out of range or unsorted; [`Error::Memory`]; [`Error::Interrupted`] if
    /// the work is to stop; nothing is added then.
    pub fn push_events(&mut self, name: &str, t: &[i64], x: &[i64], keep_repeated: bool) -> Result<()> {
        if t.len() != x.len() {
            return Err(Error::shape(format!("{name}['x']"), &[x.len()], format!("({},) as {name}['t']", t.len())));
        }
        for (i, (&time, &neuron)) in t.iter().zip(x).enumerate() {
            if time < 0 || time as u64 >= self.n_steps as u64 {
                return Err(Error::value(
                    format!("{name}['t'][{i}]"),
                    format!("a step in [0, {})", self.n_steps),
                    time,
                ));
            }
            if neuron < 0 || neuron >= self.n_neurons as i64 {
                return Err(Error::value(
                    format!("{name}['x'][{i}]"),
                    format!("a neuron in [0, {})", self.n_neurons),
                    neuron,
                ));
            }
            if i > 0 && time < t[i - 1] {
                let expected = format!(">= {name}['t'][{}] = {} (events sorted by time)", i - 1, t[i - 1]);
                return Err(Error::value(format!("{name}['t'][{i}]"), expected, time));
            }
        }
        self.reserve_samples(1)?;
        reserve(SPIKES, &mut self.index, t.len())?;
        let (rows, spikes) = (self.indptr.len(), self.index.len());
        let mut at = 0;
        for step in 0..self.n_steps as i64 {
            if (step as usize).is_multiple_of(ROWS_UNASKED) && is_stopped() {
                self.indptr.truncate(rows);
                self.index.truncate(spikes);
                return Err(Error::Interrupted);
            }
            let row = self.index.len();
            while at < t.len() && t[at] == step {
                self.index.push(x[at] as u32);
                at += 1;
            }
            self.index[row..].sort_unstable();
            let mut kept = row;
            for i in row..self.index.len() {
                if keep_repeated || i == row || self.index[i] != self.index[kept - 1] {
                    self.index[kept] = self.index[i];
                    kept += 1;
                }
            }
            self.index.truncate(kept);
            self.indptr.push(kept);
        }
        self.n_samples += 1;
        Ok(())
    }

    /// Makes room for so many more samples, their spikes apart.
    ///
    /// # Errors
    /// [`Error::Memory`]; the set then is as it was.
    pub fn reserve_samples(&mut self, n_samples: usize) -> Result<()> {
        self.reserve(product(&[n_samples, self.n_steps]), Some(0))
    }

    /// Makes room for so many rows and spikes more; `None` is more than can be counted.
    ///
    /// # Errors
    /// [`Error::Memory`]; the set then is as it was.
    pub(super) fn reserve(&mut self, n_rows: Option<usize>, n_spikes: Option<usize>) -> Result<()> {
        let room = |name, n: Option<usize>| n.ok_or_else(|| no_room(name, None, size_of::<usize>()));
        reserve(ROWS, &mut self.indptr, room(ROWS, n_rows)?)?;
        reserve(SPIKES, &mut self.index, room(SPIKES, n_spikes)?)
    }

    /// Adds a sample whose rows come step by step, each sorted and in range: an engine's output, not checked.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Interrupted`] if the work is to stop; the set is of no use then.
    pub fn push_sample<'r>(&mut self, rows: impl Iterator<Item = &'r [u32]>) -> Result<()> {
        for (step, row) in rows.enumerate() {
            if step.is_multiple_of(ROWS_UNASKED) {
                check()?;
            }
            reserve(SPIKES, &mut self.index, row.len())?;
            self.index.extend_from_slice(row);
            reserve(ROWS, &mut self.indptr, 1)?;
            self.indptr.push(self.index.len());
        }
        self.n_samples += 1;
        debug_assert_eq!(self.indptr.len(), self.n_samples * self.n_steps + 1);
        debug_assert!(self.lengths.is_none(), "lengths are said of a whole set");
        Ok(())
    }

    /// Makes the samples `from..to` as a set of their own.
    ///
    /// # Errors
    /// [`Error::Memory`].
    ///
    /// # Panics
    /// Where the range is out of bounds.
    pub fn slice(&self, from: usize, to: usize) -> Result<Self> {
        let rows = &self.indptr[from * self.n_steps..=to * self.n_steps];
        let mut part = Self {
            n_samples: to - from,
            n_steps: self.n_steps,
            n_neurons: self.n_neurons,
            indptr: collected(ROWS, rows.iter().map(|&at| at - rows[0]))?,
            index: collected(SPIKES, self.index[rows[0]..rows[rows.len() - 1]].iter().copied())?,
            lengths: None,
        };
        part.set_lengths_of(self, from..to)?;
        Ok(part)
    }

    /// Returns the spike trains of one sample, of as many steps as it has. Panics if `sample` is out of range.
    pub fn sample(&self, sample: usize) -> SpikeTrain<'_> {
        let first = sample * self.n_steps;
        SpikeTrain { indptr: &self.indptr[first..=first + self.n_steps_of(sample)], index: &self.index }
    }

    /// Returns the neurons that fire in each of the `n_steps` steps of a sample, of which those behind its end are silent.
    pub(super) fn rows_of(&self, sample: usize) -> impl Iterator<Item = &[u32]> {
        let rows = self.indptr[sample * self.n_steps..=(sample + 1) * self.n_steps].windows(2);
        rows.map(|pair| &self.index[pair[0]..pair[1]])
    }

    /// Returns the spikes of every neuron, (n_samples, n_neurons).
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn counts(&self) -> Result<Vec<u32>> {
        let n = product(&[self.n_samples, self.n_neurons]);
        let mut counts = filled("n_samples * n_neurons", n, 0)?;
        for (sample, counts) in counts.chunks_exact_mut(self.n_neurons).enumerate() {
            let (from, to) = (self.indptr[sample * self.n_steps], self.indptr[(sample + 1) * self.n_steps]);
            self.index[from..to].iter().for_each(|&neuron| counts[neuron as usize] += 1);
        }
        Ok(counts)
    }

    /// Returns the first sample, step and neuron at which the neuron fires more than `most` times.
    pub fn more_often_than(&self, most: u32) -> Option<[usize; 3]> {
        let repeats =
            |row: &[u32]| row.windows(most as usize + 1).find(|all| all[0] == all[most as usize]).map(|all| all[0]);
        self.indptr.windows(2).enumerate().find_map(|(row, pair)| {
            let neuron = repeats(&self.index[pair[0]..pair[1]])?;
            Some([row / self.n_steps, row % self.n_steps, neuron as usize])
        })
    }

    /// Returns the number of samples.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Returns the number of time steps of each sample, of the longest if they differ.
    pub fn n_steps(&self) -> usize {
        self.n_steps
    }

    /// Returns the number of neurons.
    pub fn n_neurons(&self) -> usize {
        self.n_neurons
    }

    /// Returns the number of spikes of all samples.
    pub fn n_spikes(&self) -> usize {
        self.index.len()
    }

    /// Returns the row starts, length `n_samples * n_steps + 1`.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// Returns the neurons of the spikes, row after row.
    pub fn index(&self) -> &[u32] {
        &self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of three steps and neurons, from events (t, x) of one sample.
    fn of_events(t: &[i64], x: &[i64], keep_repeated: bool) -> Result<SpikeTrains> {
        let mut trains = SpikeTrains::empty(3, 3)?;
        trains.push_events("events[0]", t, x, keep_repeated)?;
        Ok(trains)
    }

    #[test]
    fn repeated_events_are_one_spike_or_all() {
        let (t, x) = ([0, 0, 0, 0, 2], [2, 1, 2, 2, 2]);
        let merged = of_events(&t, &x, false).unwrap();
        assert_eq!((merged.indptr(), merged.index()), (&[0, 2, 2, 3][..], &[1, 2, 2][..]));
        let kept = of_events(&t, &x, true).unwrap();
        assert_eq!((kept.indptr(), kept.index()), (&[0, 4, 4, 5][..], &[1, 2, 2, 2, 2][..]));
    }

    #[test]
    fn events_out_of_place_add_nothing() {
        let message = |t: &[i64], x: &[i64]| of_events(t, x, true).unwrap_err().to_string();
        assert_eq!(message(&[0, 3], &[0, 0]), "events[0]['t'][1] must be a step in [0, 3), got 3");
        assert_eq!(message(&[0, -1], &[0, 0]), "events[0]['t'][1] must be a step in [0, 3), got -1");
        assert_eq!(message(&[0], &[3]), "events[0]['x'][0] must be a neuron in [0, 3), got 3");
        assert!(message(&[1, 0], &[0, 0]).starts_with("events[0]['t'][1] must be >= events[0]['t'][0] = 1"));
        let mut trains = SpikeTrains::empty(3, 3).unwrap();
        trains.push_events("events[0]", &[0, 4], &[1, 1], true).unwrap_err();
        assert_eq!(trains, SpikeTrains::empty(3, 3).unwrap());
    }
}
