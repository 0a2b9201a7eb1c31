//! Neurons in fixed point that model neuromorphic hardware, bit for bit.
//!
//! [`FixedParams`] is a number format and the neuron it holds: integers only, every rounding and overflow defined. A step of
//! [`FixedPopulation`] is the definition; blocks of 16 neurons ([`FixedLanes`]) give the same bits.

mod anchor;
mod decay;
mod idle;
mod lif;
mod limits;
mod model;
mod overflow;
mod params;
mod population;
mod rounding;
mod state;
mod validate;
mod weight;
mod xylo;

pub use anchor::Anchor;
pub use decay::Decay;
pub use lif::{FixedBlock, FixedLanes, words};
pub use limits::Limits;
pub use model::{Abilities, FixedModel, XyloVersion};
pub use overflow::Overflow;
pub use params::{FiresAt, FixedParams, Reset};
pub use population::FixedPopulation;
pub use rounding::{Rounding, round_shift};
pub use state::{At, FixedNeuron, FixedState, FixedStep, Overflows};
pub use weight::FixedWeight;

pub use super::per_neuron::PerNeuron;
