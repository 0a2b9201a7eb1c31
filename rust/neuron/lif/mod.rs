//! Leaky integrate-and-fire neurons in floating point.
//!
//! A type per role: [`LifParams`] is what the user sets, [`LifPropagator`] and [`ContinuousLif`] what is computed from
//! it once, on a time grid and in continuous time. The state belongs to the engine that evolves it.

mod continuous;
mod group;
pub mod lazy;
mod limits;
mod params;
mod propagator;
pub mod thresholds;
pub mod vectors;

pub use continuous::{ContinuousLif, LARGEST_CONTINUOUS};
pub use group::LifGroup;
pub use params::{Discretisation, LifParams};
pub(crate) use params::{LOG2_MAX_T_REF_STEPS, STEP_TOLERANCE, whole_steps};
pub use propagator::LifPropagator;
