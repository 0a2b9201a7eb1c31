//! What does not fit is refused before anything is changed.

use super::Data;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::simd::Real;

/// Checks that data fits the network.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_inputs<F: Real>(net: &Network<F>, data: Data<'_>) -> Result<()> {
    if data.n_in() != net.n_in() {
        return Err(Error::shape("x", &[data.n_samples(), data.n_in()], format!("(n_samples, n_in={})", net.n_in())));
    }
    if data.n_samples() == 0 {
        return Err(Error::shape("x", &[0, data.n_in()], "at least one sample"));
    }
    if data.n_samples() > u32::MAX as usize {
        return Err(Error::value("the number of samples", "< 2^32", data.n_samples()));
    }
    if data.n_steps() < 2 {
        return Err(Error::value("n_steps", ">= 2, as nothing fires at step 0", data.n_steps()));
    }
    Ok(())
}

/// Checks that labels and sample weights fit data and network.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_labels(n_samples: usize, n_out: usize, labels: &[u32], weights: Option<&[f64]>) -> Result<()> {
    if labels.len() != n_samples {
        return Err(Error::shape("y", &[labels.len()], format!("(n_samples={n_samples},)")));
    }
    if let Some(at) = labels.iter().position(|&label| label as usize >= n_out) {
        return Err(Error::value(format!("y[{at}]"), format!("a class in [0, {n_out})"), labels[at]));
    }
    if let Some(weights) = weights {
        if weights.len() != n_samples {
            return Err(Error::shape("sample_weight", &[weights.len()], format!("(n_samples={n_samples},)")));
        }
        if let Some(at) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(Error::value(format!("sample_weight[{at}]"), "finite and >= 0", weights[at]));
        }
    }
    Ok(())
}

pub(super) fn check_samples<F: Real>(
    net: &Network<F>,
    data: Data<'_>,
    labels: &[u32],
    weights: Option<&[f64]>,
) -> Result<()> {
    check_inputs(net, data)?;
    check_labels(data.n_samples(), net.n_out(), labels, weights)
}
