//! Networks in fixed point: formats of neuromorphic hardware, what a chip has room for, and how weights are brought to integers.

pub mod io;
mod network;
mod presets;
mod quantize;
mod room;
#[cfg(test)]
pub mod strategies;
mod xylo_chip;

pub use network::{FixedConnection, FixedLayer, FixedNetwork};
pub use presets::{CortexM, Loihi, Preset, SignMode, Spinnaker, Xylo, loihi_weights, xylo_weights};
pub use quantize::{Granularity, Grid, LayerGrid, Note, Quantization, Scale, Target};
pub use room::{LayerSize, check_limits};
pub use xylo_chip::{XyloDevice, XyloRoom};
