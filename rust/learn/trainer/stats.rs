//! What training, evaluation and steps tell.

use super::{Activity, Solves};
use crate::neuron::fixed::Overflows;
use crate::sim::EngineKind;

/// Sums what the samples of a batch went through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchStats {
    /// Sum of weight times loss.
    pub loss: f64,
    /// Samples whose class had the highest count (the lowest such index wins ties).
    pub n_correct: usize,
    /// Samples that have a class.
    pub n_classified: usize,
    /// Number of samples.
    pub n_samples: usize,
    /// Steps of all samples.
    pub n_steps: u64,
    /// Spikes of every layer.
    pub n_spikes: Vec<u64>,
    /// Neurons that fired in any sample.
    pub activity: Activity,
    /// How adjoint systems were solved.
    pub solves: Solves,
}

impl BatchStats {
    /// Adds another batch.
    pub fn add(&mut self, other: &Self) {
        self.loss += other.loss;
        self.n_correct += other.n_correct;
        self.n_classified += other.n_classified;
        self.n_samples += other.n_samples;
        self.n_steps += other.n_steps;
        self.n_spikes.resize(other.n_spikes.len(), 0);
        self.n_spikes.iter_mut().zip(&other.n_spikes).for_each(|(sum, n)| *sum += n);
        self.activity.add(&other.activity);
        self.solves.add(&other.solves);
    }

    /// Returns the share of the samples with a class whose class had the highest count; `None` if no sample has one.
    pub fn accuracy(&self) -> Option<f64> {
        (self.n_classified > 0).then(|| self.n_correct as f64 / self.n_classified as f64)
    }
}

/// Tells how far an epoch has come.
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

/// Tells what a whole epoch was like.
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

/// Holds the results on a test set.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Firing counts, (n_samples, n_out) row-major.
    pub counts: Vec<u32>,
    /// Sum of the loss.
    pub loss: f64,
    /// Samples whose class had the highest count; `None` if they have no classes.
    pub n_correct: Option<usize>,
    /// Spikes of every layer.
    pub n_spikes: Vec<u64>,
    /// Steps of all samples.
    pub n_steps: u64,
    /// Neurons that fired in any sample.
    pub activity: Activity,
    /// The engine that simulated the network.
    pub engine: EngineKind,
    /// What did not fit the formats of the hardware, layer by layer; empty without.
    pub overflows: Vec<Overflows>,
    /// Duration [s].
    pub seconds: f64,
}

/// Tells what a step of the optimizer was like.
#[derive(Clone, Debug)]
pub struct StepStats {
    /// Sums over the samples.
    pub stats: BatchStats,
    /// Learning rate.
    pub lr: f64,
    /// Euclidean norm of the whole gradient before clipping.
    pub grad_norm: f64,
}
