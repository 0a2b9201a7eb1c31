//! What training tells, as dicts.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::counts::overflow_counts;
use crate::learn::{BatchStats, EpochStats, Progress};

/// Returns the means of a batch, or of an epoch; `sizes` are those of the layers.
pub fn stats<'py>(
    py: Python<'py>,
    stats: &BatchStats,
    sizes: &[usize],
    n_steps: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let n = stats.n_samples.max(1) as f64;
    let rate = |(&spikes, &size): (&u64, &usize)| spikes as f64 / (stats.n_steps.max(1) as f64 * size as f64);
    let solves = &stats.solves;
    let dict = PyDict::new(py);
    dict.set_item("loss", stats.loss / n)?;
    dict.set_item("accuracy", stats.accuracy())?;
    dict.set_item("firing_rate", stats.n_spikes.iter().zip(sizes).map(rate).collect::<Vec<_>>())?;
    dict.set_item("n_spikes", &stats.n_spikes)?;
    dict.set_item("n_steps", n_steps)?;
    dict.set_item("mean_steps", stats.n_steps as f64 / n)?;
    dict.set_item("silent_neurons", stats.activity.silent())?;
    dict.set_item("n_samples", stats.n_samples)?;
    dict.set_item("solver_iterations", solves.n_iterations as f64 / solves.n_solves.max(1) as f64)?;
    dict.set_item("solver_fallbacks", solves.n_direct)?;
    Ok(dict)
}

/// Returns how far an epoch has come.
pub fn progress<'py>(
    py: Python<'py>,
    progress: &Progress,
    sizes: &[usize],
    n_steps: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = stats(py, &progress.stats, sizes, n_steps)?;
    dict.set_item("epoch", progress.epoch)?;
    dict.set_item("samples_done", progress.stats.n_samples)?;
    dict.set_item("samples_total", progress.n_total)?;
    dict.set_item("samples_per_s", progress.stats.n_samples as f64 / progress.seconds.max(1e-9))?;
    Ok(dict)
}

/// Returns what a whole epoch was like.
pub fn epoch<'py>(
    py: Python<'py>,
    epoch: &EpochStats,
    sizes: &[usize],
    n_steps: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = stats(py, &epoch.stats, sizes, n_steps)?;
    dict.set_item("epoch", epoch.epoch)?;
    dict.set_item("engine", epoch.engine.name())?;
    dict.set_item("lr", epoch.lr)?;
    dict.set_item("grad_norm", epoch.grad_norm)?;
    dict.set_item("grad_norm_max", epoch.grad_norm_max)?;
    dict.set_item("overflows", overflow_counts(&epoch.overflows))?;
    dict.set_item("seconds", epoch.seconds)?;
    Ok(dict)
}
