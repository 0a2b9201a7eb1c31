//! Targets from Python: classes, or a loss of the user's own.

use std::sync::{Mutex, PoisonError};

use numpy::{IntoPyArray, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use super::super::arrays::shaped;
use super::super::calls::Watch;
use super::super::ending;
use crate::error::Error;
use crate::learn::{Classes, OwnLoss, Targets};

/// Holds what a call was given to learn: classes, a loss of the user's own, or both.
pub struct Goal {
    y: Option<Vec<i64>>,
    own: Option<PythonLoss>,
}

/// Calls a loss that is a function of Python, (counts, samples) to (losses, d_counts), all arrays.
#[derive(Debug)]
struct PythonLoss {
    function: Py<PyAny>,
    /// What it raised.
    raised: Mutex<Option<PyErr>>,
}

impl Goal {
    /// Takes the arguments of a call.
    pub fn new(y: Option<PyReadonlyArray1<'_, i64>>, own: Option<Py<PyAny>>) -> Self {
        Self {
            y: y.map(|y| y.as_array().to_vec()),
            own: own.map(|function| PythonLoss { function, raised: Mutex::default() }),
        }
    }

    /// Calls `work` with the targets.
    pub fn with<T>(&self, n_out: usize, work: impl FnOnce(Targets<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let classes = self.y.as_ref().map(|y| Classes::new(y, n_out)).transpose()?;
        match (&self.own, &classes) {
            (Some(loss), classes) => work(Targets::Own { loss, classes: classes.as_ref() }),
            (None, Some(classes)) => work(Targets::Classes(classes)),
            (None, None) => Err(Error::value("y", "given", "None")),
        }
    }

    /// Returns the result of the call, or raises what Python raised meanwhile.
    pub fn finish<T>(self, watch: Watch<'_>, result: Result<T, Error>) -> PyResult<T> {
        let raised = |own: PythonLoss| own.raised.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.own.and_then(raised) {
            Some(error) => Err(error),
            None => watch.finish(result),
        }
    }
}

impl OwnLoss for PythonLoss {
    fn evaluate(&self, samples: &[u32], counts: &[u32], losses: &mut [f64], d_counts: &mut [f64]) -> Result<(), Error> {
        let _visit = ending::Visit::new();
        Python::attach(|py| {
            let shape = [samples.len(), counts.len() / samples.len()];
            let samples: Vec<i64> = samples.iter().map(|&sample| sample.into()).collect();
            let counts = shaped(py, counts.to_vec(), shape)?;
            let result = self.function.call1(py, (counts, samples.into_pyarray(py)))?;
            let (own_losses, own_d): (PyReadonlyArray1<'_, f64>, PyReadonlyArray2<'_, f64>) = result.extract(py)?;
            losses.copy_from_slice(own_losses.as_slice()?);
            d_counts.copy_from_slice(own_d.as_slice()?);
            Ok(())
        })
        .map_err(|error: PyErr| {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Error::Interrupted
        })
    }
}
