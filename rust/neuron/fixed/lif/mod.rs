//! LIF neurons in vectors, with the bits of [`FixedLif::step`](super::FixedLif::step).

mod lanes;
pub mod words;

pub use lanes::{FixedBlock, FixedLanes};
