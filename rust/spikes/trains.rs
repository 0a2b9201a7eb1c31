//! Spike trains of many samples as sparse events.

use crate::error::{Error, Result};

/// Spike trains of `n_samples` samples: which neurons fire at which step, as compressed sparse rows.
///
/// Row `sample * n_steps + t` lists, ascending, the neurons that fire at step `t`; one that fires k times, as some hardware's
/// neurons may, is listed k times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpikeTrains {
    n_samples: usize,
    n_steps: usize,
    n_neurons: usize,
    indptr: Vec<usize>,
    index: Vec<u32>,
}

/// The spike trains of one sample.
#[derive(Clone, Copy, Debug)]
pub struct SpikeTrain<'a> {
    indptr: &'a [usize],
    index: &'a [u32],
}

impl<'a> SpikeTrain<'a> {
    /// Neurons that fire at step `t`, ascending, each as often as it fires.
    #[inline(always)]
    pub fn at(&self, t: usize) -> &'a [u32] {
        &self.index[self.indptr[t]..self.indptr[t + 1]]
    }

    /// Number of time steps.
    #[inline(always)]
    pub fn n_steps(&self) -> usize {
        self.indptr.len() - 1
    }
}

impl SpikeTrains {
    /// An empty set, to which samples are [pushed](Self::push_sample).
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
        Ok(Self { n_samples: 0, n_steps, n_neurons, indptr: vec![0], index: Vec::new() })
    }

    /// Checks and takes compressed sparse rows: `indptr` of length `n_samples * n_steps + 1`, `index` sorted within a row.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Value`] naming the first offending entry.
    pub fn from_csr(n_samples: usize, n_steps: usize, n_neurons: usize, indptr: &[i64], index: &[i64]) -> Result<Self> {
        let mut trains = Self::empty(n_steps, n_neurons)?;
        let n_rows = n_samples.checked_mul(n_steps).ok_or_else(|| Error::value("shape", "of fewer rows", n_samples))?;
        if indptr.len() != n_rows + 1 {
            return Err(Error::shape(
                "indptr",
                &[indptr.len()],
                format!("(n_samples * n_steps + 1 = {},)", n_rows + 1),
            ));
        }
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
        for pair in indptr.windows(2) {
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
        trains.indptr = indptr.iter().map(|&at| at as usize).collect();
        trains.index = index.iter().map(|&neuron| neuron as u32).collect();
        Ok(trains)
    }

    /// From how often each neuron fires at each step, (n_samples, n_steps, n_neurons) in C order.
    ///
    /// # Errors
    /// [`Error::Value`] if `n_steps` or `n_neurons` is 0.
    pub fn from_counts(
        n_samples: usize,
        n_steps: usize,
        n_neurons: usize,
        counts: impl Iterator<Item = u16>,
    ) -> Result<Self> {
        let mut trains = Self::empty(n_steps, n_neurons)?;
        let mut counts = counts;
        for _ in 0..n_samples * n_steps {
            for (neuron, count) in counts.by_ref().take(n_neurons).enumerate() {
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
    /// [`Error::Value`] naming the first event that is out of range or unsorted; nothing is added then.
    pub fn push_events(&mut self, name: &str, t: &[i64], x: &[i64], keep_repeated: bool) -> Result<()> {
        if t.len() != x.len() {
            return Err(Error::shape(format!("{name}['x']"), &[x.len()], format!("({},) as {name}['t']", t.len())));
        }
        for (i, (&time, &neuron)) in t.iter().zip(x).enumerate() {
            if time < 0 || time >= self.n_steps as i64 {
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
        let mut at = 0;
        for step in 0..self.n_steps as i64 {
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

    /// Makes room for so many rows and spikes more.
    pub(super) fn reserve(&mut self, n_rows: usize, n_spikes: usize) {
        self.indptr.reserve_exact(n_rows);
        self.index.reserve_exact(n_spikes);
    }

    /// Adds a sample whose rows come step by step, each sorted and in range: an engine's output, not checked.
    pub fn push_sample<'r>(&mut self, rows: impl Iterator<Item = &'r [u32]>) {
        for row in rows {
            self.index.extend_from_slice(row);
            self.indptr.push(self.index.len());
        }
        self.n_samples += 1;
        debug_assert_eq!(self.indptr.len(), self.n_samples * self.n_steps + 1);
    }

    /// The samples `from..to` as a set of their own. Panics where the range is out of bounds.
    pub fn slice(&self, from: usize, to: usize) -> Self {
        let rows = &self.indptr[from * self.n_steps..=to * self.n_steps];
        Self {
            n_samples: to - from,
            n_steps: self.n_steps,
            n_neurons: self.n_neurons,
            indptr: rows.iter().map(|&at| at - rows[0]).collect(),
            index: self.index[rows[0]..rows[rows.len() - 1]].to_vec(),
        }
    }

    /// Spike trains of one sample. Panics if `sample` is out of range.
    pub fn sample(&self, sample: usize) -> SpikeTrain<'_> {
        SpikeTrain { indptr: &self.indptr[sample * self.n_steps..=(sample + 1) * self.n_steps], index: &self.index }
    }

    /// Spikes of every neuron of one sample, length n_neurons.
    pub fn counts(&self, sample: usize) -> Vec<u32> {
        let mut counts = vec![0; self.n_neurons];
        let (from, to) = (self.indptr[sample * self.n_steps], self.indptr[(sample + 1) * self.n_steps]);
        self.index[from..to].iter().for_each(|&neuron| counts[neuron as usize] += 1);
        counts
    }

    /// The first sample, step and neuron at which the neuron fires more than `most` times.
    pub fn more_often_than(&self, most: u32) -> Option<[usize; 3]> {
        let repeats =
            |row: &[u32]| row.windows(most as usize + 1).find(|all| all[0] == all[most as usize]).map(|all| all[0]);
        self.indptr.windows(2).enumerate().find_map(|(row, pair)| {
            let neuron = repeats(&self.index[pair[0]..pair[1]])?;
            Some([row / self.n_steps, row % self.n_steps, neuron as usize])
        })
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Number of time steps of each sample.
    pub fn n_steps(&self) -> usize {
        self.n_steps
    }

    /// Number of neurons.
    pub fn n_neurons(&self) -> usize {
        self.n_neurons
    }

    /// Number of spikes of all samples.
    pub fn n_spikes(&self) -> usize {
        self.index.len()
    }

    /// Row starts, length `n_samples * n_steps + 1`.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// Neurons of the spikes, row after row.
    pub fn index(&self) -> &[u32] {
        &self.index
    }
}
