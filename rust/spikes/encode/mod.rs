//! Encoders: analog values as spikes, a file each.
//!
//! A new kind is a file with its configuration and an [`Encode`], a variant of [`EncoderConfig`] and of [`Encoder`], and buffers in
//! [`EncoderScratch`] if it needs any.

mod analog;
mod bernoulli;
pub mod bsa;
mod regular;

use serde::{Deserialize, Serialize};

pub use self::analog::Analog;
pub use self::bernoulli::{BernoulliConfig, BernoulliEncoder, BernoulliScratch};
pub use self::regular::{RegularConfig, RegularEncoder, RegularScratch};
use crate::error::{Error, Result};
use crate::rng::StreamKey;
use crate::spikes::PaddedRows;

/// Makes spikes of the analog values of a sample.
pub trait Encode {
    /// Returns the number of time steps.
    fn n_steps(&self) -> usize;

    /// Encodes one sample into `by_neuron`: row j lists the steps at which input j fires.
    ///
    /// The same `key` gives the same spikes. Values must be in [0, 1]: checked where data enters, not here.
    fn encode(&self, values: Analog<'_>, key: StreamKey, scratch: &mut EncoderScratch, by_neuron: &mut PaddedRows);
}

/// Says which encoder is meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EncoderConfig {
    /// A [`BernoulliEncoder`].
    Bernoulli(BernoulliConfig),
    /// A [`RegularEncoder`].
    Regular(RegularConfig),
}

/// Encodes by any of the encoders there are.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoder {
    /// Independent spikes at every step.
    Bernoulli(BernoulliEncoder),
    /// Spikes in equal intervals.
    Regular(RegularEncoder),
}

/// Holds the buffers of every encoder, so that encoding allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct EncoderScratch {
    bernoulli: BernoulliScratch,
    regular: RegularScratch,
}

impl EncoderConfig {
    /// Makes the encoder.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the first field outside its domain.
    pub fn build(&self) -> Result<Encoder> {
        match *self {
            Self::Bernoulli(BernoulliConfig { n_steps, rate_scale }) => {
                BernoulliEncoder::new(n_steps, rate_scale).map(Encoder::Bernoulli)
            }
            Self::Regular(config) => RegularEncoder::new(config).map(Encoder::Regular),
        }
    }
}

impl Encode for Encoder {
    fn n_steps(&self) -> usize {
        match self {
            Self::Bernoulli(encoder) => encoder.n_steps(),
            Self::Regular(encoder) => encoder.n_steps(),
        }
    }

    fn encode(&self, values: Analog<'_>, key: StreamKey, scratch: &mut EncoderScratch, by_neuron: &mut PaddedRows) {
        match self {
            Self::Bernoulli(encoder) => encoder.encode(values, key, scratch, by_neuron),
            Self::Regular(encoder) => encoder.encode(values, key, scratch, by_neuron),
        }
    }
}

/// Checks a number of steps, and what a value of 1 means.
fn check_rates(n_steps: usize, rate_scale: f64) -> Result<()> {
    if n_steps == 0 || n_steps > 1 << 24 {
        return Err(Error::value("n_steps", "in [1, 2^24]", n_steps));
    }
    if !(rate_scale > 0.0 && rate_scale <= 1.0) {
        return Err(Error::value("rate_scale", "in (0, 1]", rate_scale));
    }
    Ok(())
}

/// Gives value times `rate_scale` of every value, in their order.
fn each_probability(values: Analog<'_>, rate_scale: f64, mut take: impl FnMut(f64)) {
    match values {
        Analog::U8(values) => values.iter().for_each(|&byte| take(f64::from(byte) / 255.0 * rate_scale)),
        Analog::F32(values) => values.iter().for_each(|&value| take(f64::from(value) * rate_scale)),
        Analog::F64(values) => values.iter().for_each(|&value| take(value * rate_scale)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_go_through_json_and_make_their_encoders() {
        let config = EncoderConfig::Bernoulli(BernoulliConfig { n_steps: 40, rate_scale: 0.25 });
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(text, r#"{"kind":"bernoulli","n_steps":40,"rate_scale":0.25}"#);
        assert_eq!(serde_json::from_str::<EncoderConfig>(&text).unwrap(), config);
        assert_eq!(config.build().unwrap(), Encoder::Bernoulli(BernoulliEncoder::new(40, 0.25).unwrap()));
        let regular = RegularConfig { n_steps: 40, rate_scale: 0.25, random_phase: true };
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
        let none = EncoderConfig::Bernoulli(BernoulliConfig { n_steps: 0, rate_scale: 0.25 });
        assert_eq!(none.build().unwrap_err().to_string(), "n_steps must be in [1, 2^24], got 0");
    }

    #[test]
    fn an_encoder_by_its_kind_makes_the_spikes_of_the_encoder_itself() {
        let itself = BernoulliEncoder::new(50, 0.5).unwrap();
        let (values, key) = ([0u8, 100, 255], StreamKey { seed: 3, epoch: 1, sample: 2 });
        let mut scratch = EncoderScratch::default();
        let mut rows = [PaddedRows::default(), PaddedRows::default()];
        itself.encode(Analog::U8(&values), key, &mut scratch, &mut rows[0]);
        let by_kind = Encoder::Bernoulli(itself);
        by_kind.encode(Analog::U8(&values), key, &mut scratch, &mut rows[1]);
        assert_eq!(by_kind.n_steps(), 50);
        assert!(rows[0].total() > 10);
        assert!((0..3).all(|j| rows[0].row(j) == rows[1].row(j)));
    }
}
