//! A mini-batch on all cores.
//!
//! Forward and adjoint solves run in parallel over samples, gradients in parallel over ranges of neurons, each
//! going through the samples in their order. So no sum is ever split among threads, and the result does not depend on
//! their number.

use rayon::prelude::*;

use super::batch::Objective;
use super::worker::{Crew, ThreadScratch, scratch};
use super::{Activity, Batch, BatchStats, Source, Worker, predict};
use crate::engine::layered::{Lists, SampleSpikes};
use crate::error::{Error, Result};
use crate::learn::rule::Solved;
use crate::learn::rule::backward::{BackwardScratch, LayerAdjoint, solve_layer, tasks};
use crate::learn::{Gradients, PostCouplingModel, StRsbp};
use crate::memory::{OrUnwind, catch, collected, reserve, resize};
use crate::network::{Layer, Network};
use crate::rng::StreamKey;
use crate::sim::SampleSimulation;
use crate::simd::Real;
use crate::stop::{Stop, watched};

/// Samples worked on at once: bounds the memory of large batches.
const MICRO_BATCH: usize = 64;

#[derive(Debug)]
pub(super) struct SampleWork<F> {
    spikes: SampleSpikes,
    d_counts: Vec<F>,
    layers: Vec<LayerAdjoint<F>>,
    loss: f64,
    correct: bool,
    n_spikes: Vec<u64>,
    /// The silent output neuron that teacher spikes stand in for.
    taught: Option<u32>,
    solved: Vec<Solved>,
    error: Option<(usize, String)>,
}

