//! How a step is run: of layered networks, sample by sample, and of graphs.

pub mod fixed;
pub mod graph;
pub mod layered;
