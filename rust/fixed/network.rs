//! A network in fixed point, as data: what a conversion makes, a file holds, and whatever runs or exports it reads.

use crate::error::{Error, Result};
use crate::memory::filled;
use crate::network::{Network, Origin, Pattern, Taps};
use crate::neuron::fixed::FixedParams;
use crate::simd::Real;

/// Holds the integer weights of a connection. A float [`Connection`](crate::network::Connection) has its weights in panels, and
/// copies of them that only its kernels need, so this is not one of integers.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedConnection {
    /// Where spikes come from.
    pub origin: Origin,
    /// Which weight joins which neurons.
    pub pattern: Pattern,
    /// Weights, row-major in the order of the pattern's matrix; 0 where there is no synapse.
    pub weight: Vec<i32>,
    /// Delays of the synapses.
    pub taps: Taps,
}

/// Holds a layer in fixed point: its neurons, the connections onto them, and what their integers stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedLayer {
    /// Number format and neuron.
    pub params: FixedParams,
    /// The connection from below; then the one of the layer onto itself, if there is one, lateral inhibition included.
    pub connections: Vec<FixedConnection>,
    /// What one unit of a weight stands for: of all weights, or of each row of the matrix, which is that of a neuron or of a channel of
    /// kernels.
    pub scale: Vec<f64>,
    /// What all weights are multiples of: the target has no others.
    pub step: i32,
}

/// Holds a feed-forward stack of layers in fixed point, recurrent ones among them, that can be run as it is.
///
/// This is data: [`Compiled`](crate::engine::fixed::Compiled) is what runs.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedNetwork {
    layers: Vec<FixedLayer>,
}

impl FixedConnection {
    /// Returns the number of weights in a row of the matrix.
    pub fn fan_in(&self) -> usize {
        self.pattern.matrix()[1]
    }

    /// Returns the sum of the magnitudes of the weights in each row of the matrix, times the synapses onto a neuron that a weight may
    /// be of: no neuron receives more at a step.
    fn sums_of_rows(&self) -> Vec<i64> {
        let (fan_in, times) = (self.fan_in(), self.pattern.most_onto().div_ceil(self.fan_in()) as i64);
        let sum = |row: &[i32]| row.iter().map(|&w| i64::from(w).abs()).sum::<i64>() * times;
        self.weight.chunks_exact(fan_in).map(sum).collect()
    }
}

impl FixedLayer {
    /// Returns the number of neurons.
    pub fn n_out(&self) -> usize {
        self.below().pattern.post().n()
    }

    /// Returns the number of neurons below.
    pub fn n_in(&self) -> usize {
        self.below().pattern.pre().n()
    }

    /// Returns the connection from below.
    ///
    /// # Panics
    /// If there is none, which a [`FixedNetwork`] refuses.
    pub fn below(&self) -> &FixedConnection {
        &self.connections[0]
    }

    /// Returns the connection of a recurrent layer onto itself.
    pub fn recurrent(&self) -> Option<&FixedConnection> {
        self.connections.get(1)
    }

