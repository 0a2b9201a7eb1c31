//! Spike trains and the ways to make them.

mod distance;
pub mod encode;
mod rows;
mod select;
mod trains;

pub use distance::van_rossum;
pub use encode::{Analog, BernoulliEncoder, EncoderScratch};
pub use rows::{PAD, PaddedRows};
pub use trains::{SpikeTrain, SpikeTrains};
