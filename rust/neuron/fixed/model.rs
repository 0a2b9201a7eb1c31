//! Neuron models in fixed point.

use serde::{Deserialize, Serialize};

/// The order in which a step does things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// The current decays, then takes the exact sum of all that arrives, then is fitted once; the membrane likewise, with the
    /// new current.
    #[default]
    Lif,
    /// The current takes spike after spike, in ascending order of neurons and saturating at each, then decays; the membrane
    /// decays, takes the current and saturates. As in Xylo's first version.
    XyloV1,
    /// The current as in [`XyloV1`](Self::XyloV1); the change of the membrane is summed up and saturated, and again with the bias,
    /// before it is added. As in Xylo's second version.
    XyloV2,
}

impl Rules {
    /// Whether the current saturates at every spike.
    pub fn saturates_each(self) -> bool {
        self != Self::Lif
    }
}
