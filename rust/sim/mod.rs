//! Streaming simulation of a [`Graph`](crate::graph::Graph): inputs are pushed as they come, time advances, spikes are read.
//!
//! Three engines run the same neurons: clocked, by events on the time grid, and in continuous time.

mod auto;
mod block;
mod clocked;
mod continuous;
mod counts;
mod event;
mod fingerprint;
pub mod fixed;
mod heap;
mod marks;
mod population;
mod range;
mod samples;
mod seen;
mod shared;
mod simulator;
mod snapshot;
mod state_io;
mod traffic;
mod types;
mod wheel;

pub use auto::{CostModel, Window};
pub use clocked::{Clocked, ClockedEngine, ClockedNeurons, LifNeurons};
pub use continuous::{Arrival, ContinuousEngine, ContinuousSnapshot, ContinuousState};
pub use counts::Counts;
pub use event::EventEngine;
pub use fingerprint::Fingerprint;
pub use population::{LazyPopulation, NeuronState, Rows, SingleNeurons};
pub use samples::{FixedSamples, SampleScratch, SampleSimulation, faster_engine, operations};
pub use simulator::Simulator;
pub use snapshot::{RecentSpikes, Snapshot};
pub use traffic::{Delivery, Traffic, check_events};
pub use types::{AnySnapshot, EngineKind, Events, State, Time};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod traffic_tests;
