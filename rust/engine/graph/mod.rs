//! The engines of a [`Graph`](crate::graph::Graph): clocked, by events on the time grid, and in continuous time.

mod bit_set;
mod block;
pub mod clocked;
mod continuous;
mod counts;
mod event;
pub mod fixed;
mod heap;
mod max_pools;
mod population;
mod range;
mod repeats;
mod shared;
mod single;
mod snapshot;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thresholds_tests;
mod transit;
#[cfg(test)]
mod transit_tests;
mod wheel;
mod window;

pub use clocked::{Clocked, ClockedEngine, ClockedNeurons, LifNeurons};
pub use continuous::{Arrival, ContinuousEngine, ContinuousSnapshot, ContinuousState};
pub use counts::{Counts, Polling};
pub use event::EventEngine;
pub use population::{LazyPopulation, NeuronState, Rows, catch_up};
pub use range::check_range;
pub use single::SingleNeurons;
pub use snapshot::{LAST_STEP, RecentSpikes, Snapshot};
pub use transit::{Delivery, LONGEST_WINDOW, Transit, check_events};
