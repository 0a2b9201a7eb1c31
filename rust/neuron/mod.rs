//! Leaky integrate-and-fire neurons with first-order synapses.
//!
//! A type per role: [`LifParams`] is what the user sets, [`LifPropagator`] what is computed from it once. The state
//! belongs to the engine that evolves it.

mod params;
mod propagator;

pub use params::{Discretisation, LifParams};
pub(crate) use params::{STEP_TOLERANCE, whole_steps};
pub use propagator::LifPropagator;
