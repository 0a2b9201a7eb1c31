//! Networks of fixed-point layers for Python.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray2, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::arrays::{from_python, shaped, to_python, vector};
use super::calls::long;
use super::files::save;
use super::network::{Going, LayerActivity, Net, NetworkCore, SampleRun, with_net};
use super::spikes::SpikeTrainsCore;
use crate::engine::fixed::{FixedLayer, FixedNetwork, IntegerSynapses};
use crate::error::Error;
use crate::files::container;
use crate::fixed::io::{StoredLayer, fixed_from_bytes, fixed_to_bytes};
use crate::fixed::{IntegerLayer, LayerRoom, check_fan_out};
use crate::graph;
use crate::learn::{Data, Worker};
use crate::memory::{catch, collected};
use crate::network::{Layer, Network, Synapses, io};
use crate::neuron::fixed::{FixedParams, Overflows};
use crate::sim::{FixedSamples, SampleSimulation};
use crate::simd::Real;

/// Fixed-point layers in place of those of a network; strsbp_rs.FixedNetwork wraps it.
#[pyclass(module = "strsbp_rs._strsbp_rs", frozen)]
pub struct FixedNetworkCore {
    net: Net,
    layers: Arc<FixedSamples>,
}

/// Pairs of (currents, membranes).
pub fn overflow_counts(overflows: &[Overflows]) -> Vec<(u64, u64)> {
    overflows.iter().map(|overflows| (overflows.current, overflows.membrane)).collect()
}

fn integers<F: Real>(
    name: &str,
    weight: &PyReadonlyArray2<'_, i32>,
    synapses: &Synapses<F>,
) -> Result<IntegerSynapses, Error> {
    let expected = [synapses.n_out(), synapses.n_in()];
    if weight.shape() != expected {
        return Err(Error::shape(name, weight.shape(), format!("({}, {})", expected[0], expected[1])));
    }
    let weight = collected(name, weight.as_array().iter().copied())?;
    Ok(IntegerSynapses { weight, taps: synapses.taps().clone() })
}

#[pymethods]
impl FixedNetworkCore {
    /// From a network, which tells sizes and delays, and a dict a layer: `format`, `weight` and, of layers that hear themselves,
    /// `recurrent_weight`, int32. The limits of formats are enforced if `enforce_limits`: files from before they all were are to
    /// be read.
    #[new]
    #[pyo3(signature = (net, layers, enforce_limits=false))]
    fn new(net: PyRef<'_, NetworkCore>, layers: Vec<Bound<'_, PyDict>>, enforce_limits: bool) -> PyResult<Self> {
        let fixed = catch(|| Ok(with_net!(&net.net, net => fixed_layers(net, &layers, enforce_limits))))??;
        Ok(Self { net: net.net.present(), layers: Arc::new(FixedSamples::new(FixedNetwork::new(fixed)?)) })
    }

    /// Writes layers as the constructor takes them, each with its `scale`, and the network they stand for.
    fn save(
        &self,
        py: Python<'_>,
        path: PathBuf,
        layers: Vec<Bound<'_, PyDict>>,
        user: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let user = from_python("user", user)?;
        let stored = layers.iter().map(stored_layer).collect::<PyResult<Vec<_>>>()?;
        with_net!(&self.net, net => save(py, &path, || fixed_to_bytes(net, &stored, user)))
    }

    /// What `save` wrote: network, layers, and what the writer added.
    #[staticmethod]
    fn load<'py>(py: Python<'py>, path: PathBuf) -> PyResult<(NetworkCore, Bound<'py, PyList>, Bound<'py, PyAny>)> {
        let (net, stored, user) = long(py, None, usize::MAX, || {
            let bytes = container::read(&path)?;
            Ok(match io::dtype_of(&path, &bytes)?.as_str() {
                "float64" => {
                    let (net, stored, user) = fixed_from_bytes(&path, &bytes)?;
                    (Net::F64(Arc::new(net)), stored, user)
                }
                _ => {
                    let (net, stored, user) = fixed_from_bytes(&path, &bytes)?;
                    (Net::F32(Arc::new(net)), stored, user)
                }
            })
        })?;
        let layers = with_net!(&net, net => layers_to_python(py, net, stored))?;
        Ok((NetworkCore::new(net), layers, to_python(py, &user)?))
    }

    /// The network it stands for.
    fn network(&self) -> NetworkCore {
        NetworkCore::new(self.net.clone())
    }

    /// Output counts, uint32 (n_samples, n_out), spikes and silent neurons of every layer, and the number of steps.
    #[pyo3(signature = (x, encoder, seed, n_threads))]
    fn spike_counts<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        encoder: Option<(usize, f64)>,
        seed: u64,
        n_threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyArray2<u32>>, LayerActivity)> {
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            let prepare = |_: &Worker<_>, data: Data<'_>, _: Going<'_>| self.simulation(data);
            let found = run.spike_counts(py, net, prepare, false, None)?;
            Ok((found.counts, (found.n_spikes, found.silent, found.n_steps)))
        })
    }

    /// Spike trains of the input and of every layer.
    #[pyo3(signature = (x, encoder, seed, n_threads))]
    fn record(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        encoder: Option<(usize, f64)>,
        seed: u64,
        n_threads: Option<usize>,
    ) -> PyResult<Vec<SpikeTrainsCore>> {
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            let prepare = |_: &Worker<_>, data: Data<'_>, _: Going<'_>| self.simulation(data);
            let (_, recorded) = run.record(py, net, prepare, &[], false)?;
            Ok(recorded.trains.into_iter().map(SpikeTrainsCore).collect())
        })
    }

    /// Currents and membranes that did not fit since the network was made, layer by layer.
    fn overflows(&self) -> Vec<(u64, u64)> {
        overflow_counts(&self.layers.overflows())
    }
}

