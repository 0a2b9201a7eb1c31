//! The backward pass of a batch, on all cores.
//!
//! Adjoint solves run in parallel over samples, gradients in parallel over ranges of neurons, each going through the samples
//! in their order; where many neurons share few weights, over parts of the samples, always the same, whose gradients are then added in
//! their order. So no sum is ever split among threads, and the result does not depend on their number.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use super::Couplings;
use super::crew::{ThreadScratch, scratch};
use super::pass::SamplePass;
use crate::engine::layered::SampleSpikes;
use crate::error::{Error, Result};
use crate::learn::rule::Solved;
use crate::learn::rule::backward::{LayerAdjoint, Split, accumulate_sample, solve_layer, tasks};
use crate::learn::rule::scratch::BackwardScratch;
use crate::learn::{Gradients, LayerGradients, StRsbp};
use crate::memory::{OrUnwind, reserve, resize};
use crate::network::{Layer, Network, PanelsViewMut};
use crate::simd::{Lanes, Real, flat, flat_mut};
use crate::stop::Stop;

/// Says how many samples are worked on at once, which bounds the memory of large batches.
pub(super) const MICRO_BATCH: usize = 64;

/// Samples of a part whose gradients are summed apart, where a layer is split by samples.
const SAMPLES_PER_PART: usize = 8;

/// Holds what the backward pass needs beside the network and the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a, F> {
    /// Options of the backward pass.
    pub rule: &'a StRsbp,
    /// 1 - S by firing count for every layer and length.
    pub coupling: &'a Couplings<F>,
    /// Gradients are those of the sum over the samples divided by this: the size of the batch, for those of the mean.
    pub n_mean: usize,
}

/// Counts how the adjoint systems of recurrent layers were solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Solves {
    /// Systems solved iteratively.
    pub n_solves: usize,
    /// Iterations of all of them.
    pub n_iterations: usize,
    /// Systems solved by the dense fallback.
    pub n_direct: usize,
}

impl Solves {
    /// Adds those of other samples.
    pub fn add(&mut self, other: &Self) {
        self.n_solves += other.n_solves;
        self.n_iterations += other.n_iterations;
        self.n_direct += other.n_direct;
    }

    fn count(&mut self, solved: &Solved) {
        match solved {
            Solved::Iteratively(n) => {
                self.n_solves += 1;
                self.n_iterations += n;
            }
            Solved::Directly => self.n_direct += 1,
        }
    }
}

/// Holds the adjoint state of the samples of a batch.
#[derive(Debug, Default)]
pub(super) struct Adjoints<F> {
    samples: Vec<SampleAdjoint<F>>,
    /// What each task sends down, (n_tasks, n_samples, n_in).
    sent_down: Vec<F>,
    /// Gradients of each part of the samples, where a layer is split by samples.
    of_parts: Vec<Lanes<F>>,
}

#[derive(Debug, Default)]
struct SampleAdjoint<F> {
    layers: Vec<LayerAdjoint<F>>,
    solved: Vec<Solved>,
    error: Option<(usize, String)>,
}

impl<F: Real> Adjoints<F> {
    /// Runs samples backward and adds their gradients to `grads`; called on a thread of the pool.
    ///
    /// `d_counts` is dLoss/dcounts, (n_samples, n_out); `d_input`, (n_samples, n_in), gets what the first layer sends down.
    pub(super) fn run(
        &mut self,
        net: &Network<F>,
        pass: &[SamplePass],
        d_counts: &[F],
        objective: Objective<'_, F>,
        grads: &mut Gradients<F>,
        mut d_input: Option<&mut [F]>,
        threads: &[Mutex<ThreadScratch<F>>],
    ) {
        let (n_layers, n_samples, n_out) = (net.layers().len(), pass.len(), net.n_out());
        self.samples.resize_with(self.samples.len().max(n_samples), SampleAdjoint::default);
        let Self { samples, sent_down, of_parts } = self;
        let samples = &mut samples[..n_samples];
        samples.iter_mut().for_each(|adjoint| adjoint.layers.resize_with(n_layers, Default::default));
        let stop = &Stop::current();
        for l in (0..n_layers).rev() {
            let layer = &net.layers()[l];
            samples.par_iter_mut().enumerate().with_max_len(1).for_each(|(s, adjoint)| {
                if stop.is_set() {
                    return;
                }
                if l + 1 < n_layers {
                    adjoint.receive(l, layer, n_samples, s, sent_down);
                } else {
                    adjoint.begin(layer, &d_counts[s * n_out..(s + 1) * n_out], objective.n_mean);
                }
                let scratch = &mut scratch(threads).backward;
                stop.during(|| adjoint.solve(layer, l, &pass[s], objective, scratch));
            });
            let sends = l > 0 || d_input.is_some();
            let of_layer = OfLayer { layer, l, samples, pass, rule: objective.rule, sends, threads, stop };
            match Split::of(layer) {
                Split::Neurons => of_layer.by_neurons(grads.layer_mut(l), sent_down),
                Split::Samples => of_layer.by_samples(grads.layer_mut(l), sent_down, of_parts),
            }
        }
        if let Some(d_input) = &mut d_input {
            let n_in = net.n_in();
            for (s, d_input) in d_input.chunks_exact_mut(n_in).enumerate() {
                sum_of_tasks(samples[s].layers[0].live, n_samples, s, sent_down, d_input);
            }
        }
    }

