//! The spikes of one sample while it is worked on, in every order the kernels need.

use crate::simd::{LANES, LaneMask};
use crate::spikes::{PaddedRows, SpikeTrain};

/// Spikes of one layer, or of the input.
#[derive(Clone, Debug, Default)]
pub struct LayerSpikes {
    /// One bit a neuron, (n_blocks, n_steps). Empty for the input.
    pub fired: Vec<LaneMask>,
    /// Neurons that fire at each step.
    pub by_time: PaddedRows,
    /// Steps at which each neuron fires.
    pub by_neuron: PaddedRows,
    /// Neurons that fire at all, ascending.
    pub active: Vec<u32>,
}

impl LayerSpikes {
    /// Firing counts.
    pub fn counts(&self) -> &[u32] {
        self.by_neuron.lengths()
    }

    /// Lists the spikes of `fired` by time.
    pub(crate) fn list_by_time(&mut self, n_neurons: usize, n_steps: usize) {
        self.by_time.clear(n_neurons);
        for t in 0..n_steps {
            for (b, fired) in self.fired.chunks_exact(n_steps).enumerate() {
                let mut mask = fired[t];
                while mask != 0 {
                    self.by_time.push((b * LANES) as u32 + mask.trailing_zeros());
                    mask &= mask - 1;
                }
            }
            self.by_time.end_row();
        }
    }

    /// Lists by neuron what is listed by time.
    pub(crate) fn list_by_neuron(&mut self) {
        self.by_neuron.transpose_of(&self.by_time);
        self.list_active();
    }

    /// Lists by time what is listed by neuron.
    pub(crate) fn list_by_time_from_neurons(&mut self) {
        self.by_time.transpose_of(&self.by_neuron);
        self.list_active();
    }

    fn list_active(&mut self) {
        self.active.clear();
        let counts = self.by_neuron.lengths();
        self.active.extend((0..counts.len() as u32).filter(|&j| counts[j as usize] > 0));
    }

    /// Takes spikes recorded elsewhere.
    pub(crate) fn set(&mut self, train: SpikeTrain<'_>, n_neurons: usize) {
        let n_steps = train.n_steps();
        self.fired.clear();
        self.fired.resize(n_neurons.div_ceil(LANES) * n_steps, 0);
        self.by_time.clear(n_neurons);
        for t in 0..n_steps {
            for &neuron in train.at(t) {
                self.by_time.push(neuron);
                self.fired[neuron as usize / LANES * n_steps + t] |= 1 << (neuron as usize % LANES);
            }
            self.by_time.end_row();
        }
        self.list_by_neuron();
    }

    /// Makes a silent neuron fire at `times`.
    pub(crate) fn add_train(&mut self, neuron: usize, times: impl Iterator<Item = usize>) {
        let (n_neurons, n_steps) = (self.by_neuron.n_rows(), self.by_time.n_rows());
        for t in times {
            self.fired[neuron / LANES * n_steps + t] |= 1 << (neuron % LANES);
        }
        self.list_by_time(n_neurons, n_steps);
        self.list_by_neuron();
    }
}

/// Spikes of the input and of every layer.
#[derive(Clone, Debug, Default)]
pub struct SampleSpikes {
    /// The input.
    pub input: LayerSpikes,
    /// The layers, first above the input first.
    pub layers: Vec<LayerSpikes>,
}

impl SampleSpikes {
    /// Room for `n_layers` layers.
    pub fn new(n_layers: usize) -> Self {
        Self { input: LayerSpikes::default(), layers: vec![LayerSpikes::default(); n_layers] }
    }

    /// What layer `l` hears: the layer below, or the input.
    pub fn below(&self, l: usize) -> &LayerSpikes {
        if l == 0 { &self.input } else { &self.layers[l - 1] }
    }
}
