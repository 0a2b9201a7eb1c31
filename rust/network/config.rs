//! What the user says of a network; also what its file holds.

use serde::{Deserialize, Serialize};

use super::{Delay, Init, RecurrentMask};
use crate::error::{Error, Result, check_non_negative};
use crate::neuron::{Discretisation, LifParams};

/// A network: `n_in` inputs and its layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Number of inputs.
    pub n_in: usize,
    /// The layers, first above the input first.
    pub layers: Vec<LayerConfig>,
    /// Time step [ms].
    pub dt: f64,
    /// Seed of masks, initial weights and drawn delays.
    pub seed: u64,
}

/// A layer of LIF neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LayerConfig {
    /// Hears the layer below.
    Dense(DenseConfig),
    /// Hears the layer below and itself.
    Recurrent(RecurrentConfig),
}

/// A feed-forward layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseConfig {
    /// Number of neurons.
    pub n: usize,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest.
    pub v_th: f64,
    /// Refractory time after a spike [ms].
    pub t_ref: f64,
    /// How the neuron is brought onto the time grid.
    pub discretisation: Discretisation,
    /// Distribution of the initial weights.
    pub init: Init,
    /// Delay of the synapses.
    #[serde(default, skip_serializing_if = "Delay::is_none")]
    pub delay: Delay,
    /// Every spike of a neuron takes this much from the synaptic current of every other one; 0 for none. Not trained.
    pub lateral_inhibition: f64,
}

/// A recurrent layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentConfig {
    /// Number of neurons.
    pub n: usize,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest.
    pub v_th: f64,
    /// Refractory time after a spike [ms].
    pub t_ref: f64,
    /// How the neuron is brought onto the time grid.
    pub discretisation: Discretisation,
    /// Distribution of the initial feed-forward weights.
    pub init: Init,
    /// Delay of the feed-forward synapses.
    #[serde(default, skip_serializing_if = "Delay::is_none")]
    pub delay: Delay,
    /// Which recurrent synapses exist.
    pub mask: RecurrentMask,
    /// Distribution of the initial recurrent weights; files call it `rec_init`.
    #[serde(rename = "rec_init", alias = "recurrent_init")]
    pub recurrent_init: Init,
    /// Delay of the recurrent synapses; files call it `rec_delay`.
    #[serde(rename = "rec_delay", alias = "recurrent_delay", default, skip_serializing_if = "Delay::is_none")]
    pub recurrent_delay: Delay,
}

macro_rules! lif_params {
    ($layer:expr, $dt:expr) => {
        LifParams {
            tau_m: $layer.tau_m,
            tau_s: $layer.tau_s,
            v_th: $layer.v_th,
            t_ref: $layer.t_ref,
            dt: $dt,
            discretisation: $layer.discretisation,
        }
    };
}

impl NetworkConfig {
    /// Checks every field, and allocates nothing.
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(Error::value("layers", "at least one layer", "none"));
        }
        if self.n_in == 0 || self.n_in >= 1 << 31 {
            return Err(Error::value("n_in", "in [1, 2^31)", self.n_in));
        }
        self.layers.iter().enumerate().try_for_each(|(index, layer)| layer.validate(self.dt, index))
    }
}

impl LayerConfig {
    /// Checks every field of layer `index`, with time step `dt` [ms].
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming the first field outside its domain.
    pub(super) fn validate(&self, dt: f64, index: usize) -> Result<()> {
        let n = self.n();
        if n == 0 || n >= 1 << 31 {
            return Err(Error::value(format!("layers[{index}].n"), "in [1, 2^31)", n));
        }
        self.lif_params(dt).validate()?;
        self.init().validate()?;
        self.delay().validate(&format!("layers[{index}].delay"), dt)?;
        match self {
            Self::Dense(layer) => {
                check_non_negative(&format!("layers[{index}].lateral_inhibition"), "", layer.lateral_inhibition)
            }
            Self::Recurrent(layer) => {
                layer.mask.validate(n)?;
                layer.recurrent_init.validate()?;
                layer.recurrent_delay.validate(&format!("layers[{index}].recurrent_delay"), dt)
            }
        }
    }

    /// Number of neurons.
    pub fn n(&self) -> usize {
        match self {
            Self::Dense(layer) => layer.n,
            Self::Recurrent(layer) => layer.n,
        }
    }

    /// The neuron, with time step `dt` [ms].
    pub fn lif_params(&self, dt: f64) -> LifParams {
        match self {
            Self::Dense(layer) => lif_params!(layer, dt),
            Self::Recurrent(layer) => lif_params!(layer, dt),
        }
    }

    /// Distribution of the initial feed-forward weights.
    pub fn init(&self) -> &Init {
        match self {
            Self::Dense(layer) => &layer.init,
            Self::Recurrent(layer) => &layer.init,
        }
    }

    /// Delay of the feed-forward synapses.
    pub fn delay(&self) -> &Delay {
        match self {
            Self::Dense(layer) => &layer.delay,
            Self::Recurrent(layer) => &layer.delay,
        }
    }
}
