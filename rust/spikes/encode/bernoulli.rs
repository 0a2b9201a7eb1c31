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
#[path = "bernoulli_tests.rs"]
mod tests;
