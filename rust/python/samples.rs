//! Samples and labels from Python, as the core takes them.

use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::arrays::from_python;
use super::spikes::SpikeTrainsCore;
use crate::error::Error;
use crate::learn::{AnalogData, Data, ImageAugment, Series};
use crate::spikes::{Analog, Encoder, EncoderConfig, SpikeTrains};

/// Samples handed in from Python, kept alive while the core reads them.
pub struct Samples<'py> {
    held: Held<'py>,
    /// First frame of every time series, and the number of all.
    starts: Option<Vec<usize>>,
}

/// What Python holds.
enum Held<'py> {
    U8(PyReadonlyArray2<'py, u8>),
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
    Spikes(PyRef<'py, SpikeTrainsCore>),
}

/// An encoder as Python gives it: a dict with its kind.
#[derive(Clone)]
pub struct EncoderArgument(pub EncoderConfig);

impl<'a, 'py> FromPyObject<'a, 'py> for EncoderArgument {
    type Error = PyErr;

    fn extract(encoder: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        from_python("encoder", &encoder).map(Self)
    }
}

/// The encoder of analog samples, what it makes of time series, and the augmentation of images.
pub struct Preparation {
    encoder: Option<Encoder>,
    series: Option<Series>,
    augment: Option<ImageAugment>,
}

/// What [`Samples`] hold, without Python.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    Analog(Analog<'a>, usize),
    Spikes(&'a SpikeTrains),
}

impl<'py> Samples<'py> {
    /// Takes a C-contiguous array (n_samples, n_features) of uint8, float32 or float64, or spike trains; or, of time series, one
    /// (n_frames, n_features) with the first frame of every sample, int64 (n_samples + 1,).
    pub fn extract(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok((frames, starts)) = x.extract::<(Bound<'py, PyAny>, PyReadonlyArray1<'py, i64>)>() {
            let starts = starts.as_array().iter().map(|&start| start.max(0) as usize).collect();
            return Ok(Self { held: Held::extract(&frames)?, starts: Some(starts) });
        }
        Ok(Self { held: Held::extract(x)?, starts: None })
    }

    /// Returns the values, for use without the GIL.
    pub fn values(&self) -> PyResult<Values<'_>> {
        self.held.values()
    }
}

impl<'py> Held<'py> {
    fn extract(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(trains) = x.extract::<PyRef<'py, SpikeTrainsCore>>() {
            return Ok(Self::Spikes(trains));
        }
        if let Ok(array) = x.extract() {
            return Ok(Self::U8(array));
        }
        if let Ok(array) = x.extract() {
            return Ok(Self::F32(array));
        }
        if let Ok(array) = x.extract() {
            return Ok(Self::F64(array));
        }
        let got = x.cast::<PyUntypedArray>().map_or_else(
            |_| x.get_type().to_string(),
            |array| format!("{} and {} dimensions", array.dtype(), array.ndim()),
        );
        Err(Error::dtype("x", "uint8, float32 or float64 of shape (n_samples, n_in), or SpikeTrains", got).into())
    }

    fn values(&self) -> PyResult<Values<'_>> {
        let contiguous = |_| PyTypeError::new_err("x must be C-contiguous");
        Ok(match self {
            Self::U8(x) => Values::Analog(Analog::U8(x.as_slice().map_err(contiguous)?), x.shape()[1]),
            Self::F32(x) => Values::Analog(Analog::F32(x.as_slice().map_err(contiguous)?), x.shape()[1]),
            Self::F64(x) => Values::Analog(Analog::F64(x.as_slice().map_err(contiguous)?), x.shape()[1]),
            Self::Spikes(trains) => Values::Spikes(&trains.0),
        })
    }
}

impl Preparation {
    /// Takes the encoder of a call, and the trainer's augmentation, for these samples.
    pub fn new(
        samples: &Samples<'_>,
        encoder: Option<EncoderArgument>,
        augment: Option<ImageAugment>,
    ) -> PyResult<Self> {
        let encoder = encoder.map(|EncoderArgument(config)| config.build()).transpose()?;
        let series = match (&samples.starts, &encoder) {
            (Some(starts), Some(encoder)) => Some(Series::new(starts.clone(), encoder)?),
            _ => None,
        };
        Ok(Self { encoder, series, augment })
    }

    /// Returns what the core trains on.
    pub fn data<'a>(&'a self, values: Values<'a>, training: bool) -> Result<Data<'a>, Error> {
        match (values, &self.encoder) {
            (Values::Spikes(trains), _) => Ok(Data::Spikes(trains)),
            (Values::Analog(values, n_features), Some(encoder)) => {
                if n_features == 0 {
                    return Err(Error::value("n_in", ">= 1", 0));
                }
                let augment = self.augment.as_ref().filter(|_| training);
                Ok(Data::Analog(AnalogData::new(values, n_features, self.series.as_ref(), encoder, augment)?))
            }
            (Values::Analog(..), None) => Err(Error::value("encoder", "given where x holds analog values", "None")),
        }
    }
}
