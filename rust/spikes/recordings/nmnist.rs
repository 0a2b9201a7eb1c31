//! Recordings of N-MNIST, of 34 x 34 pixels and two polarities, a file each.
//!
//! An event has five bytes: x, y, and 24 bits, the first of which is the polarity, the others the time [us]. An event of
//! y = 240 is none: it says that the clock has run over, and that all later times are 2^13 us later.
//!
//! Source: Orchard et al., "Converting static image datasets to spiking neuromorphic datasets using saccades", Frontiers in
//! Neuroscience 9:437, 2015.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::steps::{SHIFT, Steps};
use super::{Recordings, Rows};
use crate::error::{Error, Result};
use crate::memory::reserve;
use crate::stop::{Stop, check};

const SIDE: u32 = 34;
const N_NEURONS: usize = (2 * SIDE * SIDE) as usize;

/// Value of y that says that the clock has run over, and by what.
const OVERFLOW: (u8, u64) = (240, 1 << 13);

/// Files that are read before their rows are put together.
const BATCH: usize = 1 << 6;

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
        let mut all = Self::new(self.n_neurons, self.cut, self.keep_repeated)?;
        let read = |scratch: &mut Scratch, (path, rows): (&PathBuf, &mut Rows)| {
            stop.during(|| {
                check()?;
                let read = self.file(path, steps, scratch, rows);
                done.fetch_add(1, Ordering::Relaxed);
                read
            })
        };
        // Read into the same memory over and over, and into other while that is put together.
        let [mut now, mut before] = [(); 2].map(|()| (0..BATCH).map(|_| Rows::default()).collect::<Vec<_>>());
        let mut results: Vec<Result<()>> = Vec::new();
        for batch in paths.chunks(BATCH) {
            let read = || batch.par_iter().zip(&mut now).map_init(Scratch::default, read).collect();
            let (put, next) = rayon::join(|| all.append_all(results, &before), read);
            put?;
            results = next;
            std::mem::swap(&mut now, &mut before);
        }
        all.append_all(results, &before)?;
        self.extend(all)
    }

    /// Adds rows, or returns the first error of those that are none.
    fn append_all(&mut self, results: Vec<Result<()>>, rows: &[Rows]) -> Result<()> {
        results.into_iter().zip(rows).try_for_each(|(result, rows)| result.and_then(|()| self.append(rows)))
    }

    fn file(&self, path: &Path, steps: Steps, scratch: &mut Scratch, rows: &mut Rows) -> Result<()> {
        let Scratch { data, events } = scratch;
        data.clear();
        let read = File::open(path).and_then(|mut file| file.read_to_end(data));
        read.map_err(|source| Error::Io { path: path.to_owned(), source })?;
        events.clear();
        reserve("n_events", events, data.len() / 5)?;
        decode(data, steps, events).map_err(|detail| Error::Format { path: path.to_owned(), detail })?;
        self.rows_of(events, rows)
    }
}

/// What a thread reads files into.
#[derive(Default)]
struct Scratch {
    data: Vec<u8>,
    events: Vec<(u32, u32)>,
}

/// Appends (step, neuron) of every event, or returns what is wrong.
fn decode(data: &[u8], steps: Steps, events: &mut Vec<(u32, u32)>) -> std::result::Result<(), String> {
    if data.is_empty() || !data.len().is_multiple_of(5) {
        return Err(format!("holds {} bytes, expected 5 an event", data.len()));
    }
    // Most recordings have pixels only, and are read without a branch.
    let is_plain = data.chunks_exact(5).fold(true, |plain, event| plain & is_pixel(event));
    if let (true, Some(reciprocal)) = (is_plain, steps.reciprocal()) {
        events.extend(data.chunks_exact(5).map(|event| {
            let (time, neuron) = parts(event);
            (((u64::from(time) * reciprocal) >> SHIFT) as u32, neuron)
        }));
        return Ok(());
    }
    let mut overflow = 0;
    for (at, event) in data.chunks_exact(5).enumerate() {
        if event[1] == OVERFLOW.0 {
            overflow += OVERFLOW.1;
            continue;
        }
        if !is_pixel(event) {
            return Err(format!("event {at} is at ({}, {}), expected pixels of [0, {SIDE})", event[0], event[1]));
        }
        let (time, neuron) = parts(event);
        let time = u64::from(time) + overflow;
        let Some(step) = steps.of(time) else {
            return Err(format!("event {at} is at {time} us, expected less than 2^24 steps"));
        };
        events.push((step, neuron));
    }
    if events.is_empty() { Err("holds no events".to_owned()) } else { Ok(()) }
}

#[inline(always)]
fn is_pixel(event: &[u8]) -> bool {
    (u32::from(event[0]) < SIDE) & (u32::from(event[1]) < SIDE)
}

/// Returns time [us] and neuron of an event of five bytes.
#[inline(always)]
fn parts(event: &[u8]) -> (u32, u32) {
    let word = u32::from_be_bytes([0, event[2], event[3], event[4]]);
    let pixel = u32::from(event[0]) + SIDE * (u32::from(event[1]) + SIDE * (word >> 23));
    (word & 0x7f_ffff, pixel)
}

#[cfg(test)]
mod tests {
    use super::super::Times;
    use super::*;

    fn event(x: u8, y: u8, p: u8, time: u32) -> [u8; 5] {
        let [_, high, middle, low] = time.to_be_bytes();
        [x, y, p << 7 | high, middle, low]
    }

    fn of(events: &[[u8; 5]], step_us: f64) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        decode(events.as_flattened(), Steps::new(step_us).unwrap(), &mut found).unwrap();
        found
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
        assert_eq!(of(&[event(0, 0, 0, 4), event(0, 0, 1, 1 << 20)], 2e5), [(0, 0), (5, 34 * 34)]);
    }

    #[test]
    fn many_files_come_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<(PathBuf, Vec<(i64, i64)>)> = (0..3 * BATCH as u32 / 2)
            .map(|file| {
                // Long ones before short ones, some with a marker, some with times that go back.
                let events: Vec<[u8; 5]> = (0..1 + 997 * file % 61)
                    .map(|k| event((k * 7 % 34) as u8, (k * file % 34) as u8, (k % 2) as u8, (file * k * 331) % 90_000))
                    .collect();
                let marked = file.is_multiple_of(5).then(|| event(0, 240, 0, 0));
                let data = [marked.as_slice(), &events].concat();
                let path = folder.path().join(format!("{file}.bin"));
                std::fs::write(&path, data.as_flattened()).unwrap();
                let late = i64::from(marked.is_some()) << 13;
                let steps = events.iter().map(|event| {
                    let (time, neuron) = parts(event);
                    ((i64::from(time) + late) / 1000, i64::from(neuron))
                });
                (path, steps.collect())
            })
            .collect();
        let (paths, events): (Vec<PathBuf>, Vec<_>) = files.into_iter().unzip();
        for keep_repeated in [false, true] {
            let mut read = Recordings::new(N_NEURONS, None, keep_repeated).unwrap();
            read.read_nmnist(&paths, 1000.0, &AtomicUsize::new(0)).unwrap();
            let mut pushed = Recordings::new(N_NEURONS, None, keep_repeated).unwrap();
            for of in &events {
                let (t, x): (Vec<i64>, Vec<i64>) = of.iter().copied().unzip();
                pushed.push(&["a".to_owned()], &[t.len()], Times::Integers(&t), &x, 1.0).unwrap();
            }
            assert_eq!(read.finish(120).unwrap(), pushed.finish(120).unwrap());
        }
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
