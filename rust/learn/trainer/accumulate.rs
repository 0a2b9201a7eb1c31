//! A mini-batch on all cores: forward, loss and backward, one after the other.

use super::backward::{MICRO_BATCH, Objective};
use super::crew::Crew;
use super::{Batch, BatchStats, Targets, Worker};
use crate::error::{Error, Result};
use crate::learn::{Classes, Gradients, Loss};
use crate::memory::catch;
use crate::network::Network;
use crate::sim::SampleSimulation;
use crate::simd::Real;
use crate::stop::{check, watched};

impl<F: Real> Worker<F> {
    /// Adds the gradients of the mean of weight times loss over the batch to `grads`.
    ///
    /// Classes are worked on part by part. A loss of the user's own has the whole batch at once, all of whose spikes are in memory
    /// meanwhile. `d_input`, (n_samples, n_in), is that of [`backward`](Self::backward). `keep_going` is asked meanwhile.
    ///
    /// # Errors
    /// [`Error::Singular`] for a sample without a gradient, [`Error::Interrupted`] if `keep_going` says no;
    /// [`Error::Memory`]; those of a loss of the user's own.
    ///
    /// # Panics
    /// If the targets are classes and there is no loss: checked where they enter.
    pub fn accumulate(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        batch: &Batch<'_>,
        loss: Option<&Loss>,
        objective: Objective<'_, F>,
        grads: &mut Gradients<F>,
        mut d_input: Option<&mut [F]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        let Targets::Classes(classes) = batch.targets else {
            return self.accumulate_own(net, simulation, batch, objective, grads, d_input, keep_going);
        };
        let loss = loss.expect("classes come with a loss");
        let mut stats = BatchStats::default();
        for samples in batch.samples.chunks(MICRO_BATCH) {
            if !keep_going() {
                return Err(Error::Interrupted);
            }
            let part = Batch { samples, ..*batch };
            let d_input = d_input.as_mut().and_then(|rest| rest.split_off_mut(..samples.len() * net.n_in()));
            stats.add(
                &self.accumulate_part(net, simulation, &part, classes, loss, objective, grads, d_input, keep_going)?,
            );
        }
        Ok(stats)
    }

    /// Makes the three passes of a part of a batch, without a return to this thread between them.
    fn accumulate_part(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        part: &Batch<'_>,
        classes: &Classes,
        loss: &Loss,
        objective: Objective<'_, F>,
        grads: &mut Gradients<F>,
        d_input: Option<&mut [F]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        let Self { n_threads, crew, pass, scores, adjoints } = self;
        let Crew { pool, scratch } = Crew::of(crew, *n_threads)?;
        let work = || {
            pass.run(net, simulation, part.source, part.samples, scratch);
            // What was stopped halfway has no counts.
            check()?;
            let n_steps = part.source.n_steps();
            scores.of_classes(loss, classes, part.weights, objective.rule, net.n_out(), n_steps, pass);
            adjoints.run(net, pass.samples(), &scores.d_counts, objective, grads, d_input, scratch);
            Ok(())
        };
        // Buffers are set anew by the next batch.
        catch(|| watched(pool, keep_going, work)?)?;
        let solves = adjoints.solves(pass.samples())?;
        Ok(BatchStats { solves, ..scores.stats(pass) })
    }

    fn accumulate_own(
        &mut self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        batch: &Batch<'_>,
        objective: Objective<'_, F>,
        grads: &mut Gradients<F>,
        d_input: Option<&mut [F]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<BatchStats> {
        if !keep_going() {
            return Err(Error::Interrupted);
        }
        let (mut pass, mut scores) = (std::mem::take(&mut self.pass), std::mem::take(&mut self.scores));
        self.forward(net, simulation, batch.source, batch.samples, &mut pass, keep_going)?;
        catch(|| scores.of_own(batch.targets, batch.weights, net.n_out(), &pass))?;
        let solves = self.backward(net, &pass, &scores.d_counts, objective, grads, d_input, keep_going)?;
        let stats = BatchStats { solves, ..scores.stats(&pass) };
        (self.pass, self.scores) = (pass, scores);
        Ok(stats)
    }
}
