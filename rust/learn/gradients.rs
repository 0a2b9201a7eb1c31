//! Gradients of a network's weights, in the layout of the weights.

use crate::network::{Network, Panels, Synapses};
use crate::simd::{Real, flat_mut};

/// Gradients of one layer.
#[derive(Clone, Debug)]
pub struct LayerGradients<F> {
    /// dLoss/dw, (n_out, n_taps * n_in).
    pub weight: Panels<F>,
    /// dLoss/dr, (n, n_taps * n); `None` without trained recurrent weights.
    pub recurrent: Option<Panels<F>>,
}

/// Gradients of a network. Where no synapse exists they may be anything.
#[derive(Clone, Debug)]
pub struct Gradients<F> {
    /// One entry a layer.
    pub layers: Vec<LayerGradients<F>>,
}

impl<F: Real> Gradients<F> {
    /// Zeros in the shape of the network's weights.
    pub fn zeros(net: &Network<F>) -> Self {
        let zeros = |synapses: &Synapses<F>| Panels::zeros(synapses.n_out(), synapses.weight().n_in());
        let layers = net.layers().iter().map(|layer| LayerGradients {
            weight: zeros(layer.synapses()),
            recurrent: layer.trainable_recurrent().map(|recurrent| zeros(recurrent.synapses())),
        });
        Self { layers: layers.collect() }
    }

    /// Sets all to zero.
    pub fn clear(&mut self) {
        for layer in &mut self.layers {
            flat_mut(layer.weight.data_mut()).fill(F::zero());
            if let Some(recurrent) = &mut layer.recurrent {
                flat_mut(recurrent.data_mut()).fill(F::zero());
            }
        }
    }
}
