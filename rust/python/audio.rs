//! Front ends for Python.

use std::sync::atomic::{AtomicUsize, Ordering};

use numpy::{PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;

use super::arrays::{from_python, shaped, vector};
use super::calls::{Watch, detached, long};
use super::shared::Worked;
use crate::audio::{self, FrontEnd, FrontEndConfig, Hear, HeidelbergConfig, Spikes};
use crate::error::Result;
use crate::stop::check;
use crate::threads::run;

/// Returns the centre frequencies of the channels of a front end, a dict [Hz].
#[pyfunction]
pub fn center_frequencies<'py>(py: Python<'py>, front_end: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let config: FrontEndConfig = from_python("front_end", front_end)?;
    Ok(vector(py, config.center_frequencies()))
}

/// Returns the resonances of the channels of a cochlea, a dict [Hz].
#[pyfunction]
pub fn cochlea_frequencies<'py>(py: Python<'py>, cochlea: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let config: HeidelbergConfig = from_python("cochlea", cochlea)?;
    Ok(vector(py, config.center_frequencies()))
}

/// Holds a front end that hears a stream; strsbp_rs.audio.Stream wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct FrontEndCore {
    front_end: Worked<FrontEnd, usize>,
}

#[pymethods]
impl FrontEndCore {
    /// Makes one of a dict, at rest.
    #[new]
    fn new(front_end: &Bound<'_, PyAny>) -> PyResult<Self> {
        let config: FrontEndConfig = from_python("front_end", front_end)?;
        Ok(Self { front_end: Worked::new("front end", config.build()?, FrontEnd::n_channels) })
    }

    /// Hears samples, and returns the frames that they end, (n_frames, n_channels).
    ///
    /// A call that is stopped has heard nothing.
    fn hear<'py>(&self, py: Python<'py>, samples: PyReadonlyArray1<'py, f64>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let mut held = self.front_end.work()?;
        let samples = samples.as_slice()?;
        let mut front_end = held.clone();
        let (frames, heard) = long(py, None, samples.len() << 4, || {
            let mut frames = Vec::new();
            front_end.hear(samples, &mut frames);
            check()?;
            Ok((frames, front_end))
        })?;
        *held = heard;
        as_rows(py, frames, held.n_channels())
    }
}

/// Returns the frames of each recording, float64 (n_frames, n_channels); `callback` is told how many are done.
#[pyfunction]
pub fn hear_all<'py>(
    py: Python<'py>,
    front_end: &Bound<'py, PyAny>,
    recordings: Vec<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<Vec<Bound<'py, PyArray2<f64>>>> {
    let config: FrontEndConfig = from_python("front_end", front_end)?;
    let n_channels = config.build()?.n_channels();
    let heard = heard(py, &recordings, n_threads, callback, |sounds, done| audio::hear_all(&config, sounds, done))?;
    heard.into_iter().map(|frames| as_rows(py, frames, n_channels)).collect()
}

/// Returns the spikes that a cochlea makes of each recording, int64 (2, n_spikes): samples at half the rate, and channels; `callback` is told
/// how many are done.
#[pyfunction]
pub fn hear_spikes<'py>(
    py: Python<'py>,
    cochlea: &Bound<'py, PyAny>,
    recordings: Vec<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<Vec<Bound<'py, PyArray2<i64>>>> {
    let config: HeidelbergConfig = from_python("cochlea", cochlea)?;
    let heard = heard(py, &recordings, n_threads, callback, |sounds, done| audio::hear_spikes(&config, sounds, done))?;
    let as_events = |Spikes { t, channel }: Spikes| {
        let n = t.len();
        shaped(py, t.into_iter().chain(channel).map(i64::from).collect(), [2, n])
    };
    heard.into_iter().map(as_events).collect()
}

/// Hears recordings on `n_threads` threads, while `callback` is told how many are done.
fn heard<T: Send>(
    py: Python<'_>,
    recordings: &[PyReadonlyArray1<'_, f64>],
    n_threads: Option<usize>,
    callback: Option<Py<PyAny>>,
    hear: impl FnOnce(&[&[f64]], &AtomicUsize) -> Result<Vec<T>> + Send,
) -> PyResult<Vec<T>> {
    let sounds = recordings.iter().map(PyReadonlyArray1::as_slice).collect::<std::result::Result<Vec<_>, _>>()?;
    let (done, mut watch) = (AtomicUsize::new(0), Watch::new(callback.as_ref()));
    let told = || done.load(Ordering::Relaxed);
    let result = detached(py, || {
        let mut keep_going = || watch.keep_going(false, |py| Ok(told().into_pyobject(py)?.into_any().unbind()));
        run(n_threads, &mut keep_going, || hear(&sounds, &done))
    });
    watch.finish(result)
}

fn as_rows(py: Python<'_>, frames: Vec<f64>, n_channels: usize) -> PyResult<Bound<'_, PyArray2<f64>>> {
    let n_frames = frames.len() / n_channels;
    shaped(py, frames, [n_frames, n_channels])
}
