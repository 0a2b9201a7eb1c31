//! Networks of fixed-point layers for Python.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::arrays::{from_python, named_axes, to_python, vector, with_axes};
use super::calls::long;
use super::counts::overflow_counts;
use super::files::save;
use super::net::{Net, with_net};
use super::network::NetworkCore;
use super::parameters::axes;
use super::run::{Going, SampleRun};
use super::samples::EncoderArgument;
use crate::engine::fixed::{Compiled, fixed_trace};
use crate::engine::layered::SampleSpikes;
use crate::error::Error;
use crate::files::container;
use crate::fixed::io::{fixed_from_bytes, fixed_to_bytes};
use crate::fixed::{FixedConnection, FixedLayer, FixedNetwork, Grid, check_limits, check_synapses};
use crate::learn::{Data, Worker};
use crate::memory::{catch, collected};
use crate::network::{Connection, Layer, Network, io};
use crate::sim::{EngineKind, FixedSamples, SampleSimulation};
use crate::simd::Real;

/// A network in fixed point, ready to be run, and the one in floating point that it stands for; strsbp_rs.FixedNetwork wraps it.
#[pyclass(module = "strsbp_rs._strsbp_rs", frozen)]
pub struct FixedNetworkCore {
    /// The network in floating point that it stands for.
    pub net: Net,
    /// The layers.
    pub network: Arc<FixedNetwork>,
    samples: Arc<FixedSamples>,
}

#[pymethods]
impl FixedNetworkCore {
    /// Makes one of a network, which tells sizes and delays, and a dict a layer: `format`, `scale`, `step`, `weight` and, of recurrent
    /// layers, `recurrent_weight`, int32 with the axes of the network's weights, (1, 1) of a pool. The limits of formats are enforced.
    #[new]
    fn new(net: PyRef<'_, NetworkCore>, layers: Vec<Bound<'_, PyDict>>) -> PyResult<Self> {
        let present = net.net.present();
        let layers = catch(|| Ok(with_net!(&present, net => fixed_layers(net, &layers))))??;
        let network = FixedNetwork::new(layers)?;
        with_net!(&present, net => catch(|| check_synapses(net, network.layers())))?;
        check_limits(network.layers())?;
        Ok(Self::compiled(present, network)?)
    }

    /// Returns the layers as the constructor takes them.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_net!(&self.net, net => self.layers_of(py, net))
    }

    /// Brings a network to fixed point; returns what it loses as well.
    #[staticmethod]
    fn quantize(
        py: Python<'_>,
        net: PyRef<'_, NetworkCore>,
        quantization: &Bound<'_, PyAny>,
        n_threads: Option<usize>,
    ) -> PyResult<(Self, Vec<String>)> {
        let quantization = from_python("quantization", quantization)?;
        let present = net.net.present();
        with_net!(&present, net => {
            long(py, n_threads, usize::MAX, || catch(|| {
                let grid = Grid::new(net, &quantization)?;
                let core = Self::compiled(present.clone(), grid.network(net)?)?;
                Ok((core, grid.notes.into_iter().map(|note| note.text).collect()))
            }))
        })
    }

    /// Writes the layers, and the network they stand for.
    fn save(&self, py: Python<'_>, path: PathBuf, user: &Bound<'_, PyAny>) -> PyResult<()> {
        let user = from_python("user", user)?;
        with_net!(&self.net, net => save(py, &path, || fixed_to_bytes(net, &self.network, user)))
    }

    /// Reads what `save` wrote, and what the writer added. Limits are not enforced: files from before they were are to be read.
    #[staticmethod]
    fn load<'py>(py: Python<'py>, path: PathBuf) -> PyResult<(Self, Bound<'py, PyAny>)> {
        let (core, user) = long(py, None, usize::MAX, || {
            let bytes = container::read(&path)?;
            let (net, network, user) = match io::dtype_of(&path, &bytes)?.as_str() {
                "float64" => {
                    let (net, network, user) = fixed_from_bytes(&path, &bytes)?;
                    (Net::F64(Arc::new(net)), network, user)
                }
                _ => {
                    let (net, network, user) = fixed_from_bytes(&path, &bytes)?;
                    (Net::F32(Arc::new(net)), network, user)
                }
            };
            Ok((Self::compiled(net, network)?, user))
        })?;
        Ok((core, to_python(py, &user)?))
    }

    /// Returns the network it stands for.
    fn network(&self) -> NetworkCore {
        NetworkCore::new(self.net.clone())
    }

    /// Runs the network and counts, as `NetworkCore` does.
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
        check_engine(engine)?;
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            self.counted(|samples| {
                let prepare = |_: &Worker<_>, data: Data<'_>, _: Going<'_>| simulation(samples, data);
                run.spike_counts(py, net, prepare, counted)
            })
        })
    }

    /// Runs the network and records, as `NetworkCore` does.
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
        check_engine(engine)?;
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            self.counted(|samples| {
                let prepare = |_: &Worker<_>, data: Data<'_>, _: Going<'_>| simulation(samples, data);
                let trace = |spikes: &SampleSpikes, n_steps, l, i| fixed_trace(&self.network, spikes, n_steps, l, i);
                run.record(py, net, prepare, traced, trace, EngineKind::Clocked)
            })
        })
    }

    /// Returns the same network with overflows of its own, of which there are none yet.
    fn uncounted(&self) -> Self {
        let samples = FixedSamples::new(Arc::clone(self.samples.network()));
        Self { net: self.net.clone(), network: Arc::clone(&self.network), samples: Arc::new(samples) }
    }

    /// Returns the currents and membranes that did not fit since the network was made, layer by layer.
    fn overflows(&self) -> Vec<(u64, u64)> {
        overflow_counts(&self.samples.overflows())
    }
}

