//! The network for Python.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use numpy::{PyArray2, PyArray3};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::arrays::{from_python, shaped, to_python};
use super::calls::{Watch, detached, long};
use super::files::save;
use super::fixed_network::FixedNetworkCore;
use super::parameters::{delays_from_python, delays_to_python, n_weights, weights_from_python, weights_to_python};
use super::samples::{Preparation, Samples};
use super::shared::{Changing, Shared};
use super::simulator::counts_dict;
use super::spikes::SpikeTrainsCore;
use crate::engine::graph::Counts;
use crate::engine::layered::{Lists, SampleSpikes, membrane_trace};
use crate::error::Error;
use crate::files::container;
use crate::fixed::Grid;
use crate::graph::Graph;
use crate::learn::{CountedSpikes, Data, Trainee, Worker, check_inputs, count_spikes};
use crate::memory::{OrUnwind, catch, product, with_room};
use crate::network::{Network, NetworkConfig, io};
use crate::sim::{EngineKind, SampleSimulation, operations};
use crate::simd::{Real, Weight};
use crate::spikes::SpikeTrains;

/// Samples simulated between two looks at Ctrl-C while recording.
const RECORD_CHUNK: usize = 64;

/// A network of either precision. It is counted who has it: a clone is the network as it was then.
#[derive(Clone)]
pub enum Net {
    F32(Arc<Network<f32>>),
    F64(Arc<Network<f64>>),
}

/// What tells a network.
pub trait Present {
    /// The network as it is at present.
    fn present(&self) -> Net;
}

/// A type of weights that networks have.
pub trait OfNet: Real {
    /// The network, which is of this type.
    fn of(net: Net) -> Arc<Network<Self>>;

    /// To change it; it is copied if others have it.
    fn of_mut(net: &mut Net) -> &mut Network<Self>;
}

macro_rules! of_net {
    ($type:ident, $variant:ident) => {
        impl OfNet for $type {
            fn of(net: Net) -> Arc<Network<Self>> {
                let Net::$variant(net) = net else { unreachable!("a network keeps its type") };
                net
            }

            fn of_mut(net: &mut Net) -> &mut Network<Self> {
                let Net::$variant(net) = net else { unreachable!("a network keeps its type") };
                Arc::make_mut(net)
            }
        }
    };
}

of_net!(f32, F32);
of_net!(f64, F64);

/// A network while a trainer changes it.
pub struct InTraining<'a>(pub &'a Changing<'a, Net>);

impl<F: OfNet> Trainee<F> for InTraining<'_> {
    fn present(&self) -> crate::learn::Present<'_, F> {
        crate::learn::Present::Shared(F::of(self.0.present()))
    }

    fn change(&mut self, by: &mut dyn FnMut(&mut Network<F>)) {
        self.0.change(|net| by(F::of_mut(net)));
    }
}

impl Present for Net {
    fn present(&self) -> Net {
        self.clone()
    }
}

impl Present for Shared<Net> {
    fn present(&self) -> Net {
        Shared::present(self)
    }
}

/// Evaluates `$body` with `$net` bound to the network, as it is at present, of whichever precision.
macro_rules! with_net {
    ($any:expr, $net:ident => $body:expr) => {
        match &$crate::python::network::Present::present($any) {
            $crate::python::network::Net::F32($net) => {
                let $net: &$crate::network::Network<f32> = $net;
                $body
            }
            $crate::python::network::Net::F64($net) => {
                let $net: &$crate::network::Network<f64> = $net;
                $body
            }
        }
    };
}