impl FixedNetworkCore {
    fn simulation<F: Real>(&self, data: Data<'_>) -> Result<SampleSimulation<F>, Error> {
        data.check_spikes(self.layers.network().input_spikes())?;
        Ok(SampleSimulation::fixed(Arc::clone(&self.layers)))
    }
}

fn stored_layer(given: &Bound<'_, PyDict>) -> PyResult<StoredLayer> {
    let entry = |key: &str| given.get_item(key)?.ok_or_else(|| PyErr::from(Error::value(key, "given", "nothing")));
    let values = |array: PyReadonlyArray2<'_, i32>| collected("weight", array.as_array().iter().copied());
    let recurrent = match given.get_item("recurrent_weight")? {
        Some(array) => Some(values(array.extract()?)?),
        None => None,
    };
    Ok(StoredLayer {
        format: from_python("format", &entry("format")?)?,
        scale: entry("scale")?.extract()?,
        step: entry("step")?.extract()?,
        weights: IntegerLayer { weight: values(entry("weight")?.extract()?)?, recurrent },
    })
}

/// Layers as a list of dicts.
pub fn layers_to_python<'py, F: Real>(
    py: Python<'py>,
    net: &Network<F>,
    layers: Vec<StoredLayer>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (stored, layer) in layers.into_iter().zip(net.layers()) {
        let dict = PyDict::new(py);
        dict.set_item("format", to_python(py, &stored.format)?)?;
        dict.set_item("scale", vector(py, stored.scale))?;
        dict.set_item("step", stored.step)?;
        dict.set_item("weight", shaped(py, stored.weights.weight, [layer.n_out(), layer.n_in()])?)?;
        if let Some(weight) = stored.weights.recurrent {
            dict.set_item("recurrent_weight", shaped(py, weight, [layer.n_out(); 2])?)?;
        }
        list.append(dict)?;
    }
    Ok(list)
}

/// A layer as it is given, checked to be of the sizes of a network's.
pub struct GivenLayer {
    format: FixedParams,
    /// Neurons, and those below.
    shape: [usize; 2],
    weight: IntegerSynapses,
    recurrent: Option<IntegerSynapses>,
}

impl GivenLayer {
    /// Returns the layer as a graph takes it.
    pub fn of_graph(&self) -> graph::IntegerLayer<'_> {
        graph::IntegerLayer {
            params: &self.format,
            n: self.shape[0],
            feed_forward: (&self.weight.weight, &self.weight.taps),
            recurrent: self.recurrent.as_ref().map(|synapses| (&*synapses.weight, &synapses.taps)),
        }
    }

    fn room(&self) -> LayerRoom<'_> {
        LayerRoom {
            format: &self.format,
            shape: self.shape,
            weight: &self.weight.weight,
            recurrent: self.recurrent.as_ref().map(|recurrent| &*recurrent.weight),
        }
    }
}

/// Reads dicts, one a layer of a network.
pub fn integer_layers<F: Real>(net: &Network<F>, layers: &[Bound<'_, PyDict>]) -> PyResult<Vec<GivenLayer>> {
    if layers.len() != net.layers().len() {
        return Err(Error::value("layers", format!("{} of them", net.layers().len()), layers.len()).into());
    }
    let one = |(l, (layer, given)): (usize, (&Layer<F>, &Bound<'_, PyDict>))| -> PyResult<_> {
        let name = |key: &str| format!("layers[{l}].{key}");
        let entry =
            |key: &str| given.get_item(key)?.ok_or_else(|| PyErr::from(Error::value(name(key), "given", "nothing")));
        let format = from_python(&name("format"), &entry("format")?)?;
        let weight = integers(&name("weight"), &entry("weight")?.extract()?, layer.synapses())?;
        let recurrent = layer.recurrent().map(|recurrent| -> PyResult<_> {
            let weight = entry("recurrent_weight")?.extract()?;
            Ok(integers(&name("recurrent_weight"), &weight, recurrent.synapses())?)
        });
        Ok(GivenLayer { format, shape: [layer.n_out(), layer.n_in()], weight, recurrent: recurrent.transpose()? })
    };
    net.layers().iter().zip(layers).enumerate().map(one).collect()
}

fn fixed_layers<F: Real>(
    net: &Network<F>,
    layers: &[Bound<'_, PyDict>],
    enforce_limits: bool,
) -> PyResult<Vec<FixedLayer>> {
    let given = integer_layers(net, layers)?;
    let mut made = Vec::new();
    for (l, (layer, of)) in given.iter().zip(net.layers()).enumerate() {
        made.push(FixedLayer::new(&layer.format, layer.shape, &layer.weight, layer.recurrent.as_ref(), l + 1)?);
        if enforce_limits {
            layer.format.limits.check_layer(&format!("layers[{l}]"), of, l == 0)?;
        }
    }
    if enforce_limits {
        check_fan_out(&given.iter().map(GivenLayer::room).collect::<Vec<_>>())?;
    }
    Ok(made)
}
