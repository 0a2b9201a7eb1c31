//! Spike trains for Python.

use std::path::PathBuf;

use numpy::{Element, PyArray1, PyArray2, PyArray3, PyReadonlyArray1, PyReadonlyArray3, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::arrays::{shaped, vector};
use super::calls::long;
use super::files::save;
use crate::error::Error;
use crate::memory::{catch, collected, product, with_room};
use crate::spikes::{SpikeTrains, read_spike_trains, spike_trains_to_bytes, van_rossum};
use crate::stop::check;

/// Rows made between two looks at whether to stop.
const ROWS_UNASKED: usize = 64;

/// Sparse spike trains of many samples.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs", name = "SpikeTrainsCore")]
pub struct SpikeTrainsCore(pub SpikeTrains);

#[pymethods]
impl SpikeTrainsCore {
    /// Makes one from a C-contiguous raster (n_samples, n_steps, n_neurons) of uint8, non-zero = spike.
    #[staticmethod]
    fn from_dense(py: Python<'_>, raster: PyReadonlyArray3<'_, u8>) -> PyResult<Self> {
        let [n_samples, n_steps, n_neurons] = [raster.shape()[0], raster.shape()[1], raster.shape()[2]];
        let view = raster.as_array();
        let each = || view.iter().map(|&v| u16::from(v != 0));
        let trains = long(py, None, view.len(), || SpikeTrains::from_counts(n_samples, n_steps, n_neurons, each()))?;
        Ok(Self(trains))
    }

    /// Makes one from how often each neuron fires at each step, (n_samples, n_steps, n_neurons).
    #[staticmethod]
    fn from_counts(py: Python<'_>, counts: PyReadonlyArray3<'_, u16>) -> PyResult<Self> {
        let [n_samples, n_steps, n_neurons] = [counts.shape()[0], counts.shape()[1], counts.shape()[2]];
        let view = counts.as_array();
        let each = || view.iter().copied();
        let trains = long(py, None, view.len(), || SpikeTrains::from_counts(n_samples, n_steps, n_neurons, each()))?;
        Ok(Self(trains))
    }

    /// Makes one from compressed sparse rows; row `sample * n_steps + t`.
    #[staticmethod]
    fn from_csr(
        py: Python<'_>,
        indptr: PyReadonlyArray1<'_, i64>,
        indices: PyReadonlyArray1<'_, i64>,
        shape: (usize, usize, usize),
    ) -> PyResult<Self> {
        let (indptr, indices) = (indptr.as_array(), indices.as_array());
        let trains = long(py, None, indptr.len().saturating_add(indices.len()), || {
            let indptr = collected("indptr", indptr.iter().copied())?;
            let indices = collected("indices", indices.iter().copied())?;
            SpikeTrains::from_csr(shape.0, shape.1, shape.2, &indptr, &indices)
        })?;
        Ok(Self(trains))
    }

    /// Makes one from the events of each sample, a list of (name, t, x); of repeated ones all are kept, or one.
    #[staticmethod]
    fn from_events(
        py: Python<'_>,
        events: Vec<(String, PyReadonlyArray1<'_, i64>, PyReadonlyArray1<'_, i64>)>,
        n_steps: usize,
        n_neurons: usize,
        keep_repeated: bool,
    ) -> PyResult<Self> {
        let views: Vec<_> = events.iter().map(|(name, t, x)| (name, t.as_array(), x.as_array())).collect();
        let n_events = views.iter().map(|(_, t, _)| t.len()).sum::<usize>();
        let size = n_steps.saturating_mul(events.len()).saturating_add(n_events);
        let trains = long(py, None, size, || {
            let mut trains = SpikeTrains::empty(n_steps, n_neurons)?;
            trains.reserve_samples(views.len())?;
            for (name, t, x) in &views {
                let t = collected(name, t.iter().copied())?;
                trains.push_events(name, &t, &collected(name, x.iter().copied())?, keep_repeated)?;
            }
            Ok(trains)
        })?;
        Ok(Self(trains))
    }

    /// Returns (n_samples, n_steps, n_neurons).
    #[getter]
    fn shape(&self) -> (usize, usize, usize) {
        (self.0.n_samples(), self.0.n_steps(), self.0.n_neurons())
    }

    /// Returns the number of spikes.
    #[getter]
    fn n_spikes(&self) -> usize {
        self.0.n_spikes()
    }

    /// Returns the number of steps of each sample, int64 (n_samples,).
    #[getter]
    fn lengths<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let lengths = (0..self.0.n_samples()).map(|sample| self.0.n_steps_of(sample) as i64);
        Ok(vector(py, collected("n_samples", lengths)?))
    }

    /// Whether all samples have as many steps.
    #[getter]
    fn is_even(&self) -> bool {
        self.0.lengths().is_none()
    }

    /// Returns the same spikes of samples of these lengths, int64 (n_samples,).
    fn with_lengths(&self, py: Python<'_>, lengths: PyReadonlyArray1<'_, i64>) -> PyResult<Self> {
        let lengths = collected("lengths", lengths.as_array().iter().copied())?;
        let trains = long(py, None, self.0.n_spikes(), || catch(|| Ok(self.0.clone()))?.with_lengths(&lengths))?;
        Ok(Self(trains))
    }

    /// Returns how often each neuron fires at each step, uint32 (n_samples, n_steps, n_neurons).
    fn to_counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray3<u32>>> {
        self.dense(py, |count: &mut u32| *count += 1)
    }

    /// Returns the raster of bool, (n_samples, n_steps, n_neurons).
    fn to_dense<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray3<bool>>> {
        self.dense(py, |fires: &mut bool| *fires = true)
    }

    /// Returns (indptr, indices) of the compressed sparse rows, int64 and int32.
    fn to_csr<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let indptr = collected("n_samples * n_steps + 1", self.0.indptr().iter().map(|&at| at as i64))?;
        let indices = collected("n_spikes", self.0.index().iter().map(|&neuron| neuron as i32))?;
        (vector(py, indptr), vector(py, indices)).into_pyobject(py)
    }

    /// Returns the spikes of every neuron, uint32 (n_samples, n_neurons).
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(shaped(py, self.0.counts()?, [self.0.n_samples(), self.0.n_neurons()])?.into_any())
    }

    /// Returns (t, x) of the events of one sample, int64 each.
    fn events<'py>(&self, py: Python<'py>, sample: usize) -> PyResult<Bound<'py, PyTuple>> {
        if sample >= self.0.n_samples() {
            return Err(Error::value("sample", format!("in [0, {})", self.0.n_samples()), sample).into());
        }
        let train = self.0.sample(sample);
        let n = (0..train.n_steps()).map(|step| train.at(step).len()).sum::<usize>();
        let (t, x) = long(py, None, n.saturating_add(self.0.n_steps()), || {
            let (mut t, mut x) = (with_room("n_spikes", Some(n))?, with_room("n_spikes", Some(n))?);
            for step in 0..train.n_steps() {
                if step.is_multiple_of(ROWS_UNASKED) {
                    check()?;
                }
                for &neuron in train.at(step) {
                    t.push(step as i64);
                    x.push(i64::from(neuron));
                }
            }
            Ok((t, x))
        })?;
        (vector(py, t), vector(py, x)).into_pyobject(py)
    }

    /// Returns the squared van Rossum distance to other trains, of every neuron, float64 (n_samples, n_neurons); `tau` in steps.
    fn van_rossum<'py>(
        &self,
        py: Python<'py>,
        other: &Self,
        tau: f64,
        n_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let distance = long(py, n_threads, usize::MAX, || van_rossum(&self.0, &other.0, tau))?;
        shaped(py, distance, [self.0.n_samples(), self.0.n_neurons()])
    }

    /// Makes the samples `start..stop`.
    fn slice(&self, py: Python<'_>, start: usize, stop: usize) -> PyResult<Self> {
        if start > stop || stop > self.0.n_samples() {
            let expected = format!("0 <= start <= stop <= {}", self.0.n_samples());
            return Err(Error::value("slice", expected, format!("{start}..{stop}")).into());
        }
        Ok(Self(long(py, None, self.0.n_spikes(), || self.0.slice(start, stop))?))
    }

    /// Makes the given samples, in the given order.
    fn take(&self, py: Python<'_>, samples: Vec<usize>) -> PyResult<Self> {
        let size = samples.len().saturating_mul(self.0.n_steps()).saturating_add(self.0.n_spikes());
        Ok(Self(long(py, None, size, || self.0.take(&samples))?))
    }

    /// Makes the steps `start..stop` of every sample.
    fn steps(&self, py: Python<'_>, start: usize, stop: usize) -> PyResult<Self> {
        if start >= stop || stop > self.0.n_steps() {
            let expected = format!("0 <= start < stop <= {}", self.0.n_steps());
            return Err(Error::value("steps", expected, format!("{start}..{stop}")).into());
        }
        Ok(Self(long(py, None, self.0.indptr().len() + self.0.n_spikes(), || self.0.steps(start, stop))?))
    }

    /// Makes the samples of all sets, one set after the other.
    #[staticmethod]
    fn concatenate(py: Python<'_>, trains: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let sets: Vec<&SpikeTrains> = trains.iter().map(|set| &set.0).collect();
        let size = sets.iter().map(|set| set.indptr().len() + set.n_spikes()).sum();
        Ok(Self(long(py, None, size, || SpikeTrains::concatenate(&sets))?))
    }

    /// Writes a safetensors file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        save(py, &path, || spike_trains_to_bytes(&self.0))
    }

    /// Reads what `save` wrote.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self(long(py, None, usize::MAX, || read_spike_trains(&path))?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl SpikeTrainsCore {
    /// Returns an array (n_samples, n_steps, n_neurons), changed by `add` for every spike.
    fn dense<'py, T: Element + Clone + Default + Send>(
        &self,
        py: Python<'py>,
        add: impl Fn(&mut T) + Sync,
    ) -> PyResult<Bound<'py, PyArray3<T>>> {
        let (n_samples, n_steps, n_neurons) = self.shape();
        let n = product(&[n_samples, n_steps, n_neurons]);
        let size = n.unwrap_or(usize::MAX).saturating_add(self.0.n_spikes());
        let values = long(py, None, size, || {
            let mut values = with_room("n_samples * n_steps * n_neurons", n)?;
            for (row, pair) in self.0.indptr().windows(2).enumerate() {
                if row.is_multiple_of(ROWS_UNASKED) {
                    check()?;
                }
                values.resize((row + 1) * n_neurons, T::default());
                for &neuron in &self.0.index()[pair[0]..pair[1]] {
                    add(&mut values[row * n_neurons + neuron as usize]);
                }
            }
            Ok(values)
        })?;
        shaped(py, values, [n_samples, n_steps, n_neurons])
    }
}
