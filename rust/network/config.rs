//! What the user says of a network; also what its file holds.

use serde::{Deserialize, Serialize};

use super::{
    AvgPool1dConfig, AvgPool2dConfig, Conv1dConfig, Conv2dConfig, Delay, Dense, Init, Lateral, MaxPool1dConfig,
    MaxPool2dConfig, Origin, Pattern, RecurrentMask, Shape,
};
use crate::error::{Error, Result, check_non_negative};
use crate::memory::product;
use crate::neuron::lif::thresholds;
use crate::neuron::{Discretisation, LifParams, PerNeuron};

/// A network: `n_in` inputs and its layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Number of inputs.
    pub n_in: usize,
    /// Channels, height and width of the inputs, where they lie somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_shape: Option<[usize; 3]>,
    /// The layers, first above the input first.
    pub layers: Vec<LayerConfig>,
    /// Time step [ms].
    pub dt: f64,
    /// Seed of masks, initial weights and drawn delays.
    pub seed: u64,
}

/// A layer of neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LayerConfig {
    /// Hears the layer below.
    Dense(DenseConfig),
    /// Hears the layer below and itself.
    Recurrent(RecurrentConfig),
    /// Receives from the channels of the layer below by kernels that slide over them.
    #[serde(rename = "conv2d")]
    Conv2d(Conv2dConfig),
    /// Receives from the channels of the layer below by kernels that slide along them.
    #[serde(rename = "conv1d")]
    Conv1d(Conv1dConfig),
    /// Receives from windows of each channel of the layer below.
    #[serde(rename = "avg_pool2d")]
    AvgPool2d(AvgPool2dConfig),
    /// Receives from windows of each channel of the layer below, which is a line.
    #[serde(rename = "avg_pool1d")]
    AvgPool1d(AvgPool1dConfig),
    /// Fires as often as the neuron of its window, in a channel of the layer below, that fires most.
    #[serde(rename = "max_pool2d")]
    MaxPool2d(MaxPool2dConfig),
    /// Fires as often as the neuron of its window, in a channel of the layer below, that fires most; that layer is a line.
    #[serde(rename = "max_pool1d")]
    MaxPool1d(MaxPool1dConfig),
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
    /// Threshold, relative to rest: one, or one for each neuron.
    pub v_th: PerNeuron<f64>,
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
    /// Threshold, relative to rest: one, or one for each neuron.
    pub v_th: PerNeuron<f64>,
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
            v_th: thresholds::lowest(&$layer.v_th),
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
        let mut below = self.input()?;
        for (index, layer) in self.layers.iter().enumerate() {
            below = layer.validate(below, self.dt, index)?;
        }
        Ok(())
    }

    /// Returns the shape of the inputs.
    ///
    /// # Errors
    /// [`Error::Value`] if it has not `n_in` places.
    pub fn input(&self) -> Result<Shape> {
        let Some([channels, height, width]) = self.in_shape else { return Ok(Shape::flat(self.n_in)) };
        if product(&[channels, height, width]) != Some(self.n_in) {
            let expected = format!("of {} places in all, n_in", self.n_in);
            return Err(Error::value("in_shape", expected, format!("({channels}, {height}, {width})")));
        }
        Ok(Shape { channels, height, width })
    }

    /// Lists the connections of each layer, see [`LayerConfig::connections`].
    ///
    /// # Errors
    /// Those of [`input`](Self::input) and [`LayerConfig::connections`].
    pub(crate) fn connections(&self) -> Result<Vec<Vec<ConnectionConfig<'_>>>> {
        let mut below = self.input()?;
        let mut all = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate() {
            let connections = layer.connections(below, l)?;
            below = connections[0].pattern.post();
            all.push(connections);
        }
        Ok(all)
    }
}

