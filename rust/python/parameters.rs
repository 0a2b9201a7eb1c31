//! Arrays of the trainable connections, as a list of a dict a layer: weights, gradients and delays.

use numpy::Element;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::arrays::{values_of, with_axes};
use super::calls::long;
use crate::error::Error;
use crate::learn::Gradients;
use crate::memory::{catch, collected};
use crate::network::{Connection, LayerConfig, LayerDelays, Network, Origin, delays_in_steps};
use crate::simd::{Real, Weight};

/// Key of a connection's array in the dict of its layer.
type Key = fn(Origin) -> &'static str;

/// Returns the number of a network's weights.
pub fn n_weights<F: Real>(net: &Network<F>) -> usize {
    net.trainable().map(|(_, connection)| n_synapses(connection)).sum()
}

/// Returns the number of entries of a connection's arrays.
fn n_synapses<F: Real>(connection: &Connection<F>) -> usize {
    connection.pattern().matrix().iter().product()
}

/// Returns the axes of the arrays of a connection of layer `l`: those of its pattern, without the height where it lies on a line.
pub fn axes<F: Real>(net: &Network<F>, l: usize, connection: &Connection<F>) -> Vec<usize> {
    let mut axes = connection.pattern().axes();
    if matches!(net.config().layers[l], LayerConfig::Conv1d(_)) {
        axes.remove(2);
    }
    axes
}

/// Makes a dict a layer of what `array` says of each trainable connection and of the numbers in `of`, in NumPy's order.
fn to_python<'py, F: Real, T: Element, A: Send>(
    py: Python<'py>,
    net: &Network<F>,
    key: Key,
    of: impl IntoIterator<Item = A>,
    array: impl Fn(&Connection<F>, A) -> Result<Vec<T>, Error> + Sync,
) -> PyResult<Bound<'py, PyList>> {
    let dicts: Vec<_> = net.layers().iter().map(|_| PyDict::new(py)).collect();
    for ((l, connection), of) in net.trainable().zip(of) {
        let values = long(py, None, n_synapses(connection), || catch(|| array(connection, of)))?;
        dicts[l].set_item(key(connection.origin()), with_axes(py, values, axes(net, l, connection))?)?;
    }
    PyList::new(py, dicts)
}

/// Returns the weights.
pub fn weights_to_python<'py, F: Real + Element>(py: Python<'py>, net: &Network<F>) -> PyResult<Bound<'py, PyList>> {
    let all = std::iter::repeat(());
    to_python(py, net, Origin::weight_key, all, |connection, ()| Ok(connection.synapses().rows()))
}

/// Returns gradients in the form of the weights; synapses that do not exist have gradient 0.
pub fn gradients_to_python<'py, F: Real + Element>(
    py: Python<'py>,
    net: &Network<F>,
    grads: &Gradients<F>,
) -> PyResult<Bound<'py, PyList>> {
    to_python(py, net, Origin::weight_key, grads.parts(), |connection, grad| Ok(connection.synapses().rows_of(&grad)))
}

/// Returns the delays [ms].
pub fn delays_to_python<'py, F: Real>(py: Python<'py>, net: &Network<F>) -> PyResult<Bound<'py, PyList>> {
    let dt = net.config().dt;
    let all = std::iter::repeat(());
    to_python(py, net, Origin::delay_key, all, |connection, ()| {
        let steps = connection.synapses().delays();
        collected("delays of n_out * n_in synapses", steps.iter().map(|&steps| f64::from(steps) * dt))
    })
}

/// Reads what [`to_python`] makes, layer by layer; `check` gets an array's name, its values, its connection and its axes.
fn from_python<F: Real, T: Element + Copy + Send, C: Send>(
    py: Python<'_>,
    net: &Network<F>,
    argument: &str,
    arrays: &[Bound<'_, PyDict>],
    key: Key,
    dtype: &str,
    check: impl Fn(&str, Vec<T>, &Connection<F>, &[usize]) -> Result<C, Error> + Sync,
) -> PyResult<Vec<Vec<C>>> {
    if arrays.len() != net.layers().len() {
        let expected = format!("a list of one dict for each of the {} layers", net.layers().len());
        return Err(Error::value(argument, expected, format!("{} entries", arrays.len())).into());
    }
    let mut checked = Vec::new();
    for (l, (dict, layer)) in arrays.iter().zip(net.layers()).enumerate() {
        let known: Vec<_> = layer.trainable().map(|connection| key(connection.origin())).collect();
        for found in dict.keys() {
            let found: String = found.extract()?;
            if !known.contains(&found.as_str()) {
                let expected = format!("with keys {known:?}");
                return Err(Error::value(format!("{argument}[{l}]"), expected, format!("key '{found}'")).into());
            }
        }
        let read = layer.trainable().map(|connection| -> PyResult<C> {
            let key = key(connection.origin());
            let name = format!("{argument}[{l}]['{key}']");
            let value = dict.get_item(key)?.ok_or_else(|| Error::value(&name, "an array", "nothing"))?;
            let axes = axes(net, l, connection);
            let values = values_of::<T>(&name, &value, &axes, dtype)?;
            long(py, None, values.len(), || catch(|| check(&name, values, connection, &axes)))
        });
        checked.push(read.collect::<PyResult<_>>()?);
    }
    Ok(checked)
}

/// Checks weights; returns what sets them, without Python and without taking memory.
pub fn weights_from_python<F: Real + Element>(
    py: Python<'_>,
    net: &Network<F>,
    weights: &[Bound<'_, PyDict>],
) -> PyResult<impl FnOnce(&mut Network<F>) + Send + use<F>> {
    let check = |name: &str, rows: Vec<F>, connection: &Connection<F>, axes: &[usize]| {
        let synapses = connection.synapses();
        synapses.check(name, &rows, axes)?;
        Ok(synapses.panels_of(&rows))
    };
    let checked = from_python(py, net, "weights", weights, Origin::weight_key, F::DTYPE, check)?;
    Ok(move |net: &mut Network<F>| {
        for ((_, connection), weight) in net.trainable_mut().zip(checked.into_iter().flatten()) {
            connection.update_weight(|own, _| *own = weight);
        }
    })
}

/// Checks delays [ms]; returns them in steps.
pub fn delays_from_python<F: Real>(
    py: Python<'_>,
    net: &Network<F>,
    delays: &[Bound<'_, PyDict>],
) -> PyResult<Vec<LayerDelays>> {
    let dt = net.config().dt;
    let check =
        |name: &str, delays: Vec<f64>, _: &Connection<F>, axes: &[usize]| delays_in_steps(name, &delays, axes, dt);
    from_python(py, net, "delays", delays, Origin::delay_key, f64::DTYPE, check)
}
