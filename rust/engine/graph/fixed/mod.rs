//! Fixed-point neurons in the engines of a graph that keep a time grid.

mod clocked;
mod lazy;
mod limits;

pub use clocked::FixedNeurons;
pub use lazy::{LazyFixed, brought};
pub use limits::SumLimits;
