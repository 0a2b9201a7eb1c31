//! What samples are to lead to, and losses of the user's own.

use std::fmt::Debug;

use crate::error::{Error, Result};
use crate::learn::Classes;

/// Computes losses that this crate does not know, of whole batches.
pub trait OwnLoss: Debug + Sync {
    /// Writes the loss of every sample of a batch, and its derivatives.
    ///
    /// `samples` are the places of the samples in the data, `counts` their output counts, (n_samples, n_out). `losses`,
    /// (n_samples), and `d_counts`, (n_samples, n_out), hold zeros; row s of the latter gets the derivatives of the sum of the
    /// losses with respect to the counts of sample s. Sample weights, and the mean over the batch, are the caller's affair.
    ///
    /// # Errors
    /// Its own; the batch then changes nothing.
    fn evaluate(&self, samples: &[u32], counts: &[u32], losses: &mut [f64], d_counts: &mut [f64]) -> Result<()>;
}

/// Says what the samples of a source are to lead to.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// Their classes, for the loss of the trainer.
    Classes(&'a Classes),
    /// Whatever a loss of the user's own knows of them.
    Own {
        /// The loss. No teacher spikes stand in for silent neurons, as it has no labelled neuron.
        loss: &'a dyn OwnLoss,
        /// Their classes, if they have any: for the accuracy alone.
        classes: Option<&'a Classes>,
    },
}

impl<'a> Targets<'a> {
    /// Returns the classes, if the samples have any.
    pub fn classes(&self) -> Option<&'a Classes> {
        match *self {
            Self::Classes(classes) => Some(classes),
            Self::Own { classes, .. } => classes,
        }
    }

    /// Checks that targets and sample weights fit data and network; `knows_loss` says whether there is a loss for classes.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Value`] naming the argument.
    pub fn check(&self, n_samples: usize, n_out: usize, weights: Option<&[f64]>, knows_loss: bool) -> Result<()> {
        self.classes().map_or(Ok(()), |classes| classes.check(n_samples, n_out))?;
        if matches!(self, Self::Classes(_)) && !knows_loss {
            return Err(Error::value("loss", "given with every batch, as the trainer has none", "classes alone"));
        }
        let Some(weights) = weights else { return Ok(()) };
        if weights.len() != n_samples {
            return Err(Error::shape("sample_weight", &[weights.len()], format!("(n_samples={n_samples},)")));
        }
        match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(at) => Err(Error::value(format!("sample_weight[{at}]"), "finite and >= 0", weights[at])),
            None => Ok(()),
        }
    }
}
