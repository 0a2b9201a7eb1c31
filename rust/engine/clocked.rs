//! Clocked simulation of a network, layer after layer.

use super::kernels::{LifLanes, dense_block, input_block, recurrent_layer};
use super::spikes::{LayerSpikes, SampleSpikes};
use crate::network::{Layer, Network};
use crate::real::Real;
use crate::simd::Lanes;

/// Buffers of a simulation, so that it allocates nothing once it is warm.
#[derive(Clone, Debug, Default)]
pub struct ForwardScratch<F> {
    input: Vec<Lanes<F>>,
    state: Vec<LifLanes<F>>,
}

/// Which lists of spikes a simulation leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// By neuron for the output only: enough to count.
    Counts,
    /// By neuron for every layer: what the backward pass reads.
    All,
}

/// Simulates all layers; `spikes.input` holds the input, listed by time, and the layers are filled.
///
/// A layer hears only the one below and itself, so layers run one after the other over all steps. A block of
/// feed-forward neurons runs over all steps by itself, its weights in the first-level cache and its state in registers.
pub fn forward<F: Real>(net: &Network<F>, n_steps: usize, spikes: &mut SampleSpikes, lists: Lists, scratch: &mut ForwardScratch<F>) {
    let n_layers = net.layers().len();
    for (l, layer) in net.layers().iter().enumerate() {
        let (done, rest) = spikes.layers.split_at_mut(l);
        let below = if l == 0 { &spikes.input } else { &done[l - 1] };
        forward_layer(layer, n_steps, below, &mut rest[0], scratch);
        if lists == Lists::All || l + 1 == n_layers {
            rest[0].list_by_neuron();
        }
    }
}

fn forward_layer<F: Real>(
    layer: &Layer<F>,
    n_steps: usize,
    below: &LayerSpikes,
    spikes: &mut LayerSpikes,
    scratch: &mut ForwardScratch<F>,
) {
    let weight = layer.weight();
    let n_blocks = weight.n_panels();
    spikes.fired.resize(n_blocks * n_steps, 0);
    match layer.recurrent() {
        None => {
            for (b, fired) in spikes.fired.chunks_exact_mut(n_steps).enumerate() {
                dense_block(weight.panel(b), &below.by_time, layer.lif(), fired);
            }
            spikes.list_by_time(layer.n_out(), n_steps);
        }
        Some(recurrent) => {
            scratch.input.resize(n_blocks * n_steps, Lanes::zero());
            scratch.state.resize(n_blocks, LifLanes::rest());
            for b in 0..n_blocks {
                input_block(weight.panel(b), &below.by_time, b, n_blocks, &mut scratch.input);
            }
            spikes.by_time.clear(layer.n_out());
            recurrent_layer(
                recurrent.rows(),
                layer.lif(),
                &mut scratch.input,
                &mut scratch.state,
                &mut spikes.fired,
                &mut spikes.by_time,
            );
        }
    }
}
