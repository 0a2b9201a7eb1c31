//! Recordings of events for Python.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use super::calls::{Watch, detached, long};
use super::shared::Worked;
use super::spikes::SpikeTrainsCore;
use crate::spikes::{Recordings, Times};
use crate::threads::run;

/// Recordings of events that become spike trains one after the other.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct RecordingsCore(Worked<Recordings, usize>);

/// Times of either type.
#[derive(FromPyObject)]
pub enum AnyTimes<'py> {
    Integers(PyReadonlyArray1<'py, i64>),
    Floats(PyReadonlyArray1<'py, f64>),
}

#[pymethods]
impl RecordingsCore {
    /// Makes an empty one; all are of `n_steps` steps, or each of its own.
    #[new]
    fn new(n_neurons: usize, n_steps: Option<usize>, keep_repeated: bool) -> PyResult<Self> {
        let recordings = Recordings::new(n_neurons, n_steps, keep_repeated)?;
        Ok(Self(Worked::new("set of recordings", recordings, Recordings::longest)))
    }

    /// Returns how many steps the longest one has.
    #[getter]
    fn longest(&self) -> usize {
        self.0.about()
    }

    /// Adds recordings: their names, where the events of each end, and times and neurons of all; `step` in the times' unit.
    fn push(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        ends: Vec<usize>,
        t: AnyTimes<'_>,
        x: PyReadonlyArray1<'_, i64>,
        step: f64,
    ) -> PyResult<()> {
        let mut held = self.0.work()?;
        let recordings = &mut *held;
        let t = match &t {
            AnyTimes::Integers(t) => Times::Integers(t.as_slice()?),
            AnyTimes::Floats(t) => Times::Floats(t.as_slice()?),
        };
        let x = x.as_slice()?;
        long(py, None, x.len(), || recordings.push(&names, &ends, t, x, step))
    }

    /// Adds recordings of N-MNIST, a file each; `callback` is told how many are read.
    fn read_nmnist(
        &self,
        py: Python<'_>,
        paths: Vec<PathBuf>,
        step_us: f64,
        n_threads: Option<usize>,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let mut held = self.0.work()?;
        let recordings = &mut *held;
        let (done, mut watch) = (AtomicUsize::new(0), Watch::new(callback.as_ref()));
        let told = || done.load(Ordering::Relaxed);
        let result = detached(py, || {
            let mut keep_going = || watch.keep_going(false, |py| Ok(told().into_pyobject(py)?.into_any().unbind()));
            run(n_threads, &mut keep_going, || recordings.read_nmnist(&paths, step_us, &done))
        });
        watch.finish(result)
    }

    /// Takes all out, as a set of `n_steps` steps.
    fn finish(&self, py: Python<'_>, n_steps: usize) -> PyResult<SpikeTrainsCore> {
        let mut held = self.0.work()?;
        let recordings = &mut *held;
        Ok(SpikeTrainsCore(long(py, None, usize::MAX, || recordings.finish(n_steps))?))
    }
}
