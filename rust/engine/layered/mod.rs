//! The clocked simulation of a layered network: neurons in vectorised steps, synapses only where spikes are.

mod forward;
#[doc(hidden)]
pub mod kernels;
mod max_pool;
mod membrane;
mod plan;
mod spatial;
mod spikes;

pub use forward::{ForwardScratch, Lists, forward};
pub use max_pool::{MaxScratch, max_layer};
pub use membrane::{MembraneTrace, membrane_trace};
pub use spatial::list_plane;
pub use spikes::{LayerSpikes, SampleSpikes};