    /// Counts how the systems of the samples were solved.
    ///
    /// # Errors
    /// [`Error::Singular`] for the first sample without a gradient.
    pub(super) fn solves(&mut self, pass: &[SamplePass]) -> Result<Solves> {
        let mut solves = Solves::default();
        for (adjoint, pass) in self.samples.iter_mut().zip(pass) {
            if let Some((layer, detail)) = adjoint.error.take() {
                return Err(Error::Singular { layer, sample: pass.sample as usize, detail });
            }
            adjoint.solved.iter().for_each(|solved| solves.count(solved));
        }
        Ok(solves)
    }
}

/// Everything that the accumulation of one layer reads.
#[derive(Clone, Copy)]
struct OfLayer<'a, F: Real> {
    layer: &'a Layer<F>,
    l: usize,
    samples: &'a [SampleAdjoint<F>],
    pass: &'a [SamplePass],
    rule: &'a StRsbp,
    /// Whether anything below the layer has a gradient.
    sends: bool,
    threads: &'a [Mutex<ThreadScratch<F>>],
    stop: &'a Stop,
}

impl<F: Real> OfLayer<'_, F> {
    /// Calls `visit` for those samples of a range that have a gradient, with the spikes and z of each and, of `sent`, (samples of the
    /// range, n_in), its place for what goes down; until the work is to stop.
    fn for_each_live(
        self,
        range: Range<usize>,
        sent: &mut [F],
        mut visit: impl FnMut(&SampleSpikes, &[F], Option<&mut [F]>, &mut BackwardScratch<F>),
    ) {
        let scratch = &mut scratch(self.threads).backward;
        let n_in = self.layer.n_in();
        for (at, s) in range.enumerate() {
            let adjoint = &self.samples[s].layers[self.l];
            if !adjoint.live {
                continue;
            }
            if self.stop.is_set() {
                return;
            }
            let down = self.sends.then(|| &mut sent[at * n_in..(at + 1) * n_in]);
            self.stop.during(|| visit(&self.pass[s].spikes, &adjoint.z, down, scratch));
        }
    }

    fn by_neurons(self, grads: LayerGradients<'_, F>, sent_down: &mut Vec<F>) {
        let Self { layer, l, samples, rule, sends, .. } = self;
        let n_in = layer.n_in();
        let mut tasks = tasks(layer, grads);
        let sent = if sends { samples.len() * n_in } else { 0 };
        resize(sent_down, tasks.len() * sent, F::zero());
        let mut sent_by_task: Vec<&mut [F]> = Vec::with_capacity(tasks.len());
        match sent {
            0 => sent_by_task.resize_with(tasks.len(), || &mut []),
            _ => sent_by_task.extend(sent_down.chunks_exact_mut(sent)),
        }
        tasks.par_iter_mut().zip(sent_by_task).with_max_len(1).for_each(|(task, sent)| {
            self.for_each_live(0..samples.len(), sent, |spikes, z, down, scratch| {
                task.accumulate(layer, spikes, l, z, rule, down, scratch);
            });
        });
    }

    fn by_samples(self, grads: LayerGradients<'_, F>, sent_down: &mut Vec<F>, of_parts: &mut Vec<Lanes<F>>) {
        let Self { layer, l, samples, rule, sends, .. } = self;
        let (n_in, n_parts) = (layer.n_in(), samples.len().div_ceil(SAMPLES_PER_PART));
        let grads = grads.below.map_or(&mut [][..], PanelsViewMut::into_data);
        of_parts.clear();
        resize(of_parts, n_parts * grads.len(), Lanes::zero());
        resize(sent_down, if sends { samples.len() * n_in } else { 0 }, F::zero());
        let mut parts = Vec::with_capacity(n_parts);
        let (mut rest, mut rest_sent) = (&mut of_parts[..], &mut sent_down[..]);
        for first in (0..samples.len()).step_by(SAMPLES_PER_PART) {
            let n = SAMPLES_PER_PART.min(samples.len() - first);
            let grad = rest.split_off_mut(..grads.len()).expect("as many as parts");
            let sent = rest_sent.split_off_mut(..if sends { n * n_in } else { 0 }).expect("as many as samples");
            parts.push((first..first + n, grad, sent));
        }
        parts.par_iter_mut().with_max_len(1).for_each(|(of_part, grad, sent)| {
            self.for_each_live(of_part.clone(), sent, |spikes, z, down, scratch| {
                accumulate_sample(layer, spikes, l, z, rule, grad, down, scratch);
            });
        });
        for part in of_parts.chunks_exact(grads.len().max(1)) {
            for (sum, part) in flat_mut(grads).iter_mut().zip(flat(part)) {
                *sum += *part;
            }
        }
    }
}

