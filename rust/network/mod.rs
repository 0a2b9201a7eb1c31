//! Layers, their topology and weights.

mod config;
mod delay;
pub(crate) mod init;
pub mod io;
mod layer;
mod mask;
mod panels;
mod synapses;
mod taps;
mod trains_io;

pub use config::{DenseConfig, LayerConfig, NetworkConfig, RecurrentConfig};
pub(crate) use delay::delay_steps;
pub use delay::{Delay, DelayDistribution, delays_in_steps};
pub use init::Init;
pub use layer::{Layer, LayerDelays, LayerTaps, Recurrent};
pub use mask::RecurrentMask;
pub use panels::Panels;
pub use synapses::Synapses;
pub use taps::Taps;
pub use trains_io::{read_spike_trains, write_spike_trains};

use crate::error::{Error, Result};
use crate::real::Real;

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
        Ok(Self { config, layers, explicit_delays: false })
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

    /// The delay of every synapse, layer by layer.
    pub fn delays(&self) -> Vec<LayerDelays> {
        self.layers.iter().map(Layer::delays).collect()
    }

    /// Gives every synapse a delay of its own, at most 2^24 steps, in place of the configured ones; weights stay. Delays
    /// of synapses that do not exist count for nothing.
    ///
    /// # Errors
    /// [`Error::Value`] naming the entry of `delays`; all layers then are as they were.
    ///
    /// # Panics
    /// If an array has not one entry a synapse.
    pub fn set_delays(&mut self, delays: &[LayerDelays]) -> Result<()> {
        if delays.len() != self.layers.len() {
            let expected = format!("one entry for each of the {} layers", self.layers.len());
            return Err(Error::value("delays", expected, format!("{} entries", delays.len())));
        }
        let layers = self.layers.iter().zip(delays).enumerate();
        let taps = layers.map(|(l, (layer, delays))| layer.taps_of(&format!("delays[{l}]"), delays));
        let taps = taps.collect::<Result<Vec<_>>>()?;
        self.layers.iter_mut().zip(taps).for_each(|(layer, taps)| layer.set_taps(taps));
        self.explicit_delays = true;
        Ok(())
    }

    /// Whether the delays were set one by one, so that the configuration does not tell them.
    pub fn explicit_delays(&self) -> bool {
        self.explicit_delays
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
