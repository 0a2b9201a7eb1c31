//! Between NumPy arrays and the core's slices.

use numpy::{
    Element, IntoPyArray, PyArray, PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::memory::collected;

/// Returns a configuration from its dict; `name` is for the message.
pub fn from_python<T: DeserializeOwned>(name: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    pythonize::depythonize(value).map_err(|error| PyTypeError::new_err(format!("{name}: {error}")))
}

/// Returns a configuration as a dict.
pub fn to_python<'py, T: Serialize>(py: Python<'py>, value: &T) -> PyResult<Bound<'py, PyAny>> {
    pythonize::pythonize(py, value).map_err(|error| PyTypeError::new_err(error.to_string()))
}

/// Returns a copy of bytes. Unlike `PyBytes::new`, this can refuse.
pub fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, bytes.len(), |copy| {
        copy.copy_from_slice(bytes);
        Ok(())
    })
}

/// Returns a one-dimensional array.
pub fn vector<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    values.into_pyarray(py)
}

/// Returns an array of the given shape from its values in C order.
pub fn shaped<T: Element, const N: usize>(
    py: Python<'_>,
    values: Vec<T>,
    shape: [usize; N],
) -> PyResult<Bound<'_, PyArray<T, numpy::ndarray::Dim<[usize; N]>>>>
where
    numpy::ndarray::Dim<[usize; N]>: numpy::ndarray::Dimension,
    [usize; N]: numpy::ndarray::IntoDimension<Dim = numpy::ndarray::Dim<[usize; N]>>,
{
    values.into_pyarray(py).reshape(shape)
}

/// Returns an array of any number of axes from its values in C order.
pub fn with_axes<T: Element>(py: Python<'_>, values: Vec<T>, axes: Vec<usize>) -> PyResult<Bound<'_, PyArrayDyn<T>>> {
    values.into_pyarray(py).reshape(axes)
}

/// Returns the values of a float array of shape `expected`, in C order.
pub fn values_of<T: Element + Copy>(
    name: &str,
    value: &Bound<'_, PyAny>,
    expected: &[usize],
    dtype: &str,
) -> PyResult<Vec<T>> {
    let Ok(array) = value.cast::<PyArrayDyn<T>>() else {
        let got =
            value.cast::<PyUntypedArray>().map_or_else(|_| value.get_type().to_string(), |a| a.dtype().to_string());
        return Err(Error::dtype(name, dtype, got).into());
    };
    if array.shape() != expected {
        return Err(Error::shape(name, array.shape(), named_axes(expected)).into());
    }
    Ok(collected(name, array.readonly().as_array().iter().copied())?)
}

/// Returns the axes of the weights of a connection with their names, for the message.
pub fn named_axes(axes: &[usize]) -> String {
    let names: &[&str] = match axes.len() {
        2 => &["n_out", "n_in"],
        3 => &["channels", "channels_in / groups", "kernel"],
        _ => &["channels", "channels_in / groups", "kernel height", "kernel width"],
    };
    let sizes: Vec<_> = names.iter().zip(axes).map(|(name, size)| format!("{name}={size}")).collect();
    format!("({})", sizes.join(", "))
}