pub(super) use with_net;

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

    /// The network in the bytes of a file.
    #[staticmethod]
    fn loads(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        long(py, None, bytes.len(), || Self::from_bytes(Path::new("<bytes>"), bytes))
    }

    /// Reads a network's file, or the network of a checkpoint.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        long(py, None, usize::MAX, || Self::from_bytes(&path, &container::read(&path)?))
    }

    /// Writes the network's file, and what the caller wants back from it.
    fn save(&self, py: Python<'_>, path: PathBuf, user: &Bound<'_, PyAny>) -> PyResult<()> {
        let user: serde_json::Value = from_python("user", user)?;
        with_net!(&self.net, net => save(py, &path, || io::network_to_bytes(net, user)))
    }

    /// The bytes of the network's file.
    fn dumps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = with_net!(&self.net, net => {
            long(py, None, n_weights(net), || io::network_to_bytes(net, serde_json::Value::Null))
        })?;
        super::arrays::bytes(py, &bytes)
    }

    /// What the network was built from.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        with_net!(&self.net, net => to_python(py, net.config()))
    }

    /// NumPy's name of the weights' type.
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.net.present() {
            Net::F32(_) => f32::DTYPE,
            Net::F64(_) => f64::DTYPE,
        }
    }

    /// Weights of every layer.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_net!(&self.net, net => weights_to_python(py, net))
    }

    /// Returns the network in fixed point, and what it loses.
    fn quantize(
        &self,
        py: Python<'_>,
        quantization: &Bound<'_, PyAny>,
        n_threads: Option<usize>,
    ) -> PyResult<(FixedNetworkCore, Vec<String>)> {
        let quantization = from_python("quantization", quantization)?;
        let present = self.net.present();
        with_net!(&present, net => {
            long(py, n_threads, usize::MAX, || catch(|| {
                let grid = Grid::new(net, &quantization)?;
                let core = FixedNetworkCore::compiled(present.clone(), grid.network(net)?)?;
                Ok((core, grid.notes.into_iter().map(|note| note.text).collect()))
            }))
        })
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

    /// Delay of every synapse [ms], layer by layer.
    fn delays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_net!(&self.net, net => delays_to_python(py, net))
    }

    /// Sets the delay of every synapse [ms], all or none.
    fn set_delays(&self, py: Python<'_>, delays: Vec<Bound<'_, PyDict>>) -> PyResult<()> {
        let changing = self.net.changing()?;
        let set = with_net!(&self.net, net => set_delays(py, net, &delays))?;
        Ok(catch(|| changing.change(set))?)
    }

    /// Whether the delays were set one by one, so that the configuration does not tell them.
    #[getter]
    fn explicit_delays(&self) -> bool {
        with_net!(&self.net, net => net.explicit_delays())
    }

    /// Which recurrent synapses of a layer exist, bool (n_post, n_pre); `None` if all do or the layer has none.
    fn recurrent_mask<'py>(&self, py: Python<'py>, layer: usize) -> PyResult<Option<Bound<'py, PyArray2<bool>>>> {
        with_net!(&self.net, net => {
            let layer = net.layers().get(layer).ok_or_else(|| Error::value("layer", format!("< {}", net.layers().len()), layer))?;
            let recurrent = layer.recurrent().filter(|recurrent| recurrent.is_trainable());
            let exists = catch(|| Ok(recurrent.and_then(|recurrent| recurrent.synapses().exists())))?;
            exists.map(|exists| shaped(py, exists, [layer.n_out(); 2])).transpose()
        })
    }

    /// Output counts, uint32 (n_samples, n_out), spikes and silent neurons of every layer, the number of steps, the engine,
    /// and what it has done if `counted`.
    #[pyo3(signature = (x, encoder, seed, n_threads, engine, counted, callback=None))]
    fn spike_counts<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        encoder: Option<(usize, f64)>,
        seed: u64,
        n_threads: Option<usize>,
        engine: &Bound<'py, PyAny>,
        counted: bool,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<SpikeCounts<'py>> {
        let engine = from_python("engine", engine)?;
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            let prepare = |worker: &Worker<_>, data: Data<'_>, going: Going<'_>| worker.prepare(net, engine, data, seed, going);
            let found = run.spike_counts(py, net, prepare, counted, callback.as_ref())?;
            let done = found.done.map(|done| counts_dict(py, done)).transpose()?;
            Ok((found.counts, (found.n_spikes, found.silent, found.n_steps), found.engine.name(), done))
        })
    }

    /// Spike trains of the input and of every layer, and the traces of chosen neurons: a list, for each entry of
    /// `chosen`, of (current, potential), (n_samples, n_steps, n_chosen) each; the engine, and what it has done.
    fn record<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        encoder: Option<(usize, f64)>,
        seed: u64,
        n_threads: Option<usize>,
        chosen: Vec<(usize, Vec<usize>)>,
        engine: &Bound<'py, PyAny>,
    ) -> PyResult<RecordedArrays<'py>> {
        let engine = from_python("engine", engine)?;
        let run = SampleRun { x, encoder, seed, n_threads };
        with_net!(&self.net, net => {
            if engine == EngineKind::Continuous && !chosen.is_empty() {
                let got = format!("{} layers", chosen.len());
                return Err(Error::value("record_traces", "empty in continuous time", got).into());
            }
            let prepare = |worker: &Worker<_>, data: Data<'_>, going: Going<'_>| worker.prepare(net, engine, data, seed, going);
            let ([n_samples, n_steps], recorded) = run.record(py, net, prepare, &chosen, true)?;
            let mut arrays = Vec::new();
            for ((current, potential), (_, neurons)) in recorded.traces.into_iter().zip(&chosen) {
                let shape = [n_samples, n_steps, neurons.len()];
                let array = |values| -> PyResult<_> { let array: Bound<'py, PyArray3<_>> = shaped(py, values, shape)?; Ok(array.into_any()) };
                arrays.push((array(current)?, array(potential)?));
            }
            let trains = recorded.trains.into_iter().map(SpikeTrainsCore).collect();
            Ok((trains, arrays, recorded.engine.name(), counts_dict(py, recorded.counts)?))
        })
    }
}

