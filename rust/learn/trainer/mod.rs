//! The training loop of an epoch.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

mod activity;
mod batch;
mod data;
mod horizon;
mod trainee;

pub use activity::Activity;
pub use batch::{Batch, BatchStats, Source, Worker, predict};
pub use data::{Data, ImageAugment, Images};
pub use trainee::{Present, Trainee};

use super::hardware::HardwareModel;
use super::optim::step::{Moments, apply_gradients};
use super::{ExponentialPenalty, Gradients, Loss, OptimizerConfig, Schedule, StRsbp};
use crate::engine::graph::Counts;
use crate::engine::layered::Lists;
use crate::error::{Error, Result, check_positive};
use crate::fixed::{Note, Quantization};
use crate::graph::Graph;
use crate::memory::{catch, collected, filled, product};
use crate::network::{Layer, LayerTaps, Network};
use crate::neuron::fixed::Overflows;
use crate::rng::generator;
use crate::sim::{EngineKind, SampleSimulation, operations};
use crate::simd::Real;
use crate::stop::watched;
use activity::SharedActivity;
use batch::{Objective, coupling_tables};

/// Separates the order of the samples from other uses of the seed.
const SHUFFLE_STREAM: u64 = 1 << 63;

/// Samples simulated between two looks at the clock in inference.
const INFERENCE_CHUNK: usize = 256;

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// Loss on the output counts.
    pub loss: Loss,
    /// Optimizer.
    pub optimizer: OptimizerConfig,
    /// Factor on the learning rate over the epochs.
    pub schedule: Schedule,
    /// Options of the backward pass.
    pub rule: StRsbp,
    /// Samples whose gradients are averaged before a step.
    pub batch_size: usize,
    /// Random changes of training images.
    pub augment: Option<ImageAugment>,
    /// Penalty on large weights.
    pub weight_penalty: Option<ExponentialPenalty>,
    /// Weights are kept within +- this.
    pub weight_limit: Option<f64>,
    /// The gradient of all weights together is scaled down to at most this Euclidean norm.
    pub clip_norm: Option<f64>,
    /// Seed of the order of the samples, of the encoder and of the augmentation.
    pub seed: u64,
    /// How the network is simulated; checkpoints from before there was a choice do not say.
    #[serde(default)]
    pub engine: EngineKind,
    /// The fixed-point arithmetic that computes the spikes, if one does.
    #[serde(default)]
    pub hardware: Option<Quantization>,
}

impl TrainerConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        self.loss.validate()?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.rule.validate()?;
        if self.batch_size == 0 {
            return Err(Error::value("batch_size", ">= 1", 0));
        }
        if let Some(penalty) = &self.weight_penalty {
            penalty.validate()?;
        }
        if let Some(hardware) = &self.hardware {
            hardware.validate()?;
            self.check_engine(self.engine)?;
        }
        self.weight_limit.map_or(Ok(()), |limit| check_positive("weight_limit", "", limit))?;
        self.clip_norm.map_or(Ok(()), |norm| check_positive("clip_norm", "", norm))
    }

    /// Refuses another engine than that of fixed point where hardware computes the spikes.
    fn check_engine(&self, engine: EngineKind) -> Result<()> {
        match self.hardware.is_some() && engine != EngineKind::Clocked {
            true => Err(Error::value("engine", "\"clocked\" with hardware", engine.name())),
            false => Ok(()),
        }
    }
}

/// How far an epoch has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Samples of the epoch.
    pub n_total: usize,
    /// What the epoch went through so far.
    pub stats: BatchStats,
    /// Since the epoch's start [s].
    pub seconds: f64,
}

/// A whole epoch.
#[derive(Clone, Debug)]
pub struct EpochStats {
    /// Epoch, from 1.
    pub epoch: u32,
    /// The engine that simulated the network.
    pub engine: EngineKind,
    /// Learning rate of its last step.
    pub lr: f64,
    /// Sums over its samples.
    pub stats: BatchStats,
    /// Euclidean norm of the whole gradient before clipping: mean over the steps.
    pub grad_norm: f64,
    /// The largest of them.
    pub grad_norm_max: f64,
    /// What did not fit the formats of the hardware, layer by layer; empty without.
    pub overflows: Vec<Overflows>,
    /// Duration [s].
    pub seconds: f64,
}

