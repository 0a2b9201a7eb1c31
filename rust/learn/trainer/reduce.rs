//! What stands between the gradients of a batch and the step they make.

use std::fmt::Debug;

use super::BatchStats;
use crate::error::Result;
use crate::learn::Gradients;
use crate::simd::Real;

/// Sums gradients over all who train the same network together, each with samples of its own.
///
/// All must be left with the same bits: sums are to be made in the same order everywhere.
pub trait Reduce<F: Real>: Debug + Send + Sync {
    /// Returns how many samples all batches have together where this one has `n_samples`: what gradients are the mean over.
    ///
    /// # Errors
    /// Its own; the batch then changes nothing.
    fn n_samples(&mut self, n_samples: usize) -> Result<usize>;

    /// Replaces gradients and statistics by their sums over all batches.
    ///
    /// # Errors
    /// Its own; the batch then changes nothing.
    fn sum(&mut self, grads: &mut Gradients<F>, stats: &mut BatchStats) -> Result<()>;
}

/// Trains alone: every sum has one term.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl<F: Real> Reduce<F> for Alone {
    fn n_samples(&mut self, n_samples: usize) -> Result<usize> {
        Ok(n_samples)
    }

    fn sum(&mut self, _: &mut Gradients<F>, _: &mut BatchStats) -> Result<()> {
        Ok(())
    }
}
