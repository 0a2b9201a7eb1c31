//! What hardware has room for.

use serde::{Deserialize, Serialize};

/// Says what the hardware has room for; `None` where nothing is known to bound it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Neurons of a population.
    pub n: Option<usize>,
    /// Synapses onto a neuron.
    pub fan_in: Option<usize>,
    /// Synapses of a neuron of the population.
    pub fan_out: Option<usize>,
    /// Delay [steps] beyond the one that every spike takes.
    pub delay: Option<u32>,
    /// Spikes of an input in a step.
    pub input_spikes: Option<u32>,
    /// Inputs with synapses onto the population; formats of before do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<usize>,
}
