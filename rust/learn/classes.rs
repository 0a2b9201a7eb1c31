//! Classes of samples, and which class counts of spikes tell.

use crate::error::{Error, Result};

/// Holds the class of every sample, each known to be one of an output neuron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    of_samples: Vec<u32>,
    n_out: usize,
}

impl Classes {
    /// Takes the classes `y` for a network of `n_out` outputs: the one place where labels are checked.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first label outside [0, n_out).
    pub fn new<T: Copy + Into<i64>>(y: &[T], n_out: usize) -> Result<Self> {
        let bad = |label: &T| !usize::try_from((*label).into()).is_ok_and(|label| label < n_out);
        if let Some(at) = y.iter().position(bad) {
            let label: i64 = y[at].into();
            return Err(Error::value(format!("y[{at}]"), format!("a class in [0, {n_out})"), label));
        }
        Ok(Self { of_samples: y.iter().map(|&label| label.into() as u32).collect(), n_out })
    }

    /// Returns the class of a sample.
    pub fn of(&self, sample: usize) -> usize {
        self.of_samples[sample] as usize
    }

    /// Returns the number of samples.
    pub fn n_samples(&self) -> usize {
        self.of_samples.len()
    }

    /// Checks that they are those of so many samples and outputs.
    pub(super) fn check(&self, n_samples: usize, n_out: usize) -> Result<()> {
        if self.n_samples() != n_samples {
            return Err(Error::shape("y", &[self.n_samples()], format!("(n_samples={n_samples},)")));
        }
        if self.n_out != n_out {
            return Err(Error::value("the number of classes", format!("n_out={n_out}"), self.n_out));
        }
        Ok(())
    }
}

/// Returns the index of the largest count, the lowest one of equals.
pub fn predict(counts: &[u32]) -> usize {
    counts.iter().enumerate().fold(0, |best, (i, &count)| if count > counts[best] { i } else { best })
}
