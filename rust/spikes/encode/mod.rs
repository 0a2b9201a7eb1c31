//! Encoders: analog values as spikes, a file each.
//!
//! A new kind is a file with its configuration and an [`Encode`], a variant of [`EncoderConfig`] and of [`Encoder`], and buffers in
//! [`EncoderScratch`] if it needs any.

mod analog;
mod bernoulli;
mod bsa;
mod latency;
mod level_crossing;
mod population;
mod regular;
mod stream;
mod timing;

use serde::{Deserialize, Serialize};

pub use self::analog::{Analog, AnalogSample, Domain};
pub use self::bernoulli::{BernoulliConfig, BernoulliEncoder, BernoulliScratch};
pub use self::bsa::{BsaConfig, BsaEncoder, BsaScratch};
pub use self::latency::{LatencyConfig, LatencyEncoder};
use self::level_crossing::Level;
pub use self::level_crossing::{LevelCrossingConfig, LevelCrossingEncoder};
pub use self::population::{PopulationConfig, PopulationEncoder};
pub use self::regular::{RegularConfig, RegularEncoder, RegularScratch};
pub use self::stream::EncoderStream;
pub use self::timing::Timing;
use crate::error::{Error, Result};
use crate::rng::StreamKey;
use crate::spikes::PaddedRows;

/// Makes spikes of the analog values of a sample, which do not change or are a time series.
pub trait Encode {
    /// Returns the number of inputs of a network for `n_features` values.
    fn n_inputs(&self, n_features: usize) -> usize {
        n_features
    }

    /// Returns the number of time steps of so many frames, or of values that do not change.
    fn n_steps(&self, n_frames: Option<usize>) -> usize;

    /// Refuses so many frames, or values that do not change, if it makes no spikes of them.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value).
    fn check_frames(&self, n_frames: Option<usize>) -> Result<()>;

    /// Says which values it takes: checked where data enters, not where it is encoded.
    fn domain(&self) -> Domain;

    /// Encodes one sample into `by_neuron`: row j lists the steps at which input j fires.
    ///
    /// The same `key` gives the same spikes.
    fn encode(
        &self,
        sample: AnalogSample<'_>,
        key: StreamKey,
        scratch: &mut EncoderScratch,
        by_neuron: &mut PaddedRows,
    );
}

/// Says which encoder is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EncoderConfig {
    /// A [`BernoulliEncoder`].
    Bernoulli(BernoulliConfig),
    /// A [`RegularEncoder`].
    Regular(RegularConfig),
    /// A [`LatencyEncoder`].
    Latency(LatencyConfig),
    /// A [`LevelCrossingEncoder`].
    LevelCrossing(LevelCrossingConfig),
    /// A [`BsaEncoder`].
    Bsa(BsaConfig),
    /// A [`PopulationEncoder`].
    Population(PopulationConfig),
}

/// Encodes by any of the encoders there are.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoder {
    /// Independent spikes at every step.
    Bernoulli(BernoulliEncoder),
    /// Spikes in equal intervals.
    Regular(RegularEncoder),
    /// One spike, whose time is the value.
    Latency(LatencyEncoder),
    /// A spike for every level crossed.
    LevelCrossing(LevelCrossingEncoder),
    /// Spikes that a filter makes the signal of.
    Bsa(BsaEncoder),
    /// Several inputs a value.
    Population(PopulationEncoder),
}

/// Holds the buffers of every encoder, so that encoding allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct EncoderScratch {
    bernoulli: BernoulliScratch,
    bsa: BsaScratch,
    regular: RegularScratch,
    /// Values of a sample.
    values: Vec<f64>,
    /// Where its features are.
    levels: Vec<Level>,
    /// Those of a population.
    responses: Vec<f64>,
}

impl EncoderConfig {
    /// Makes the encoder.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the first field outside its domain.
    pub fn build(&self) -> Result<Encoder> {
        Ok(match self {
            Self::Bernoulli(config) => Encoder::Bernoulli(BernoulliEncoder::new(*config)?),
            Self::Regular(config) => Encoder::Regular(RegularEncoder::new(*config)?),
            Self::Latency(config) => Encoder::Latency(LatencyEncoder::new(*config)?),
            Self::LevelCrossing(config) => Encoder::LevelCrossing(LevelCrossingEncoder::new(*config)?),
            Self::Bsa(config) => Encoder::Bsa(BsaEncoder::new(*config)?),
            Self::Population(config) => Encoder::Population(PopulationEncoder::new(config)?),
        })
    }
}

