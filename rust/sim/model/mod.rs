//! What a simulation asks of a graph's neurons.

mod fixed;
mod float;

use std::fmt::Debug;
use std::sync::Arc;

pub use fixed::Integers;
pub use float::Floats;

use super::state_io::Stored;
use super::types::EngineKind;
use crate::engine::graph::{Clocked, ClockedNeurons, EventEngine, NeuronState, Transit};
use crate::error::Result;
use crate::graph::{Graph, Population};
use crate::neuron::NeuronParams;
use crate::simd::Weight;

/// Says what neurons a [`Simulator`](super::Simulator) runs: those of floating-point or of fixed-point graphs.
pub trait Model: Clone + Debug + 'static {
    /// Is what weights of their synapses are stored in.
    type Weight: Weight;

    /// Is the number that a current or a potential is.
    type Value: Stored + Default + PartialEq + Debug + Send + Sync + 'static;

    /// Is what the clocked engine makes of a population.
    type Neurons: ClockedNeurons<Weight = Self::Weight, Value = Self::Value>;

    /// Is what keeps sums within their numbers, of a graph.
    type Limits: Clone + Debug + Send + Sync;

    /// The engine that a run with [`EngineKind::Auto`] begins with.
    const FIRST: EngineKind;

    /// Says whether rounding may decide on a spike, so that near ties are counted.
    const HAS_TIES: bool;

    /// Returns the limits of a graph, for an engine.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if weights might add up to more than numbers hold, hardware has no room for the graph,
    /// or such neurons have no such engine.
    fn limits(graph: &Graph<Self::Weight>, kind: EngineKind) -> Result<Self::Limits>;

    /// Makes a clocked engine at rest.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a delay is not a whole number of steps, or naming a model of neurons that the engine
    /// has not.
    fn clocked(graph: Arc<Graph<Self::Weight>>, limits: &Self::Limits) -> Result<Clocked<Self::Neurons>>;

    /// Makes an event engine at rest.
    ///
    /// # Errors
    /// As for [`clocked`](Self::clocked).
    fn event(graph: Arc<Graph<Self::Weight>>) -> Result<EventEngine<Self::Weight, Self::Value>>;

    /// Appends inputs that exist, in order and none in the past; of none if one is refused. `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if an input fires more often in a step than sums have room for;
    /// [`Error::Memory`](crate::Error::Memory).
    fn push(limits: &Self::Limits, transit: &mut Transit<Self::Weight>, name: &str, t: &[i64], x: &[i64])
    -> Result<()>;

    /// Returns the potentials that the neurons of a population start from, which are as many.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming one that a neuron does not start from: it would fire, or is no such number.
    fn start(params: &NeuronParams, potentials: &[f64], kind: EngineKind) -> Result<Vec<Self::Value>>;

    /// Returns the currents and potentials of population `number` after step `last`, up to which nothing arrives or is due.
    ///
    /// # Errors
    /// Those of the tables of neurons: none for neurons that exist.
    fn present(
        population: &Population,
        number: usize,
        neurons: &[NeuronState<Self::Value>],
        last: u64,
    ) -> Result<(Vec<f64>, Vec<f64>)>;

    /// Returns the first neuron whose state no run leads to, as its number format has none such.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming another model of neurons.
    fn misfit(params: &NeuronParams, neurons: &[NeuronState<Self::Value>]) -> Result<Option<usize>>;
}

/// Refuses a potential that a neuron does not start from.
fn refused(neuron: usize, expected: String, potential: f64) -> crate::Error {
    crate::Error::value(format!("potentials[{neuron}]"), expected, potential)
}
