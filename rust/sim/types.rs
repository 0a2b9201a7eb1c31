//! What goes into a simulation and comes out of it.

use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::engine::graph::{ContinuousSnapshot, Snapshot};

/// Says how a network is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// Every neuron at every step.
    #[default]
    Clocked,
    /// On the same time grid, but only neurons that something reaches.
    Event,
    /// In continuous time.
    Continuous,
    /// Clocked or by events, whichever the activity makes faster.
    Auto,
}

impl EngineKind {
    /// Returns the name, as in files and in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clocked => "clocked",
            Self::Event => "event",
            Self::Continuous => "continuous",
            Self::Auto => "auto",
        }
    }
}

/// Says a time of a simulation or of an event: steps on the grid, ms in continuous time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// Steps.
    Steps(u64),
    /// Milliseconds.
    Ms(f64),
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Steps(1) => write!(f, "1 step"),
            Self::Steps(steps) => write!(f, "{steps} steps"),
            Self::Ms(ms) => write!(f, "{ms} ms"),
        }
    }
}

/// Holds spikes, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum Events {
    /// Steps and neurons.
    Grid(Vec<u64>, Vec<u32>),
    /// Times [ms] and neurons.
    Continuous(Vec<f64>, Vec<u32>),
}

/// Holds a state that a simulation of the same graph can go on from.
#[derive(Clone, Debug, PartialEq)]
pub struct State<F> {
    /// The graph.
    pub graph: Fingerprint,
    /// Everything that a later run depends on.
    pub snapshot: AnySnapshot<F>,
}

/// Holds a snapshot of either kind of time.
#[derive(Clone, Debug, PartialEq)]
pub enum AnySnapshot<F> {
    /// On the time grid.
    Grid(Snapshot<F>),
    /// In continuous time.
    Continuous(ContinuousSnapshot),
}
