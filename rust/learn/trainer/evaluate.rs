//! Results on a test set.

use std::sync::Arc;
use std::time::Instant;

use super::check::check_samples;
use super::{CountedSpikes, Data, Evaluation, Targets, Trainer, count_spikes};
use crate::error::Result;
use crate::learn::{predict, total_loss};
use crate::memory::{filled, product};
use crate::network::Network;
use crate::sim::{EngineKind, SampleSimulation};
use crate::simd::Real;

impl<F: Real> Trainer<F> {
    /// Runs the network on a test set and counts; `seed` draws the input spikes.
    ///
    /// # Errors
    /// Those of [`check_inputs`](super::check_inputs) and [`Targets::check`]; those of a loss of the user's own; [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn evaluate(
        &self,
        net: &Network<F>,
        data: Data<'_>,
        targets: Targets<'_>,
        seed: u64,
        engine: EngineKind,
        keep_going: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Evaluation> {
        check_samples(&self.config, net, data, targets, None)?;
        self.config.check_engine(engine)?;
        let start = Instant::now();
        let pool = self.worker.pool()?;
        let hardware = self.hardware(net, Some(data))?.map(|mut hardware| hardware.round(net, pool)).transpose()?;
        let simulation = match &hardware {
            Some(fixed) => SampleSimulation::fixed(Arc::clone(fixed)),
            None => self.worker.prepare(net, engine, data, seed, &mut || keep_going(0))?,
        };
        let CountedSpikes { counts, n_spikes, n_steps, activity, .. } =
            count_spikes(&self.worker, net, &simulation, data, seed, None, keep_going)?;
        let loss = self.total_loss(&counts, net.n_out(), data, targets)?;
        let n_correct = targets.classes().map(|classes| {
            let rows = counts.chunks_exact(net.n_out()).enumerate();
            rows.filter(|&(sample, counts)| predict(counts) == classes.of(sample)).count()
        });
        let engine = simulation.kind();
        let overflows = hardware.map(|fixed| fixed.overflows()).unwrap_or_default();
        let seconds = start.elapsed().as_secs_f64();
        Ok(Evaluation { counts, loss, n_correct, n_spikes, n_steps, activity, engine, overflows, seconds })
    }

    /// Returns the sum of the losses of all samples; one of the user's own is asked batch by batch.
    fn total_loss(&self, counts: &[u32], n_out: usize, data: Data<'_>, targets: Targets<'_>) -> Result<f64> {
        let mut total = 0.0;
        match targets {
            Targets::Classes(classes) => {
                let loss = self.config.loss.expect("checked with the targets");
                let lengths = data.lengths().map(|lengths| (lengths, data.n_steps()));
                total += total_loss(&loss, counts, classes, lengths)?;
            }
            Targets::Own { loss, .. } => {
                let size = self.config.batch_size.min(counts.len() / n_out);
                let mut losses = filled("batch_size", Some(size), 0.0)?;
                let mut d_counts = filled("batch_size * n_out", product(&[size, n_out]), 0.0)?;
                for (batch, counts) in counts.chunks(size * n_out).enumerate() {
                    let n = counts.len() / n_out;
                    let samples: Vec<u32> = (0..n).map(|s| (batch * size + s) as u32).collect();
                    loss.evaluate(&samples, counts, &mut losses[..n], &mut d_counts[..n * n_out])?;
                    total += losses[..n].iter().sum::<f64>();
                    losses.fill(0.0);
                    d_counts.fill(0.0);
                }
            }
        }
        Ok(total)
    }
}
