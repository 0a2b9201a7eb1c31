//! Layers, their topology and weights.

mod config;
pub(crate) mod init;
pub mod io;
pub(crate) mod layer;
mod mask;
mod panels;

pub use config::{DenseConfig, LayerConfig, NetworkConfig, RecurrentConfig};
pub use init::Init;
pub use layer::{Layer, Recurrent};
pub use mask::RecurrentMask;
pub use panels::Panels;

use crate::error::{Error, Result};
use crate::real::Real;

/// A feed-forward stack of layers, recurrent ones among them.
#[derive(Clone, Debug)]
pub struct Network<F> {
    config: NetworkConfig,
    layers: Vec<Layer<F>>,
}

impl<F: Real> Network<F> {
    /// Builds the layers and draws their weights from `config.seed`.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn new(config: NetworkConfig) -> Result<Self> {
        if config.layers.is_empty() {
            return Err(Error::value("layers", "at least one layer", "none"));
        }
        if config.n_in == 0 || config.n_in >= 1 << 31 {
            return Err(Error::value("n_in", "in [1, 2^31)", config.n_in));
        }
        let mut n_in = config.n_in;
        let mut layers = Vec::with_capacity(config.layers.len());
        for (index, layer) in config.layers.iter().enumerate() {
            layers.push(Layer::new(layer, n_in, config.dt, config.seed, index)?);
            n_in = layer.n();
        }
        Ok(Self { config, layers })
    }

    /// What the network was built from.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// The layers, first above the input first.
    pub fn layers(&self) -> &[Layer<F>] {
        &self.layers
    }

    /// The layers, first above the input first.
    pub fn layers_mut(&mut self) -> &mut [Layer<F>] {
        &mut self.layers
    }

    /// Number of inputs.
    pub fn n_in(&self) -> usize {
        self.config.n_in
    }

    /// Number of output neurons.
    pub fn n_out(&self) -> usize {
        self.layers[self.layers.len() - 1].n_out()
    }
}
