//! Analog values to the time of one spike.

use serde::{Deserialize, Serialize};

use super::{AnalogSample, Domain, Encode, EncoderScratch, Timing};
use crate::error::{Error, Result, check_positive};
use crate::rng::StreamKey;
use crate::spikes::PaddedRows;

/// Says how a [`LatencyEncoder`] makes spikes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyConfig {
    /// Number of time steps of values that do not change.
    pub n_steps: usize,
    /// Time constant in steps; without one, time falls linearly with the value.
    pub tau: Option<f64>,
    /// Value up to which an input does not fire.
    pub threshold: f64,
    /// Steps that a frame takes.
    #[serde(default)]
    pub hold: Option<usize>,
}

/// Fires every input once, the earlier the larger its value: time to first spike.
///
/// An input of value x > threshold fires at step round((1 - x) (n - 1)) of the n steps of a frame; with a time constant, at step
/// floor(tau ln(x / (x - threshold))), when a leaky integrator that rises to x passes the threshold, if that is one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyEncoder {
    config: LatencyConfig,
}

impl LatencyEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn new(config: LatencyConfig) -> Result<Self> {
        let encoder = Self { config };
        encoder.timing().check()?;
        if let Some(tau) = config.tau {
            check_positive("tau", "", tau)?;
        }
        if !(0.0..1.0).contains(&config.threshold) {
            return Err(Error::value("threshold", "in [0, 1)", config.threshold));
        }
        if config.tau.is_some() && config.threshold == 0.0 {
            return Err(Error::value("threshold", "> 0 with tau: every input would fire at once", 0.0));
        }
        Ok(encoder)
    }

    pub(super) fn timing(&self) -> Timing {
        Timing { n_steps: self.config.n_steps, hold: self.config.hold }
    }

    /// Lists the steps at which each input fires, of frames of `n_features` values.
    pub(super) fn fire(&self, values: &[f64], n_features: usize, is_series: bool, by_neuron: &mut PaddedRows) {
        for j in 0..n_features {
            for (f, frame) in values.chunks_exact(n_features).enumerate() {
                let steps = self.timing().steps(f, is_series);
                if let Some(step) = self.fires(frame[j], steps.len()) {
                    by_neuron.push((steps.start + step) as u32);
                }
            }
            by_neuron.end_row();
        }
    }

    /// Returns the step in which a value fires, of the `n` of its frame.
    #[inline(always)]
    fn fires(&self, value: f64, n: usize) -> Option<usize> {
        let LatencyConfig { tau, threshold, .. } = self.config;
        if value <= threshold {
            return None;
        }
        let step = match tau {
            None => ((1.0 - value) * (n - 1) as f64).round(),
            Some(tau) => (tau * (value / (value - threshold)).ln()).floor(),
        };
        (step < n as f64).then_some(step as usize)
    }
}

impl Encode for LatencyEncoder {
    fn n_steps(&self, n_frames: Option<usize>) -> usize {
        self.timing().steps_of(n_frames)
    }

    fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        self.timing().check_frames(n_frames)
    }

    fn domain(&self) -> Domain {
        Domain::Unit
    }

    fn encode(&self, sample: AnalogSample<'_>, _: StreamKey, scratch: &mut EncoderScratch, by_neuron: &mut PaddedRows) {
        sample.values.copy_to(&mut scratch.values);
        by_neuron.clear(self.n_steps(sample.n_frames()));
        self.fire(&scratch.values, sample.n_features, sample.is_series, by_neuron);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;
    use super::*;
    use crate::spikes::Analog;

    const USUAL: LatencyConfig = LatencyConfig { n_steps: 11, tau: None, threshold: 0.01, hold: None };

    #[test]
    fn larger_values_fire_earlier_and_once() {
        let encoder = LatencyEncoder::new(USUAL).unwrap();
        let got = rows(&encoder, AnalogSample::still(Analog::F64(&[1.0, 0.5, 0.02, 0.01, 0.0, 0.76])));
        assert_eq!(got, [vec![0], vec![5], vec![10], vec![], vec![], vec![2]]);
        let bytes = rows(&encoder, AnalogSample::still(Analog::U8(&[255, 0, 128])));
        assert_eq!(bytes, [vec![0], vec![], vec![5]]);
    }

    #[test]
    fn with_a_time_constant_they_fire_when_a_leaky_integrator_does() {
        let config = LatencyConfig { n_steps: 60, tau: Some(20.0), threshold: 0.2, hold: None };
        let values: Vec<f64> = (0..=50).map(|k| f64::from(k) / 50.0).collect();
        let got = rows(&LatencyEncoder::new(config).unwrap(), AnalogSample::still(Analog::F64(&values)));
        for (value, row) in values.iter().zip(got) {
            // v(t) = x (1 - exp(-t / tau)) first reaches the threshold within step t.
            let first = (0..60).find(|&t| value * (1.0 - (-f64::from(t + 1) / 20.0).exp()) > 0.2);
            assert_eq!(row, first.map(|t| t as u32).into_iter().collect::<Vec<_>>(), "{value}");
        }
    }

    #[test]
    fn every_frame_of_a_series_has_its_own_time() {
        let series = [1.0, 0.0, 0.5, 1.0];
        let held = LatencyEncoder::new(LatencyConfig { hold: Some(3), ..USUAL }).unwrap();
        let sample = AnalogSample::series(Analog::F64(&series), 2);
        assert_eq!(held.n_steps(Some(2)), 6);
        assert_eq!(rows(&held, sample), [vec![0, 4], vec![3]]);
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |config| LatencyEncoder::new(config).unwrap_err().to_string();
        assert_eq!(message(LatencyConfig { n_steps: 0, ..USUAL }), "n_steps must be in [1, 2^24], got 0");
        assert_eq!(message(LatencyConfig { tau: Some(0.0), ..USUAL }), "tau must be finite and > 0, got 0");
        assert_eq!(message(LatencyConfig { threshold: 1.0, ..USUAL }), "threshold must be in [0, 1), got 1");
        let at_once = LatencyConfig { tau: Some(5.0), threshold: 0.0, ..USUAL };
        assert_eq!(message(at_once), "threshold must be > 0 with tau: every input would fire at once, got 0");
    }
}
