//! What a network is trained on, and how a sample becomes spikes.

use super::augment::{AugmentScratch, ImageAugment};
use crate::engine::layered::SampleSpikes;
use crate::error::{Error, Result};
use crate::rng::StreamKey;
use crate::spikes::{Analog, Encode, Encoder, EncoderScratch, SpikeTrains};

/// Holds the samples that a network is run on.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// Analog values and their encoder.
    Images(Images<'a>),
    /// Spike trains.
    Spikes(&'a SpikeTrains),
}

/// Holds analog values, (n_samples, n_in) row-major, with the encoder that makes spikes of them.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    values: Analog<'a>,
    n_in: usize,
    encoder: &'a Encoder,
    augment: Option<&'a ImageAugment>,
}

/// Holds the buffers in which a sample becomes spikes.
#[derive(Clone, Debug, Default)]
pub struct LoadScratch {
    encoder: EncoderScratch,
    augment: AugmentScratch,
    bytes: Vec<u8>,
    singles: Vec<f32>,
    doubles: Vec<f64>,
}

impl<'a> Images<'a> {
    /// Checks and takes the values; each must be in [0, 1] (bytes always are).
    ///
    /// # Errors
    /// [`Error::Value`] naming the first value outside, [`Error::Shape`] if the images are not of the augmentation's shape.
    pub fn new(
        values: Analog<'a>,
        n_in: usize,
        encoder: &'a Encoder,
        augment: Option<&'a ImageAugment>,
    ) -> Result<Self> {
        check_analog(values, n_in)?;
        if let Some(augment) = augment {
            augment.validate(n_in)?;
        }
        Ok(Self { values, n_in, encoder, augment })
    }

    fn sample(&self, sample: usize) -> Analog<'a> {
        let range = sample * self.n_in..(sample + 1) * self.n_in;
        match self.values {
            Analog::U8(v) => Analog::U8(&v[range]),
            Analog::F32(v) => Analog::F32(&v[range]),
            Analog::F64(v) => Analog::F64(&v[range]),
        }
    }
}

/// Refuses values outside [0, 1], of samples of `n_in` (bytes never are).
///
/// # Errors
/// [`Error::Value`] naming the first.
pub fn check_analog(values: Analog<'_>, n_in: usize) -> Result<()> {
    let bad = match values {
        Analog::U8(_) => None,
        Analog::F32(v) => v.iter().position(|v| !(0.0..=1.0).contains(v)).map(|at| (at, f64::from(v[at]))),
        Analog::F64(v) => v.iter().position(|v| !(0.0..=1.0).contains(v)).map(|at| (at, v[at])),
    };
    if let Some((at, value)) = bad {
        return Err(Error::value(format!("x[{}, {}]", at / n_in, at % n_in), "in [0, 1]", value));
    }
    Ok(())
}

impl Data<'_> {
    /// Returns the number of time steps of a sample.
    pub fn n_steps_of(&self, sample: usize) -> usize {
        match self {
            Self::Images(images) => images.encoder.n_steps(),
            Self::Spikes(trains) => trains.n_steps_of(sample),
        }
    }

    /// Returns the number of time steps of all samples together.
    pub fn total_steps(&self) -> u64 {
        match self.lengths() {
            Some(lengths) => lengths.iter().map(|&length| u64::from(length)).sum(),
            None => self.n_samples() as u64 * self.n_steps() as u64,
        }
    }

    /// Returns the number of time steps of each sample; `None` if all have as many.
    pub fn lengths(&self) -> Option<&[u32]> {
        match self {
            Self::Images(_) => None,
            Self::Spikes(trains) => trains.lengths(),
        }
    }

    /// Returns the number of time steps of every sample, of the longest if they differ.
    pub fn n_steps(&self) -> usize {
        match self {
            Self::Images(images) => images.encoder.n_steps(),
            Self::Spikes(trains) => trains.n_steps(),
        }
    }

    /// Returns the number of samples.
    pub fn n_samples(&self) -> usize {
        match self {
            Self::Images(Images { values, n_in, .. }) => match values {
                Analog::U8(v) => v.len() / n_in,
                Analog::F32(v) => v.len() / n_in,
                Analog::F64(v) => v.len() / n_in,
            },
            Self::Spikes(trains) => trains.n_samples(),
        }
    }

    /// Returns the number of inputs.
    pub fn n_in(&self) -> usize {
        match self {
            Self::Images(images) => images.n_in,
            Self::Spikes(trains) => trains.n_neurons(),
        }
    }

    /// Refuses inputs that fire more than `most` times in a step.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first.
    pub fn check_spikes(&self, most: u32) -> Result<()> {
        let Self::Spikes(trains) = self else { return Ok(()) };
        match trains.more_often_than(most) {
            None => Ok(()),
            Some([sample, t, input]) => {
                let expected = format!("an input that fires at most {most} times in a step, in these formats");
                Err(Error::value(format!("x[{sample}, {t}, {input}]"), expected, "one that does more often"))
            }
        }
    }

    /// Makes `spikes.input` of sample `key.sample`, listed by time (and by neuron if `by_neuron`).
    pub(crate) fn load(&self, key: StreamKey, by_neuron: bool, spikes: &mut SampleSpikes, scratch: &mut LoadScratch) {
        let sample = key.sample as usize;
        let input = &mut spikes.input;
        match self {
            Self::Images(images) => {
                let LoadScratch { encoder, augment: changing, bytes, singles, doubles } = scratch;
                let augment = images.augment.filter(|augment| key.epoch >= augment.first_epoch);
                let values = match (images.sample(sample), augment) {
                    (values, None) => values,
                    (Analog::U8(v), Some(augment)) => Analog::U8(augment.apply(v, key, changing, bytes)),
                    (Analog::F32(v), Some(augment)) => Analog::F32(augment.apply(v, key, changing, singles)),
                    (Analog::F64(v), Some(augment)) => Analog::F64(augment.apply(v, key, changing, doubles)),
                };
                images.encoder.encode(values, key, encoder, &mut input.by_neuron);
                input.list_by_time();
            }
            Self::Spikes(trains) => {
                input.set_by_time(trains.sample(sample), trains.n_neurons());
                if by_neuron {
                    input.list_by_neuron();
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
