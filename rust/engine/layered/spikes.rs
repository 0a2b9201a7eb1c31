//! The spikes of one sample while it is worked on, in every order the kernels need.

use crate::memory::{OrUnwind, reserve};
use crate::spikes::{PaddedRows, SpikeTrain};

/// Spikes of one layer, or of the input.
#[derive(Clone, Debug, Default)]
pub struct LayerSpikes {
    /// Neurons that fire at each step.
    pub by_time: PaddedRows,
    /// Steps at which each neuron fires.
    pub by_neuron: PaddedRows,
    /// Neurons that fire at all, ascending.
    pub active: Vec<u32>,
}

impl LayerSpikes {
    /// Returns the firing counts.
    pub fn counts(&self) -> &[u32] {
        self.by_neuron.lengths()
    }

    /// Returns the number of time steps, where spikes are listed by neuron.
    pub fn n_steps(&self) -> usize {
        self.by_neuron.n_columns()
    }

    /// Lists by neuron what is listed by time.
    pub fn list_by_neuron(&mut self) {
        self.by_neuron.transpose_of(&self.by_time);
        self.list_active();
    }

    /// Lists by time what is listed by neuron.
    pub fn list_by_time(&mut self) {
        self.by_time.transpose_of_even(&self.by_neuron);
        self.list_active();
    }

    fn list_active(&mut self) {
        self.active.clear();
        let counts = self.by_neuron.lengths();
        reserve("neurons of a layer", &mut self.active, counts.len()).or_unwind();
        self.active.extend((0..counts.len() as u32).filter(|&j| counts[j as usize] > 0));
    }

    /// Takes spikes recorded elsewhere, and lists them by time only.
    pub(crate) fn set_by_time(&mut self, train: SpikeTrain<'_>, n_neurons: usize) {
        self.by_time.clear(n_neurons);
        for t in 0..train.n_steps() {
            self.by_time.push_row(train.at(t));
        }
    }

    /// Takes spikes recorded elsewhere.
    pub(crate) fn set(&mut self, train: SpikeTrain<'_>, n_neurons: usize) {
        self.set_by_time(train, n_neurons);
        self.list_by_neuron();
    }

    /// Makes a silent neuron fire at `times`, ascending, in the lists by neuron: those the backward pass reads.
    pub(crate) fn add_train(&mut self, neuron: usize, times: impl Iterator<Item = usize>) {
        debug_assert_eq!(self.counts()[neuron], 0);
        let old = std::mem::take(&mut self.by_neuron);
        self.by_neuron.clear(old.n_columns());
        let mut times = Some(times);
        for i in 0..old.n_rows() {
            match (i == neuron).then(|| times.take()).flatten() {
                Some(times) => {
                    times.for_each(|t| self.by_neuron.push(t as u32));
                    self.by_neuron.end_row();
                }
                None => self.by_neuron.push_row(old.row(i)),
            }
        }
        self.list_active();
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
    /// Makes room for `n_layers` layers.
    pub fn new(n_layers: usize) -> Self {
        Self { input: LayerSpikes::default(), layers: vec![LayerSpikes::default(); n_layers] }
    }

    /// Returns the number of time steps, by the input that is listed by time.
    pub fn n_steps(&self) -> usize {
        self.input.by_time.n_rows()
    }

    /// Exchanges the lists by time, of the input and then of every layer.
    ///
    /// Only a simulation needs them: threads lend theirs to the samples of a batch, so that they stay in the cache.
    pub(crate) fn swap_time_lists(&mut self, lists: &mut Vec<PaddedRows>) {
        lists.resize_with(1 + self.layers.len(), PaddedRows::default);
        for (own, other) in std::iter::once(&mut self.input).chain(&mut self.layers).zip(lists) {
            std::mem::swap(&mut own.by_time, other);
        }
    }

    /// Lists the neurons of every step in ascending order; layers in a plane list theirs by position.
    pub(crate) fn sort(&mut self) {
        self.layers.iter_mut().for_each(|layer| layer.by_time.sort());
    }

    /// Returns the spikes that layer `l` receives: those of the layer below, or the input.
    pub fn below(&self, l: usize) -> &LayerSpikes {
        if l == 0 { &self.input } else { &self.layers[l - 1] }
    }
}
