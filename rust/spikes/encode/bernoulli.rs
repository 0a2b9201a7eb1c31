//! Analog values to Bernoulli spikes.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::{Analog, AnalogSample, Domain, Encode, EncoderScratch, Timing, check_rate_scale};
use crate::error::Result;
use crate::rng::StreamKey;
use crate::simd::{Available, Level, STEPS, array, multiversion, run_ahead};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Says how many inputs are encoded between two looks at whether to stop, if there are few steps.
const INPUTS: usize = 64;

/// Says how many steps of inputs are encoded between two looks, if there are many.
const STEPS_UNASKED: usize = 1 << 20;

/// Says how many random numbers are made at once: enough to amortise a call, few enough to stay in the first-level cache.
const CHUNK: usize = 512;

/// Says how many steps a [`BernoulliEncoder`] makes, and how often inputs fire.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BernoulliConfig {
    /// Number of time steps of values that do not change.
    pub n_steps: usize,
    /// P(spike per step) of an input of value 1.
    pub rate_scale: f64,
    /// Steps that a frame of a time series takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<usize>,
}

/// Fires every input at every step with probability `value * rate_scale`, independently.
///
/// Spikes are drawn by their gaps, which are geometric, so that the cost follows the spikes and not inputs x steps.
/// The generator is counter-based and keyed by (seed, epoch, sample): the same spikes whatever the order in which
/// samples are encoded, on any number of threads and with any instruction set. (Between systems the last bit of a
/// logarithm of the mathematics library may differ, and with it a spike now and then.)
#[derive(Clone, Debug, PartialEq)]
pub struct BernoulliEncoder {
    config: BernoulliConfig,
    /// -1 / ln(1 - p) for the 256 values of a byte.
    gap_scale_u8: Vec<f32>,
}

/// Holds the buffers of this encoder.
#[derive(Clone, Debug, Default)]
pub struct BernoulliScratch {
    bytes: Vec<u8>,
    exponential: Vec<f32>,
    gap_scale: Vec<f32>,
    /// -ln(1 - p) of every value of a time series.
    hazards: Vec<f64>,
}

impl BernoulliEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the first field outside its domain.
    pub fn new(config: BernoulliConfig) -> Result<Self> {
        let BernoulliConfig { n_steps, rate_scale, hold } = config;
        Timing { n_steps, hold }.check()?;
        check_rate_scale(rate_scale)?;
        let gap_scale_u8 = (0..=255).map(|byte| gap_scale(f64::from(byte) / 255.0 * rate_scale)).collect();
        Ok(Self { config, gap_scale_u8 })
    }

    /// Makes an encoder of `n_steps` steps with P(spike per step) = value * `rate_scale`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) unless `n_steps >= 1` and `rate_scale` is in (0, 1].
    pub fn of_steps(n_steps: usize, rate_scale: f64) -> Result<Self> {
        Self::new(BernoulliConfig { n_steps, rate_scale, hold: None })
    }

    fn timing(&self) -> Timing {
        Timing { n_steps: self.config.n_steps, hold: self.config.hold }
    }

    /// Encodes frames: an input fires where the sum of -ln(1 - p) over the steps since its last spike passes a standard exponential.
    fn encode_series(
        &self,
        sample: AnalogSample<'_>,
        key: StreamKey,
        scratch: &mut BernoulliScratch,
        by_neuron: &mut PaddedRows,
    ) {
        let BernoulliScratch { bytes, exponential, hazards, .. } = scratch;
        let (n_features, n_frames, timing) = (sample.n_features, sample.n_frames().unwrap_or(1), self.timing());
        hazards.clear();
        sample.values.each(|value| hazards.push(-(-value * self.config.rate_scale).ln_1p()));
        by_neuron.clear(timing.steps_of(Some(n_frames)));
        let mut draws = Draws::new(key, bytes, exponential);
        for j in 0..n_features {
            let mut left = f64::from(draws.one());
            for f in 0..n_frames {
                let (steps, hazard) = (timing.steps(f, true), hazards[f * n_features + j]);
                let mut t = steps.start as f64;
                // Steps that pass without a spike: none if it is certain, all if it is out of the question.
                while hazard > 0.0 && t + (left / hazard).floor() < steps.end as f64 {
                    t += (left / hazard).floor();
                    by_neuron.push(t as u32);
                    t += 1.0;
                    left = f64::from(draws.one());
                }
                if hazard > 0.0 && hazard < f64::INFINITY {
                    left = (left - hazard * (steps.end as f64 - t)).max(0.0);
                }
            }
            by_neuron.end_row();
            if is_stopped() {
                (j + 1..n_features).for_each(|_| by_neuron.end_row());
                return;
            }
        }
    }
}

