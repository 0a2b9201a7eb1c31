//! Spike trains and the ways to make them.

mod augment;
mod distance;
pub mod encode;
pub(crate) mod io;
mod recordings;
mod rows;
mod select;
mod trains;

pub use augment::{SpikeAugment, SpikeAugmentScratch};
pub use distance::van_rossum;
pub use encode::{Analog, AnalogSample, BernoulliEncoder, Domain, Encode, Encoder, EncoderConfig, EncoderScratch};
pub use io::{read_spike_trains, spike_trains_to_bytes, write_spike_trains};
pub use recordings::{Recordings, Times};
pub use rows::{PAD, PaddedRows};
pub use trains::{SpikeTrain, SpikeTrains};
