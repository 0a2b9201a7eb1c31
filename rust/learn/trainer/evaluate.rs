//! Results on a test set.

use std::sync::Arc;
use std::time::Instant;

use super::check::check_samples;
use super::{CountedSpikes, Data, Evaluation, Trainer, count_spikes, predict};
use crate::error::Result;
use crate::memory::filled;
use crate::network::Network;
use crate::sim::{EngineKind, SampleSimulation};
use crate::simd::Real;

impl<F: Real> Trainer<F> {
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