impl Encode for BernoulliEncoder {
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
        let scratch = &mut scratch.bernoulli;
        if sample.is_series {
            return self.encode_series(sample, key, scratch, by_neuron);
        }
        let BernoulliScratch { bytes, exponential, gap_scale: scales, .. } = scratch;
        let BernoulliConfig { n_steps, rate_scale, .. } = self.config;
        scales.clear();
        match sample.values {
            Analog::U8(values) => scales.extend(values.iter().map(|&byte| self.gap_scale_u8[byte as usize])),
            values => values.each(|value| scales.push(gap_scale(value * rate_scale))),
        }
        by_neuron.clear(n_steps);
        let mut draws = Draws::new(key, bytes, exponential);
        for scales in scales.chunks_mut((STEPS_UNASKED / n_steps).clamp(1, INPUTS)) {
            if is_stopped() {
                scales.fill(f32::INFINITY);
            }
            encode_scaled(scales, n_steps, &mut draws, by_neuron);
        }
    }
}

#[inline(always)]
fn encode_scaled_body(gap_scale: &[f32], n_steps: usize, draws: &mut Draws<'_>, by_neuron: &mut PaddedRows) {
    let (end, level) = (n_steps as i32, Available::at_most(Level::X86V4));
    for &scale in gap_scale {
        // The step of the last spike. Of the last steps drawn some may lie beyond the end.
        let mut last = if scale < f32::INFINITY { -1 } else { end };
        while last < end {
            // An input uses up a multiple of eight numbers, which is part of the result.
            let steps = run_ahead(draws.next(), scale, end, last, level);
            by_neuron.room(STEPS).copy_from_slice(&array::<_, STEPS>(|at| steps[at] as u32));
            last = steps[STEPS - 1];
            by_neuron.advance(if last < end { STEPS } else { steps.iter().filter(|&&step| step < end).count() });
        }
        by_neuron.end_row();
    }
}

multiversion! {
    fn encode_scaled(gap_scale: &[f32], n_steps: usize, draws: &mut Draws<'_>, by_neuron: &mut PaddedRows)
        = encode_scaled_body
}

/// Computes -1 / ln(1 - p), the factor from an exponential to a geometric number. Infinite for p = +-0, 0 for p = 1.
fn gap_scale(p: f64) -> f32 {
    if p > 0.0 { (-1.0 / (-p).ln_1p()) as f32 } else { f32::INFINITY }
}

/// Makes standard exponential numbers, in chunks.
struct Draws<'a> {
    rng: ChaCha8Rng,
    bytes: &'a mut Vec<u8>,
    exponential: &'a mut Vec<f32>,
    at: usize,
}

impl<'a> Draws<'a> {
    fn new(key: StreamKey, bytes: &'a mut Vec<u8>, exponential: &'a mut Vec<f32>) -> Self {
        bytes.resize(CHUNK * size_of::<u32>(), 0);
        exponential.resize(CHUNK, 0.0);
        Self { rng: key.rng(0), bytes, exponential, at: CHUNK }
    }

    /// Returns the next eight. Times -1 / ln(1 - p) and rounded down they are geometric: the silent steps between two spikes.
    #[inline(always)]
    fn next(&mut self) -> &[f32; STEPS] {
        if self.at == CHUNK {
            self.refill();
        }
        let numbers = self.exponential[self.at..].first_chunk().expect("whole chunks");
        self.at += STEPS;
        numbers
    }

    /// Returns the next one.
    fn one(&mut self) -> f32 {
        if self.at == CHUNK {
            self.refill();
        }
        self.at += 1;
        self.exponential[self.at - 1]
    }

    #[cold]
    fn refill(&mut self) {
        self.rng.fill_bytes(self.bytes);
        exponential(self.bytes, self.exponential);
        self.at = 0;
    }
}

