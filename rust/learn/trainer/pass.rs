//! The forward pass of a batch, and what it leaves to the backward pass.

use std::sync::Mutex;

use rayon::prelude::*;

use super::crew::{ThreadScratch, scratch};
use super::{Activity, Source};
use crate::engine::layered::{Lists, SampleSpikes};
use crate::learn::StRsbp;
use crate::network::Network;
use crate::rng::StreamKey;
use crate::sim::SampleSimulation;
use crate::simd::Real;
use crate::stop::Stop;

/// Holds the spikes of all layers for every sample of a batch: all that the backward pass reads of the forward pass.
///
/// It keeps its buffers from one batch to the next.
#[derive(Debug, Default)]
pub struct Pass {
    samples: Vec<SamplePass>,
    n_samples: usize,
}

/// Holds the spikes of one sample.
#[derive(Debug, Default)]
pub(super) struct SamplePass {
    /// The sample's place in its source.
    pub(super) sample: u32,
    pub(super) spikes: SampleSpikes,
    /// Spikes of every layer, without those of a teacher.
    n_spikes: Vec<u64>,
    /// The silent output neuron that teacher spikes stand in for.
    taught: Option<u32>,
}

impl Pass {
    /// Returns the number of samples.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Returns the output counts of the batch's sample `at`, (n_out).
    pub fn counts(&self, at: usize) -> &[u32] {
        self.samples()[at].counts()
    }

    pub(super) fn samples(&self) -> &[SamplePass] {
        &self.samples[..self.n_samples]
    }

    pub(super) fn samples_mut(&mut self) -> &mut [SamplePass] {
        &mut self.samples[..self.n_samples]
    }

    /// Runs samples of a source forward, in parallel; called on a thread of the pool.
    pub(super) fn run<F: Real>(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        source: Source<'_>,
        samples: &[u32],
        threads: &[Mutex<ThreadScratch<F>>],
    ) {
        self.samples.resize_with(self.samples.len().max(samples.len()), SamplePass::default);
        self.n_samples = samples.len();
        let stop = &Stop::current();
        self.samples_mut().par_iter_mut().zip(samples).with_max_len(1).for_each(|(pass, &sample)| {
            let scratch = &mut scratch(threads);
            stop.during(|| pass.run(net, simulation, source, sample, scratch));
        });
    }
}

impl SamplePass {
    /// Simulates a sample, or takes its recorded spikes.
    fn run<F: Real>(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        source: Source<'_>,
        sample: u32,
        scratch: &mut ThreadScratch<F>,
    ) {
        (self.sample, self.taught) = (sample, None);
        self.spikes.layers.resize_with(net.layers().len(), Default::default);
        match source {
            Source::Simulate { data, seed, epoch } | Source::Augmented { data, seed, epoch, .. } => {
                let (key, n_steps) = (StreamKey { seed, epoch, sample }, source.n_steps_of(sample as usize));
                self.spikes.swap_time_lists(&mut scratch.by_time);
                match source {
                    Source::Augmented { augment, .. } => {
                        data.load(key, false, &mut self.spikes, &mut scratch.load);
                        let input = &mut self.spikes.input;
                        augment.apply(key, n_steps, &mut input.by_time, &mut scratch.augment);
                        input.list_by_neuron();
                    }
                    _ => data.load(key, true, &mut self.spikes, &mut scratch.load),
                }
                simulation.run(net, n_steps, &mut self.spikes, Lists::All, &mut scratch.forward);
                self.spikes.swap_time_lists(&mut scratch.by_time);
            }
            Source::Recorded(trains) => {
                let sample = sample as usize;
                self.spikes.input.set(trains[0].sample(sample), trains[0].n_neurons());
                for (layer, trains) in self.spikes.layers.iter_mut().zip(&trains[1..]) {
                    layer.set(trains.sample(sample), trains.n_neurons());
                }
            }
        }
        self.n_spikes.clear();
        self.n_spikes.extend(self.spikes.layers.iter().map(|layer| layer.by_neuron.total() as u64));
    }

    /// Returns the output counts.
    pub(super) fn counts(&self) -> &[u32] {
        self.spikes.layers.last().expect("a network has layers").counts()
    }

    /// Returns the number of time steps.
    pub(super) fn n_steps(&self) -> usize {
        self.spikes.layers.last().expect("a network has layers").n_steps()
    }

    /// Returns the spikes of every layer, without those of a teacher.
    pub(super) fn n_spikes(&self) -> &[u64] {
        &self.n_spikes
    }

    /// Has teacher spikes stand in for the labelled neuron in the backward pass, if it is silent and the rule says so.
    pub(super) fn teach(&mut self, label: usize, rule: &StRsbp) {
        let output = self.spikes.layers.last_mut().expect("a network has layers");
        if rule.teacher_spikes && output.counts()[label] == 0 {
            output.add_train(label, rule.teacher_times(output.n_steps()));
            self.taught = Some(label as u32);
        }
    }

    /// Adds the neurons that fired to `activity`, without the spikes of a teacher.
    pub(super) fn add_firing(&self, activity: &mut Activity) {
        let top = self.spikes.layers.len() - 1;
        for (l, layer) in self.spikes.layers.iter().enumerate() {
            let taught = self.taught.filter(|_| l == top);
            let firing = layer.active.iter().copied().filter(|&i| Some(i) != taught);
            activity.add_firing(l, layer.counts().len(), firing);
        }
    }
}