    /// Returns the sum of the magnitudes of all weights onto each neuron, of those that it would have far from any edge.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn sums(&self) -> Result<Vec<i64>> {
        let mut sums = filled("n", Some(self.n_out()), 0i64)?;
        for connection in &self.connections {
            let rows = connection.sums_of_rows();
            sums.iter_mut().enumerate().for_each(|(post, sum)| *sum += rows[connection.pattern.row(post)]);
        }
        Ok(sums)
    }

    /// Refuses a layer, number `l`, that cannot be computed, or whose integers stand for nothing.
    fn check(&self, l: usize) -> Result<()> {
        self.check_connections(l)?;
        let params = &self.params;
        params.validate(self.n_out())?;
        let abilities = params.model.abilities();
        if params.max_spikes > abilities.most_sent {
            let expected = format!("{} by {} (others run in a graph)", abilities.most_sent, abilities.rules);
            return Err(Error::value("max_spikes", expected, params.max_spikes));
        }
        if let Some(kind) = self.below().pattern.spatial_kind()
            && !abilities.has_planes
        {
            let expected = format!("dense or recurrent by {}, which have a weight for every synapse", abilities.rules);
            return Err(Error::value(format!("layers[{l}]"), expected, kind));
        }
        self.check_weights(l)?;
        let is_max = self.below().pattern.max_windows().is_some();
        // Windows that hold padding alone have no synapses.
        if is_max && self.below().weight[0] != i32::from(self.below().pattern.most_onto() > 0) {
            let name = format!("layers[{l}].weight[0, 0]");
            return Err(Error::value(name, "1, with which max pooling counts", self.below().weight[0]));
        }
        let mut delays = self.connections.iter().flat_map(|connection| connection.taps.steps());
        if let Some(delay) = delays.find(|&&delay| !abilities.has_delays && delay > 0) {
            return Err(Error::value("delay", format!("0 steps by {}", abilities.rules), delay));
        }
        self.check_scale(l)
    }

    fn check_connections(&self, l: usize) -> Result<()> {
        let origins: Vec<_> = self.connections.iter().map(|connection| connection.origin).collect();
        if !matches!(origins[..], [Origin::Below] | [Origin::Below, Origin::Itself]) {
            let expected = "one from below, and at most one of the layer onto itself";
            return Err(Error::value(format!("connections of layers[{l}]"), expected, format!("{origins:?}")));
        }
        if let (Some(kind), 2) = (self.below().pattern.spatial_kind(), origins.len()) {
            let expected = format!("one from below alone, that of {kind}");
            return Err(Error::value(format!("connections of layers[{l}]"), expected, format!("{origins:?}")));
        }
        for FixedConnection { origin, pattern, weight, .. } in &self.connections {
            let (pre, post) = (pattern.pre().n(), pattern.post().n());
            let n_pre = if *origin == Origin::Below { self.n_in() } else { self.n_out() };
            let name = format!("layers[{l}].{}", origin.weight_key());
            if [pre, post] != [n_pre, self.n_out()] || pre == 0 || post == 0 {
                let expected = format!("from {n_pre} neurons onto {}, of either at least one", self.n_out());
                return Err(Error::value(name, expected, format!("from {pre} onto {post}")));
            }
            let [rows, fan_in] = pattern.matrix();
            if weight.len() != rows * fan_in {
                return Err(Error::shape(name, &[weight.len()], format!("({rows} * {fan_in},)")));
            }
        }
        Ok(())
    }

    fn check_weights(&self, l: usize) -> Result<()> {
        let (low, high) = self.params.weight_range();
        for connection in &self.connections {
            let FixedConnection { origin, weight, .. } = connection;
            if let Some(at) = weight.iter().position(|&w| !(low..=high).contains(&w.into())) {
                let expected = format!("in [{low}, {high}], of weight_bits = {}", self.params.weight_bits);
                let (row, column) = (at / connection.fan_in(), at % connection.fan_in());
                let name = format!("layers[{l}].{}[{row}, {column}]", origin.weight_key());
                return Err(Error::value(name, expected, weight[at]));
            }
        }
        match self.sums()?.into_iter().max() {
            Some(most) if most >= 1 << 31 => {
                let expected = "of magnitudes that add up to < 2^31 for each neuron";
                Err(Error::value(format!("layers[{l}].weight"), expected, most))
            }
            _ => Ok(()),
        }
    }

    fn check_scale(&self, l: usize) -> Result<()> {
        let (name, [rows, _]) = (format!("layers[{l}].scale"), self.below().pattern.matrix());
        if self.scale.len() != 1 && self.scale.len() != rows {
            let expected = match rows == self.n_out() {
                true => format!("(1,) or (n_out={rows},)"),
                false => format!("(1,) or, a number for each row of the weights, ({rows},)"),
            };
            return Err(Error::shape(name, &[self.scale.len()], expected));
        }
        if let Some(scale) = self.scale.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            return Err(Error::value(name, "finite and > 0", scale));
        }
        match self.step {
            1.. => Ok(()),
            step => Err(Error::value(format!("layers[{l}].step"), ">= 1", step)),
        }
    }
}

impl FixedNetwork {
    /// Makes a network of layers, first above the input first. Everything that makes it computable is checked here, and
    /// nowhere again; whether hardware has room for it, [`check_limits`](super::check_limits) tells.
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming the field of a format outside its domain, the weight that a format does not
    /// hold or whose sums are not below 2^31, or the scale that is not positive. By the LIF rules a neuron may send one spike a
    /// step at most, by those of Xylo there are no delays, and no layer may receive more spikes of a neuron in a step than
    /// its format counts.
    pub fn new(layers: Vec<FixedLayer>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::value("layers", "at least one", "none"));
        }
        for (l, layer) in layers.iter().enumerate() {
            layer.check(l)?;
        }
        for (l, pair) in layers.windows(2).enumerate() {
            if pair[1].n_in() != pair[0].n_out() {
                let expected = format!("the {} neurons of layers[{l}]", pair[0].n_out());
                return Err(Error::value(format!("n_in of layers[{}]", l + 1), expected, pair[1].n_in()));
            }
            let (sent, most) = (pair[0].params.max_spikes, pair[1].params.most_received());
            if sent > most {
                let expected = format!("at most {most}, what layers[{}] counts of a neuron in a step", l + 1);
                return Err(Error::value(format!("max_spikes of layers[{l}]"), expected, sent));
            }
        }
        Ok(Self { layers })
    }

    /// Returns the layers, first above the input first.
    pub fn layers(&self) -> &[FixedLayer] {
        &self.layers
    }

    /// Returns the number of input neurons.
    pub fn n_in(&self) -> usize {
        self.layers[0].n_in()
    }

    /// Returns the most spikes of an input in a step.
    pub fn input_spikes(&self) -> u32 {
        self.layers[0].params.input_spikes()
    }
}

/// Refuses layers with weights where the network that they stand for, of the same sizes, has no synapse.
///
/// # Errors
/// [`Error::Value`] naming the weight.
pub fn check_synapses<F: Real>(net: &Network<F>, layers: &[FixedLayer]) -> Result<()> {
    for (l, (float, layer)) in net.layers().iter().zip(layers).enumerate() {
        for (float, connection) in float.connections().iter().zip(&layer.connections) {
            let (weight, fan_in) = (&connection.weight, connection.fan_in());
            let Some(exists) = float.exists() else { continue };
            if let Some(at) = weight.iter().zip(exists).position(|(&w, exists)| w != 0 && !exists) {
                let name = format!("layers[{l}].{}[{}, {}]", connection.origin.weight_key(), at / fan_in, at % fan_in);
                return Err(Error::value(name, "0, as no synapse exists there", weight[at]));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