/// Computes -ln(u), u = (word's upper 24 bits + 1/2) / 2^24: single precision, additions and multiplications only, so that it
/// vectorises and gives the same bits everywhere. Relative error below 2e-7 (Cephes' polynomial for ln).
#[allow(clippy::excessive_precision, reason = "the constants as published")]
#[inline(always)]
fn exponential_body(words: &[u8], out: &mut [f32]) {
    for (out, &word) in out.iter_mut().zip(words.as_chunks().0) {
        let word = u32::from_le_bytes(word);
        let u = ((word >> 8) as f32 + 0.5) * (1.0 / 16_777_216.0);
        // u = m 2^e, m in [sqrt(1/2), sqrt(2))
        let bits = u.to_bits().wrapping_sub(0x3f35_04f3);
        let e = (bits as i32 >> 23) as f32;
        let x = f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
        let z = x * x;
        let mut y = 7.037_683_6e-2;
        for c in [-1.151_461e-1, 1.167_699_9e-1, -1.242_014_1e-1, 1.424_932_3e-1, -1.666_805_8e-1, 2.000_071_5e-1] {
            y = y * x + c;
        }
        y = (y * x - 2.499_999_4e-1) * x + 3.333_333_1e-1;
        let ln = (x * z * y - 0.5 * z + e * -2.121_944_4e-4) + x + e * 0.693_359_4;
        *out = -ln;
    }
}

