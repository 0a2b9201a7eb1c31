//! Neurons in fixed point that model neuromorphic hardware, bit for bit.
//!
//! [`FixedParams`] is a number format and the neuron it holds: integers only, every rounding and overflow defined. A step of
//! [`FixedLif`] is the definition; blocks of 16 neurons ([`FixedLanes`]) give the same bits.

mod anchor;
mod format;
mod lanes;
mod lif;
mod rounding;
mod weight;
pub mod words;

pub use anchor::Anchor;
pub use format::{Decay, FiresAt, FixedParams, Limits, Overflow, PerNeuron, Reset, Rounding, Rules};
pub use lanes::{FixedBlock, FixedLanes};
pub use lif::{At, FixedLif, FixedNeuron, FixedState, FixedStep, Overflows};
pub use rounding::round_shift;
pub use weight::FixedWeight;
