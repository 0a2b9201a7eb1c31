//! Recordings of events that become spike trains one after the other, each as long as it is.

mod bitmap;
mod nmnist;
mod steps;

use rayon::prelude::*;

use self::bitmap::{Bitmap, MOST_NEURONS};
use self::steps::Steps;
use super::SpikeTrains;
use crate::error::{Error, Result};
use crate::memory::{product, reserve, with_room};
use crate::stop::{Stop, check};

/// One more than the last step that a recording may have: what is damaged may say any time.
const MOST_STEPS: u64 = 1 << 24;

/// Rows made between two looks at whether to stop.
const ROWS_UNASKED: usize = 1 << 12;

/// Recordings so far. How many steps the longest has, and with it the rows of a set, is known at the end.
#[derive(Debug)]
pub struct Recordings {
    n_neurons: usize,
    /// Steps that all have, later events are left out; `None` if each ends with its last event.
    cut: Option<usize>,
    /// Whether all events of a neuron in a step are kept, or one.
    keep_repeated: bool,
    /// Neurons, step by step, ascending within one.
    index: Vec<u32>,
    /// How many there are in each step, up to the end of each recording.
    row_sizes: Vec<u32>,
    lengths: Vec<u32>,
}

/// Times of events.
#[derive(Clone, Copy, Debug)]
pub enum Times<'a> {
    /// Whole numbers.
    Integers(&'a [i64]),
    /// Any numbers.
    Floats(&'a [f64]),
}

impl Times<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Integers(t) => t.len(),
            Self::Floats(t) => t.len(),
        }
    }

    fn part(&self, from: usize, to: usize) -> Self {
        match self {
            Self::Integers(t) => Self::Integers(&t[from..to]),
            Self::Floats(t) => Self::Floats(&t[from..to]),
        }
    }
}

/// The rows of one recording. What is read one after the other may be read into the same.
#[derive(Debug, Default)]
struct Rows {
    /// Neurons, and room behind them.
    index: Vec<u32>,
    n_spikes: usize,
    row_sizes: Vec<u32>,
}

impl Recordings {
    /// Makes an empty one.
    ///
    /// # Errors
    /// [`Error::Value`] if `n_neurons` is 0, or `cut` not in [1, 2^24].
    pub fn new(n_neurons: usize, cut: Option<usize>, keep_repeated: bool) -> Result<Self> {
        SpikeTrains::empty(1, n_neurons)?;
        if let Some(n_steps) = cut.filter(|&n_steps| n_steps == 0 || n_steps as u64 > MOST_STEPS) {
            return Err(Error::value("n_steps", "in [1, 2^24]", n_steps));
        }
        Ok(Self { n_neurons, cut, keep_repeated, index: Vec::new(), row_sizes: Vec::new(), lengths: Vec::new() })
    }

    /// Returns how many steps the longest one has; 0 if there is none.
    pub fn longest(&self) -> usize {
        self.lengths.iter().max().map_or(0, |&n| n as usize)
    }

    /// Adds recordings from their names and events, in any order: those of recording `k` end at `ends[k]` and begin where those of
    /// the one before end; `step` is the time step in the unit of the times, and `x` are neurons.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first event of a recording that is out of range, or `step` or `ends`; [`Error::Shape`];
    /// [`Error::Memory`]; [`Error::Interrupted`]; nothing is added then.
    pub fn push(&mut self, names: &[String], ends: &[usize], t: Times<'_>, x: &[i64], step: f64) -> Result<()> {
        let (steps, stop) = (Steps::new(step)?, Stop::current());
        if ends.len() != names.len() {
            return Err(Error::shape("ends", &[ends.len()], format!("({},), one a name", names.len())));
        }
        if x.len() != t.len() {
            return Err(Error::shape("x", &[x.len()], format!("({},) as t", t.len())));
        }
        if !ends.is_sorted() || ends.last().copied().unwrap_or(0) != x.len() {
            let expected = format!("ascending, to {}, the number of events", x.len());
            return Err(Error::value("ends", expected, ends.last().copied().unwrap_or(0)));
        }
        let all: Vec<Result<Rows>> = (0..ends.len())
            .into_par_iter()
            .map(|at| {
                stop.during(|| {
                    check()?;
                    let start = if at == 0 { 0 } else { ends[at - 1] };
                    let mut rows = Rows::default();
                    self.rows(&names[at], t.part(start, ends[at]), &x[start..ends[at]], steps, &mut rows)?;
                    Ok(rows)
                })
            })
            .collect();
        let before = (self.index.len(), self.row_sizes.len(), self.lengths.len());
        let added = all.into_iter().try_for_each(|rows| self.append(&rows?));
        if added.is_err() {
            self.index.truncate(before.0);
            self.row_sizes.truncate(before.1);
            self.lengths.truncate(before.2);
        }
        added
    }

