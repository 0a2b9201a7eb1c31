//! A step of the optimizer: gradients of a batch, and what they change.

use std::sync::Arc;

use super::backward::Objective;
use super::couplings::Couplings;
use super::{Batch, BatchStats, Source, StepStats, Trainee, Trainer};
use crate::error::{Error, Result};
use crate::learn::Gradients;
use crate::learn::hardware::HardwareModel;
use crate::learn::optim::step::apply_gradients;
use crate::memory::{filled, product};
use crate::network::Network;
use crate::neuron::fixed::Overflows;
use crate::sim::{EngineKind, SampleSimulation};
use crate::simd::Real;
use crate::stop::watched;

impl<F: Real> Trainer<F> {
    /// Returns the learning rate after so many epochs.
    pub(super) fn lr(&self, epochs: f64) -> f64 {
        self.config.optimizer.lr() * self.config.schedule.factor(epochs)
    }

    /// Takes a step with the gradients of the last batch, as [`step`](Self::step) does, and returns their norm.
    ///
    /// # Errors
    /// [`Error::NotFinite`], for step `step` of the epoch. The weights then are as they were.
    pub fn apply(&mut self, net: &mut dyn Trainee<F>, lr: f64, step: usize) -> Result<f64> {
        let Self { worker, grads, moments, config, .. } = self;
        let (pool, mut norm) = (worker.pool()?, 0.0);
        net.change(&mut |net| norm = apply_gradients(net, grads, moments, &config.step_options(), lr, pool));
        if norm.is_finite() { Ok(norm) } else { Err(Error::NotFinite { epoch: self.epoch + 1, step, norm }) }
    }

    /// Takes a step of the optimizer with the gradients of the mean loss of a batch; with the learning rate of the schedule after the
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

    /// Computes the gradients of the mean loss of a batch, without a step.
    ///
    /// # Errors
    /// Those of [`Trainer::check_delays`] and [`Targets::check`](super::Targets::check); those of a loss of the user's own;
    /// [`Error::Singular`]; [`Error::Interrupted`].
    pub fn gradients(
        &mut self,
        net: &Network<F>,
        batch: &Batch<'_>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<(&Gradients<F>, BatchStats)> {
        let stats = self.gradients_of(net, batch, None, keep_going)?;
        Ok((&self.grads, stats))
    }

    /// Does as [`gradients`](Self::gradients); `d_input` gets dLoss/dcounts of the input, (n_samples, n_in), as by
    /// [`Worker::backward`](super::Worker::backward).
    ///
    /// # Errors
    /// Those of [`gradients`](Self::gradients).
    pub fn gradients_and_d_input(
        &mut self,
        net: &Network<F>,
        batch: &Batch<'_>,
        d_input: &mut Vec<F>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<(&Gradients<F>, BatchStats)> {
        *d_input = filled("n_samples * n_in", product(&[batch.samples.len(), net.n_in()]), F::zero())?;
        let stats = self.gradients_of(net, batch, Some(d_input), keep_going)?;
        Ok((&self.grads, stats))
    }

    fn gradients_of(
        &mut self,
        net: &Network<F>,
        batch: &Batch<'_>,
        d_input: Option<&mut [F]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        self.check_delays(net)?;
        batch.targets.check(batch.source.n_samples(), net.n_out(), batch.weights, self.config.loss.is_some())?;
        self.prepare_coupling(net, batch.source.n_steps(), batch.source.lengths(), keep_going)?;
        let (engine, data) = match batch.source {
            Source::Simulate { data, seed, .. } | Source::Augmented { data, seed, .. } => {
                (self.worker.choose(net, self.config.engine, data, seed, keep_going)?, Some(data))
            }
            Source::Recorded(_) => (EngineKind::Clocked, None),
        };
        let hardware = &mut self.hardware(net, data)?;
        self.accumulate(net, hardware.as_mut(), engine, batch, &mut Vec::new(), d_input, keep_going)
    }

    /// Sets the gradients to those of a batch, of all who train together.
    pub(super) fn accumulate(
        &mut self,
        net: &Network<F>,
        mut hardware: Option<&mut HardwareModel<F>>,
        engine: EngineKind,
        batch: &Batch<'_>,
        overflows: &mut Vec<Overflows>,
        d_input: Option<&mut [F]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        self.grads.clear();
        let Self { config, worker, reduce, grads, coupling, .. } = self;
        let coupling = coupling.as_ref().expect("prepared by the caller");
        let n_mean = reduce.n_samples(batch.samples.len())?;
        let objective = Objective { rule: &config.rule, coupling, n_mean };
        let fixed = hardware.as_mut().map(|hardware| hardware.round(net, worker.pool()?)).transpose()?;
        let simulation = match &fixed {
            // With the weights as they are at this step.
            None => SampleSimulation::new(net, engine)?,
            Some(fixed) => SampleSimulation::fixed(Arc::clone(fixed)),
        };
        let net = hardware.as_ref().map_or(net, |hardware| hardware.rounded());
        let loss = config.loss.as_ref();
        let mut stats = worker.accumulate(net, &simulation, batch, loss, objective, grads, d_input, keep_going)?;
        if let Some(fixed) = fixed {
            overflows.resize(net.layers().len(), Overflows::default());
            overflows.iter_mut().zip(fixed.overflows()).for_each(|(sum, counts)| *sum += counts);
        }
        reduce.sum(grads, &mut stats)?;
        Ok(stats)
    }

    pub(super) fn prepare_coupling(
        &mut self,
        net: &Network<F>,
        n_steps: usize,
        lengths: Option<&[u32]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        if !self.coupling.as_ref().is_some_and(|coupling| coupling.has(n_steps, lengths)) {
            let rule = &self.config.rule;
            let coupling = || Couplings::new(net, rule, n_steps, lengths);
            self.coupling = Some(watched(self.worker.pool()?, keep_going, coupling)??);
        }
        Ok(())
    }
}
