//! Recordings of N-MNIST, of 34 x 34 pixels and two polarities, a file each.
//!
//! An event has five bytes: x, y, and 24 bits, the first of which is the polarity, the others the time [us]. An event of
//! y = 240 is none: it says that the clock has run over, and that all later times are 2^13 us later.
//!
//! Source: Orchard et al., "Converting static image datasets to spiking neuromorphic datasets using saccades", Frontiers in
//! Neuroscience 9:437, 2015.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{MOST_STEPS, Recordings, Rows};
use crate::error::{Error, Result};
use crate::memory::with_room;
use crate::stop::{Stop, check};

const SIDE: u32 = 34;
const N_NEURONS: usize = (2 * SIDE * SIDE) as usize;

/// Value of y that says that the clock has run over, and by what.
const OVERFLOW: (u8, u64) = (240, 1 << 13);

/// Files that are read before their rows are put together.
const BATCH: usize = 1 << 10;

/// Time steps that times are counted in.
#[derive(Clone, Copy, Debug)]
enum Steps {
    Whole(u64),
    Any(f64),
}

impl Steps {
    fn new(step_us: f64) -> Result<Self> {
        if !(step_us > 0.0 && step_us.is_finite()) {
            return Err(Error::value("step_us", "finite and > 0", step_us));
        }
        let is_whole = (1.0..1e9).contains(&step_us) && (step_us - step_us.round()).abs() <= 1e-9 * step_us;
        Ok(if is_whole { Self::Whole(step_us.round() as u64) } else { Self::Any(step_us) })
    }

    /// Returns the step that a time is in; a time within rounding of a step's begin is in that step.
    fn of(self, time: u64) -> u64 {
        match self {
            Self::Whole(step) => time / step,
            Self::Any(step) => {
                let exact = time as f64 / step;
                let nearest = exact.round();
                (if (exact - nearest).abs() <= 1e-9 * exact.max(1.0) { nearest } else { exact.floor() }) as u64
            }
        }
    }
}

impl Recordings {
    /// Adds recordings of N-MNIST, a file each; pixel (x, y) of polarity p is neuron x + 34 (y + 34 p). `done` counts files.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] naming the first file that is damaged; [`Error::Value`] if `step_us` is no time, or this
    /// is of other neurons; [`Error::Memory`]; [`Error::Interrupted`]. Nothing is added then.
    pub fn read_nmnist(&mut self, paths: &[PathBuf], step_us: f64, done: &AtomicUsize) -> Result<()> {
        if self.n_neurons != N_NEURONS {
            return Err(Error::value("n_neurons", format!("{N_NEURONS}, of 34 x 34 x 2"), self.n_neurons));
        }
        let (steps, stop) = (Steps::new(step_us)?, Stop::current());
        let mut read = Self::new(self.n_neurons, self.cut, self.keep_repeated)?;
        for batch in paths.chunks(BATCH) {
            let rows: Vec<Result<Rows>> = batch
                .par_iter()
                .map(|path| {
                    stop.during(|| {
                        check()?;
                        let rows = self.file(path, steps);
                        done.fetch_add(1, Ordering::Relaxed);
                        rows
                    })
                })
                .collect();
            for rows in rows {
                read.append(&rows?)?;
            }
        }
        self.extend(read)
    }

    fn file(&self, path: &Path, steps: Steps) -> Result<Rows> {
        let data = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        self.rows_of(decoded(&data, steps).map_err(|detail| match detail {
            Refused::Memory(error) => error,
            Refused::Damaged(detail) => Error::Format { path: path.to_owned(), detail },
        })?)
    }
}

enum Refused {
    Memory(Error),
    Damaged(String),
}