/// Results on a test set.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Firing counts, (n_samples, n_out) row-major.
    pub counts: Vec<u32>,
    /// Sum of the loss.
    pub loss: f64,
    /// Samples whose label had the highest count.
    pub n_correct: usize,
    /// Spikes of every layer.
    pub n_spikes: Vec<u64>,
    /// Neurons that fired in any sample.
    pub activity: Activity,
    /// The engine that simulated the network.
    pub engine: EngineKind,
    /// What did not fit the formats of the hardware, layer by layer; empty without.
    pub overflows: Vec<Overflows>,
    /// Duration [s].
    pub seconds: f64,
}

/// A step of the optimizer.
#[derive(Clone, Debug)]
pub struct StepStats {
    /// Sums over the samples.
    pub stats: BatchStats,
    /// Learning rate.
    pub lr: f64,
    /// Euclidean norm of the whole gradient before clipping.
    pub grad_norm: f64,
}

/// Trains a network: optimizer state, position in the schedule and the buffers of the work.
#[derive(Debug)]
pub struct Trainer<F: Real> {
    config: TrainerConfig,
    worker: Worker<F>,
    grads: Gradients<F>,
    moments: Moments<F>,
    /// Of the network the trainer was made for: they are the layout of gradients and moments.
    taps: Vec<LayerTaps>,
    epoch: u32,
    /// 1 - S by firing count, for the number of steps it was made for.
    coupling: Option<(usize, Vec<Vec<F>>)>,
    /// What weights lost on the hardware, when scales were chosen last.
    notes: Mutex<Vec<Note>>,
}

impl<F: Real> Trainer<F> {
    /// A trainer of `net` on `n_threads` threads (all cores if `None`).
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field of `config` outside its domain; those of [`HardwareModel::new`].
    pub fn new(config: TrainerConfig, net: &Network<F>, n_threads: Option<usize>) -> Result<Self> {
        let trainer = Self::without_trial(config, net, n_threads)?;
        // It is to be known now, not in the first epoch, if the hardware has no room.
        if let Some(mut hardware) = trainer.hardware(net, None)? {
            hardware.round(net, trainer.worker.pool()?)?;
        }
        Ok(trainer)
    }

    /// As [`new`](Self::new), but whether the hardware has room for the weights is not tried: those of a file are to be read even
    /// if it has not.
    pub(crate) fn without_trial(config: TrainerConfig, net: &Network<F>, n_threads: Option<usize>) -> Result<Self> {
        config.validate()?;
        config.optimizer.validate_in::<F>()?;
        let worker = Worker::new(n_threads)?;
        let (grads, moments, taps) = catch(|| {
            let taps = net.layers().iter().map(Layer::layer_taps).collect();
            Ok((Gradients::zeros(net), Moments::new(&config.optimizer, net), taps))
        })?;
        Ok(Self { config, worker, grads, moments, taps, epoch: 0, coupling: None, notes: Mutex::default() })
    }

    /// What weights lost on the hardware, when scales were chosen last.
    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses a network whose delays are no longer those the trainer was made with: the optimizer's moments belong to
    /// synapses by their delays.
    ///
    /// # Errors
    /// [`Error::Value`] naming the layer.
    pub fn check_delays(&self, net: &Network<F>) -> Result<()> {
        let changed = net.layers().iter().zip(&self.taps).position(|(layer, taps)| layer.layer_taps() != *taps);
        changed.map_or(Ok(()), |l| {
            let expected = "as they were when the trainer was made (make a new one after set_delays)";
            Err(Error::value(format!("delays of layers[{l}]"), expected, "other ones"))
        })
    }

    /// How the network is trained.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Epochs completed.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Optimizer state.
    pub fn moments(&self) -> &Moments<F> {
        &self.moments
    }

    /// Goes on from a checkpoint.
    pub(crate) fn restore(&mut self, epoch: u32, moments: Moments<F>) {
        self.epoch = epoch;
        self.moments = moments;
    }