/// Output counts, activity, the engine, and what it has done.
type SpikeCounts<'py> = (Bound<'py, PyArray2<u32>>, LayerActivity, &'static str, Option<Bound<'py, PyDict>>);

/// Spikes and silent neurons of every layer, and the number of steps.
pub type LayerActivity = (Vec<u64>, Vec<usize>, usize);

/// Spike trains, traces, the engine, and what it has done.
type RecordedArrays<'py> = (Vec<SpikeTrainsCore>, Vec<Pair<'py>>, &'static str, Bound<'py, PyDict>);

/// Two arrays.
type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Currents and potentials of the neurons chosen in each layer, in C order.
type Traces<F> = Vec<(Vec<F>, Vec<F>)>;

/// What a run leaves behind.
pub struct Recorded<F> {
    pub trains: Vec<SpikeTrains>,
    traces: Traces<F>,
    engine: EngineKind,
    counts: Counts,
}

/// Of one sample.
struct RecordedSample<F> {
    spikes: SampleSpikes,
    traces: Traces<F>,
    counts: Counts,
}

/// What a run leaves behind that only counts.
pub struct CountedRun<'py> {
    /// Output counts, (n_samples, n_out).
    pub counts: Bound<'py, PyArray2<u32>>,
    /// Spikes of every layer.
    pub n_spikes: Vec<u64>,
    /// Neurons of every layer that never fired.
    pub silent: Vec<usize>,
    pub n_steps: usize,
    engine: EngineKind,
    /// What the engine has done, if it was to be counted.
    done: Option<Counts>,
}

/// Whether a run is to go on.
pub type Going<'a> = &'a mut dyn FnMut() -> bool;

/// Samples to run a network on.
pub struct SampleRun<'a, 'py> {
    pub x: &'a Bound<'py, PyAny>,
    pub encoder: Option<(usize, f64)>,
    pub seed: u64,
    pub n_threads: Option<usize>,
}

impl<'py> SampleRun<'_, 'py> {
    /// Output counts and what else the run leaves behind; what the engine has done if `counted`.
    pub fn spike_counts<F: Real>(
        &self,
        py: Python<'py>,
        net: &Network<F>,
        prepare: impl FnOnce(&Worker<F>, Data<'_>, Going<'_>) -> Result<SampleSimulation<F>, Error> + Send,
        counted: bool,
        callback: Option<&Py<PyAny>>,
    ) -> PyResult<CountedRun<'py>> {
        let samples = Samples::extract(self.x)?;
        let preparation = Preparation::new(self.encoder, None)?;
        let values = samples.values()?;
        let (seed, n_threads) = (self.seed, self.n_threads);
        let mut watch = Watch::new(callback);
        let result = detached(py, || {
            let data = preparation.data(values, false)?;
            check_inputs(net, data)?;
            let worker = Worker::new(n_threads)?;
            let simulation = prepare(&worker, data, &mut || {
                watch.keep_going(false, |py| Ok(0usize.into_pyobject(py)?.into_any().unbind()))
            })?;
            let graph = if counted { graph_to_count(net, &simulation)? } else { None };
            let mut keep_going =
                |done: usize| watch.keep_going(false, |py| Ok(done.into_pyobject(py)?.into_any().unbind()));
            let found = count_spikes(&worker, net, &simulation, data, seed, graph.as_ref(), &mut keep_going)?;
            Ok((found, simulation.kind(), data.n_steps()))
        });
        let (CountedSpikes { counts, n_spikes, activity, done }, engine, n_steps) = watch.finish(result)?;
        let n_out = net.n_out();
        let n_samples = counts.len() / n_out;
        let counts = shaped(py, counts, [n_samples, n_out])?;
        Ok(CountedRun { counts, n_spikes, silent: activity.silent(), n_steps, engine, done: done.filter(|_| counted) })
    }

    /// Numbers of samples and steps, and what the run leaves behind.
    pub fn record<F: Real>(
        &self,
        py: Python<'py>,
        net: &Network<F>,
        prepare: impl FnOnce(&Worker<F>, Data<'_>, Going<'_>) -> Result<SampleSimulation<F>, Error> + Send,
        chosen: &[(usize, Vec<usize>)],
        counted: bool,
    ) -> PyResult<([usize; 2], Recorded<F>)> {
        let samples = Samples::extract(self.x)?;
        let preparation = Preparation::new(self.encoder, None)?;
        let values = samples.values()?;
        let (seed, n_threads) = (self.seed, self.n_threads);
        let mut watch = Watch::new(None);
        let result = detached(py, || {
            let data = preparation.data(values, false)?;
            check_inputs(net, data)?;
            let worker = Worker::new(n_threads)?;
            check_chosen(net, chosen)?;
            let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
            let simulation = prepare(&worker, data, &mut keep_going)?;
            let recorded = record(&worker, net, &simulation, data, seed, chosen, counted, &mut keep_going)?;
            Ok(([data.n_samples(), data.n_steps()], recorded))
        });
        watch.finish(result)
    }
}

