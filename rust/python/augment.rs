//! Training samples, changed, for Python to look at.

use pyo3::prelude::*;

use super::arrays::{from_python, shaped};
use super::calls::long;
use super::samples::{Samples, Values};
use super::spikes::SpikeTrainsCore;
use crate::error::Error;
use crate::learn::{ImageAugment, check_images};
use crate::spikes::{Analog, SpikeAugment};

/// Returns images as an epoch of training takes them, (n_samples, n_in), of the type they have.
#[pyfunction]
pub fn augmented<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    augment: &Bound<'py, PyAny>,
    seed: u64,
    epoch: u32,
) -> PyResult<Bound<'py, PyAny>> {
    let augment: ImageAugment = from_python("augment", augment)?;
    let samples = Samples::extract(x)?;
    let Values::Analog(values, n_in) = samples.values()? else {
        return Err(Error::dtype("x", "uint8, float32 or float64", "SpikeTrains").into());
    };
    augment.validate(n_in)?;
    check_images(values, n_in)?;
    let size = values.len();
    let shape = [size / n_in, n_in];
    Ok(match values {
        Analog::U8(x) => shaped(py, long(py, None, size, || augment.apply_all(x, seed, epoch))?, shape)?.into_any(),
        Analog::F32(x) => shaped(py, long(py, None, size, || augment.apply_all(x, seed, epoch))?, shape)?.into_any(),
        Analog::F64(x) => shaped(py, long(py, None, size, || augment.apply_all(x, seed, epoch))?, shape)?.into_any(),
    })
}

/// Returns spike trains as an epoch of training takes them.
#[pyfunction]
pub fn augmented_spikes(
    py: Python<'_>,
    trains: PyRef<'_, SpikeTrainsCore>,
    augment: &Bound<'_, PyAny>,
    seed: u64,
    epoch: u32,
) -> PyResult<SpikeTrainsCore> {
    let augment: SpikeAugment = from_python("augment", augment)?;
    let trains = &trains.0;
    augment.validate(trains.n_neurons())?;
    Ok(SpikeTrainsCore(long(py, None, trains.n_spikes(), || augment.apply_all(trains, seed, epoch))?))
}
