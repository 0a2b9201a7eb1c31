//! Networks in fixed point: formats of neuromorphic hardware, what a chip has room for, and how weights are brought to integers.

pub mod io;
mod network;
mod quantize;
mod room;
#[cfg(test)]
pub mod strategies;
pub mod targets;

pub use network::{FixedConnection, FixedLayer, FixedNetwork, check_synapses};
pub use quantize::{Granularity, Grid, LayerGrid, Note, Quantization, Scale};
pub use room::{LayerSize, check_limits};
pub use targets::{Preset, Target};
