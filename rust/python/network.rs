//! The network for Python.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::arrays::{from_python, shaped, to_python};
use super::calls::long;
use super::files::save;
use super::net::{Net, OfNet, with_net};
use super::parameters::{delays_from_python, delays_to_python, n_weights, weights_from_python, weights_to_python};
use super::run::{Going, SampleRun};
use super::samples::EncoderArgument;
use super::shared::Shared;
use crate::engine::layered::{SampleSpikes, membrane_trace};
use crate::error::Error;
use crate::files::container;
use crate::learn::{Data, Worker};
use crate::memory::catch;
use crate::network::{ConnectionConfig, Network, NetworkConfig, Shape, io};
use crate::simd::Weight;

/// A network; strsbp_rs.Network wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct NetworkCore {
    pub net: Shared<Net>,
}

impl NetworkCore {
    pub fn new(net: Net) -> Self {
        Self { net: Shared::new("network", net) }
    }

    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let net = match io::dtype_of(path, bytes)?.as_str() {
            "float64" => Net::F64(Arc::new(io::network_from_bytes(path, bytes)?)),
            _ => Net::F32(Arc::new(io::network_from_bytes(path, bytes)?)),
        };
        Ok(Self::new(net))
    }
}

#[pymethods]
impl NetworkCore {
    #[new]
    fn from_config(py: Python<'_>, config: &Bound<'_, PyAny>, dtype: &str) -> PyResult<Self> {
        let config: NetworkConfig = from_python("network", config)?;
        let net = match dtype {
            "float32" => Net::F32(Arc::new(long(py, None, usize::MAX, || Network::new(config))?)),
            "float64" => Net::F64(Arc::new(long(py, None, usize::MAX, || Network::new(config))?)),
            _ => return Err(Error::value("dtype", "'float32' or 'float64'", format!("'{dtype}'")).into()),
        };
        Ok(Self::new(net))
    }

