//! Analog values to regular spikes.

use std::ops::Range;

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::{AnalogSample, Domain, Encode, EncoderScratch, Timing, check_rate_scale};
use crate::error::Result;
use crate::rng::StreamKey;
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Holds 2^32 divided by the golden ratio, rounded to an odd number: multiples of it fill the circle evenly.
const GOLDEN: u32 = 0x9e37_79b9;

/// Says how many inputs are encoded between two looks at whether to stop, if there are few steps.
const INPUTS: usize = 64;

/// Says how many steps a [`RegularEncoder`] makes, how often inputs fire, and where they start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegularConfig {
    /// Number of time steps of values that do not change.
    pub n_steps: usize,
    /// Spikes per step of an input of value 1.
    pub rate_scale: f64,
    /// Whether every sample draws where its inputs start.
    pub random_phase: bool,
    /// Steps that a frame of a time series takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<usize>,
}

/// Fires every input in equal intervals, `value * rate_scale` times a step.
///
/// Every input has an accumulator of 32 bits, to which a step adds round(value `rate_scale` 2^32): it fires where that overflows. The
/// accumulator of input j starts at j times 2^32 / golden ratio, modulo 2^32, so that inputs of one value do not fire
/// together; or, with `random_phase`, at a number drawn for the sample by the counter-based generator keyed by (seed, epoch, sample).
/// A spike count differs from `value * rate_scale * n_steps` by less than 1. Over the frames of a time series the accumulator goes on. All arithmetic is that of integers: the same
/// spikes on every system.
#[derive(Clone, Debug, PartialEq)]
pub struct RegularEncoder {
    config: RegularConfig,
}

/// Holds the buffers of this encoder.
#[derive(Clone, Debug, Default)]
pub struct RegularScratch {
    increments: Vec<u64>,
    phases: Vec<u8>,
}

impl RegularEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the first field outside its domain.
    pub fn new(config: RegularConfig) -> Result<Self> {
        let encoder = Self { config };
        encoder.timing().check()?;
        check_rate_scale(config.rate_scale)?;
        Ok(encoder)
    }

    pub(super) fn timing(&self) -> Timing {
        Timing { n_steps: self.config.n_steps, hold: self.config.hold }
    }

    /// Tells whether inputs start where every sample draws it.
    pub(super) fn is_random(&self) -> bool {
        self.config.random_phase
    }

    /// Returns what a step adds to the accumulator of an input of this value.
    pub(super) fn increment(&self, value: f64) -> u64 {
        (value * self.config.rate_scale * 4_294_967_296.0).round() as u64
    }
}

/// Returns the accumulator of input `j` at first, if none is drawn.
pub(super) fn first_phase(j: usize) -> u32 {
    GOLDEN.wrapping_mul(j as u32)
}

impl Encode for RegularEncoder {
    fn n_steps(&self, n_frames: Option<usize>) -> usize {
        self.timing().steps_of(n_frames)
    }

    fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        self.timing().check_frames(n_frames)
    }

    fn domain(&self) -> Domain {
        Domain::Unit
    }

    fn encode(
        &self,
        sample: AnalogSample<'_>,
        key: StreamKey,
        scratch: &mut EncoderScratch,
        by_neuron: &mut PaddedRows,
    ) {
        let (n_features, n_steps) = (sample.n_features, self.n_steps(sample.n_frames()));
        let RegularScratch { increments, phases } = &mut scratch.regular;
        increments.clear();
        sample.values.each(|value| increments.push(self.increment(value)));
        phases.clear();
        if self.config.random_phase {
            phases.resize(n_features * size_of::<u32>(), 0);
            key.rng(0).fill_bytes(phases);
        }
        by_neuron.clear(n_steps);
        let (timing, n_frames) = (self.timing(), sample.n_frames().unwrap_or(1));
        let at_once = ((1 << 20) / n_steps).clamp(1, INPUTS);
        for j in 0..n_features {
            if j % at_once == 0 && is_stopped() {
                // What is made after a stop is thrown away: silent rows are as good as any.
                (j..n_features).for_each(|_| by_neuron.end_row());
                return;
            }
            let mut phase = match phases.as_chunks().0.get(j) {
                Some(&drawn) => u32::from_le_bytes(drawn),
                None => first_phase(j),
            };
            for f in 0..n_frames {
                let steps = timing.steps(f, sample.is_series);
                phase = push_overflows(increments[f * n_features + j], phase, steps, by_neuron);
            }
            by_neuron.end_row();
        }
    }
}

