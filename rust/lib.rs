//! Fast CPU training of recurrent spiking neural networks with ST-RSBP.
//!
//! Times are in ms, potentials relative to rest, everywhere.
//!
//! # Crate layout, the way data flows
//!
//! - [`files`]: files that are whole or not there, and folders that one process has for itself.
//! - [`neuron`]: LIF parameters and what a step multiplies with.
//! - [`spikes`]: sparse spike trains, and the encoder that makes them of analog values.
//! - [`fixed`]: fixed-point neurons that model hardware, bit for bit.
//! - [`network`]: layers, their topology and weights, their file.
//! - [`engine`]: the clocked simulation of a layered network, sample by sample.
//! - [`graph`]: populations and sparse projections with delays, of any topology.
//! - [`sim`]: streaming simulation of a graph: clocked, by events on the time grid, and in continuous time.
//! - [`learn`]: ST-RSBP, losses, optimizers and the training loop.
//! - [`rng`]: generators, each a stream of a seed.
//! - [`stop`]: long computations that can be stopped.
//! - [`threads`]: pools of threads, of the process that uses them.
//! - [`simd`]: instruction sets chosen at run time; the only `unsafe`.
//! - `python`: the Python module (feature `python`), the only code that knows of Python.

#[cfg(test)]
mod allocation_tests;
pub mod engine;
pub mod error;
pub mod files;
pub mod fixed;
pub mod graph;
pub mod learn;
mod memory;
pub mod network;
pub mod neuron;
#[cfg(feature = "python")]
mod python;
pub mod rng;
pub mod sim;
pub mod simd;
pub mod spikes;
pub mod stop;
pub mod threads;

pub use error::{Error, Result};
