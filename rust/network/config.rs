//! What the user says of a network; also what its file holds.

use serde::{Deserialize, Serialize};

use super::{Delay, Dense, Init, Lateral, Origin, Pattern, RecurrentMask, Shape};
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
        let mut n_in = self.n_in;
        for (index, layer) in self.layers.iter().enumerate() {
            layer.validate(n_in, self.dt, index)?;
            n_in = layer.n();
        }
        Ok(())
    }
}

impl LayerConfig {
    /// Checks every field of layer `index` above `n_in` neurons, with time step `dt` [ms].
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming the first field outside its domain.
    fn validate(&self, n_in: usize, dt: f64, index: usize) -> Result<()> {
        let n = self.n();
        if n == 0 || n >= 1 << 31 {
            return Err(Error::value(format!("layers[{index}].n"), "in [1, 2^31)", n));
        }
        let of = |part: &str| format!("layers[{index}]{part}");
        self.lif_params(dt).validate().map_err(|error| error.within(&of("")))?;
        for ConnectionConfig { origin, drawn, .. } in self.connections(n_in) {
            let Some(Drawn { init, mask, delay }) = drawn else { continue };
            mask.map_or(Ok(()), |mask| mask.validate(n)).map_err(|error| error.within(&of(".mask")))?;
            init.validate().map_err(|error| error.within(&of(&format!(".{}", origin.init_key()))))?;
            delay.validate(&of(&format!(".{}", origin.delay_key())), dt)?;
        }
        check_non_negative(&format!("layers[{index}].lateral_inhibition"), "", self.lateral_inhibition())
    }

    /// Returns the number of neurons.
    pub fn n(&self) -> usize {
        match self {
            Self::Dense(layer) => layer.n,
            Self::Recurrent(layer) => layer.n,
        }
    }

    /// Returns the neuron, with time step `dt` [ms].
    pub fn lif_params(&self, dt: f64) -> LifParams {
        match self {
            Self::Dense(layer) => lif_params!(layer, dt),
            Self::Recurrent(layer) => lif_params!(layer, dt),
        }
    }

    /// Returns what every spike of a neuron takes from the synaptic current of every other one.
    fn lateral_inhibition(&self) -> f64 {
        match self {
            Self::Dense(layer) => layer.lateral_inhibition,
            Self::Recurrent(_) => 0.0,
        }
    }

    /// Lists the connections onto the layer above `n_in` neurons: that from the layer below, then that onto itself.
    ///
    /// All else that is made of a layer follows from them.
    pub(crate) fn connections(&self, n_in: usize) -> Vec<ConnectionConfig<'_>> {
        let shape = Shape::flat(self.n());
        let from = |origin, pre, drawn| {
            let pattern = Pattern::Dense(Dense { pre, post: shape });
            ConnectionConfig { origin, pattern, drawn: Some(drawn) }
        };
        let below = |init, delay| from(Origin::Below, Shape::flat(n_in), Drawn { init, mask: None, delay });
        match self {
            Self::Dense(layer) => {
                let mut connections = vec![below(&layer.init, &layer.delay)];
                if layer.lateral_inhibition > 0.0 {
                    let pattern = Pattern::Lateral(Lateral { shape, strength: layer.lateral_inhibition });
                    connections.push(ConnectionConfig { origin: Origin::Itself, pattern, drawn: None });
                }
                connections
            }
            Self::Recurrent(layer) => {
                let RecurrentConfig { recurrent_init: init, mask, recurrent_delay: delay, .. } = layer;
                let recurrent = from(Origin::Itself, shape, Drawn { init, mask: Some(mask), delay });
                vec![below(&layer.init, &layer.delay), recurrent]
            }
        }
    }
}

/// A connection as the configuration of its layer says it.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionConfig<'a> {
    pub origin: Origin,
    pub pattern: Pattern,
    /// `None` where the pattern has a constant for a weight.
    pub drawn: Option<Drawn<'a>>,
}

/// What the parameters of a connection are drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Drawn<'a> {
    pub init: &'a Init,
    /// Which synapses exist; `None` if all do.
    pub mask: Option<&'a RecurrentMask>,
    pub delay: &'a Delay,
}
