//! Encoders for Python: of whole sets, and of streams.

use numpy::{PyArray2, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::arrays::shaped;
use super::calls::{Watch, detached, long};
use super::samples::{EncoderArgument, Preparation, Samples};
use super::shared::Worked;
use super::spikes::SpikeTrainsCore;
use crate::error::{Error, Result};
use crate::learn::{check_n_samples, encoded};
use crate::memory::{product, with_room};
use crate::spikes::PaddedRows;
use crate::spikes::encode::EncoderStream;
use crate::threads::run;

/// Returns the spikes that an encoder makes of samples.
#[pyfunction]
pub fn encode_all(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    encoder: EncoderArgument,
    seed: u64,
    n_threads: Option<usize>,
) -> PyResult<SpikeTrainsCore> {
    let samples = Samples::extract(x)?;
    let preparation = Preparation::new(&samples, Some(encoder), None)?;
    let values = samples.values()?;
    let mut watch = Watch::new(None);
    let result = detached(py, || {
        let data = preparation.data(values, false)?;
        check_n_samples(data)?;
        run(n_threads, &mut || watch.keep_going(false, |py| Ok(py.None())), || encoded(data, seed))
    });
    watch.finish(result).map(SpikeTrainsCore)
}

/// Holds an encoder of frames that come one after the other; `strsbp_rs.EncoderStream` wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct EncoderStreamCore {
    stream: Worked<EncoderStream, [usize; 3]>,
}

#[pymethods]
impl EncoderStreamCore {
    /// Makes one of a dict, at rest.
    #[new]
    fn new(encoder: EncoderArgument, n_features: usize) -> PyResult<Self> {
        let stream = EncoderStream::new(&encoder.0, n_features)?;
        let sizes = |stream: &EncoderStream| [stream.n_features(), stream.n_inputs(), stream.delay()];
        Ok(Self { stream: Worked::new("encoder", stream, sizes) })
    }

    /// Returns the numbers of features and of inputs, and of the steps that pass before what a step brings is known.
    fn sizes(&self) -> [usize; 3] {
        self.stream.about()
    }

    /// Encodes frames, float64 (n_frames, n_features); returns the steps that they decide, bool (n_steps, n_inputs).
    ///
    /// A call that is stopped, or refused, has encoded nothing.
    fn encode<'py>(&self, py: Python<'py>, frames: PyReadonlyArray2<'py, f64>) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let mut held = self.stream.work()?;
        if frames.shape()[1] != held.n_features() {
            let expected = format!("(n_frames, n_features={})", held.n_features());
            return Err(Error::shape("frames", frames.shape(), expected).into());
        }
        let frames = frames.as_slice()?;
        let mut stream = held.clone();
        let (raster, stream) = long(py, None, frames.len() << 4, || {
            let mut by_neuron = PaddedRows::default();
            stream.encode(frames, &mut by_neuron)?;
            crate::stop::check()?;
            Ok((raster(&by_neuron)?, stream))
        })?;
        *held = stream;
        as_array(py, raster, held.n_inputs())
    }

    /// Returns the steps that are left at the end of the series, and starts anew.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let mut held = self.stream.work()?;
        let mut by_neuron = PaddedRows::default();
        held.finish(&mut by_neuron);
        as_array(py, raster(&by_neuron)?, held.n_inputs())
    }
}

/// Returns who fires when, (`n_steps`, `n_inputs`).
fn raster(by_neuron: &PaddedRows) -> Result<Vec<bool>> {
    let (n_steps, n_inputs) = (by_neuron.n_columns(), by_neuron.n_rows());
    let mut raster = with_room("n_steps * n_inputs", product(&[n_steps, n_inputs]))?;
    raster.resize(n_steps * n_inputs, false);
    for j in 0..n_inputs {
        by_neuron.row(j).iter().for_each(|&t| raster[t as usize * n_inputs + j] = true);
    }
    Ok(raster)
}

fn as_array(py: Python<'_>, raster: Vec<bool>, n_inputs: usize) -> PyResult<Bound<'_, PyArray2<bool>>> {
    let n_steps = raster.len() / n_inputs;
    shaped(py, raster, [n_steps, n_inputs])
}
