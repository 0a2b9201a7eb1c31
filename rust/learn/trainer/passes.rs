//! The passes of a worker as calls of their own.

use super::backward::{MICRO_BATCH, Objective, Solves};
use super::crew::Crew;
use super::{Pass, Source, Worker};
use crate::error::Result;
use crate::learn::Gradients;
use crate::memory::catch;
use crate::network::Network;
use crate::sim::SampleSimulation;
use crate::simd::Real;
use crate::stop::watched;

impl<F: Real> Worker<F> {
    /// Runs `samples` of `source` forward into `pass`, on all threads.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted) if `keep_going` says no; [`Error::Memory`](crate::Error::Memory).
    pub fn forward(
        &self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        source: Source<'_>,
        samples: &[u32],
        pass: &mut Pass,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        let Crew { pool, scratch } = Crew::of(&self.crew, self.n_threads)?;
        let work = || {
            pass.run(net, simulation, source, samples, scratch);
            Ok(())
        };
        // Buffers are set anew by the next batch.
        catch(|| watched(pool, keep_going, work)?)
    }

    /// Runs a forward pass backward: adds the gradients of a loss to `grads`.
    ///
    /// `d_counts` is dLoss/dcounts of the output, (n_samples, n_out), of the sum of the samples' losses; gradients, and
    /// `d_input`, are of that sum over [`Objective::n_mean`]. `d_input`, (n_samples, n_in), gets dLoss/dcounts of the input: what
    /// an input that fires as it does sends to the loss by one spike more. That of a silent input is undefined, and 0 unless the
    /// rule has a [`silent_ratio`](crate::learn::StRsbp::silent_ratio).
    ///
    /// # Errors
    /// [`Error::Singular`](crate::Error::Singular) for a sample without a gradient;
    /// [`Error::Interrupted`](crate::Error::Interrupted) if `keep_going` says no; [`Error::Memory`](crate::Error::Memory).
    ///
    /// # Panics
    /// If a length differs.
    pub fn backward(
        &mut self,
        net: &Network<F>,
        pass: &Pass,
        d_counts: &[F],
        objective: Objective<'_, F>,
        grads: &mut Gradients<F>,
        mut d_input: Option<&mut [F]>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Solves> {
        assert_eq!(d_counts.len(), pass.n_samples() * net.n_out());
        assert!(d_input.as_ref().is_none_or(|d_input| d_input.len() == pass.n_samples() * net.n_in()));
        let Crew { pool, scratch } = Crew::of(&self.crew, self.n_threads)?;
        let mut solves = Solves::default();
        for (pass, d_counts) in pass.samples().chunks(MICRO_BATCH).zip(d_counts.chunks(MICRO_BATCH * net.n_out())) {
            let d_input = d_input.as_mut().and_then(|rest| rest.split_off_mut(..pass.len() * net.n_in()));
            let adjoints = &mut self.adjoints;
            let work = || {
                adjoints.run(net, pass, d_counts, objective, grads, d_input, scratch);
                Ok(())
            };
            // Buffers are set anew by the next batch.
            catch(|| watched(pool, keep_going, work)?)?;
            solves.add(&self.adjoints.solves(pass)?);
        }
        Ok(solves)
    }
}
