//! Neurons: leaky integrate-and-fire ones with first-order synapses, in floating and in fixed point.

pub mod fixed;
pub mod lif;
mod params;
mod per_neuron;

pub use lif::{ContinuousLif, Discretisation, LARGEST_CONTINUOUS, LifGroup, LifParams, LifPropagator};
pub(crate) use lif::{LOG2_MAX_T_REF_STEPS, STEP_TOLERANCE, whole_steps};
pub use params::NeuronParams;
pub use per_neuron::PerNeuron;