/// The graph that operations are counted of, where the engine does not count on the way.
fn graph_to_count<F: Real>(net: &Network<F>, simulation: &SampleSimulation<F>) -> Result<Option<Graph<F>>, Error> {
    (simulation.kind() == EngineKind::Clocked).then(|| Graph::from_network(net)).transpose()
}

/// What takes the memory of traces, for messages.
const TRACES: &str = "n_samples * n_steps * neurons of record_traces";

fn check_chosen<F: Real>(net: &Network<F>, chosen: &[(usize, Vec<usize>)]) -> Result<(), Error> {
    for (layer, neurons) in chosen {
        let Some(found) = net.layers().get(*layer) else {
            return Err(Error::value("record_traces", format!("layers in [0, {})", net.layers().len()), layer));
        };
        if let Some(neuron) = neurons.iter().find(|&&neuron| neuron >= found.n_out()) {
            let name = format!("record_traces[{layer}]");
            return Err(Error::value(name, format!("neurons in [0, {})", found.n_out()), neuron));
        }
    }
    Ok(())
}

fn record<F: Real>(
    worker: &Worker<F>,
    net: &Network<F>,
    simulation: &SampleSimulation<F>,
    data: Data<'_>,
    seed: u64,
    chosen: &[(usize, Vec<usize>)],
    counted: bool,
    keep_going: &mut dyn FnMut() -> bool,
) -> Result<Recorded<F>, Error> {
    let graph = if counted { graph_to_count(net, simulation)? } else { None };
    let mut counts = Counts::default();
    let n_steps = data.n_steps();
    let sizes = std::iter::once(net.n_in()).chain(net.layers().iter().map(|layer| layer.n_out()));
    let empty = |n| {
        let mut trains = SpikeTrains::empty(n_steps, n)?;
        trains.reserve_samples(data.n_samples()).map(|()| trains)
    };
    let mut trains = sizes.map(empty).collect::<Result<Vec<_>, Error>>()?;
    let room = |neurons: &Vec<usize>| {
        let n = product(&[data.n_samples(), n_steps, neurons.len()]);
        Ok((with_room(TRACES, n)?, with_room(TRACES, n)?))
    };
    let mut traces = chosen.iter().map(|(_, neurons)| room(neurons)).collect::<Result<Traces<F>, Error>>()?;
    for first in (0..data.n_samples()).step_by(RECORD_CHUNK) {
        if !keep_going() {
            return Err(Error::Interrupted);
        }
        let range = first..data.n_samples().min(first + RECORD_CHUNK);
        let mut outputs: Vec<Option<RecordedSample<F>>> = range.clone().map(|_| None).collect();
        let use_sample = |spikes: &SampleSpikes, counts: Option<Counts>, output: &mut Option<RecordedSample<F>>| {
            let sample = chosen.iter().map(|(layer, neurons)| {
                let all: Vec<_> = neurons.iter().map(|&i| membrane_trace(net, spikes, n_steps, *layer, i)).collect();
                let n = product(&[n_steps, neurons.len()]);
                let mut values = (with_room(TRACES, n).or_unwind(), with_room(TRACES, n).or_unwind());
                let by_time = |t: usize| all.iter().map(move |trace| (trace.current[t], trace.potential[t]));
                values.extend((0..n_steps).flat_map(by_time));
                values
            });
            let counts = graph.as_ref().map(|graph| operations(graph, n_steps, spikes)).or(counts);
            let (traces, counts) = (sample.collect(), counts.unwrap_or_default());
            *output = Some(RecordedSample { spikes: spikes.clone(), traces, counts });
        };
        worker.simulate(net, simulation, data, seed, range, Lists::All, &mut outputs, keep_going, use_sample)?;
        for sample in outputs.into_iter().flatten() {
            let spikes = &sample.spikes;
            counts += sample.counts;
            for (trains, layer) in trains.iter_mut().zip(std::iter::once(&spikes.input).chain(&spikes.layers)) {
                trains.push_sample((0..n_steps).map(|t| layer.by_time.row(t)))?;
            }
            for (all, part) in traces.iter_mut().zip(sample.traces) {
                all.0.extend(part.0);
                all.1.extend(part.1);
            }
        }
    }
    Ok(Recorded { trains, traces, engine: simulation.kind(), counts })
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
