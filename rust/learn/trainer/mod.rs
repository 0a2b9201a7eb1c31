//! The trainer: networks learn batch by batch, and are evaluated.

use std::sync::{Mutex, PoisonError};

mod accumulate;
mod activity;
mod augment;
mod backward;
mod batch;
mod check;
mod config;
mod count;
mod couplings;
mod crew;
mod data;
mod encoded;
mod epoch;
mod evaluate;
mod horizon;
mod pass;
mod passes;
mod record;
mod reduce;
mod scores;
mod stats;
mod step;
mod targets;
mod trainee;
mod warp;
mod worker;

pub use activity::Activity;
pub use augment::{AugmentScratch, ImageAugment};
pub use backward::{Objective, Solves};
pub use batch::{Batch, Source};
pub use check::{check_inputs, check_n_samples, check_recorded};
pub use config::TrainerConfig;
pub use count::{CountedSpikes, count_spikes};
pub use couplings::Couplings;
pub use data::{AnalogData, Data, Series, check_images};
pub use encoded::encoded;
pub use pass::Pass;
pub use record::{Recording, Traced, Traces, check_traced, graph_to_count, record};
pub use reduce::{Alone, Reduce};
pub use stats::{BatchStats, EpochStats, Evaluation, Progress, StepStats};
pub use targets::{OwnLoss, Targets};
pub use trainee::{Present, Trainee};
pub use worker::Worker;

use super::hardware::HardwareModel;
use super::optim::step::Moments;
use super::{Gradients, Schedule};
use crate::error::{Error, Result};
use crate::fixed::Note;
use crate::memory::catch;
use crate::network::{Network, Taps};
use crate::simd::Real;

/// Trains a network: holds the optimizer's state, the position in the schedule and the buffers of the work.
#[derive(Debug)]
pub struct Trainer<F: Real> {
    config: TrainerConfig,
    worker: Worker<F>,
    reduce: Box<dyn Reduce<F>>,
    grads: Gradients<F>,
    moments: Moments<F>,
    /// Of the network the trainer was made for: they are the layout of gradients and moments.
    taps: Vec<Taps>,
    epoch: u32,
    /// 1 - S by firing count, for the number of steps it was made for.
    coupling: Option<Couplings<F>>,
    /// What weights lost on the hardware, when scales were chosen last.
    notes: Mutex<Vec<Note>>,
}

impl<F: Real> Trainer<F> {
    /// Makes a trainer of `net` on `n_threads` threads (all cores if `None`).
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

    /// Does as [`new`](Self::new), but whether the hardware has room for the weights is not tried: those of a file are to be read even
    /// if it has not.
    pub(crate) fn without_trial(config: TrainerConfig, net: &Network<F>, n_threads: Option<usize>) -> Result<Self> {
        config.validate()?;
        config.optimizer.validate_in::<F>()?;
        config.spike_augment.as_ref().map_or(Ok(()), |augment| augment.validate(net.n_in()))?;
        let worker = Worker::new(n_threads)?;
        let (grads, moments, taps) = catch(|| {
            let taps = net.trainable().map(|(_, connection)| connection.synapses().taps().clone()).collect();
            Ok((Gradients::zeros(net), Moments::new(&config.optimizer, net), taps))
        })?;
        Ok(Self {
            config,
            worker,
            reduce: Box::new(Alone),
            grads,
            moments,
            taps,
            epoch: 0,
            coupling: None,
            notes: Mutex::default(),
        })
    }

    /// Tells what weights lost on the hardware, when scales were chosen last.
    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses a network whose delays are no longer those the trainer was made with: the optimizer's moments belong to
    /// synapses by their delays.
    ///
    /// # Errors
    /// [`Error::Value`] naming the layer.
    pub fn check_delays(&self, net: &Network<F>) -> Result<()> {
        let mut connections = net.trainable().zip(&self.taps);
        let changed = connections.find(|((_, connection), taps)| connection.synapses().taps() != *taps);
        changed.map_or(Ok(()), |((l, _), _)| {
            let expected = "as they were when the trainer was made (make a new one after set_delays)";
            Err(Error::value(format!("delays of layers[{l}]"), expected, "other ones"))
        })
    }

    /// Returns how the network is trained.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Returns the number of epochs completed.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns the optimizer's state.
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

    /// Takes what sums the gradients of every batch before a step; a trainer that is not told [trains alone](Alone).
    pub fn set_reduce(&mut self, reduce: Box<dyn Reduce<F>>) {
        self.reduce = reduce;
    }

    /// Returns the number of threads.
    pub fn n_threads(&self) -> usize {
        self.worker.n_threads()
    }

    /// Returns threads and buffers.
    pub fn worker(&self) -> &Worker<F> {
        &self.worker
    }

    /// Returns the hardware, if there is one, for data that it is to take.
    fn hardware(&self, net: &Network<F>, data: Option<Data<'_>>) -> Result<Option<HardwareModel<F>>> {
        let Some(hardware) = &self.config.hardware else { return Ok(None) };
        let model = HardwareModel::new(net, hardware, self.worker.pool()?)?;
        *self.notes.lock().unwrap_or_else(PoisonError::into_inner) = model.notes().to_vec();
        data.map_or(Ok(()), |data| data.check_spikes(model.input_spikes()))?;
        Ok(Some(model))
    }
}

#[cfg(test)]
mod passes_tests;
#[cfg(test)]
mod tests;