multiversion! {
    fn exponential(words: &[u8], out: &mut [f32]) = exponential_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_is_minus_ln() {
        let words: Vec<u32> = (0..1_000_000u32).map(|i| i.wrapping_mul(4_294_967)).chain([0, u32::MAX]).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut out = vec![0.0; words.len()];
        exponential(&bytes, &mut out);
        for (&word, &got) in words.iter().zip(&out) {
            let u = f64::from(((word >> 8) as f32 + 0.5) * (1.0 / 16_777_216.0));
            let expected = -u.ln();
            assert!((f64::from(got) - expected).abs() <= 4e-7 * expected + 1e-9, "{word}: {got} {expected}");
        }
    }

    #[test]
    fn rates_and_gaps_are_bernoulli() {
        let encoder = BernoulliEncoder::of_steps(400, 0.5).unwrap();
        let values: Vec<f32> = (0..5).map(|i| i as f32 / 4.0).collect();
        let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
        let mut total = [0u64; 5];
        let mut consecutive = 0u64;
        let n = 2_000;
        for sample in 0..n {
            encoder.encode(
                AnalogSample::still(Analog::F32(&values)),
                StreamKey { seed: 1, epoch: 0, sample },
                &mut scratch,
                &mut rows,
            );
            for (j, total) in total.iter_mut().enumerate() {
                *total += rows.row(j).len() as u64;
                assert!(rows.row(j).windows(2).all(|pair| pair[0] < pair[1]));
            }
            consecutive += rows.row(4).windows(2).filter(|pair| pair[0] + 1 == pair[1]).count() as u64;
        }
        let steps = f64::from(n) * 400.0;
        for (j, &total) in total.iter().enumerate() {
            let p = j as f64 / 8.0;
            let sigma = (p * (1.0 - p) / steps).sqrt();
            assert!((total as f64 / steps - p).abs() <= 4.0 * sigma, "input {j}: {} for {p}", total as f64 / steps);
        }
        let p = consecutive as f64 / (f64::from(n) * 399.0);
        assert!((p - 0.25).abs() < 0.003, "consecutive spikes {p}, expected 0.25");
    }

    #[test]
    fn over_a_series_rates_follow_the_frames() {
        // Two inputs, four frames of 25 steps: rates that change, certainty and silence.
        let series = [0.1, 1.0, 0.6, 0.0, 0.0, 0.3, 1.0, 0.05];
        {
            let config = BernoulliConfig { n_steps: 7, rate_scale: 1.0, hold: Some(25) };
            let encoder = BernoulliEncoder::new(config).unwrap();
            let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
            let mut total = [[0u32; 100]; 2];
            let n = 4000;
            for sample in 0..n {
                let key = StreamKey { seed: 1, epoch: 0, sample };
                encoder.encode(AnalogSample::series(Analog::F64(&series), 2), key, &mut scratch, &mut rows);
                for (j, total) in total.iter_mut().enumerate() {
                    assert!(rows.row(j).windows(2).all(|pair| pair[0] < pair[1]));
                    rows.row(j).iter().for_each(|&t| total[t as usize] += 1);
                }
            }
            for (j, total) in total.iter().enumerate() {
                for (t, &count) in total.iter().enumerate() {
                    let (p, n) = (series[2 * (t / 25) + j], f64::from(n));
                    let sigma = (n * p * (1.0 - p)).sqrt();
                    assert!((f64::from(count) - n * p).abs() <= 4.5 * sigma, "input {j}, step {t}: {count}, p {p}");
                }
            }
        }
    }

    #[test]
    fn zero_never_fires_whatever_its_sign() {
        let encoder = BernoulliEncoder::of_steps(10, 1.0).unwrap();
        let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
        let key = StreamKey { seed: 0, epoch: 0, sample: 0 };
        encoder.encode(AnalogSample::still(Analog::F32(&[0.0, -0.0, 1.0])), key, &mut scratch, &mut rows);
        assert_eq!(rows.lengths(), [0, 0, 10]);
        encoder.encode(AnalogSample::still(Analog::F64(&[0.0, -0.0, 1.0])), key, &mut scratch, &mut rows);
        assert_eq!(rows.lengths(), [0, 0, 10]);
    }

    #[test]
    fn certain_spikes_fire_at_every_step() {
        let encoder = BernoulliEncoder::of_steps(10, 1.0).unwrap();
        let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
        let key = StreamKey { seed: 0, epoch: 0, sample: 0 };
        encoder.encode(AnalogSample::still(Analog::U8(&[255, 0])), key, &mut scratch, &mut rows);
        assert_eq!(rows.row(0), (0..10).collect::<Vec<u32>>());
        assert!(rows.row(1).is_empty());
    }

    #[test]
    fn a_byte_is_its_255th() {
        let encoder = BernoulliEncoder::of_steps(2000, 1.0).unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        let values: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
        let (mut of_bytes, mut of_values) = (PaddedRows::default(), PaddedRows::default());
        let (key, mut scratch) = (StreamKey { seed: 3, epoch: 1, sample: 2 }, EncoderScratch::default());
        encoder.encode(AnalogSample::still(Analog::U8(&bytes)), key, &mut scratch, &mut of_bytes);
        encoder.encode(AnalogSample::still(Analog::F64(&values)), key, &mut scratch, &mut of_values);
        for byte in 0..256 {
            assert_eq!(of_bytes.row(byte), of_values.row(byte), "of byte {byte}");
        }
        // Certain, and rare enough to tell 254/255 from 255/256.
        assert_eq!(of_bytes.row(255).len(), 2000);
        assert!(of_bytes.row(254).len() < 2000);
    }

    #[test]
    fn all_types_of_a_value_fire_alike() {
        for rate_scale in [1.0, 0.3] {
            let encoder = BernoulliEncoder::of_steps(4000, rate_scale).unwrap();
            assert_eq!(encoder.n_steps(None), 4000);
            let singles: Vec<f32> = (0..=64).map(|k| k as f32 / 64.0).collect();
            let doubles: Vec<f64> = singles.iter().map(|&value| value.into()).collect();
            let (mut of_singles, mut of_doubles) = (PaddedRows::default(), PaddedRows::default());
            let (key, mut scratch) = (StreamKey { seed: 3, epoch: 1, sample: 2 }, EncoderScratch::default());
            encoder.encode(AnalogSample::still(Analog::F32(&singles)), key, &mut scratch, &mut of_singles);
            encoder.encode(AnalogSample::still(Analog::F64(&doubles)), key, &mut scratch, &mut of_doubles);
            for (k, value) in doubles.iter().enumerate() {
                let (row, p) = (of_doubles.row(k), value * rate_scale);
                assert_eq!(row, of_singles.row(k));
                let deviation = (4000.0 * p * (1.0 - p)).sqrt();
                assert!((row.len() as f64 - 4000.0 * p).abs() <= 5.0 * deviation, "{value}: {} spikes", row.len());
                assert!(row.is_sorted_by(|a, b| a < b) && row.iter().all(|&t| t < 4000));
            }
        }
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |n_steps, rate_scale| BernoulliEncoder::of_steps(n_steps, rate_scale).unwrap_err().to_string();
        assert_eq!(message(0, 1.0), "n_steps must be in [1, 2^24], got 0");
        assert_eq!(message((1 << 24) + 1, 1.0), "n_steps must be in [1, 2^24], got 16777217");
        assert_eq!(message(1, 0.0), "rate_scale must be in (0, 1], got 0");
        assert_eq!(message(1, 1.01), "rate_scale must be in (0, 1], got 1.01");
        assert_eq!(message(1, f64::NAN), "rate_scale must be in (0, 1], got NaN");
        BernoulliEncoder::of_steps(1 << 24, 1.0).unwrap();
    }
}
