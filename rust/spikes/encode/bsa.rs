//! Analog values of a time series to spikes, by Ben's Spiker Algorithm.

use std::array::from_fn;

use serde::{Deserialize, Serialize};

use super::timing::{MOST_STEPS, check_hold, check_length, check_series};
use super::{AnalogSample, Domain, Encode, EncoderScratch};
use crate::error::{Error, Result, check_non_negative, check_positive};
use crate::rng::StreamKey;
use crate::simd::multiversion;
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Channels that are encoded at once.
const LANES: usize = 8;

/// Most taps of the filter.
const MOST_TAPS: usize = 1 << 12;

/// Says how a [`BsaEncoder`] makes spikes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BsaConfig {
    /// Number of time steps; without one, as many as the series has.
    pub n_steps: Option<usize>,
    /// Steps for which a frame is held.
    pub hold: usize,
    /// What values are multiplied by.
    pub gain: f64,
    /// Length of the filter, in steps.
    pub n_taps: usize,
    /// By how much a spike must lessen the error.
    pub threshold: f64,
}

/// Fires where taking a filter away from the signal brings it closer to 0, and takes it away.
///
/// With s the signal and k the filter, at each step i: e1 = sum_j |s_(i+j) - k_j|, e2 = sum_j |s_(i+j)|. If e1 < e2 - threshold, the
/// channel fires in step i + 1 and k is subtracted from s. The filter is Gaussian, k_j ~ exp(-(j - n/2)^2 / 25), of sum 1.
/// B. Schrauwen and J. Van Campenhout, "BSA, a fast and accurate spike train encoding scheme", IJCNN 2003, as the authors of ST-RSBP run it.
#[derive(Clone, Debug, PartialEq)]
pub struct BsaEncoder {
    config: BsaConfig,
    filter: Vec<f64>,
}

/// Holds the signal of some channels, step by step.
#[derive(Clone, Debug, Default)]
pub struct BsaScratch {
    signal: Vec<[f64; LANES]>,
    fired: Vec<u8>,
}

/// Holds what a stream has brought that is not decided yet: the signal of every eight channels.
#[derive(Clone, Debug)]
pub struct BsaWindow {
    signals: Vec<Vec<[f64; LANES]>>,
    fired: Vec<u8>,
    has_begun: bool,
}

impl BsaEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn new(config: BsaConfig) -> Result<Self> {
        let BsaConfig { n_steps, hold, gain, n_taps, threshold } = config;
        if let Some(n) = n_steps.filter(|n| !(2..=MOST_STEPS).contains(n)) {
            return Err(Error::value("n_steps", "in [2, 2^24]", n));
        }
        check_hold(hold)?;
        if !(1..=MOST_TAPS).contains(&n_taps) {
            return Err(Error::value("n_taps", format!("in [1, {MOST_TAPS}]"), n_taps));
        }
        check_positive("gain", "", gain)?;
        check_non_negative("threshold", "", threshold)?;
        let bell = (0..n_taps).map(|j| (-(j as f64 - (n_taps / 2) as f64).powi(2) / 25.0).exp());
        let sum: f64 = bell.clone().sum();
        Ok(Self { config, filter: bell.map(|k| k / sum).collect() })
    }

    /// Returns the length of the filter, in steps.
    pub(super) fn n_taps(&self) -> usize {
        self.filter.len()
    }

    /// Returns the window of a stream at its start.
    pub(super) fn window(&self, n_channels: usize) -> BsaWindow {
        BsaWindow { signals: vec![Vec::new(); n_channels.div_ceil(LANES)], fired: Vec::new(), has_begun: false }
    }

    /// Takes the next frames, and gives the steps that they decide.
    pub(super) fn go_on(&self, window: &mut BsaWindow, frames: &[f64], n_channels: usize, by_neuron: &mut PaddedRows) {
        for (block, signal) in window.signals.iter_mut().enumerate() {
            self.hold_frames(frames, n_channels, block * LANES, signal);
        }
        self.decide(window, n_channels, by_neuron);
    }

    /// Gives the steps that are left, and starts anew.
    pub(super) fn finish(&self, window: &mut BsaWindow, n_channels: usize, by_neuron: &mut PaddedRows) {
        // What is not decided is the last steps; after them there is silence. A series that was never heard has none.
        for signal in &mut window.signals {
            signal.resize(signal.len() + self.filter.len() - 1, [0.0; LANES]);
        }
        self.decide(window, n_channels, by_neuron);
        *window = self.window(n_channels);
    }

    /// Appends to `signal` the values of eight channels from the `first`.
    fn hold_frames(&self, frames: &[f64], n_channels: usize, first: usize, signal: &mut Vec<[f64; LANES]>) {
        let n = LANES.min(n_channels - first);
        for frame in frames.chunks_exact(n_channels) {
            let values = from_fn(|lane| if lane < n { frame[first + lane] * self.config.gain } else { 0.0 });
            signal.resize(signal.len() + self.config.hold, values);
        }
    }

    /// Takes filters away wherever they lie in the signal as a whole.
    fn decide(&self, window: &mut BsaWindow, n_channels: usize, by_neuron: &mut PaddedRows) {
        let BsaWindow { signals, fired, has_begun } = window;
        let n_tried = (signals[0].len() + 1).saturating_sub(self.filter.len());
        // Nothing fires at the very first step: where the filter starts in one step, the next fires.
        let shift = usize::from(!*has_begun && n_tried > 0);
        *has_begun |= n_tried > 0;
        by_neuron.clear(n_tried + shift);
        for (block, signal) in signals.iter_mut().enumerate() {
            fired.clear();
            fired.resize(n_tried, 0);
            subtract_filters(&self.filter, self.config.threshold, signal, fired);
            signal.drain(..n_tried);
            for lane in 0..LANES.min(n_channels - block * LANES) {
                let at = fired.iter().enumerate().filter(|(_, fired)| **fired >> lane & 1 == 1);
                at.for_each(|(i, _)| by_neuron.push((i + shift) as u32));
                by_neuron.end_row();
            }
        }
    }
}

