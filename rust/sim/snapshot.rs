//! The state of a simulation on the time grid, apart from any engine.

use super::population::NeuronState;

/// Everything that later steps depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot<V> {
    /// Steps done.
    pub now: u64,
    /// The neurons of every population; none for inputs.
    pub neurons: Vec<Vec<NeuronState<V>>>,
    /// Spikes that may still arrive: (population, step, neurons).
    pub spikes: Vec<(usize, u64, Vec<u32>)>,
    /// Inputs that wait: (step, input).
    pub pending: Vec<(u64, u32)>,
}