    /// Takes all recordings out, as a set of `n_steps` steps.
    ///
    /// # Errors
    /// [`Error::Value`] if one is longer; [`Error::Memory`]; [`Error::Interrupted`]; nothing is taken then.
    pub fn finish(&mut self, n_steps: usize) -> Result<SpikeTrains> {
        if n_steps < self.longest() {
            let expected = format!(">= {}, the steps of the longest recording", self.longest());
            return Err(Error::value("n_steps", expected, n_steps));
        }
        let n_rows = product(&[self.lengths.len(), n_steps]).and_then(|n| n.checked_add(1));
        let mut indptr = with_room("n_samples * n_steps", n_rows)?;
        let (mut rows, mut end) = (self.row_sizes.iter(), 0);
        indptr.push(end);
        for (at, &length) in self.lengths.iter().enumerate() {
            if at.is_multiple_of(ROWS_UNASKED) {
                check()?;
            }
            for &size in rows.by_ref().take(length as usize) {
                end += size as usize;
                indptr.push(end);
            }
            indptr.resize(indptr.len() + n_steps - length as usize, end);
        }
        let all = Self::new(self.n_neurons, self.cut, self.keep_repeated)?;
        let Self { index, lengths, .. } = std::mem::replace(self, all);
        let mut trains = SpikeTrains::from_rows(n_steps, self.n_neurons, indptr, index)?;
        trains.set_lengths(lengths);
        Ok(trains)
    }

    /// Checks the events of a recording, and makes its rows.
    fn rows(&self, name: &str, t: Times<'_>, x: &[i64], steps: Steps, rows: &mut Rows) -> Result<()> {
        let mut events = with_room("n_events", Some(x.len()))?;
        for (i, &neuron) in x.iter().enumerate() {
            let (step, got) = match t {
                Times::Integers(t) => (u64::try_from(t[i]).ok().and_then(|time| steps.of(time)), t[i] as f64),
                Times::Floats(t) => (steps.of_float(t[i]), t[i]),
            };
            let Some(step) = step else {
                return Err(Error::value(format!("{name}: t[{i}]"), "a time >= 0 of less than 2^24 steps", got));
            };
            if !(0..self.n_neurons as i64).contains(&neuron) {
                let expected = format!("in [0, {})", self.n_neurons);
                return Err(Error::value(format!("{name}: x[{i}]"), expected, neuron));
            }
            events.push((step, neuron as u32));
        }
        self.rows_of(&mut events, rows)
    }

