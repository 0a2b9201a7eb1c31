//! Layered networks of fixed-point neurons, sample by sample.

mod lane_layer;
mod network;
mod rows;
mod word_layer;
mod xylo_layer;

pub use network::{FixedLayer, FixedNetwork, FixedScratch, IntegerSynapses};
