//! Clocked simulation: neurons in vectorised steps, synapses only where spikes are.

mod clocked;
#[doc(hidden)]
pub mod kernels;
mod membrane;
mod spikes;

pub use clocked::{ForwardScratch, Lists, forward};
pub use membrane::{MembraneTrace, membrane_trace};
pub use spikes::{LayerSpikes, SampleSpikes};
