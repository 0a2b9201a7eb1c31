//! Recordings of events for Python.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use super::calls::{Watch, detached, long};
use super::shared::Worked;
use super::spikes::SpikeTrainsCore;
use crate::memory::collected;
use crate::spikes::Recordings;
use crate::threads::run;

/// Recordings of events that become spike trains one after the other.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct RecordingsCore(Worked<Recordings, usize>);

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

    /// Adds recordings, a list of (name, t, x).
    fn push(
        &self,
        py: Python<'_>,
        events: Vec<(String, PyReadonlyArray1<'_, i64>, PyReadonlyArray1<'_, i64>)>,
    ) -> PyResult<()> {
        let mut held = self.0.work()?;
        let recordings = &mut *held;
        let n_events = events.iter().map(|(_, t, _)| t.as_array().len()).sum();
        let views: Vec<_> = events.iter().map(|(name, t, x)| (name, t.as_array(), x.as_array())).collect();
        long(py, None, n_events, || {
            let mut all = Vec::with_capacity(views.len());
            for (name, t, x) in &views {
                all.push((name, collected(name, t.iter().copied())?, collected(name, x.iter().copied())?));
            }
            recordings.push(all.iter().map(|(name, t, x)| (name.as_str(), &t[..], &x[..])))
        })
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