    /// Takes another schedule, from the next step on.
    ///
    /// # Errors
    /// Those of [`Schedule::validate`].
    pub fn set_schedule(&mut self, schedule: Schedule) -> Result<()> {
        schedule.validate()?;
        self.config.schedule = schedule;
        Ok(())
    }

    /// Number of threads.
    pub fn n_threads(&self) -> usize {
        self.worker.n_threads()
    }

    /// Threads and buffers.
    pub fn worker(&self) -> &Worker<F> {
        &self.worker
    }

    /// Trains one epoch over all samples, in an order drawn from (seed, epoch), and counts it.
    ///
    /// `keep_going` is asked after every batch; if it says no, the epoch stops where it is.
    ///
    /// # Errors
    /// Those of [`check_labels`] and [`Trainer::check_delays`]; [`Error::Singular`]; [`Error::NotFinite`];
    /// [`Error::Value`] if weights or moments have grown beyond their type; [`Error::Interrupted`]. The epoch then does not
    /// count.
    pub fn train_epoch(
        &mut self,
        net: &mut dyn Trainee<F>,
        data: Data<'_>,
        labels: &[u32],
        weights: Option<&[f64]>,
        keep_going: &mut dyn FnMut(&Progress) -> bool,
    ) -> Result<EpochStats> {
        let stats = self.run_epoch(net, data, labels, weights, keep_going)?;
        self.count_epoch();
        Ok(stats)
    }

    /// Counts the epoch that [`run_epoch`](Self::run_epoch) has trained.
    pub fn count_epoch(&mut self) {
        self.epoch += 1;
    }

    /// [`train_epoch`](Self::train_epoch), for callers with something left to do before the epoch counts.
    ///
    /// # Errors
    /// Those of [`train_epoch`](Self::train_epoch).
    pub fn run_epoch(
        &mut self,
        net: &mut dyn Trainee<F>,
        data: Data<'_>,
        labels: &[u32],
        weights: Option<&[f64]>,
        keep_going: &mut dyn FnMut(&Progress) -> bool,
    ) -> Result<EpochStats> {
        let now = net.present();
        self.check_delays(&now)?;
        check_samples(&now, data, labels, weights)?;
        let start = Instant::now();
        let epoch = self.epoch + 1;
        let n_total = data.n_samples();
        let order = shuffled(n_total, self.config.seed, epoch)?;
        let n_steps = data.n_steps();
        let mut progress = Progress { epoch, n_total, stats: BatchStats::default(), seconds: 0.0 };
        let going = &mut || keep_going(&progress);
        self.prepare_coupling(&now, n_steps, going)?;
        let engine = self.worker.choose(&now, self.config.engine, data, self.config.seed, going)?;
        let mut hardware = self.hardware(&now, Some(data))?;
        drop(now);
        let mut overflows = Vec::new();
        let (mut lr, mut norms) = (0.0, Vec::new());
        for samples in order.chunks(self.config.batch_size) {
            let source = Source::Simulate { data, seed: self.config.seed, epoch };
            let batch = Batch { source, samples, labels, weights };
            let done = progress.stats.n_samples;
            let going = &mut || keep_going(&progress);
            let now = net.present();
            let stats = self.accumulate(&now, hardware.as_mut(), engine, &batch, n_steps, &mut overflows, going)?;
            drop(now);
            lr = self.lr(f64::from(self.epoch) + done as f64 / n_total as f64);
            norms.push(self.apply(net, lr, norms.len() + 1)?);
            progress.stats.add(&stats);
            progress.seconds = start.elapsed().as_secs_f64();
        }
        self.check_finite(&net.present())?;
        if !keep_going(&progress) {
            return Err(Error::Interrupted);
        }
        let grad_norm = norms.iter().sum::<f64>() / norms.len() as f64;
        let grad_norm_max = norms.iter().copied().fold(0.0, f64::max);
        let seconds = start.elapsed().as_secs_f64();
        Ok(EpochStats { epoch, engine, lr, stats: progress.stats, grad_norm, grad_norm_max, overflows, seconds })
    }

