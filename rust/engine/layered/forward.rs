//! Clocked simulation of a network, layer after layer.

use super::kernels::{dense_panel, input_panel, list_spikes, recurrent_steps};
use super::max_pool::{MaxScratch, max_layer};
use super::plan::Plan;
use super::spatial::{SpatialScratch, spatial_layer};
use super::spikes::{LayerSpikes, SampleSpikes};
use crate::memory::resize;
use crate::network::{Connection, Layer, Network, Panels};
use crate::neuron::LifPropagator;
use crate::neuron::lif::thresholds::{Thresholds, by_thresholds};
use crate::neuron::lif::vectors::LifLanes;
use crate::simd::{LaneMask, Lanes, Real};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Steps whose feed-forward input is computed ahead in a recurrent layer: it then stays in the second-level cache.
const STEPS_AHEAD: usize = 200;

/// Buffers of a simulation, so that it allocates nothing once it is warm.
#[derive(Clone, Debug, Default)]
pub struct ForwardScratch<F> {
    /// Spikes that arrive at a layer with delays, listed by time.
    arriving: PaddedRows,
    layer: LayerScratch<F>,
    spatial: SpatialScratch<F>,
    max: MaxScratch,
}

#[derive(Clone, Debug, Default)]
struct LayerScratch<F> {
    input: Vec<Lanes<F>>,
    state: Vec<LifLanes<F>>,
    /// One bit a neuron, (n_steps, n_blocks); of a recurrent layer one step only.
    fired: Vec<LaneMask>,
    /// Spikes of a recurrent layer with delays that arrive at itself at one step.
    arriving: Vec<u32>,
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
/// A layer receives spikes of the one below and of itself only, so layers run one after the other over all steps.
pub fn forward<F: Real>(
    net: &Network<F>,
    n_steps: usize,
    spikes: &mut SampleSpikes,
    lists: Lists,
    scratch: &mut ForwardScratch<F>,
) {
    let n_layers = net.layers().len();
    for (l, layer) in net.layers().iter().enumerate() {
        let (done, rest) = spikes.layers.split_at_mut(l);
        let below = if l == 0 { &spikes.input } else { &done[l - 1] };
        // One channel, in any order of the neurons, is a plane place by place.
        let has_one_channel = layer.below().pattern().pre().channels == 1;
        let is_ordered = has_one_channel || (l > 0 && Plan::of(&net.layers()[l - 1]).is_spatial());
        forward_layer(layer, n_steps, &below.by_time, is_ordered, &mut rest[0], scratch);
        if lists == Lists::All || l + 1 == n_layers {
            rest[0].list_by_neuron();
        }
    }
}

fn forward_layer<F: Real>(
    layer: &Layer<F>,
    n_steps: usize,
    below: &PaddedRows,
    is_ordered: bool,
    spikes: &mut LayerSpikes,
    scratch: &mut ForwardScratch<F>,
) {
    let ForwardScratch { arriving, layer: scratch, spatial, max } = scratch;
    let (lif, thresholds, by_time) = (layer.lif(), layer.thresholds(), &mut spikes.by_time);
    by_time.clear(layer.n_out());
    match Plan::of(layer) {
        Plan::FusedDense(connection) => {
            let below = arrivals(below, layer.taps(), arriving);
            let (weight, fired) = (connection.weight(), &mut scratch.fired);
            match weight.panel_blocks() {
                1 => dense_layer::<F, 1>(weight, lif, thresholds, n_steps, below, by_time, fired),
                _ => dense_layer::<F, 2>(weight, lif, thresholds, n_steps, below, by_time, fired),
            }
        }
        Plan::DenseRecurrent { below: connection, itself } => {
            let (below, weight) = (arrivals(below, layer.taps(), arriving), connection.weight());
            match weight.panel_blocks() {
                1 => recurrent_layer::<F, 1>(weight, itself, lif, thresholds, n_steps, below, by_time, scratch),
                _ => recurrent_layer::<F, 2>(weight, itself, lif, thresholds, n_steps, below, by_time, scratch),
            }
        }
        Plan::Spatial(connection, pattern) => {
            spatial_layer(connection, pattern, lif, thresholds, n_steps, below, is_ordered, by_time, spatial);
        }
        Plan::Max(windows) => {
            by_time.end_row();
            max_layer::<F>(windows, n_steps, below, by_time, max);
        }
    }
}

/// Returns the spikes that arrive through synapses with these delays; those without are what fired.
fn arrivals<'a>(below: &'a PaddedRows, taps: &[u32], arriving: &'a mut PaddedRows) -> &'a PaddedRows {
    if *taps == [0] {
        return below;
    }
    arriving.delayed_from(below, taps);
    arriving
}

fn dense_layer<F: Real, const B: usize>(
    weight: &Panels<F>,
    lif: &LifPropagator<F>,
    thresholds: Option<&[Lanes<F>]>,
    n_steps: usize,
    below: &PaddedRows,
    by_time: &mut PaddedRows,
    fired: &mut Vec<LaneMask>,
) {
    let n_blocks = weight.n_blocks();
    resize(fired, n_blocks * n_steps, 0);
    for b in 0..weight.n_panels() {
        let (panel, fired) = (weight.panel(b), &mut fired[b * B..]);
        by_thresholds!(thresholds, |thresholds| {
            let thresholds = Thresholds::<F>::skip(thresholds, b * B);
            match n_blocks - b * B {
                1 => dense_panel::<F, _, 1, B>(panel, below, lif, thresholds, n_blocks, fired),
                _ => dense_panel::<F, _, B, B>(panel, below, lif, thresholds, n_blocks, fired),
            }
        });
    }
    if is_stopped() {
        // Panels are not whole.
        (0..n_steps).for_each(|_| by_time.end_row());
        return;
    }
    list_spikes::<F>(fired, n_blocks, by_time);
}

fn recurrent_layer<F: Real, const B: usize>(
    weight: &Panels<F>,
    itself: &Connection<F>,
    lif: &LifPropagator<F>,
    thresholds: Option<&[Lanes<F>]>,
    n_steps: usize,
    below: &PaddedRows,
    by_time: &mut PaddedRows,
    scratch: &mut LayerScratch<F>,
) {
    let n_blocks = weight.n_blocks();
    let LayerScratch { input, state, fired, arriving } = scratch;
    resize(fired, n_blocks, 0);
    state.clear();
    resize(state, n_blocks, LifLanes::rest());
    resize(input, n_blocks * STEPS_AHEAD.min(n_steps), Lanes::zero());
    by_time.end_row();
    let mut first = 1;
    while first < n_steps {
        if is_stopped() {
            (first..n_steps).for_each(|_| by_time.end_row());
            return;
        }
        let steps = first..n_steps.min(first + STEPS_AHEAD);
        first = steps.end;
        let input = &mut input[..n_blocks * steps.len()];
        for b in 0..weight.n_panels() {
            let (panel, input) = (weight.panel(b), &mut input[b * B..]);
            match n_blocks - b * B {
                1 => input_panel::<F, 1, B>(panel, below, steps.clone(), n_blocks, input),
                _ => input_panel::<F, B, B>(panel, below, steps.clone(), n_blocks, input),
            }
        }
        let (rows, taps) = (itself.rows(), itself.taps());
        by_thresholds!(thresholds, |thresholds| {
            recurrent_steps(rows, taps, lif, thresholds, steps, input, state, fired, arriving, by_time)
        });
    }
}