    /// Makes the rows of events (step, neuron) that are in range, in any order; what becomes of the events does not matter.
    fn rows_of(&self, events: &mut [(u32, u32)], rows: &mut Rows) -> Result<()> {
        if !events.is_sorted_by_key(|&(step, _)| step) {
            events.sort_by_key(|&(step, _)| step);
        }
        let n_kept = self.cut.map_or(events.len(), |cut| events.partition_point(|&(step, _)| (step as usize) < cut));
        let events = &events[..n_kept];
        // One that is silent has a step too, as every sample.
        let length = self.cut.unwrap_or_else(|| events.last().map_or(1, |&(step, _)| step as usize + 1));
        let Rows { index, n_spikes, row_sizes } = rows;
        row_sizes.clear();
        reserve("n_steps", row_sizes, length)?;
        // With room for one more, as the bitmap asks for.
        let more = (events.len() + 1).saturating_sub(index.len());
        reserve("n_events", index, more)?;
        index.resize(index.len() + more, 0);
        let (mut map, may_map, mut end) = (Bitmap::new(), !self.keep_repeated && self.n_neurons <= MOST_NEURONS, 0);
        for of_step in events.chunk_by(|a, b| a.0 == b.0) {
            row_sizes.resize(of_step[0].0 as usize, 0);
            let first = end;
            if may_map {
                of_step.iter().for_each(|&(_, neuron)| map.add(neuron));
                end = map.drain(index, end);
            } else {
                end += of_step.len();
                let row = &mut index[first..end];
                row.iter_mut().zip(of_step).for_each(|(at, &(_, neuron))| *at = neuron);
                row.sort_unstable();
                if !self.keep_repeated {
                    end = first + n_different(row);
                }
            }
            row_sizes.push((end - first) as u32);
        }
        row_sizes.resize(length, 0);
        *n_spikes = end;
        Ok(())
    }

    /// Adds recordings of others; what is there first need not be copied.
    fn extend(&mut self, others: Self) -> Result<()> {
        if self.lengths.is_empty() {
            *self = others;
            return Ok(());
        }
        reserve("n_spikes", &mut self.index, others.index.len())?;
        reserve("n_samples * n_steps", &mut self.row_sizes, others.row_sizes.len())?;
        reserve("n_samples", &mut self.lengths, others.lengths.len())?;
        self.index.extend_from_slice(&others.index);
        self.row_sizes.extend_from_slice(&others.row_sizes);
        self.lengths.extend_from_slice(&others.lengths);
        Ok(())
    }

    /// Adds the rows of a recording; what fails adds a part at most, which is to be taken away again.
    fn append(&mut self, rows: &Rows) -> Result<()> {
        reserve("n_spikes", &mut self.index, rows.n_spikes)?;
        reserve("n_samples * n_steps", &mut self.row_sizes, rows.row_sizes.len())?;
        reserve("n_samples", &mut self.lengths, 1)?;
        self.index.extend_from_slice(&rows.index[..rows.n_spikes]);
        self.row_sizes.extend_from_slice(&rows.row_sizes);
        self.lengths.push(rows.row_sizes.len() as u32);
        Ok(())
    }
}

