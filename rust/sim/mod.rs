//! Streaming simulation of a [`Graph`](crate::graph::Graph): inputs are pushed as they come, time advances, spikes are read.
//!
//! Three engines run the same neurons: clocked, by events on the time grid, and in continuous time.

mod block;
mod clocked;
mod counts;
mod event;
mod marks;
mod population;
mod snapshot;
mod traffic;
mod wheel;

pub use clocked::ClockedEngine;
pub use counts::Counts;
pub use event::EventEngine;
pub use population::{LazyPopulation, NeuronState, SingleNeurons};
pub use snapshot::Snapshot;
pub use traffic::{Traffic, check_events};

#[cfg(test)]
mod tests;
