//! Random changes of training images.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::warp::{ElasticFields, Pixel, Placement, Warp, warp};
use crate::error::{Error, Result};
use crate::memory::collected;
use crate::network::Shape;
use crate::rng::StreamKey;

/// Separates the random stream of the augmentation from that of the encoder.
const AUGMENT_DOMAIN: u64 = 0x6175_676d_656e_7400;

/// Changes images at random, drawn anew for every sample and epoch of training.
///
/// An image is scaled and rotated about its centre and distorted elastically, then shifted, then mirrored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageAugment {
    /// Height and width [pixels].
    pub image_shape: [usize; 2],
    /// Number of channels, which are changed alike.
    #[serde(default = "one_channel", skip_serializing_if = "is_one")]
    pub channels: usize,
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
    /// Largest angle of rotation [degrees], either way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rotation: f64,
    /// Largest change of size, as a share: either axis is 1 - scale to 1 + scale times as long.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scale: f64,
    /// Strength of the elastic distortion [pixels]: factor on random fields in [-1, 1], smoothed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub elastic: f64,
    /// Standard deviation of the Gaussian that these are smoothed with [pixels].
    #[serde(default = "sigma", skip_serializing_if = "is_sigma")]
    pub elastic_sigma: f64,
    /// Share of the images that are rotated, scaled and distorted, by chance.
    #[serde(default = "always", skip_serializing_if = "is_always")]
    pub distort_probability: f64,
}

// What files mean that were written before these fields, or leave them out.

fn always() -> f64 {
    1.0
}

fn from_the_start() -> u32 {
    1
}

fn one_channel() -> usize {
    1
}

/// That of Simard, Steinkraus & Platt.
fn sigma() -> f64 {
    4.0
}

fn is_one(channels: &usize) -> bool {
    *channels == one_channel()
}

fn is_zero(size: &f64) -> bool {
    *size == 0.0
}

fn is_sigma(size: &f64) -> bool {
    *size == sigma()
}

fn is_always(share: &f64) -> bool {
    *share == always()
}

/// Holds the buffers in which an image is changed.
#[derive(Clone, Debug, Default)]
pub struct AugmentScratch {
    fields: ElasticFields,
}

impl ImageAugment {
    /// Checks that images of `n_in` values have this shape, that a shift leaves something of them, and every other field.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field.
    pub fn validate(&self, n_in: usize) -> Result<()> {
        let [height, width] = self.image_shape;
        let pixels = height.checked_mul(width).and_then(|plane| plane.checked_mul(self.channels));
        if pixels != Some(n_in) {
            let got = match self.channels {
                1 => format!("({height}, {width})"),
                channels => format!("({channels}, {height}, {width})"),
            };
            return Err(Error::value("image_shape", format!("of {n_in} pixels, as the input"), got));
        }
        check_share("shift_probability", self.shift_probability)?;
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
        if !(0.0..=180.0).contains(&self.rotation) {
            return Err(Error::value("rotation", "in [0, 180] degrees", self.rotation));
        }
        if !(0.0..1.0).contains(&self.scale) {
            return Err(Error::value("scale", "in [0, 1), a share", self.scale));
        }
        let side = height.max(width) as f64;
        if !(0.0..=1e6).contains(&self.elastic) {
            return Err(Error::value("elastic", "in [0, 1e6] pixels", self.elastic));
        }
        let widest = if self.elastic > 0.0 { side } else { f64::MAX };
        if !(self.elastic_sigma > 0.0 && self.elastic_sigma <= widest) {
            let expected = format!("> 0 and <= {side}, the image's larger side");
            return Err(Error::value("elastic_sigma", expected, self.elastic_sigma));
        }
        check_share("distort_probability", self.distort_probability)
    }

    /// Changes `image`, of [`validate`](Self::validate)'s shape and in [0, 1] where it holds floats, as (seed, epoch, sample) say.
    pub fn apply<'o, T: Pixel>(
        &self,
        image: &[T],
        key: StreamKey,
        scratch: &mut AugmentScratch,
        out: &'o mut Vec<T>,
    ) -> &'o [T] {
        let mut rng = key.rng(AUGMENT_DOMAIN);
        let placement = self.placement(&mut rng);
        let [height, width] = self.image_shape;
        let shape = Shape { channels: self.channels, height, width };
        out.clear();
        if self.distorts() && f64::from(rng.next_u32()) < self.distort_probability * 4_294_967_296.0 {
            let rigid = self.warp(&mut rng);
            let AugmentScratch { fields } = scratch;
            fields.clear();
            if self.elastic > 0.0 {
                fields.draw(self.image_shape, self.elastic_sigma, &mut rng);
            }
            warp(image, shape, placement, &rigid, (fields, self.elastic), out);
            return out;
        }
        for channel in image.chunks_exact(shape.plane()) {
            for y in 0..height {
                for x in 0..width {
                    let [from_y, from_x] = placement.source([y, x], width).map(|at| at as usize);
                    let inside = from_x < width && from_y < height;
                    out.push(if inside { channel[from_y * width + from_x] } else { T::default() });
                }
            }
        }
        out
    }

    /// Changes images, one after the other, as they are in an epoch of training.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn apply_all<T: Pixel>(&self, images: &[T], seed: u64, epoch: u32) -> Result<Vec<T>> {
        let mut all = collected("images", images.iter().copied())?;
        if epoch < self.first_epoch {
            return Ok(all);
        }
        let (mut scratch, mut out) = (AugmentScratch::default(), Vec::new());
        let [height, width] = self.image_shape;
        let samples = all.chunks_exact_mut(self.channels * height * width);
        for (sample, image) in (0..).zip(samples) {
            let changed = self.apply(image, StreamKey { seed, epoch, sample }, &mut scratch, &mut out);
            image.copy_from_slice(changed);
        }
        Ok(all)
    }

    fn placement(&self, rng: &mut ChaCha8Rng) -> Placement {
        let span = 2 * self.max_shift as u64 + 1;
        let mut shift = || ((u64::from(rng.next_u32()) * span) >> 32) as isize - self.max_shift as isize;
        let (dy, dx) = (shift(), shift());
        // Drawn whether wanted or not, so that which images are shifted does not depend on it.
        let mirrored = rng.next_u32() >> 31 == 1;
        let flip = self.flip_horizontal && mirrored;
        let stays = f64::from(rng.next_u32()) >= self.shift_probability * 4_294_967_296.0;
        Placement { from: if stays { [0, 0] } else { [dy, dx] }, flip }
    }

    fn distorts(&self) -> bool {
        self.rotation > 0.0 || self.scale > 0.0 || self.elastic > 0.0
    }

    fn warp(&self, rng: &mut ChaCha8Rng) -> Warp {
        let mut signed = || f64::from(rng.next_u32() as i32) * (1.0 / 2_147_483_648.0);
        let angle = self.rotation * signed();
        Warp::new(angle, [1.0 + self.scale * signed(), 1.0 + self.scale * signed()])
    }
}

fn check_share(name: &'static str, share: f64) -> Result<()> {
    match (0.0..=1.0).contains(&share) {
        true => Ok(()),
        false => Err(Error::value(name, "in [0, 1]", share)),
    }
}

#[cfg(test)]
#[path = "augment_tests.rs"]
pub(super) mod tests;