impl<F: Real> Worker<F> {
    /// Adds the gradients of the mean of weight times loss over the batch to `grads`.
    ///
    /// `coupling` holds 1 - S by firing count for every layer, see [`coupling_tables`]. `keep_going` is asked
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::Singular`] for a sample without a gradient, [`Error::Interrupted`] if `keep_going` says no;
    /// [`Error::Memory`].
    pub fn accumulate(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        batch: &Batch<'_>,
        objective: Objective<'_>,
        coupling: &[Vec<F>],
        grads: &mut Gradients<F>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        let mut stats = BatchStats::default();
        for samples in batch.samples.chunks(MICRO_BATCH) {
            if !keep_going() {
                return Err(Error::Interrupted);
            }
            let part = Batch { samples, ..*batch };
            stats.add(&self.accumulate_part(
                net,
                simulation,
                &part,
                batch.samples.len(),
                objective,
                coupling,
                grads,
                keep_going,
            )?);
        }
        Ok(stats)
    }

    fn accumulate_part(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        batch: &Batch<'_>,
        n_mean: usize,
        objective: Objective<'_>,
        coupling: &[Vec<F>],
        grads: &mut Gradients<F>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        let n_layers = net.layers().len();
        let n_samples = batch.samples.len();
        self.samples.resize_with(self.samples.len().max(n_samples), || SampleWork::new(n_layers));
        let Self { n_threads, crew, samples, sent_down } = self;
        let Crew { pool, scratch: threads } = Crew::of(crew, *n_threads)?;
        let samples = &mut samples[..n_samples];
        let work = || {
            let stop = &Stop::current();
            samples.par_iter_mut().zip(batch.samples).with_max_len(1).for_each(|(work, &sample)| {
                let scratch = &mut scratch(threads);
                stop.during(|| work.run_forward(net, simulation, batch, sample, n_mean, objective, scratch));
            });
            for l in (0..n_layers).rev() {
                let layer = &net.layers()[l];
                samples.par_iter_mut().enumerate().with_max_len(1).for_each(|(s, work)| {
                    if stop.is_set() {
                        return;
                    }
                    if l + 1 < n_layers {
                        work.receive(l, layer, n_samples, s, sent_down);
                    }
                    let scratch = &mut scratch(threads).backward;
                    stop.during(|| work.solve(net, l, &coupling[l], objective.rule, scratch));
                });
                let samples = &*samples;
                let n_in = layer.n_in();
                let mut tasks = tasks(layer, grads.layer_mut(l));
                let sent = if l > 0 { n_samples * n_in } else { 0 };
                resize(sent_down, tasks.len() * sent, F::zero());
                let mut sent_by_task: Vec<&mut [F]> = Vec::with_capacity(tasks.len());
                match sent {
                    0 => sent_by_task.resize_with(tasks.len(), || &mut []),
                    _ => sent_by_task.extend(sent_down.chunks_exact_mut(sent)),
                }
                tasks.par_iter_mut().zip(sent_by_task).with_max_len(1).for_each(|(task, sent)| {
                    let scratch = &mut scratch(threads).backward;
                    for (s, work) in samples.iter().enumerate().filter(|(_, work)| work.layers[l].live) {
                        if stop.is_set() {
                            return;
                        }
                        let down = (l > 0).then(|| &mut sent[s * n_in..(s + 1) * n_in]);
                        let (spikes, z) = (&work.spikes, &work.layers[l].z);
                        stop.during(|| task.accumulate(layer, spikes, l, z, objective.rule, down, scratch));
                    }
                });
            }
            Ok(())
        };
        // Buffers are set anew by the next batch.
        catch(|| watched(pool, keep_going, work)?)?;
        let mut stats = BatchStats { n_spikes: vec![0; n_layers], ..Default::default() };
        for (work, &sample) in samples.iter_mut().zip(batch.samples) {
            if let Some((layer, detail)) = work.error.take() {
                return Err(Error::Singular { layer, sample: sample as usize, detail });
            }
            stats.add(&work.stats());
            work.mark_firing(&mut stats.activity);
        }
        Ok(stats)
    }
}

/// 1 - S by firing count, for every layer.
///
/// # Errors
/// Those of [`PostCouplingModel::new`].
pub fn coupling_tables<F: Real>(net: &Network<F>, rule: &StRsbp, n_steps: usize) -> Result<Vec<Vec<F>>> {
    let table = |layer: &Layer<F>| {
        let model = PostCouplingModel::new(rule.post_coupling, layer.params(), n_steps)?;
        collected("n_steps + 1", (0..n_steps + 1).map(|count| F::from_f64(model.one_minus_s(count as u32))))
    };
    net.layers().iter().map(table).collect()
}

impl<F: Real> SampleWork<F> {
    pub(super) fn new(n_layers: usize) -> Self {
        Self {
            spikes: SampleSpikes::new(n_layers),
            d_counts: Vec::new(),
            layers: vec![LayerAdjoint::default(); n_layers],
            loss: 0.0,
            correct: false,
            n_spikes: Vec::new(),
            taught: None,
            solved: Vec::new(),
            error: None,
        }
    }

    /// Simulates (or takes recorded spikes), evaluates the loss and starts the backward pass.
    fn run_forward(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        batch: &Batch<'_>,
        sample: u32,
        n_mean: usize,
        objective: Objective<'_>,
        scratch: &mut ThreadScratch<F>,
    ) {
        self.error = None;
        self.solved.clear();
        let n_steps = batch.source.n_steps();
        self.spikes.layers.resize_with(net.layers().len(), Default::default);
        match batch.source {
            Source::Simulate { data, seed, epoch } => {
                self.spikes.swap_time_lists(&mut scratch.by_time);
                data.load(StreamKey { seed, epoch, sample }, true, &mut self.spikes, &mut scratch.load);
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
        let top = net.layers().len() - 1;
        let output = &mut self.spikes.layers[top];
        let label = batch.labels[sample as usize] as usize;
        let weight = batch.weights.map_or(1.0, |weights| weights[sample as usize]);
        resize(&mut self.d_counts, net.n_out(), F::zero());
        self.loss = objective.loss.evaluate(output.counts(), label, weight, &mut self.d_counts);
        self.correct = predict(output.counts()) == label;
        let layer = &net.layers()[top];
        let scale = F::one() / (layer.lif().v_th * F::from_f64(n_mean as f64));
        let delta = &mut self.layers[top].delta;
        delta.clear();
        reserve("n_out", delta, net.n_out()).or_unwind();
        delta.extend(self.d_counts.iter().map(|&d| d * scale));
        self.taught = (objective.rule.teacher_spikes && output.counts()[label] == 0).then_some(label as u32);
        if self.taught.is_some() {
            output.add_train(label, objective.rule.teacher_times(n_steps));
        }
    }

    /// Collects dLoss/da of layer `l` from what the tasks of the layer above sent down.
    fn receive(&mut self, l: usize, layer: &Layer<F>, n_samples: usize, s: usize, sent_down: &[F]) {
        let n = layer.n_out();
        let above_is_live = self.layers[l + 1].live;
        let delta = &mut self.layers[l].delta;
        delta.clear();
        resize(delta, n, F::zero());
        if above_is_live {
            for sent in sent_down.chunks_exact(n_samples * n) {
                delta.iter_mut().zip(&sent[s * n..(s + 1) * n]).for_each(|(sum, &part)| *sum += part);
            }
            let v_th = layer.lif().v_th;
            delta.iter_mut().for_each(|delta| *delta /= v_th);
        }
    }

    fn solve(
        &mut self,
        net: &Network<F>,
        l: usize,
        one_minus_s: &[F],
        rule: &StRsbp,
        scratch: &mut BackwardScratch<F>,
    ) {
        let spikes = &self.spikes.layers[l];
        match solve_layer(&net.layers()[l], spikes, one_minus_s, rule, &mut self.layers[l], scratch) {
            Ok(solved) => self.solved.extend(solved),
            Err(detail) => self.error = Some((l, detail)),
        }
    }

    /// Marks the neurons that fired, without the spikes of a teacher.
    fn mark_firing(&self, activity: &mut Activity) {
        let top = self.spikes.layers.len() - 1;
        for (l, layer) in self.spikes.layers.iter().enumerate() {
            let taught = self.taught.filter(|_| l == top);
            let firing = layer.active.iter().copied().filter(|&i| Some(i) != taught);
            activity.mark(l, layer.counts().len(), firing);
        }
    }

    fn stats(&self) -> BatchStats {
        let iterations = |solved: &Solved| match solved {
            Solved::Iteratively(n) => Some(*n),
            Solved::Directly => None,
        };
        let n_solves = self.solved.iter().filter_map(iterations).count();
        BatchStats {
            loss: self.loss,
            n_correct: usize::from(self.correct),
            n_samples: 1,
            n_spikes: self.n_spikes.clone(),
            activity: Activity::default(),
            n_solves,
            n_iterations: self.solved.iter().filter_map(iterations).sum(),
            n_direct: self.solved.len() - n_solves,
        }
    }
}