impl LayerConfig {
    /// Checks every field of layer `index` above `below`, with time step `dt` [ms], and returns the layer's shape.
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming the first field outside its domain.
    fn validate(&self, below: Shape, dt: f64, index: usize) -> Result<Shape> {
        if let Self::Dense(DenseConfig { n, .. }) | Self::Recurrent(RecurrentConfig { n, .. }) = *self
            && (n == 0 || n >= 1 << 31)
        {
            return Err(Error::value(format!("layers[{index}].n"), "in [1, 2^31)", n));
        }
        let of = |part: &str| format!("layers[{index}]{part}");
        let within = |error: Error| error.within(&of(""));
        if let each @ PerNeuron::Each(_) = self.v_th() {
            thresholds::check_alone(each).map_err(within)?;
        }
        self.lif_params(dt).validate().map_err(within)?;
        let connections = self.connections(below, index)?;
        let post = connections[0].pattern.post();
        let one_each = connections[0].pattern.spatial_kind().map_or("neurons", |_| "channels");
        thresholds::check(self.v_th(), post.channels, one_each).map_err(within)?;
        if post.n() >= 1 << 31 {
            let got = format!("{} x {} x {}", post.channels, post.height, post.width);
            return Err(Error::value(of(": the number of neurons"), "in [1, 2^31)", got));
        }
        for ConnectionConfig { origin, drawn, .. } in connections {
            let Some(Drawn { init, mask, delay, .. }) = drawn else { continue };
            mask.map_or(Ok(()), |mask| mask.validate(post.n())).map_err(|error| error.within(&of(".mask")))?;
            init.validate().map_err(|error| error.within(&of(&format!(".{}", origin.init_key()))))?;
            delay.validate(&of(&format!(".{}", origin.delay_key())), dt)?;
        }
        check_non_negative(&format!("layers[{index}].lateral_inhibition"), "", self.lateral_inhibition())?;
        Ok(post)
    }

    /// Returns the thresholds: one, or one for each channel, which is a neuron where the layer lies in no plane; of max pools 1, which
    /// makes an activation of a count.
    pub fn v_th(&self) -> &PerNeuron<f64> {
        static ONE: PerNeuron<f64> = PerNeuron::Same(1.0);
        match self {
            Self::Dense(layer) => &layer.v_th,
            Self::Recurrent(layer) => &layer.v_th,
            Self::Conv2d(layer) => &layer.v_th,
            Self::Conv1d(layer) => &layer.v_th,
            Self::AvgPool2d(layer) => &layer.v_th,
            Self::AvgPool1d(layer) => &layer.v_th,
            Self::MaxPool2d(_) | Self::MaxPool1d(_) => &ONE,
        }
    }

    /// Returns the neuron, with time step `dt` [ms]; of neurons with different thresholds, one that has the lowest; of max pools, which do
    /// not integrate, one that forgets within a step.
    pub fn lif_params(&self, dt: f64) -> LifParams {
        match self {
            Self::Dense(layer) => lif_params!(layer, dt),
            Self::Recurrent(layer) => lif_params!(layer, dt),
            Self::Conv2d(layer) => lif_params!(layer, dt),
            Self::Conv1d(layer) => lif_params!(layer, dt),
            Self::AvgPool2d(layer) => lif_params!(layer, dt),
            Self::AvgPool1d(layer) => lif_params!(layer, dt),
            Self::MaxPool2d(_) | Self::MaxPool1d(_) => {
                LifParams { tau_m: dt, tau_s: dt, v_th: 1.0, t_ref: 0.0, dt, discretisation: Discretisation::Euler }
            }
        }
    }

    /// Returns what every spike of a neuron takes from the synaptic current of every other one.
    fn lateral_inhibition(&self) -> f64 {
        match self {
            Self::Dense(layer) => layer.lateral_inhibition,
            _ => 0.0,
        }
    }