/// Moves the different ones of a sorted row, which is not empty, to its front, and returns how many they are.
fn n_different(row: &mut [u32]) -> usize {
    let mut kept = 1;
    for at in 1..row.len() {
        row[kept] = row[at];
        kept += usize::from(row[kept] != row[kept - 1]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    type Events<'a> = (&'a str, &'a [i64], &'a [i64]);

    fn push(recordings: &mut Recordings, all: &[Events<'_>]) -> Result<()> {
        let names: Vec<String> = all.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let ends: Vec<usize> = (1..=all.len()).map(|n| all[..n].iter().map(|(_, t, _)| t.len()).sum()).collect();
        let (t, x): (Vec<_>, Vec<_>) =
            (all.iter().map(|(_, t, _)| *t).collect(), all.iter().map(|(.., x)| *x).collect());
        recordings.push(&names, &ends, Times::Integers(&t.concat()), &x.concat(), 1.0)
    }

    fn recorded(cut: Option<usize>, keep_repeated: bool, all: &[Events<'_>]) -> Result<Recordings> {
        let mut recordings = Recordings::new(4, cut, keep_repeated)?;
        push(&mut recordings, all)?;
        Ok(recordings)
    }

    const ALL: [Events<'static>; 3] =
        [("a", &[2, 0, 2, 2, 2], &[3, 1, 0, 3, 3]), ("b", &[], &[]), ("c", &[4, 5], &[2, 2])];

    #[test]
    fn each_is_as_long_as_it_is() {
        let mut recordings = recorded(None, false, &ALL).unwrap();
        assert_eq!(recordings.longest(), 6);
        let refused = recordings.finish(5).unwrap_err().to_string();
        assert_eq!(refused, "n_steps must be >= 6, the steps of the longest recording, got 5");
        let trains = recordings.finish(7).unwrap();
        assert_eq!((trains.n_samples(), trains.n_steps(), trains.lengths()), (3, 7, Some(&[3, 1, 6][..])));
        assert_eq!(trains.index(), [1, 0, 3, 2, 2]);
        let ends = [0, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5];
        assert_eq!(trains.indptr(), ends);
        assert_eq!((recordings.longest(), recordings.finish(1).unwrap().n_samples()), (0, 0));
    }

    #[test]
    fn many_neurons_and_few_give_the_same() {
        let events: Vec<(i64, i64)> = (0..2000i64).map(|i| (i * i % 97, i * i * i % 3001)).collect();
        let (t, x): (Vec<_>, Vec<_>) = events.into_iter().unzip();
        let of = |n_neurons: usize, keep_repeated| {
            let mut recordings = Recordings::new(n_neurons, None, keep_repeated).unwrap();
            push(&mut recordings, &[("a", &t, &x)]).unwrap();
            recordings.finish(97).unwrap()
        };
        let (few, many, kept) = (of(MOST_NEURONS, false), of(MOST_NEURONS + 1, false), of(3001, true));
        assert_eq!((few.indptr(), few.index()), (many.indptr(), many.index()));
        assert_eq!(kept.n_spikes(), 2000);
        let mut different = kept.index()[..kept.indptr()[1]].to_vec();
        different.dedup();
        assert_eq!(few.index()[..few.indptr()[1]], different);
        assert!(few.n_spikes() < 2000);
    }

    #[test]
    fn all_are_cut_or_filled_to_as_many_steps() {
        let trains = recorded(Some(5), true, &ALL).unwrap().finish(5).unwrap();
        assert_eq!((trains.n_steps(), trains.lengths()), (5, None));
        assert_eq!(trains.index(), [1, 0, 3, 3, 3, 2]);
        assert_eq!(trains.indptr(), [0, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6]);
    }

    #[test]
    fn what_is_refused_adds_nothing() {
        let refused = |t: &[i64], x: &[i64]| {
            let mut recordings = recorded(None, false, &ALL[..1]).unwrap();
            let error = push(&mut recordings, &[("ok", &[9], &[1]), ("bad", t, x)]).unwrap_err();
            assert_eq!(recordings.longest(), 3);
            assert_eq!(recordings.finish(3).unwrap(), recorded(None, false, &ALL[..1]).unwrap().finish(3).unwrap());
            error.to_string()
        };
        let late = "bad: t[1] must be a time >= 0 of less than 2^24 steps, got 16777216";
        assert_eq!(refused(&[0, 1 << 24], &[0, 0]), late);
        assert_eq!(refused(&[-1], &[0]), "bad: t[0] must be a time >= 0 of less than 2^24 steps, got -1");
        assert_eq!(refused(&[1], &[4]), "bad: x[0] must be in [0, 4), got 4");
        assert_eq!(refused(&[1], &[]), "x has shape (1,), expected (2,) as t");
        let mut recordings = Recordings::new(4, None, false).unwrap();
        let mut with = |ends: &[usize]| {
            let names = ["a".to_owned(), "b".to_owned()];
            recordings.push(&names, ends, Times::Floats(&[0.5, 1.5]), &[0, 0], 0.5).map_err(|error| error.to_string())
        };
        assert!(with(&[2, 1]).unwrap_err().starts_with("ends must be ascending, to 2"));
        assert!(with(&[1]).unwrap_err().starts_with("ends has shape (1,), expected (2,)"));
        with(&[0, 2]).unwrap();
        assert_eq!(recordings.finish(4).unwrap().indptr(), [0, 0, 0, 0, 0, 0, 1, 1, 2]);
        assert!(Recordings::new(0, None, false).is_err() && Recordings::new(1, Some(0), false).is_err());
    }
}