impl FixedNetworkCore {
    fn layers_of<'py, F: Real>(&self, py: Python<'py>, net: &Network<F>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for (l, (layer, float)) in self.network.layers().iter().zip(net.layers()).enumerate() {
            let dict = PyDict::new(py);
            dict.set_item("format", to_python(py, &layer.params)?)?;
            dict.set_item("scale", vector(py, collected("scale", layer.scale.iter().copied())?))?;
            dict.set_item("step", layer.step)?;
            for (FixedConnection { origin, weight, .. }, float) in layer.connections.iter().zip(float.connections()) {
                let weight = collected("n_out * n_in", weight.iter().copied())?;
                dict.set_item(origin.weight_key(), with_axes(py, weight, axes(net, l, float))?)?;
            }
            list.append(dict)?;
        }
        Ok(list)
    }

    /// Makes a network ready to be run, which stands for `net`.
    pub fn compiled(net: Net, network: FixedNetwork) -> Result<Self, Error> {
        let samples = catch(|| Ok(FixedSamples::new(Arc::new(Compiled::new(&network)?))))?;
        Ok(Self { net, network: Arc::new(network), samples: Arc::new(samples) })
    }

    /// Runs with overflows counted apart, which are part of the result; then they are among those of all runs.
    fn counted<'py>(
        &self,
        run: impl FnOnce(Arc<FixedSamples>) -> PyResult<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let samples = Arc::new(FixedSamples::new(Arc::clone(self.samples.network())));
        let result = run(Arc::clone(&samples));
        let overflows = samples.overflows();
        self.samples.add(&overflows);
        let dict = result?;
        dict.set_item("overflows", overflow_counts(&overflows))?;
        Ok(dict)
    }
}

/// Returns how samples are simulated by these layers.
fn simulation<F: Real>(samples: Arc<FixedSamples>, data: Data<'_>) -> Result<SampleSimulation<F>, Error> {
    data.check_spikes(samples.network().input_spikes())?;
    Ok(SampleSimulation::fixed(samples))
}

/// Refuses engines that fixed point has none of.
fn check_engine(engine: &Bound<'_, PyAny>) -> PyResult<()> {
    match from_python("engine", engine)? {
        EngineKind::Clocked | EngineKind::Auto => Ok(()),
        other => {
            Err(Error::value("engine", "'clocked' or 'auto' in fixed point", format!("'{}'", other.name())).into())
        }
    }
}

/// Takes layers from their dicts, with the sizes and delays of the network's.
fn fixed_layers<F: Real>(net: &Network<F>, layers: &[Bound<'_, PyDict>]) -> PyResult<Vec<FixedLayer>> {
    if layers.len() != net.layers().len() {
        return Err(Error::value("layers", format!("{} of them", net.layers().len()), layers.len()).into());
    }
    net.layers().iter().zip(layers).enumerate().map(|(l, (layer, given))| fixed_layer(net, l, layer, given)).collect()
}

fn fixed_layer<F: Real>(
    net: &Network<F>,
    l: usize,
    layer: &Layer<F>,
    given: &Bound<'_, PyDict>,
) -> PyResult<FixedLayer> {
    let name = |key: &str| format!("layers[{l}].{key}");
    let entry =
        |key: &str| given.get_item(key)?.ok_or_else(|| PyErr::from(Error::value(name(key), "given", "nothing")));
    let params = from_python(&name("format"), &entry("format")?)?;
    let connection = |connection: &Connection<F>| -> PyResult<_> {
        let (origin, pattern) = (connection.origin(), *connection.pattern());
        let (key, expected) = (origin.weight_key(), axes(net, l, connection));
        let weight: PyReadonlyArrayDyn<'_, i32> = entry(key)?.extract()?;
        if weight.shape() != expected {
            return Err(Error::shape(name(key), weight.shape(), named_axes(&expected)).into());
        }
        let weight = collected(&name(key), weight.as_array().iter().copied())?;
        Ok(FixedConnection { origin, pattern, weight, taps: connection.synapses().taps().clone() })
    };
    Ok(FixedLayer {
        params,
        connections: layer.connections().iter().map(connection).collect::<PyResult<_>>()?,
        scale: entry("scale")?.extract()?,
        step: entry("step")?.extract()?,
    })
}