    /// Checks a configuration, and returns channels, height and width of each layer with the fan-in of its weights from below.
    #[staticmethod]
    fn sizes(config: &Bound<'_, PyAny>) -> PyResult<Vec<([usize; 3], usize)>> {
        let config: NetworkConfig = from_python("network", config)?;
        config.validate()?;
        let of_layer = |connections: &Vec<ConnectionConfig<'_>>| {
            let pattern = &connections[0].pattern;
            let Shape { channels, height, width } = pattern.post();
            ([channels, height, width], pattern.matrix()[1])
        };
        Ok(config.connections()?.iter().map(of_layer).collect())
    }

    /// Makes the network in the bytes of a file.
    #[staticmethod]
    fn loads(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        long(py, None, bytes.len(), || Self::from_bytes(Path::new("<bytes>"), bytes))
    }

    /// Reads a network's file, or the network of a checkpoint; and what the writer added.
    #[staticmethod]
    fn load<'py>(py: Python<'py>, path: PathBuf) -> PyResult<(Self, Bound<'py, PyAny>)> {
        let (net, user) = long(py, None, usize::MAX, || {
            let bytes = container::read(&path)?;
            Ok((Self::from_bytes(&path, &bytes)?, io::content_from_bytes(&path, &bytes)?.1))
        })?;
        Ok((net, to_python(py, &user)?))
    }

    /// Writes the network's file, and what the caller wants back from it.
    fn save(&self, py: Python<'_>, path: PathBuf, user: &Bound<'_, PyAny>) -> PyResult<()> {
        let user: serde_json::Value = from_python("user", user)?;
        with_net!(&self.net, net => save(py, &path, || io::network_to_bytes(net, user)))
    }

    /// Returns the bytes of the network's file.
    fn dumps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = with_net!(&self.net, net => {
            long(py, None, n_weights(net), || io::network_to_bytes(net, serde_json::Value::Null))
        })?;
        super::arrays::bytes(py, &bytes)
    }

    /// Returns what the network was built from.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        with_net!(&self.net, net => to_python(py, net.config()))
    }

    /// Returns NumPy's name of the weights' type.
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.net.present() {
            Net::F32(_) => f32::DTYPE,
            Net::F64(_) => f64::DTYPE,
        }
    }

    /// Returns the weights of every layer.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_net!(&self.net, net => weights_to_python(py, net))
    }

    /// Sets the weights of every layer, all or none.
    fn set_weights(&self, py: Python<'_>, weights: Vec<Bound<'_, PyDict>>) -> PyResult<()> {
        let changing = self.net.changing()?;
        let set = with_net!(&self.net, net => set_weights(py, net, &weights))?;
        Ok(catch(|| {
            changing.change(set);
            Ok(())
        })?)
    }

    /// Returns the delay of every synapse [ms], layer by layer.
    fn delays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_net!(&self.net, net => delays_to_python(py, net))
    }

    /// Sets the delay of every synapse [ms], all or none.
    fn set_delays(&self, py: Python<'_>, delays: Vec<Bound<'_, PyDict>>) -> PyResult<()> {
        let changing = self.net.changing()?;
        let set = with_net!(&self.net, net => set_delays(py, net, &delays))?;
        Ok(catch(|| changing.change(set))?)
    }

    /// Returns the number of trained weights, of synapses that exist.
    fn n_parameters(&self, py: Python<'_>) -> PyResult<usize> {
        with_net!(&self.net, net => long(py, None, n_weights(net), || catch(|| Ok(net.n_parameters()))))
    }

    /// Returns which recurrent synapses of a layer exist, bool (n_post, n_pre); `None` if all do or the layer has none.
    fn recurrent_mask<'py>(&self, py: Python<'py>, layer: usize) -> PyResult<Option<Bound<'py, PyArray2<bool>>>> {
        with_net!(&self.net, net => {
            let layer = net.layers().get(layer).ok_or_else(|| Error::value("layer", format!("< {}", net.layers().len()), layer))?;
            let recurrent = layer.recurrent().filter(|recurrent| recurrent.is_trainable());
            let exists = catch(|| Ok(recurrent.and_then(|recurrent| recurrent.synapses().exists())))?;
            exists.map(|exists| shaped(py, exists, [layer.n_out(); 2])).transpose()
        })
    }

    /// Runs the network and counts, see [`SampleRun::spike_counts`].
    fn spike_counts<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        encoder: Option<EncoderArgument>,
        seed: u64,
        n_threads: Option<usize>,
        engine: &Bound<'py, PyAny>,
        counted: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let engine = from_python("engine", engine)?;
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            let prepare = |worker: &Worker<_>, data: Data<'_>, going: Going<'_>| worker.prepare(net, engine, data, seed, going);
            let dict = run.spike_counts(py, net, prepare, counted)?;
            dict.set_item("overflows", PyList::empty(py))?;
            Ok(dict)
        })
    }

    /// Runs the network and records, see [`SampleRun::record`]; `traced` are layers and neurons of each.
    fn record<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        encoder: Option<EncoderArgument>,
        seed: u64,
        n_threads: Option<usize>,
        engine: &Bound<'py, PyAny>,
        traced: Vec<(usize, Vec<usize>)>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let engine = from_python("engine", engine)?;
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            let prepare = |worker: &Worker<_>, data: Data<'_>, going: Going<'_>| worker.prepare(net, engine, data, seed, going);
            let trace = |spikes: &SampleSpikes, n_steps, layer, neuron| membrane_trace(net, spikes, n_steps, layer, neuron);
            let dict = run.record(py, net, prepare, traced, trace, engine)?;
            dict.set_item("overflows", PyList::empty(py))?;
            Ok(dict)
        })
    }
}

/// What sets something of a network, once all is checked.
type Set<R> = Box<dyn FnOnce(&mut Net) -> R>;

/// Checks weights; what sets them, without Python.
fn set_weights<F: OfNet + numpy::Element>(
    py: Python<'_>,
    net: &Network<F>,
    weights: &[Bound<'_, PyDict>],
) -> PyResult<Set<()>> {
    // All that takes memory, before anything is changed.
    let set = weights_from_python(py, net, weights)?;
    Ok(Box::new(move |net| set(F::of_mut(net))))
}

/// Checks delays; what sets them, without Python.
fn set_delays<F: OfNet>(
    py: Python<'_>,
    net: &Network<F>,
    delays: &[Bound<'_, PyDict>],
) -> PyResult<Set<Result<(), Error>>> {
    let delays = delays_from_python(py, net, delays)?;
    Ok(Box::new(move |net| F::of_mut(net).set_delays(&delays)))
}