impl Encode for BsaEncoder {
    /// Returns those that are asked for, or one more than frames take.
    fn n_steps(&self, n_frames: Option<usize>) -> usize {
        self.config.n_steps.unwrap_or_else(|| (n_frames.unwrap_or(0) * self.config.hold + 1).max(2))
    }

    fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        check_length(check_series("BSA", n_frames)? + 1, self.config.hold)
    }

    fn domain(&self) -> Domain {
        Domain::Finite
    }

    fn encode(&self, sample: AnalogSample<'_>, _: StreamKey, scratch: &mut EncoderScratch, by_neuron: &mut PaddedRows) {
        let EncoderScratch { bsa: BsaScratch { signal, fired }, values, .. } = scratch;
        sample.values.copy_to(values);
        let n_channels = sample.n_features;
        let n_steps = self.n_steps(sample.n_frames());
        by_neuron.clear(n_steps);
        for first in (0..n_channels).step_by(LANES) {
            signal.clear();
            self.hold_frames(values, n_channels, first, signal);
            let n_tried = signal.len();
            // The filter reaches over the end, where there is silence.
            signal.resize(n_tried + self.filter.len(), [0.0; LANES]);
            fired.clear();
            fired.resize(n_tried, 0);
            if !is_stopped() {
                subtract_filters(&self.filter, self.config.threshold, signal, fired);
            }
            for lane in 0..LANES.min(n_channels - first) {
                let at = fired.iter().enumerate().filter(|(_, fired)| **fired >> lane & 1 == 1).map(|(i, _)| i + 1);
                at.take_while(|&t| t < n_steps).for_each(|t| by_neuron.push(t as u32));
                by_neuron.end_row();
            }
        }
    }
}

#[inline(always)]
fn subtract_filters_body(filter: &[f64], threshold: f64, signal: &mut [[f64; LANES]], fired: &mut [u8]) {
    for (i, fired) in fired.iter_mut().enumerate() {
        let signal = &mut signal[i..][..filter.len()];
        let (mut with, mut without) = ([0.0; LANES], [0.0; LANES]);
        for (s, &k) in signal.iter().zip(filter) {
            for lane in 0..LANES {
                with[lane] += (s[lane] - k).abs();
                without[lane] += s[lane].abs();
            }
        }
        let mut mask = 0;
        let mut taken = [0.0; LANES];
        for lane in 0..LANES {
            let fires = with[lane] < without[lane] - threshold;
            mask |= u8::from(fires) << lane;
            taken[lane] = f64::from(u8::from(fires));
        }
        *fired = mask;
        if mask != 0 {
            for (s, &k) in signal.iter_mut().zip(filter) {
                for lane in 0..LANES {
                    s[lane] -= k * taken[lane];
                }
            }
        }
    }
}

