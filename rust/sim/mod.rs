//! Streaming simulation of a [`Graph`](crate::graph::Graph): inputs are pushed as they come, time advances, spikes are read.
//!
//! Three engines run the same neurons: clocked, by events on the time grid, and in continuous time.

mod auto;
mod fingerprint;
pub mod fixed;
mod samples;
mod simulator;
mod state_io;
mod types;

pub use auto::{CostModel, Window};
pub use fingerprint::Fingerprint;
pub use samples::{FixedSamples, SampleScratch, SampleSimulation, faster_engine, operations};
pub use simulator::Simulator;
pub use types::{AnySnapshot, EngineKind, Events, State, Time};
