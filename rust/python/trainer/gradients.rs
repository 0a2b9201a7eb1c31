//! Gradients of batches from Python, as its arrays.

use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::super::arrays::shaped;
use super::super::calls::{Watch, detached};
use super::super::parameters::gradients_to_python;
use super::targets::Goal;
use crate::error::Error;
use crate::learn::{Batch, Gradients, Source, Trainer};
use crate::memory::catch;
use crate::network::Network;
use crate::simd::Real;

/// Holds gradients of all layers, the loss, and dLoss/dcounts of the input if it was asked for.
pub type Found<'py> = (Bound<'py, PyList>, f64, Option<Py<PyAny>>);

/// Computes the gradients of the mean loss over all samples of a source, which `source` makes and checks without the GIL.
pub fn gradients<'py, 'a, F: Real + numpy::Element>(
    py: Python<'py>,
    trainer: &mut Trainer<F>,
    net: &Network<F>,
    goal: Goal,
    weights: Option<&[f64]>,
    d_input: bool,
    source: impl FnOnce(u64) -> Result<Source<'a>, Error> + Send,
) -> PyResult<Found<'py>> {
    let mut watch = Watch::new(None);
    let result = detached(py, || {
        let source = source(trainer.config().seed)?;
        let samples: Vec<u32> = (0..source.n_samples() as u32).collect();
        goal.with(net.n_out(), |targets| {
            let batch = Batch { source, samples: &samples, targets, weights };
            let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
            let mut sent = Vec::new();
            let (grads, stats) = match d_input {
                true => trainer.gradients_and_d_input(net, &batch, &mut sent, &mut keep_going)?,
                false => trainer.gradients(net, &batch, &mut keep_going)?,
            };
            let grads: Gradients<F> = catch(|| Ok(grads.clone()))?;
            Ok((stats.loss / stats.n_samples as f64, grads, sent, samples.len()))
        })
    });
    let (loss, grads, sent, n_samples) = goal.finish(watch, result)?;
    let array = |sent| -> PyResult<Py<PyAny>> {
        let array: Bound<'py, PyArray2<F>> = shaped(py, sent, [n_samples, net.n_in()])?;
        Ok(array.into_any().unbind())
    };
    Ok((gradients_to_python(py, net, &grads)?, loss, d_input.then(|| array(sent)).transpose()?))
}
