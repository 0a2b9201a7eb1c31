//! Neuron models in fixed point, and what each can do.

use serde::{Deserialize, Serialize};

/// The neuron model of a format says what a step does, and in which order.
///
/// Files and dicts hold it as `rules`: "lif", "xylo_v1" or "xylo_v2". Each model has a module: `lif`, `xylo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Rules", into = "Rules")]
pub enum FixedModel {
    /// The current decays, then takes the exact sum of all that arrives, then is fitted once; the membrane likewise, with the
    /// new current.
    #[default]
    Lif,
    /// The current takes spike after spike, in ascending order of neurons and saturating at each, then decays; the membrane
    /// decays, takes the current and saturates.
    Xylo(XyloVersion),
}

/// The versions of Xylo's neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XyloVersion {
    /// The membrane decays, takes the current and is saturated once; there is no bias.
    V1,
    /// The change of the membrane is summed up and saturated, and again with the bias, before it is added.
    V2,
}

/// How files and dicts name the models.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rules {
    Lif,
    XyloV1,
    XyloV2,
}

impl From<Rules> for FixedModel {
    fn from(rules: Rules) -> Self {
        match rules {
            Rules::Lif => Self::Lif,
            Rules::XyloV1 => Self::Xylo(XyloVersion::V1),
            Rules::XyloV2 => Self::Xylo(XyloVersion::V2),
        }
    }
}

impl From<FixedModel> for Rules {
    fn from(model: FixedModel) -> Self {
        match model {
            FixedModel::Lif => Self::Lif,
            FixedModel::Xylo(XyloVersion::V1) => Self::XyloV1,
            FixedModel::Xylo(XyloVersion::V2) => Self::XyloV2,
        }
    }
}

/// What a model can do: all that others than its own step ask of it.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// Its rules, as messages name them.
    pub rules: &'static str,
    /// Whether a current takes spike after spike and saturates at each, and not their sum at once.
    pub takes_each_spike: bool,
    /// Whether neurons already do something at step 0: they take their bias.
    pub acts_at_step_0: bool,
    /// Whether a step may leave nothing of a current, and of a membrane.
    pub may_clear: [bool; 2],
    /// Whether the synapses of a layer may have delays.
    pub has_delays: bool,
    /// Whether kernels and windows may slide over a layer's plane.
    pub has_planes: bool,
    /// The most spikes of a neuron in a step that a layer of them sends.
    pub most_sent: u32,
    /// The most spikes of a presynaptic neuron in a step that a layer of them counts.
    pub most_received: u32,
}

/// LIF: sums have room for one spike of a neuron in a step.
const LIF: Abilities = Abilities {
    rules: "the rules \"lif\"",
    takes_each_spike: false,
    acts_at_step_0: true,
    may_clear: [true, false],
    has_delays: true,
    has_planes: true,
    most_sent: 1,
    most_received: 1,
};

/// Xylo: currents saturate at every spike, and neurons fire several times in a step.
const XYLO: Abilities = Abilities {
    rules: "the rules of Xylo",
    takes_each_spike: true,
    acts_at_step_0: false,
    may_clear: [false, true],
    has_delays: false,
    has_planes: false,
    most_sent: u32::MAX,
    most_received: u32::MAX,
};

impl FixedModel {
    /// Returns what the model can do.
    #[inline(always)]
    pub fn abilities(self) -> &'static Abilities {
        match self {
            Self::Lif => &LIF,
            Self::Xylo(_) => &XYLO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_written_as_rules() {
        for (text, model) in [
            ("\"lif\"", FixedModel::Lif),
            ("\"xylo_v1\"", FixedModel::Xylo(XyloVersion::V1)),
            ("\"xylo_v2\"", FixedModel::Xylo(XyloVersion::V2)),
        ] {
            assert_eq!(serde_json::to_string(&model).unwrap(), text);
            assert_eq!(serde_json::from_str::<FixedModel>(text).unwrap(), model);
        }
        let error = serde_json::from_str::<FixedModel>("\"xylo\"").unwrap_err().to_string();
        assert!(error.starts_with("unknown variant `xylo`, expected one of `lif`, `xylo_v1`, `xylo_v2`"), "{error}");
    }
}