/// Returns (step, neuron) of every event.
fn decoded(data: &[u8], steps: Steps) -> std::result::Result<Vec<(u32, u32)>, Refused> {
    let damaged = |detail| Err(Refused::Damaged(detail));
    if data.is_empty() || !data.len().is_multiple_of(5) {
        return damaged(format!("holds {} bytes, expected 5 an event", data.len()));
    }
    let mut events = with_room("n_events", Some(data.len() / 5)).map_err(Refused::Memory)?;
    let mut overflow = 0;
    for (at, event) in data.chunks_exact(5).enumerate() {
        let [x, y, high, middle, low] = [event[0], event[1], event[2], event[3], event[4]].map(u32::from);
        if y == u32::from(OVERFLOW.0) {
            overflow += OVERFLOW.1;
            continue;
        }
        if x >= SIDE || y >= SIDE {
            return damaged(format!("event {at} is at ({x}, {y}), expected pixels of [0, {SIDE})"));
        }
        let time = u64::from(((high & 0x7f) << 16) | (middle << 8) | low) + overflow;
        let step = steps.of(time);
        if step >= MOST_STEPS {
            return damaged(format!("event {at} is at {time} us, expected less than 2^24 steps"));
        }
        events.push((step as u32, x + SIDE * (y + SIDE * (high >> 7))));
    }
    if events.is_empty() {
        return damaged("holds no events".to_owned());
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(x: u8, y: u8, p: u8, time: u32) -> [u8; 5] {
        let [_, high, middle, low] = time.to_be_bytes();
        [x, y, p << 7 | high, middle, low]
    }

    fn of(events: &[[u8; 5]], step_us: f64) -> Vec<(u32, u32)> {
        decoded(events.as_flattened(), Steps::new(step_us).unwrap()).unwrap_or_else(|_| panic!("refused"))
    }

    #[test]
    fn times_polarities_and_pixels() {
        let events = [event(3, 5, 0, 999), event(33, 33, 1, 1000), event(0, 0, 1, (1 << 23) - 1)];
        assert_eq!(of(&events, 1000.0), [(0, 3 + 34 * 5), (1, 2311), (8388, 34 * 34)]);
    }

    #[test]
    fn later_times_are_later_where_the_clock_has_run_over() {
        let events =
            [event(1, 0, 0, 10), event(7, 240, 1, 5), event(2, 0, 0, 20), event(0, 240, 0, 0), event(3, 0, 0, 0)];
        assert_eq!(of(&events, 1.0), [(10, 1), (8192 + 20, 2), (16384, 3)]);
    }

    #[test]
    fn steps_of_any_size() {
        assert_eq!(of(&[event(0, 0, 0, 3), event(0, 0, 0, 10)], 0.1), [(30, 0), (100, 0)]);
        assert_eq!(of(&[event(0, 0, 0, 4), event(0, 0, 0, 5)], 2.5), [(1, 0), (2, 0)]);
        assert!(Steps::new(0.0).is_err() && Steps::new(f64::NAN).is_err());
    }

    #[test]
    fn damaged_files_are_named_and_add_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, data: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, data).unwrap();
            path
        };
        let good = file("good.bin", &event(1, 2, 1, 4321));
        let bad = [
            ("empty.bin", Vec::new(), "holds 0 bytes, expected 5 an event"),
            ("cut.bin", event(1, 2, 1, 3)[..4].to_vec(), "holds 4 bytes, expected 5 an event"),
            ("off.bin", event(34, 2, 1, 3).to_vec(), "event 0 is at (34, 2), expected pixels of [0, 34)"),
            ("clock.bin", event(1, 240, 1, 3).to_vec(), "holds no events"),
        ];
        let done = AtomicUsize::new(0);
        for (name, data, message) in bad {
            let bad = file(name, &data);
            let mut recordings = Recordings::new(N_NEURONS, None, false).unwrap();
            let error = recordings.read_nmnist(&[good.clone(), bad.clone()], 1000.0, &done).unwrap_err();
            assert_eq!(error.to_string(), format!("{}: {message}", bad.display()));
            assert_eq!(recordings.longest(), 0);
            recordings.read_nmnist(&[good.clone(), good.clone()], 1000.0, &done).unwrap();
            let trains = recordings.finish(5).unwrap();
            assert_eq!((trains.n_samples(), trains.index()), (2, &[1 + 34 * 36; 2][..]));
        }
        assert_eq!(done.into_inner(), 16);
        let mut recordings = Recordings::new(N_NEURONS, None, false).unwrap();
        let missing = [folder.path().join("nowhere.bin")];
        assert!(matches!(recordings.read_nmnist(&missing, 1.0, &AtomicUsize::new(0)), Err(Error::Io { .. })));
        let mut other = Recordings::new(5, None, false).unwrap();
        let refused = other.read_nmnist(&[good], 1.0, &AtomicUsize::new(0)).unwrap_err().to_string();
        assert_eq!(refused, "n_neurons must be 2312, of 34 x 34 x 2, got 5");
    }
}
