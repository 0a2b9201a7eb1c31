//! Fixed-point neurons that model neuromorphic hardware, bit for bit.
//!
//! [`FixedParams`] is a number format and the neuron it holds: integers only, every rounding and overflow defined. A step of
//! [`FixedLif`] is the definition; blocks of 16 neurons ([`FixedLanes`]) give the same bits.

mod anchor;
mod format;
pub mod io;
mod lane_layer;
mod lanes;
mod network;
mod neuron;
mod presets;
mod quantize;
mod room;
mod rounding;
mod rows;
#[cfg(test)]
pub mod strategies;
mod weight;
mod word_layer;
mod words;
mod xylo_chip;
mod xylo_layer;

pub use anchor::Anchor;
pub use format::{Decay, FiresAt, FixedParams, Limits, Overflow, PerNeuron, Reset, Rounding, Rules};
pub use lanes::{FixedBlock, FixedLanes};
pub use network::{FixedLayer, FixedNetwork, FixedScratch, IntegerSynapses};
pub use neuron::{At, FixedLif, FixedNeuron, FixedState, FixedStep, Overflows};
pub use presets::{CortexM, Loihi, Preset, SignMode, Spinnaker, Xylo, loihi_weights, xylo_weights};
pub use quantize::{Granularity, Grid, IntegerLayer, LayerGrid, Note, Quantization, Scale, Target};
pub use room::{LayerRoom, check_fan_out};
pub use rounding::{philox, round_shift};
pub use weight::FixedWeight;
pub use xylo_chip::{XyloDevice, XyloRoom};
