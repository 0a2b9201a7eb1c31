//! Encoders: analog values as spikes, a file each.

mod bernoulli;

pub use bernoulli::{Analog, BernoulliEncoder, EncoderScratch};
