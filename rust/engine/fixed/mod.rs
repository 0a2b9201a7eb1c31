//! How a layered network of fixed-point neurons is run, sample by sample: [`Compiled`] is what runs.

mod compiled;
mod lane_layer;
mod plane;
mod plane_layer;
mod rows;
mod scatter;
mod slots;
mod trace;
mod word_layer;
mod word_plane;
mod xylo_layer;

pub use compiled::{Compiled, FixedScratch};
pub use trace::fixed_trace;

#[cfg(test)]
mod plane_tests;
