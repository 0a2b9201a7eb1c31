//! Fixed-point neurons that model neuromorphic hardware, bit for bit.
//!
//! [`FixedParams`] is a number format and the neuron it holds: integers only, every rounding and overflow defined.

mod format;

pub use format::{Decay, FiresAt, FixedParams, Overflow, PerNeuron, Reset, Rounding, Rules};
