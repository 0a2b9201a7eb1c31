//! What a network is trained on, and how a sample becomes spikes.

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::engine::layered::SampleSpikes;
use crate::error::{Error, Result};
use crate::rng::StreamKey;
use crate::spikes::{Analog, Encode, Encoder, EncoderScratch, SpikeTrains};

/// Separates the random stream of the augmentation from that of the encoder.
const AUGMENT_DOMAIN: u64 = 0x6175_676d_656e_7400;

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

/// Changes images at random, drawn anew for every sample and epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageAugment {
    /// Height and width [pixels].
    pub image_shape: [usize; 2],
    /// Largest shift along either axis [pixels]; what leaves the image is lost, what enters is 0.
    pub max_shift: usize,
    /// Share of the images that are shifted, by chance.
    #[serde(default = "always")]
    pub shift_probability: f64,
    /// Whether every other image, by chance, is mirrored left to right.
    pub flip_horizontal: bool,
    /// First epoch with changed images, counted from 1; before it they are taken as they are.
    #[serde(default = "from_the_start")]
    pub first_epoch: u32,
}

// What checkpoints mean that were written before these fields.

fn always() -> f64 {
    1.0
}

fn from_the_start() -> u32 {
    1
}

/// Holds the buffers in which a sample becomes spikes.
#[derive(Clone, Debug, Default)]
pub struct LoadScratch {
    encoder: EncoderScratch,
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
        let bad = match values {
            Analog::U8(_) => None,
            Analog::F32(v) => v.iter().position(|v| !(0.0..=1.0).contains(v)).map(|at| (at, f64::from(v[at]))),
            Analog::F64(v) => v.iter().position(|v| !(0.0..=1.0).contains(v)).map(|at| (at, v[at])),
        };
        if let Some((at, value)) = bad {
            return Err(Error::value(format!("x[{}, {}]", at / n_in, at % n_in), "in [0, 1]", value));
        }
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

impl Data<'_> {
    /// Returns the number of time steps of every sample.
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
                let LoadScratch { encoder, bytes, singles, doubles } = scratch;
                let augment = images.augment.filter(|augment| key.epoch >= augment.first_epoch);
                let values = match (images.sample(sample), augment) {
                    (values, None) => values,
                    (Analog::U8(v), Some(augment)) => Analog::U8(augment.apply(v, key, bytes)),
                    (Analog::F32(v), Some(augment)) => Analog::F32(augment.apply(v, key, singles)),
                    (Analog::F64(v), Some(augment)) => Analog::F64(augment.apply(v, key, doubles)),
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

impl ImageAugment {
    /// Checks that images of `n_in` values have this shape, and that a shift leaves something of them.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field.
    pub fn validate(&self, n_in: usize) -> Result<()> {
        let [height, width] = self.image_shape;
        if height.checked_mul(width) != Some(n_in) {
            return Err(Error::value(
                "image_shape",
                format!("of {n_in} pixels, as the input"),
                format!("({height}, {width})"),
            ));
        }
        if !(0.0..=1.0).contains(&self.shift_probability) {
            return Err(Error::value("shift_probability", "in [0, 1]", self.shift_probability));
        }
        if self.first_epoch == 0 {
            return Err(Error::value("first_epoch", ">= 1", 0));
        }
        if self.max_shift >= height.min(width) {
            return Err(Error::value(
                "max_shift",
                format!("< {}, the image's side", height.min(width)),
                self.max_shift,
            ));
        }
        Ok(())
    }

    fn apply<'o, T: Copy + Default>(&self, image: &[T], key: StreamKey, out: &'o mut Vec<T>) -> &'o [T] {
        let [height, width] = self.image_shape;
        let mut rng = key.rng(AUGMENT_DOMAIN);
        let span = 2 * self.max_shift as u64 + 1;
        let mut shift = || ((u64::from(rng.next_u32()) * span) >> 32) as isize - self.max_shift as isize;
        let (dy, dx) = (shift(), shift());
        // Drawn whether wanted or not, so that which images are shifted does not depend on it.
        let mirrored = rng.next_u32() >> 31 == 1;
        let flip = self.flip_horizontal && mirrored;
        let stays = f64::from(rng.next_u32()) >= self.shift_probability * 4_294_967_296.0;
        let (dy, dx) = if stays { (0, 0) } else { (dy, dx) };
        out.clear();
        for y in 0..height {
            for x in 0..width {
                let from_x = if flip { width - 1 - x } else { x }.wrapping_add_signed(dx);
                let from_y = y.wrapping_add_signed(dy);
                let inside = from_x < width && from_y < height;
                out.push(if inside { image[from_y * width + from_x] } else { T::default() });
            }
        }
        out
    }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
