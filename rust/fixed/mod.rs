//! Networks in fixed point: formats of neuromorphic hardware, what a chip has room for, and how weights are brought to integers.

pub mod io;
mod presets;
mod quantize;
mod room;
#[cfg(test)]
pub mod strategies;
mod xylo_chip;

pub use presets::{CortexM, Loihi, Preset, SignMode, Spinnaker, Xylo, loihi_weights, xylo_weights};
pub use quantize::{Granularity, Grid, IntegerLayer, LayerGrid, Note, Quantization, Scale, Target};
pub use room::{LayerRoom, check_fan_out};
pub use xylo_chip::{XyloDevice, XyloRoom};