/// Writes what all tasks sent down for sample `s`, if they did.
fn sum_of_tasks<F: Real>(live: bool, n_samples: usize, s: usize, sent_down: &[F], sums: &mut [F]) {
    let n = sums.len();
    sums.fill(F::zero());
    if live {
        for sent in sent_down.chunks_exact(n_samples * n) {
            sums.iter_mut().zip(&sent[s * n..(s + 1) * n]).for_each(|(sum, &part)| *sum += part);
        }
    }
}

impl<F: Real> SampleAdjoint<F> {
    /// Starts with dLoss/da of the output layer.
    fn begin(&mut self, layer: &Layer<F>, d_counts: &[F], n_mean: usize) {
        self.error = None;
        self.solved.clear();
        let n_mean = F::from_f64(n_mean as f64);
        let scale = F::one() / (layer.lif().v_th * n_mean);
        let delta = &mut self.layers.last_mut().expect("a network has layers").delta;
        delta.clear();
        reserve("n_out", delta, d_counts.len()).or_unwind();
        match layer.thresholds() {
            None => delta.extend(d_counts.iter().map(|&d| d * scale)),
            Some(_) => {
                let scaled = |(i, &d): (usize, &F)| d * (F::one() / (layer.threshold(i) * n_mean));
                delta.extend(d_counts.iter().enumerate().map(scaled));
            }
        }
    }

    /// Collects dLoss/da of layer `l` from what the tasks of the layer above sent down.
    fn receive(&mut self, l: usize, layer: &Layer<F>, n_samples: usize, s: usize, sent_down: &[F]) {
        let above_is_live = self.layers[l + 1].live;
        let delta = &mut self.layers[l].delta;
        resize(delta, layer.n_out(), F::zero());
        sum_of_tasks(above_is_live, n_samples, s, sent_down, delta);
        if !above_is_live {
            return;
        }
        match layer.thresholds() {
            None => {
                let v_th = layer.lif().v_th;
                delta.iter_mut().for_each(|delta| *delta /= v_th);
            }
            Some(_) => {
                let plane = layer.shape().plane();
                for (channel, delta) in delta.chunks_exact_mut(plane).enumerate() {
                    let v_th = layer.threshold(channel * plane);
                    delta.iter_mut().for_each(|delta| *delta /= v_th);
                }
            }
        }
    }

    fn solve(
        &mut self,
        layer: &Layer<F>,
        l: usize,
        pass: &SamplePass,
        objective: Objective<'_, F>,
        scratch: &mut BackwardScratch<F>,
    ) {
        let (spikes, one_minus_s) = (&pass.spikes.layers[l], &objective.coupling.of(pass.n_steps())[l]);
        match solve_layer(layer, spikes, one_minus_s, objective.rule, &mut self.layers[l], scratch) {
            Ok(solved) => self.solved.extend(solved),
            Err(detail) => self.error = Some((l, detail)),
        }
    }
}