/// Appends the steps in which an accumulator that starts at `phase` overflows, and returns what it holds then.
pub(super) fn push_overflows(increment: u64, phase: u32, steps: Range<usize>, by_neuron: &mut PaddedRows) -> u32 {
    let phase = u64::from(phase);
    // At most 2^24 steps of at most 2^32.
    let end = phase + increment * steps.len() as u64;
    let n_spikes = (end >> 32) as usize;
    let room = by_neuron.room(n_spikes);
    for (k, step) in room.iter_mut().enumerate() {
        // The least t with phase + increment (t + 1) >= 2^32 (k + 1).
        *step = (steps.start as u64 + (((k as u64 + 1) << 32) - phase).div_ceil(increment) - 1) as u32;
    }
    by_neuron.advance(n_spikes);
    end as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::Analog;

    const KEY: StreamKey = StreamKey { seed: 3, epoch: 1, sample: 2 };

    fn encoder(n_steps: usize, rate_scale: f64, random_phase: bool) -> RegularEncoder {
        RegularEncoder::new(RegularConfig { n_steps, rate_scale, random_phase, hold: None }).unwrap()
    }

    fn encoded(encoder: &RegularEncoder, values: Analog<'_>, key: StreamKey) -> PaddedRows {
        let mut rows = PaddedRows::default();
        encoder.encode(AnalogSample::still(values), key, &mut EncoderScratch::default(), &mut rows);
        rows
    }

    #[test]
    fn spikes_are_those_of_an_accumulator_that_overflows() {
        let values: Vec<f64> = (0..=200).map(|k| f64::from(k) / 200.0).chain([1e-12, 0.999_999_999, -0.0]).collect();
        for (n_steps, rate_scale) in [(1, 1.0), (30, 1.0), (400, 1.0 / 5.5), (97, 0.7)] {
            let rows = encoded(&encoder(n_steps, rate_scale, false), Analog::F64(&values), KEY);
            assert_eq!(rows.n_rows(), values.len());
            for (j, value) in values.iter().enumerate() {
                let increment = (value * rate_scale * 2f64.powi(32)).round() as u64;
                let mut accumulator = u64::from((j as u32).wrapping_mul(2_654_435_769));
                let mut expected = Vec::new();
                for t in 0..n_steps as u32 {
                    accumulator += increment;
                    if accumulator >> 32 > 0 {
                        accumulator -= 1 << 32;
                        expected.push(t);
                    }
                }
                assert_eq!(rows.row(j), expected, "input {j}, value {value}, {n_steps} steps");
            }
        }
    }

    #[test]
    fn counts_are_within_one_of_what_the_rate_says_and_intervals_equal() {
        let values: Vec<f32> = (0..=64).map(|k| k as f32 / 64.0).collect();
        for random_phase in [false, true] {
            let rows = encoded(&encoder(250, 0.8, random_phase), Analog::F32(&values), KEY);
            for (j, &value) in values.iter().enumerate() {
                let rate = f64::from(value) * 0.8;
                assert!((rows.row(j).len() as f64 - rate * 250.0).abs() < 1.0, "input {j}");
                let intervals = rows.row(j).windows(2).map(|pair| f64::from(pair[1] - pair[0]));
                assert!(intervals.into_iter().all(|interval| (interval - 1.0 / rate).abs() < 1.0), "input {j}");
            }
        }
    }

    #[test]
    fn accumulators_go_on_from_frame_to_frame() {
        let series: Vec<f64> = (0..60).map(|k| f64::from(k * 37 % 60) / 59.0).collect();
        for hold in [1, 7] {
            let config = RegularConfig { n_steps: 400, rate_scale: 0.9, random_phase: false, hold: Some(hold) };
            let regular = RegularEncoder::new(config).unwrap();
            let got = super::super::tests::rows(&regular, AnalogSample::series(Analog::F64(&series), 3));
            for (j, row) in got.iter().enumerate() {
                let mut accumulator = u64::from(first_phase(j));
                let mut expected = Vec::new();
                for f in 0..20 {
                    for t in f * hold..(f + 1) * hold {
                        accumulator += regular.increment(series[3 * f + j]);
                        if accumulator >> 32 > 0 {
                            accumulator -= 1 << 32;
                            expected.push(t as u32);
                        }
                    }
                }
                assert_eq!(row, &expected);
            }
        }
    }

    #[test]
    fn phases_are_drawn_for_every_sample_if_at_all() {
        let values = [100u8; 300];
        let other = StreamKey { sample: 3, ..KEY };
        let of = |random, key| {
            let rows = encoded(&encoder(60, 0.5, random), Analog::U8(&values), key);
            (0..300).map(|j| rows.row(j).to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(of(false, KEY), of(false, other));
        assert_eq!(of(true, KEY), of(true, KEY));
        assert_ne!(of(true, KEY), of(true, other));
        // Inputs of one value fire one after the other, not all at once.
        for random in [false, true] {
            let mut at = [0.0f64; 60];
            of(random, KEY).iter().flatten().for_each(|&t| at[t as usize] += 1.0);
            let mean = 300.0 * 100.0 / 255.0 * 0.5;
            let apart = if random { 30.0 } else { 2.0 };
            assert!(at.iter().all(|count| (count - mean).abs() <= apart), "{at:?}");
        }
    }

    #[test]
    fn all_types_of_a_value_fire_alike() {
        let bytes: Vec<u8> = (0..=255).collect();
        let doubles: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
        let regular = encoder(500, 1.0, false);
        let (of_bytes, of_doubles) =
            (encoded(&regular, Analog::U8(&bytes), KEY), encoded(&regular, Analog::F64(&doubles), KEY));
        assert!((0..256).all(|j| of_bytes.row(j) == of_doubles.row(j)));
        assert_eq!((of_bytes.row(0).len(), of_bytes.row(255).len()), (0, 500));
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |n_steps, rate_scale| {
            RegularEncoder::new(RegularConfig { n_steps, rate_scale, random_phase: false, hold: None })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(message(0, 1.0), "n_steps must be in [1, 2^24], got 0");
        assert_eq!(message(1, 0.0), "rate_scale must be in (0, 1], got 0");
        assert_eq!(message(1, f64::NAN), "rate_scale must be in (0, 1], got NaN");
    }
}
