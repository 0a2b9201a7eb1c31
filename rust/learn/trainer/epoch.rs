//! An epoch of training.

use std::time::Instant;

use super::check::check_samples;
use super::{Batch, BatchStats, Data, EpochStats, Progress, Source, Targets, Trainee, Trainer};
use crate::error::{Error, Result};
use crate::memory::collected;
use crate::rng::{below_64, generator};
use crate::simd::Real;

/// Separates the order of the samples from other uses of the seed.
const SHUFFLE_STREAM: u64 = 1 << 63;

impl<F: Real> Trainer<F> {
    /// Trains one epoch over all samples, in an order drawn from (seed, epoch), and counts it.
    ///
    /// `keep_going` is asked after every batch; if it says no, the epoch stops where it is.
    ///
    /// # Errors
    /// Those of [`check_inputs`](super::check_inputs), [`Targets::check`] and [`Trainer::check_delays`]; [`Error::Singular`]; [`Error::NotFinite`];
    /// [`Error::Value`] if weights or moments have grown beyond their type; [`Error::Interrupted`]. The epoch then does not
    /// count.
    pub fn train_epoch(
        &mut self,
        net: &mut dyn Trainee<F>,
        data: Data<'_>,
        targets: Targets<'_>,
        weights: Option<&[f64]>,
        keep_going: &mut dyn FnMut(&Progress) -> bool,
    ) -> Result<EpochStats> {
        let stats = self.run_epoch(net, data, targets, weights, keep_going)?;
        self.count_epoch();
        Ok(stats)
    }

    /// Counts the epoch that [`run_epoch`](Self::run_epoch) has trained.
    pub fn count_epoch(&mut self) {
        self.epoch += 1;
    }

    /// Does as [`train_epoch`](Self::train_epoch), for callers with something left to do before the epoch counts.
    ///
    /// # Errors
    /// Those of [`train_epoch`](Self::train_epoch).
    pub fn run_epoch(
        &mut self,
        net: &mut dyn Trainee<F>,
        data: Data<'_>,
        targets: Targets<'_>,
        weights: Option<&[f64]>,
        keep_going: &mut dyn FnMut(&Progress) -> bool,
    ) -> Result<EpochStats> {
        let now = net.present();
        self.check_delays(&now)?;
        check_samples(&self.config, &now, data, targets, weights)?;
        let start = Instant::now();
        let epoch = self.epoch + 1;
        let n_total = data.n_samples();
        let order = shuffled(n_total, self.config.seed, epoch)?;
        let seed = self.config.seed;
        let augment = self.config.spike_augment.clone().filter(|augment| epoch >= augment.first_epoch);
        let lengths = match (&augment, data.lengths()) {
            (Some(augment), Some(lengths)) => Some(augment.lengths(lengths, data.n_steps(), seed, epoch)?),
            _ => None,
        };
        let source = match &augment {
            None => Source::Simulate { data, seed, epoch },
            Some(augment) => Source::Augmented { data, seed, epoch, augment, lengths: lengths.as_deref() },
        };
        let mut progress = Progress { epoch, n_total, stats: BatchStats::default(), seconds: 0.0 };
        let going = &mut || keep_going(&progress);
        self.prepare_coupling(&now, source.n_steps(), source.lengths(), going)?;
        let engine = self.worker.choose(&now, self.config.engine, data, self.config.seed, going)?;
        let mut hardware = self.hardware(&now, Some(data))?;
        drop(now);
        let mut overflows = Vec::new();
        let (mut lr, mut norms) = (0.0, Vec::new());
        for samples in order.chunks(self.config.batch_size) {
            let batch = Batch { source, samples, targets, weights };
            let done = norms.len() * self.config.batch_size;
            let going = &mut || keep_going(&progress);
            let now = net.present();
            let stats = self.accumulate(&now, hardware.as_mut(), engine, &batch, &mut overflows, None, going)?;
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
}

/// Returns the numbers below `n` in an order drawn from (seed, epoch).
pub(super) fn shuffled(n: usize, seed: u64, epoch: u32) -> Result<Vec<u32>> {
    let mut rng = generator(seed, SHUFFLE_STREAM | u64::from(epoch));
    let mut order: Vec<u32> = collected("n_samples", 0..n as u32)?;
    for i in (1..n).rev() {
        order.swap(i, below_64(&mut rng, i as u64 + 1) as usize);
    }
    Ok(order)
}
