//! Layers, their topology and weights.

mod config;
mod connection;
mod delay;
pub(crate) mod init;
pub mod io;
mod layer;
mod mask;
mod params;
mod pattern;
mod spatial;
mod synapses;

#[cfg(feature = "python")]
pub(crate) use config::ConnectionConfig;
pub use config::{DenseConfig, LayerConfig, NetworkConfig, RecurrentConfig};
pub use connection::Connection;
pub(crate) use delay::delay_steps;
pub use delay::{Delay, DelayDistribution, delays_in_steps};
pub use init::Init;
pub use layer::{Layer, LayerDelays};
pub use mask::RecurrentMask;
pub use params::{PanelShape, Panels, PanelsView, PanelsViewMut, Taps};
pub use pattern::{
    AvgPool2d, Conv2d, ConvSizes, Dense, Geometry, Lateral, MaxPool2d, Origin, Pattern, Place, Reach, Shape, Window,
};
pub use spatial::{
    AvgPool1dConfig, AvgPool2dConfig, AvgPoolConfig, Conv1dConfig, Conv2dConfig, ConvConfig, MaxPool1dConfig,
    MaxPool2dConfig, MaxPoolConfig,
};
pub use synapses::Synapses;

use connection::Known;

use crate::error::{Error, Result};
use crate::memory::catch;
use crate::simd::Real;

/// A feed-forward stack of layers, recurrent ones among them.
#[derive(Clone, Debug)]
pub struct Network<F> {
    config: NetworkConfig,
    layers: Vec<Layer<F>>,
    explicit_delays: bool,
}

impl<F: Real> Network<F> {
    /// Builds the layers and draws their weights from `config.seed`.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain; [`Error::Memory`].
    pub fn new(config: NetworkConfig) -> Result<Self> {
        Self::build(config, false, |_, _, _| Ok(None))
    }

    /// Builds the layers; what `known`, which gets the number of a layer, a origin and the shape of the matrix, has of a trainable
    /// connection is not drawn.
    fn build(
        config: NetworkConfig,
        explicit_delays: bool,
        known: impl Fn(usize, Origin, [usize; 2]) -> Result<Option<Known<F>>>,
    ) -> Result<Self> {
        config.validate()?;
        catch(|| {
            let connections = config.connections()?;
            let layers = config.layers.iter().zip(&connections).enumerate().map(|(index, (layer, connections))| {
                let context = connection::Context { dt: config.dt, seed: config.seed, layer: index };
                let neurons = (layer.lif_params(config.dt), layer.v_th());
                Layer::new(neurons, connections, context, |origin, shape| known(index, origin, shape))
            });
            let layers = layers.collect::<Result<_>>()?;
            Ok(Self { config, layers, explicit_delays })
        })
    }

    /// Returns what the network was built from.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Returns the layers, first above the input first.
    pub fn layers(&self) -> &[Layer<F>] {
        &self.layers
    }

    /// Returns the layers, first above the input first.
    pub fn layers_mut(&mut self) -> &mut [Layer<F>] {
        &mut self.layers
    }

    /// Returns all connections whose weights are parameters, layer after layer, with the number of the layer: what is drawn, trained,
    /// penalised and kept in files goes through them.
    pub fn trainable(&self) -> impl Iterator<Item = (usize, &Connection<F>)> {
        self.layers.iter().enumerate().flat_map(|(l, layer)| layer.trainable().map(move |connection| (l, connection)))
    }

    /// Returns the connections of [`trainable`](Self::trainable), to be changed.
    pub fn trainable_mut(&mut self) -> impl Iterator<Item = (usize, &mut Connection<F>)> {
        let layers = self.layers.iter_mut().enumerate();
        layers.flat_map(|(l, layer)| layer.trainable_mut().map(move |connection| (l, connection)))
    }

    /// Returns the delay of every synapse, layer by layer.
    pub fn delays(&self) -> Vec<LayerDelays> {
        self.layers.iter().map(Layer::delays).collect()
    }

    /// Gives every synapse a delay of its own, at most 2^24 steps, in place of the configured ones; weights stay. Delays
    /// of synapses that do not exist count for nothing.
    ///
    /// # Errors
    /// [`Error::Value`] naming the entry of `delays`, [`Error::Memory`]; all layers then are as they were.
    ///
    /// # Panics
    /// If an array has not one entry a synapse.
    pub fn set_delays(&mut self, delays: &[LayerDelays]) -> Result<()> {
        if delays.len() != self.layers.len() {
            let expected = format!("one entry for each of the {} layers", self.layers.len());
            return Err(Error::value("delays", expected, format!("{} entries", delays.len())));
        }
        let layers = self.layers.iter().zip(delays).enumerate();
        let layers = layers.map(|(l, (layer, delays))| {
            let taps = layer.taps_of(&format!("delays[{l}]"), delays)?;
            let mut layer = layer.clone();
            layer.set_taps(taps);
            Ok(layer)
        });
        // Made apart, so that all are as they were if there is no room for one.
        self.layers = catch(|| layers.collect::<Result<Vec<_>>>())?;
        self.explicit_delays = true;
        Ok(())
    }

    /// Whether the delays were set one by one, so that the configuration does not tell them.
    pub fn explicit_delays(&self) -> bool {
        self.explicit_delays
    }

    /// Returns the number of weights that are trained, those of synapses that exist.
    pub fn n_parameters(&self) -> usize {
        self.trainable().map(|(_, connection)| connection.synapses().n_existing()).sum()
    }

    /// Returns the number of inputs.
    pub fn n_in(&self) -> usize {
        self.config.n_in
    }

    /// Returns the number of output neurons.
    pub fn n_out(&self) -> usize {
        self.layers[self.layers.len() - 1].n_out()
    }
}