    /// Lists the connections onto layer `index` above neurons of shape `below`: that from the layer below, then that onto itself.
    ///
    /// All else that is made of a layer follows from them.
    ///
    /// # Errors
    /// [`Error::Value`] naming the size of a kernel or window that does not fit.
    pub(crate) fn connections(&self, below: Shape, index: usize) -> Result<Vec<ConnectionConfig<'_>>> {
        let name = format!("layers[{index}]");
        let dense = |origin, pre, post, drawn| {
            let pattern = Pattern::Dense(Dense { pre, post });
            ConnectionConfig { origin, pattern, drawn: Some(drawn) }
        };
        let from_below = |pattern, drawn| vec![ConnectionConfig { origin: Origin::Below, pattern, drawn }];
        let v_th = self.v_th();
        let drawn = |init, delay| Drawn { init, mask: None, delay, v_th };
        Ok(match self {
            Self::Dense(layer) => {
                let shape = Shape::flat(layer.n);
                let mut connections = vec![dense(Origin::Below, below, shape, drawn(&layer.init, &layer.delay))];
                if layer.lateral_inhibition > 0.0 {
                    let pattern = Pattern::Lateral(Lateral { shape, strength: layer.lateral_inhibition });
                    connections.push(ConnectionConfig { origin: Origin::Itself, pattern, drawn: None });
                }
                connections
            }
            Self::Recurrent(layer) => {
                let RecurrentConfig { recurrent_init: init, mask, recurrent_delay: delay, .. } = layer;
                let shape = Shape::flat(layer.n);
                let recurrent = dense(Origin::Itself, shape, shape, Drawn { init, mask: Some(mask), delay, v_th });
                vec![dense(Origin::Below, below, shape, drawn(&layer.init, &layer.delay)), recurrent]
            }
            Self::Conv2d(layer) => {
                check_plane(&name, below, layer.kernel)?;
                from_below(Pattern::Conv2d(layer.pattern(&name, below)?), Some(drawn(&layer.init, &layer.delay)))
            }
            Self::Conv1d(layer) => {
                check_line(&name, below, layer.kernel)?;
                from_below(Pattern::Conv2d(layer.pattern(&name, below)?), Some(drawn(&layer.init, &layer.delay)))
            }
            Self::AvgPool2d(layer) => {
                check_plane(&name, below, layer.kernel)?;
                from_below(Pattern::AvgPool2d(layer.pattern(&name, below)?), None)
            }
            Self::AvgPool1d(layer) => {
                check_line(&name, below, layer.kernel)?;
                from_below(Pattern::AvgPool2d(layer.pattern(&name, below)?), None)
            }
            Self::MaxPool2d(layer) => {
                check_plane(&name, below, layer.kernel)?;
                from_below(Pattern::MaxPool2d(layer.pattern(&name, below)?), None)
            }
            Self::MaxPool1d(layer) => {
                check_line(&name, below, layer.kernel)?;
                from_below(Pattern::MaxPool2d(layer.pattern(&name, below)?), None)
            }
        })
    }
}

/// Refuses a kernel of more than one place over neurons that lie nowhere.
fn check_plane(layer: &str, below: Shape, kernel: [usize; 2]) -> Result<()> {
    if below.plane() > 1 || kernel == [1, 1] {
        return Ok(());
    }
    let expected = "above neurons in a plane, as those of an input n_in = (channels, height, width)";
    Err(Error::value(layer, expected, format!("{} neurons without height and width", below.n())))
}

/// Refuses a kernel along a line over neurons that lie in none.
fn check_line(layer: &str, below: Shape, kernel: usize) -> Result<()> {
    let expected = "above neurons in a line, as those of an input n_in = (channels, length)";
    let got = match below {
        Shape { height: 1, width: 1, .. } if kernel != 1 => format!("{} neurons without a length", below.n()),
        Shape { height: 1, .. } => return Ok(()),
        Shape { height, width, .. } => format!("a plane of {height} x {width}"),
    };
    Err(Error::value(layer, expected, got))
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
    /// Thresholds of the neurons, one or one for each row of the matrix.
    pub v_th: &'a PerNeuron<f64>,
}