    /// Learning rate after so many epochs.
    pub(super) fn lr(&self, epochs: f64) -> f64 {
        self.config.optimizer.lr() * self.config.schedule.factor(epochs)
    }

    /// Takes a step with the gradients there are; their norm.
    fn apply(&mut self, net: &mut dyn Trainee<F>, lr: f64, step: usize) -> Result<f64> {
        let Self { worker, grads, moments, config, .. } = self;
        let (pool, mut norm) = (worker.pool()?, 0.0);
        net.change(&mut |net| norm = apply_gradients(net, grads, moments, config, lr, pool));
        if norm.is_finite() { Ok(norm) } else { Err(Error::NotFinite { epoch: self.epoch + 1, step, norm }) }
    }

    /// A step of the optimizer with the gradients of the mean loss of a batch; with the learning rate of the schedule after the
    /// epochs completed, if `lr` is `None`.
    ///
    /// # Errors
    /// Those of [`gradients`](Self::gradients); [`Error::NotFinite`]; [`Error::Value`] if no `lr` is given where that of the
    /// schedule is 0. The weights then are as they were.
    pub fn step(
        &mut self,
        net: &mut dyn Trainee<F>,
        batch: &Batch<'_>,
        lr: Option<f64>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<StepStats> {
        let scheduled = self.lr(f64::from(self.epoch));
        if lr.is_none() && F::from_f64(scheduled) == F::zero() {
            let expected = format!("given, as that of the schedule is 0 after {} epochs", self.epoch);
            return Err(Error::value("lr", expected, "none"));
        }
        let lr = lr.unwrap_or(scheduled);
        if !F::from_f64(lr).is_finite() {
            return Err(Error::value("lr", format!("finite in {}", F::DTYPE), lr));
        }
        let (_, stats) = self.gradients(&net.present(), batch, keep_going)?;
        let grad_norm = self.apply(net, lr, self.moments.step as usize + 1)?;
        Ok(StepStats { stats, lr, grad_norm })
    }

    /// The hardware, if there is one, for data that it is to take.
    fn hardware(&self, net: &Network<F>, data: Option<Data<'_>>) -> Result<Option<HardwareModel<F>>> {
        let Some(hardware) = &self.config.hardware else { return Ok(None) };
        let model = HardwareModel::new(net, hardware, self.worker.pool()?)?;
        *self.notes.lock().unwrap_or_else(PoisonError::into_inner) = model.notes().to_vec();
        data.map_or(Ok(()), |data| data.check_spikes(model.input_spikes()))?;
        Ok(Some(model))
    }

    /// Gradients of the mean loss of a batch, without a step.
    ///
    /// # Errors
    /// Those of [`Trainer::check_delays`]; [`Error::Singular`]; [`Error::Interrupted`].
    pub fn gradients(
        &mut self,
        net: &Network<F>,
        batch: &Batch<'_>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<(&Gradients<F>, BatchStats)> {
        self.check_delays(net)?;
        let n_steps = batch.source.n_steps();
        self.prepare_coupling(net, n_steps, keep_going)?;
        let (engine, data) = match batch.source {
            Source::Simulate { data, seed, .. } => {
                (self.worker.choose(net, self.config.engine, data, seed, keep_going)?, Some(data))
            }
            Source::Recorded(_) => (EngineKind::Clocked, None),
        };
        let hardware = &mut self.hardware(net, data)?;
        let stats = self.accumulate(net, hardware.as_mut(), engine, batch, n_steps, &mut Vec::new(), keep_going)?;
        Ok((&self.grads, stats))
    }

    fn accumulate(
        &mut self,
        net: &Network<F>,
        hardware: Option<&mut HardwareModel<F>>,
        engine: EngineKind,
        batch: &Batch<'_>,
        n_steps: usize,
        overflows: &mut Vec<Overflows>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        self.grads.clear();
        let objective = Objective { loss: &self.config.loss, rule: &self.config.rule };
        let coupling = &self.coupling.as_ref().filter(|(n, _)| *n == n_steps).expect("prepared by the caller").1;
        let Some(hardware) = hardware else {
            // With the weights as they are at this step.
            let simulation = SampleSimulation::new(net, engine)?;
            return self.worker.accumulate(net, &simulation, batch, objective, coupling, &mut self.grads, keep_going);
        };
        let fixed = hardware.round(net, self.worker.pool()?)?;
        let simulation = SampleSimulation::fixed(Arc::clone(&fixed));
        let net = hardware.rounded();
        let stats =
            self.worker.accumulate(net, &simulation, batch, objective, coupling, &mut self.grads, keep_going)?;
        overflows.resize(net.layers().len(), Overflows::default());
        overflows.iter_mut().zip(fixed.overflows()).for_each(|(sum, counts)| *sum += counts);
        Ok(stats)
    }

    fn prepare_coupling(
        &mut self,
        net: &Network<F>,
        n_steps: usize,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        if self.coupling.as_ref().is_none_or(|(n, _)| *n != n_steps) {
            let rule = &self.config.rule;
            let tables = watched(self.worker.pool()?, keep_going, || coupling_tables(net, rule, n_steps))??;
            self.coupling = Some((n_steps, tables));
        }
        Ok(())
    }

    /// Runs the network on a test set and counts; `seed` draws the input spikes.
    ///
    /// # Errors
    /// Those of [`check_labels`]; [`Error::Interrupted`].
    pub fn evaluate(
        &self,
        net: &Network<F>,
        data: Data<'_>,
        labels: &[u32],
        seed: u64,
        engine: EngineKind,
        keep_going: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Evaluation> {
        check_samples(net, data, labels, None)?;
        self.config.check_engine(engine)?;
        let start = Instant::now();
        let pool = self.worker.pool()?;
        let hardware = self.hardware(net, Some(data))?.map(|mut hardware| hardware.round(net, pool)).transpose()?;
        let simulation = match &hardware {
            Some(fixed) => SampleSimulation::fixed(Arc::clone(fixed)),
            None => self.worker.prepare(net, engine, data, seed, &mut || keep_going(0))?,
        };
        let CountedSpikes { counts, n_spikes, activity, .. } =
            count_spikes(&self.worker, net, &simulation, data, seed, None, keep_going)?;
        let mut d_counts = filled("n_out", Some(net.n_out()), 0.0f64)?;
        let (mut loss, mut n_correct) = (0.0, 0);
        for (counts, &label) in counts.chunks_exact(net.n_out()).zip(labels) {
            loss += self.config.loss.evaluate(counts, label as usize, 1.0, &mut d_counts);
            n_correct += usize::from(predict(counts) == label as usize);
        }
        let engine = simulation.kind();
        let overflows = hardware.map(|fixed| fixed.overflows()).unwrap_or_default();
        let seconds = start.elapsed().as_secs_f64();
        Ok(Evaluation { counts, loss, n_correct, n_spikes, activity, engine, overflows, seconds })
    }
}

/// What the samples of a data set leave behind.
#[derive(Clone, Debug)]
pub struct CountedSpikes {
    /// Output counts, (n_samples, n_out) row-major.
    pub counts: Vec<u32>,
    /// Spikes of every layer.
    pub n_spikes: Vec<u64>,
    /// Neurons that fired in any sample.
    pub activity: Activity,
    /// What was done, where that is counted.
    pub done: Option<Counts>,
}

/// Runs a network on all samples and counts.
///
/// What was done is counted by the engines of graphs, and for the clocked one if `graph`, the network's, is given. The
/// data must have passed [`check_inputs`].
///
/// # Errors
/// [`Error::Interrupted`] if `keep_going` says no.
pub fn count_spikes<F: Real>(
    worker: &Worker<F>,
    net: &Network<F>,
    simulation: &SampleSimulation<F>,
    data: Data<'_>,
    seed: u64,
    graph: Option<&Graph<F>>,
    keep_going: &mut dyn FnMut(usize) -> bool,
) -> Result<CountedSpikes> {
    let (n_samples, n_out, n_layers) = (data.n_samples(), net.n_out(), net.layers().len());
    let mut counts = filled("n_samples * n_out", product(&[n_samples, n_out]), 0)?;
    let mut n_spikes = vec![0; n_layers];
    let mut done = Some(Counts::default());
    let mut activity = SharedActivity::new(net.layers().iter().map(Layer::n_out));
    let mut part = vec![(Vec::new(), Vec::new(), None); INFERENCE_CHUNK.min(n_samples)];
    for first in (0..n_samples).step_by(INFERENCE_CHUNK) {
        if !keep_going(first) {
            return Err(Error::Interrupted);
        }
        let end = n_samples.min(first + INFERENCE_CHUNK);
        let part = &mut part[..end - first];
        worker.simulate(
            net,
            simulation,
            data,
            seed,
            first..end,
            Lists::Counts,
            part,
            &mut || keep_going(first),
            |spikes, done, (counts, n_spikes, of_sample)| {
                *of_sample = graph.map(|graph| operations(graph, data.n_steps(), spikes)).or(done);
                activity.mark(spikes);
                counts.clear();
                counts.extend_from_slice(spikes.layers[n_layers - 1].counts());
                n_spikes.clear();
                n_spikes.extend(spikes.layers.iter().map(|layer| layer.by_time.total() as u64));
            },
        )?;
        activity.close();
        for (s, (sample_counts, sample_spikes, of_sample)) in part.iter().enumerate() {
            match (&mut done, of_sample) {
                (Some(done), Some(of_sample)) => *done += *of_sample,
                _ => done = None,
            }
            counts[(first + s) * n_out..(first + s + 1) * n_out].copy_from_slice(sample_counts);
            n_spikes.iter_mut().zip(sample_spikes).for_each(|(sum, n)| *sum += n);
        }
    }
    Ok(CountedSpikes { counts, n_spikes, activity: activity.into_activity(), done })
}

/// Checks that data fits the network.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_inputs<F: Real>(net: &Network<F>, data: Data<'_>) -> Result<()> {
    if data.n_in() != net.n_in() {
        return Err(Error::shape("x", &[data.n_samples(), data.n_in()], format!("(n_samples, n_in={})", net.n_in())));
    }
    if data.n_samples() == 0 {
        return Err(Error::shape("x", &[0, data.n_in()], "at least one sample"));
    }
    if data.n_samples() > u32::MAX as usize {
        return Err(Error::value("the number of samples", "< 2^32", data.n_samples()));
    }
    if data.n_steps() < 2 {
        return Err(Error::value("n_steps", ">= 2, as nothing fires at step 0", data.n_steps()));
    }
    Ok(())
}

/// Checks that labels and sample weights fit data and network.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_labels(n_samples: usize, n_out: usize, labels: &[u32], weights: Option<&[f64]>) -> Result<()> {
    if labels.len() != n_samples {
        return Err(Error::shape("y", &[labels.len()], format!("(n_samples={n_samples},)")));
    }
    if let Some(at) = labels.iter().position(|&label| label as usize >= n_out) {
        return Err(Error::value(format!("y[{at}]"), format!("a class in [0, {n_out})"), labels[at]));
    }
    if let Some(weights) = weights {
        if weights.len() != n_samples {
            return Err(Error::shape("sample_weight", &[weights.len()], format!("(n_samples={n_samples},)")));
        }
        if let Some(at) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(Error::value(format!("sample_weight[{at}]"), "finite and >= 0", weights[at]));
        }
    }
    Ok(())
}

fn check_samples<F: Real>(net: &Network<F>, data: Data<'_>, labels: &[u32], weights: Option<&[f64]>) -> Result<()> {
    check_inputs(net, data)?;
    check_labels(data.n_samples(), net.n_out(), labels, weights)
}

/// The numbers below `n` in an order drawn from (seed, epoch).
fn shuffled(n: usize, seed: u64, epoch: u32) -> Result<Vec<u32>> {
    let mut rng = generator(seed, SHUFFLE_STREAM | u64::from(epoch));
    let mut order: Vec<u32> = collected("n_samples", 0..n as u32)?;
    for i in (1..n).rev() {
        // A multiply-shift draw: its bias of n / 2^64 is nothing.
        let j = ((u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, j);
    }
    Ok(order)
}

#[cfg(test)]
mod tests;
