//! Streaming simulation of a [`Graph`](crate::graph::Graph): inputs are pushed as they come, time advances, spikes are read.
//!
//! One [`Simulator`] has three engines: clocked, by events on the time grid, and in continuous time; and neurons in floating point
//! or, on the grid, in fixed point. What differs between the two is a [`Model`].

mod advance;
mod auto;
mod fingerprint;
mod model;
mod running;
mod samples;
mod simulator;
mod state_io;
mod types;

pub use auto::{CostModel, Window};
pub use fingerprint::Fingerprint;
pub use model::{Floats, Integers, Model};
pub use samples::{FixedSamples, SampleScratch, SampleSimulation, faster_engine, operations};
pub use simulator::{FixedSimulator, FloatSimulator, Simulator};
pub use types::{AnySnapshot, EngineKind, Events, State, Time};
