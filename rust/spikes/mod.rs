//! Spike trains and the ways to make them.

mod distance;
mod encoder;
mod rows;
mod select;
mod trains;

pub use distance::van_rossum;
pub use encoder::{Analog, BernoulliEncoder, EncoderScratch, StreamKey};
pub use rows::{PAD, PaddedRows};
pub use trains::{SpikeTrain, SpikeTrains};
