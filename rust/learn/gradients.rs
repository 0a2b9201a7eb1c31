//! Gradients of a network's weights, in the layout of the weights.

use crate::network::{Network, Panels};
use crate::real::Real;
use crate::simd::flat_mut;

/// Gradients of one layer.
#[derive(Clone, Debug)]
pub struct LayerGradients<F> {
    /// dLoss/dw, (n_out, n_in).
    pub weight: Panels<F>,
    /// dLoss/dr, (n, n); `None` without trained recurrent weights.
    pub recurrent: Option<Panels<F>>,
}

/// Gradients of a network.
#[derive(Clone, Debug)]
pub struct Gradients<F> {
    /// One entry a layer.
    pub layers: Vec<LayerGradients<F>>,
}

impl<F: Real> Gradients<F> {
    /// Zeros in the shape of the network's weights.
    pub fn zeros(net: &Network<F>) -> Self {
        let layers = net.layers().iter().map(|layer| LayerGradients {
            weight: Panels::zeros(layer.n_out(), layer.n_in()),
            recurrent: layer.trainable_recurrent().map(|_| Panels::zeros(layer.n_out(), layer.n_out())),
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