multiversion! {
    /// Marks the steps from which a filter is subtracted, a bit a channel.
    fn subtract_filters(filter: &[f64], threshold: f64, signal: &mut [[f64; LANES]], fired: &mut [u8]) = subtract_filters_body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spikes::Analog;

    const USUAL: BsaConfig = BsaConfig { n_steps: None, hold: 10, gain: 2000.0, n_taps: 24, threshold: 0.6 };

    fn rows(config: BsaConfig, frames: &[f64], n_channels: usize) -> Vec<Vec<u32>> {
        let sample = AnalogSample::series(Analog::F64(frames), n_channels);
        super::super::tests::rows(&BsaEncoder::new(config).unwrap(), sample)
    }

    /// One channel, as the description says.
    fn definition(config: BsaConfig, series: &[f64]) -> Vec<u32> {
        let n = config.n_taps;
        let bell: Vec<f64> = (0..n).map(|j| (-(j as f64 - (n / 2) as f64).powi(2) / 25.0).exp()).collect();
        let filter: Vec<f64> = bell.iter().map(|k| k / bell.iter().sum::<f64>()).collect();
        let mut s: Vec<f64> = series.iter().flat_map(|&v| vec![v * config.gain; config.hold]).collect();
        s.extend(vec![0.0; n]);
        let n_steps = config.n_steps.unwrap_or((series.len() * config.hold + 1).max(2));
        let mut spikes = Vec::new();
        for i in 0..s.len() - n {
            let e1: f64 = (0..n).map(|j| (s[i + j] - filter[j]).abs()).sum();
            let e2: f64 = (0..n).map(|j| s[i + j].abs()).sum();
            if e1 < e2 - config.threshold {
                (0..n).for_each(|j| s[i + j] -= filter[j]);
                if i + 1 < n_steps {
                    spikes.push(i as u32 + 1);
                }
            }
        }
        spikes
    }

    proptest! {
        #[test]
        fn every_channel_is_the_definition(
            n_channels in 1..20usize,
            values in prop::collection::vec(0.0..2e-3f64, 0..120),
            n_steps in prop_oneof![Just(None), (2..90usize).prop_map(Some)],
            hold in 1..12usize,
            n_taps in 1..30usize,
        ) {
            let config = BsaConfig { n_steps, hold, n_taps, ..USUAL };
            let frames = &values[..values.len() / n_channels * n_channels];
            let got = rows(config, frames, n_channels);
            for (j, row) in got.iter().enumerate() {
                let series: Vec<f64> = frames.iter().skip(j).step_by(n_channels).copied().collect();
                prop_assert_eq!(row, &definition(config, &series), "channel {}", j);
            }
        }
    }

    #[test]
    fn a_constant_fires_as_often_as_it_is_large() {
        // The filter has sum 1: what is taken away in a step is what was there.
        for value in [0.1, 0.25, 0.5] {
            let spikes = rows(USUAL, &[value / 2000.0; 40], 1);
            let rate = spikes[0].len() as f64 / 400.0;
            assert!((rate - value).abs() < 0.08, "{rate} for {value}");
        }
        assert!(rows(USUAL, &[0.0; 40], 1)[0].is_empty());
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |config| BsaEncoder::new(config).unwrap_err().to_string();
        assert_eq!(message(BsaConfig { n_steps: Some(1), ..USUAL }), "n_steps must be in [2, 2^24], got 1");
        assert_eq!(message(BsaConfig { hold: 0, ..USUAL }), "hold must be in [1, 4096], got 0");
        assert_eq!(message(BsaConfig { n_taps: 5000, ..USUAL }), "n_taps must be in [1, 4096], got 5000");
        assert_eq!(message(BsaConfig { gain: f64::NAN, ..USUAL }), "gain must be finite and > 0, got NaN");
        assert_eq!(message(BsaConfig { threshold: -0.1, ..USUAL }), "threshold must be finite and >= 0, got -0.1");
        assert_eq!(BsaEncoder::new(USUAL).unwrap().n_steps(Some(36)), 361);
    }
}