/// Does the same with whichever encoder it is.
macro_rules! with_encoder {
    ($of:expr, $encoder:ident => $body:expr) => {
        match $of {
            Encoder::Bernoulli($encoder) => $body,
            Encoder::Regular($encoder) => $body,
            Encoder::Latency($encoder) => $body,
            Encoder::LevelCrossing($encoder) => $body,
            Encoder::Bsa($encoder) => $body,
            Encoder::Population($encoder) => $body,
        }
    };
}

impl Encode for Encoder {
    fn n_inputs(&self, n_features: usize) -> usize {
        with_encoder!(self, encoder => encoder.n_inputs(n_features))
    }

    fn n_steps(&self, n_frames: Option<usize>) -> usize {
        with_encoder!(self, encoder => encoder.n_steps(n_frames))
    }

    fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        with_encoder!(self, encoder => encoder.check_frames(n_frames))
    }

    fn domain(&self) -> Domain {
        with_encoder!(self, encoder => encoder.domain())
    }

    fn encode(
        &self,
        sample: AnalogSample<'_>,
        key: StreamKey,
        scratch: &mut EncoderScratch,
        by_neuron: &mut PaddedRows,
    ) {
        with_encoder!(self, encoder => encoder.encode(sample, key, scratch, by_neuron));
    }
}

/// Checks what a value of 1 means.
fn check_rate_scale(rate_scale: f64) -> Result<()> {
    if !(rate_scale > 0.0 && rate_scale <= 1.0) {
        return Err(Error::value("rate_scale", "in (0, 1]", rate_scale));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the steps at which each input fires.
    pub(super) fn rows(encoder: &impl Encode, sample: AnalogSample<'_>) -> Vec<Vec<u32>> {
        let (mut by_neuron, key) = (PaddedRows::default(), StreamKey { seed: 3, epoch: 1, sample: 2 });
        encoder.check_frames(sample.n_frames()).unwrap();
        encoder.encode(sample, key, &mut EncoderScratch::default(), &mut by_neuron);
        assert_eq!(by_neuron.n_columns(), encoder.n_steps(sample.n_frames()));
        assert_eq!(by_neuron.n_rows(), encoder.n_inputs(sample.n_features));
        (0..by_neuron.n_rows()).map(|j| by_neuron.row(j).to_vec()).collect()
    }

    #[test]
    fn configurations_go_through_json_and_make_their_encoders() {
        let config = EncoderConfig::Bernoulli(BernoulliConfig { n_steps: 40, rate_scale: 0.25, hold: None });
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(text, r#"{"kind":"bernoulli","n_steps":40,"rate_scale":0.25}"#);
        assert_eq!(serde_json::from_str::<EncoderConfig>(&text).unwrap(), config);
        assert_eq!(config.build().unwrap(), Encoder::Bernoulli(BernoulliEncoder::of_steps(40, 0.25).unwrap()));
        let regular = RegularConfig { n_steps: 40, rate_scale: 0.25, random_phase: true, hold: None };
        let of_regular = r#"{"kind":"regular","n_steps":40,"rate_scale":0.25,"random_phase":true}"#;
        assert_eq!(serde_json::to_string(&EncoderConfig::Regular(regular)).unwrap(), of_regular);
        assert_eq!(
            EncoderConfig::Regular(regular).build().unwrap(),
            Encoder::Regular(RegularEncoder::new(regular).unwrap())
        );
        for bad in ["poisson", "Bernoulli"] {
            assert!(serde_json::from_str::<EncoderConfig>(&text.replace("bernoulli", bad)).is_err());
        }
        assert!(serde_json::from_str::<EncoderConfig>(&text.replace("n_steps", "steps")).is_err());
        assert!(serde_json::from_str::<EncoderConfig>(&text.replace("}", r#","seed":1}"#)).is_err());
        let none = EncoderConfig::Bernoulli(BernoulliConfig { n_steps: 0, rate_scale: 0.25, hold: None });
        assert_eq!(none.build().unwrap_err().to_string(), "n_steps must be in [1, 2^24], got 0");
    }

    #[test]
    fn an_encoder_by_its_kind_makes_the_spikes_of_the_encoder_itself() {
        let itself = BernoulliEncoder::of_steps(50, 0.5).unwrap();
        let (values, key) = ([0u8, 100, 255], StreamKey { seed: 3, epoch: 1, sample: 2 });
        let mut scratch = EncoderScratch::default();
        let mut rows = [PaddedRows::default(), PaddedRows::default()];
        itself.encode(AnalogSample::still(Analog::U8(&values)), key, &mut scratch, &mut rows[0]);
        let by_kind = Encoder::Bernoulli(itself);
        by_kind.encode(AnalogSample::still(Analog::U8(&values)), key, &mut scratch, &mut rows[1]);
        assert_eq!(by_kind.n_steps(None), 50);
        assert!(rows[0].total() > 10);
        assert!((0..3).all(|j| rows[0].row(j) == rows[1].row(j)));
    }
}
