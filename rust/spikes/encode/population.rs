//! Analog values to populations of inputs, each with a preferred value.

use serde::{Deserialize, Serialize};

use super::{Analog, AnalogSample, Domain, Encode, Encoder, EncoderConfig, EncoderScratch};
use crate::error::{Error, Result, check_positive};
use crate::rng::StreamKey;
use crate::spikes::PaddedRows;

/// Most inputs of a value.
const MOST: usize = 1 << 10;

/// Says how a [`PopulationEncoder`] makes spikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationConfig {
    /// Inputs of a value.
    pub n: usize,
    /// Standard deviation of a receptive field, in distances from a preferred value to the next.
    pub width: f64,
    /// What makes spikes of how well a value is liked.
    pub encoder: Box<EncoderConfig>,
}

/// Spreads every value over inputs with Gaussian receptive fields, whose responses another encoder makes spikes of.
///
/// Preferred values lie in equal distances from 0 to 1. Of value x, input k of n is given exp(-(x - c)^2 / (2 s^2)), with
/// c = k / (n - 1) and s = width / (n - 1). First come the inputs of all features that prefer 0, and so on: n channels.
/// S. M. Bohte, H. La Poutre and J. N. Kok, "Unsupervised clustering with spiking neurons by sparse temporal coding and multilayer RBF
/// networks", IEEE Transactions on Neural Networks 13 (2002), with fields from edge to edge.
#[derive(Clone, Debug, PartialEq)]
pub struct PopulationEncoder {
    n: usize,
    width: f64,
    encoder: Box<Encoder>,
}

impl PopulationEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn new(config: &PopulationConfig) -> Result<Self> {
        let PopulationConfig { n, width, ref encoder } = *config;
        if !(2..=MOST).contains(&n) {
            return Err(Error::value("n", format!("in [2, {MOST}]"), n));
        }
        check_positive("width", "", width)?;
        if matches!(**encoder, EncoderConfig::Population(_)) {
            return Err(Error::value("encoder", "one of single inputs", "a population's"));
        }
        Ok(Self { n, width, encoder: Box::new(encoder.build()?) })
    }

    /// Returns the number of responses to `n_features` values.
    pub(super) fn n_responses(&self, n_features: usize) -> usize {
        n_features.saturating_mul(self.n)
    }

    /// Puts the responses to frames of `n_features` values into `out`.
    pub(super) fn respond(&self, values: Analog<'_>, n_features: usize, out: &mut Vec<f64>) {
        let (distances, scale) = ((self.n - 1) as f64, 0.5 / (self.width * self.width));
        out.clear();
        out.resize(values.len() * self.n, 0.0);
        let mut at = 0;
        values.each(|value| {
            let (frame, feature) = (at / n_features, at % n_features);
            for k in 0..self.n {
                let away = value * distances - k as f64;
                out[(frame * self.n + k) * n_features + feature] = (-away * away * scale).exp();
            }
            at += 1;
        });
    }
}

impl Encode for PopulationEncoder {
    fn n_inputs(&self, n_features: usize) -> usize {
        self.encoder.n_inputs(self.n_responses(n_features))
    }

    fn n_steps(&self, n_frames: Option<usize>) -> usize {
        self.encoder.n_steps(n_frames)
    }

    fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        self.encoder.check_frames(n_frames)
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
        let mut responses = std::mem::take(&mut scratch.responses);
        self.respond(sample.values, sample.n_features, &mut responses);
        let of = AnalogSample {
            values: Analog::F64(&responses),
            n_features: self.n_responses(sample.n_features),
            is_series: sample.is_series,
        };
        self.encoder.encode(of, key, scratch, by_neuron);
        scratch.responses = responses;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;
    use super::super::{LatencyConfig, RegularConfig};
    use super::*;

    fn regular(n_steps: usize) -> Box<EncoderConfig> {
        let config = RegularConfig { n_steps, rate_scale: 1.0, random_phase: false, hold: None };
        Box::new(EncoderConfig::Regular(config))
    }

    #[test]
    fn inputs_fire_by_how_near_a_value_is_to_theirs() {
        let encoder = PopulationEncoder::new(&PopulationConfig { n: 5, width: 0.7, encoder: regular(1000) }).unwrap();
        assert_eq!(encoder.n_inputs(2), 10);
        let got = rows(&encoder, AnalogSample::still(Analog::F64(&[0.25, 0.9])));
        for (feature, value) in [0.25, 0.9f64].into_iter().enumerate() {
            for k in 0..5 {
                let away = (value - k as f64 / 4.0) / (0.7 / 4.0);
                let expected = 1000.0 * (-0.5 * away * away).exp();
                assert!((got[2 * k + feature].len() as f64 - expected).abs() < 1.0, "input {k} of {value}");
            }
        }
    }

    #[test]
    fn series_are_spread_frame_by_frame() {
        let latency = LatencyConfig { n_steps: 9, tau: None, threshold: 0.2, hold: Some(4) };
        let config = PopulationConfig { n: 2, width: 0.5, encoder: Box::new(EncoderConfig::Latency(latency)) };
        let encoder = PopulationEncoder::new(&config).unwrap();
        let got = rows(&encoder, AnalogSample::series(Analog::F64(&[0.0, 1.0, 1.0]), 1));
        assert_eq!((got, encoder.n_steps(Some(3))), (vec![vec![0], vec![4, 8]], 12));
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |n, width, encoder| {
            PopulationEncoder::new(&PopulationConfig { n, width, encoder }).unwrap_err().to_string()
        };
        assert_eq!(message(1, 1.0, regular(9)), "n must be in [2, 1024], got 1");
        assert_eq!(message(2, 0.0, regular(9)), "width must be finite and > 0, got 0");
        assert_eq!(message(2, 1.0, regular(0)), "n_steps must be in [1, 2^24], got 0");
        let inner = EncoderConfig::Population(PopulationConfig { n: 2, width: 1.0, encoder: regular(9) });
        assert_eq!(message(2, 1.0, Box::new(inner)), "encoder must be one of single inputs, got a population's");
    }
}
