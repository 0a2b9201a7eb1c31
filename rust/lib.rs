//! Fast CPU training of recurrent spiking neural networks with ST-RSBP.
//!
//! Times are in ms, potentials relative to rest, everywhere.
//!
//! # Crate layout, the way data flows
//!
//! - [`files`]: files that are whole or not there, and folders that one process has for itself.
//! - [`rng`]: random numbers, as streams of a seed.
//! - [`simd`]: instruction sets chosen at run time, and the two floating-point types; the only `unsafe`.
//! - [`bugs`]: panics as errors.
//! - [`stop`], [`threads`]: long computations that can be stopped, and the threads that do them.
//! - [`neuron`]: what a step of a neuron is, in floating and in fixed point.
//! - [`audio`]: front ends, sound as analog values.
//! - [`spikes`]: sparse spike trains, and the encoders that make them of analog values.
//! - [`network`]: layers, their topology and weights, their file.
//! - [`graph`]: populations and sparse projections with delays, of any topology.
//! - [`engine`]: how a step is run: of layers, sample by sample, and of graphs, clocked, by events and in continuous time.
//! - [`fixed`]: networks in fixed point: presets of hardware, and how weights become integers.
//! - [`sim`]: what holds a simulation: streams with a state, samples, and the choice of an engine.
//! - [`learn`]: ST-RSBP, losses, optimizers and the training loop.
//! - `python`: the Python module (feature `python`), the only code that knows of Python.
//!
//! `ARCHITECTURE.md`, at the top of the repository, has the way of a sample through it.

#[cfg(test)]
mod allocation_tests;
pub mod audio;
pub mod bugs;
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
