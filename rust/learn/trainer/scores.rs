//! What losses make of a forward pass.

use rayon::prelude::*;

use super::backward::MICRO_BATCH;
use super::pass::{Pass, SamplePass};
use super::{BatchStats, Targets};
use crate::error::Result;
use crate::learn::{Classes, Loss, StRsbp, predict};
use crate::memory::{OrUnwind, filled, product, reserve, resize};
use crate::simd::Real;

/// Holds the losses of a batch, sample by sample, and their derivatives.
#[derive(Debug, Default)]
pub(super) struct Scores<F> {
    /// Weight times dLoss/dcounts, (n_samples, n_out).
    pub(super) d_counts: Vec<F>,
    of_samples: Vec<Score>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    /// Weight times loss.
    loss: f64,
    /// Whether the sample has a class, and whether that fired most.
    classified: bool,
    correct: bool,
}

impl Score {
    fn new(loss: f64, counts: &[u32], class: Option<usize>) -> Self {
        Self { loss, classified: class.is_some(), correct: class.is_some_and(|class| predict(counts) == class) }
    }
}

fn weight(weights: Option<&[f64]>, pass: &SamplePass) -> f64 {
    weights.map_or(1.0, |weights| weights[pass.sample as usize])
}

impl<F: Real> Scores<F> {
    /// Evaluates a loss of this crate, whose counts are meant for `n_steps` steps, and sets teacher spikes, in parallel; called on a
    /// thread of the pool.
    pub(super) fn of_classes(
        &mut self,
        loss: &Loss,
        classes: &Classes,
        weights: Option<&[f64]>,
        rule: &StRsbp,
        n_out: usize,
        n_steps: usize,
        pass: &mut Pass,
    ) {
        self.make_room(pass.n_samples(), n_out);
        let samples = pass.samples_mut().par_iter_mut();
        let rows = self.d_counts.par_chunks_exact_mut(n_out);
        samples.zip(rows).zip(&mut self.of_samples).for_each(|((pass, d_counts), score)| {
            let class = classes.of(pass.sample as usize);
            let loss = loss.of_length(pass.n_steps(), n_steps);
            let loss = loss.evaluate(pass.counts(), class, weight(weights, pass), d_counts);
            *score = Score::new(loss, pass.counts(), Some(class));
            pass.teach(class, rule);
        });
    }

    /// Asks a loss of the user's own, on this thread.
    ///
    /// # Errors
    /// Those of the loss; [`Error::Memory`](crate::Error::Memory).
    pub(super) fn of_own(
        &mut self,
        targets: Targets<'_>,
        weights: Option<&[f64]>,
        n_out: usize,
        pass: &Pass,
    ) -> Result<()> {
        let Targets::Own { loss, classes } = targets else { unreachable!("only for losses of the user's own") };
        let n_samples = pass.n_samples();
        self.make_room(n_samples, n_out);
        let n_counts = product(&[n_samples, n_out]);
        let mut counts = filled("n_samples * n_out", n_counts, 0)?;
        let mut d_counts = filled("n_samples * n_out", n_counts, 0.0)?;
        let mut losses = filled("n_samples", Some(n_samples), 0.0)?;
        for (counts, pass) in counts.chunks_exact_mut(n_out).zip(pass.samples()) {
            counts.copy_from_slice(pass.counts());
        }
        let samples: Vec<u32> = pass.samples().iter().map(|pass| pass.sample).collect();
        loss.evaluate(&samples, &counts, &mut losses, &mut d_counts)?;
        let rows = self.d_counts.chunks_exact_mut(n_out).zip(d_counts.chunks_exact(n_out));
        for (((pass, (row, d_counts)), score), loss) in
            pass.samples().iter().zip(rows).zip(&mut self.of_samples).zip(losses)
        {
            let weight = weight(weights, pass);
            row.iter_mut().zip(d_counts).for_each(|(d, &d_count)| *d = F::from_f64(weight * d_count));
            let class = classes.map(|classes| classes.of(pass.sample as usize));
            *score = Score::new(weight * loss, pass.counts(), class);
        }
        Ok(())
    }

    fn make_room(&mut self, n_samples: usize, n_out: usize) {
        resize(&mut self.d_counts, n_samples * n_out, F::zero());
        self.of_samples.clear();
        reserve("samples of a batch", &mut self.of_samples, n_samples).or_unwind();
        self.of_samples.resize(n_samples, Score::default());
    }

    /// Sums up what the batch went through, but for the backward pass.
    pub(super) fn stats(&self, pass: &Pass) -> BatchStats {
        let mut stats = BatchStats::default();
        for (samples, scores) in pass.samples().chunks(MICRO_BATCH).zip(self.of_samples.chunks(MICRO_BATCH)) {
            // A large batch is summed as its parts are, where it is worked on part by part.
            let mut loss = 0.0;
            for (pass, score) in samples.iter().zip(scores) {
                loss += score.loss;
                stats.n_steps += pass.n_steps() as u64;
                stats.n_correct += usize::from(score.correct);
                stats.n_classified += usize::from(score.classified);
                stats.n_spikes.resize(pass.n_spikes().len(), 0);
                stats.n_spikes.iter_mut().zip(pass.n_spikes()).for_each(|(sum, n)| *sum += n);
                pass.add_firing(&mut stats.activity);
            }
            stats.loss += loss;
            stats.n_samples += samples.len();
        }
        stats
    }
}
