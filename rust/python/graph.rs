//! Graphs for Python.

use std::sync::Arc;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::any_graph::{AnyGraph, PyWeight, given_weights, with_graph};
use super::arrays::{from_python, to_python, vector};
use super::calls::{detached, long};
use super::fixed_network::FixedNetworkCore;
use super::net::{Net, with_net};
use super::network::NetworkCore;
use super::shared::{Changing, Shared};
use crate::error::Error;
use crate::graph::{ConnectionRule, Connectivity, Graph, Parts, Sliding};
use crate::memory::collected;
use crate::network::{Delay, Init};
use crate::neuron::NeuronParams;
use crate::simd::Weight;

/// Holds populations and projections; strsbp_rs.Graph wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct GraphCore {
    pub graph: Shared<AnyGraph>,
}

impl GraphCore {
    fn of(graph: AnyGraph) -> Self {
        Self { graph: Shared::new("graph", graph) }
    }
}

#[pymethods]
impl GraphCore {
    #[new]
    fn new(dt: f64, seed: u64, dtype: &str) -> PyResult<Self> {
        let graph = match dtype {
            "float32" => AnyGraph::F32(Arc::new(Graph::new(dt, seed)?)),
            "float64" => AnyGraph::F64(Arc::new(Graph::new(dt, seed)?)),
            "int8" => AnyGraph::I8(Arc::new(Graph::new(dt, seed)?)),
            "int16" => AnyGraph::I16(Arc::new(Graph::new(dt, seed)?)),
            "int32" => AnyGraph::I32(Arc::new(Graph::new(dt, seed)?)),
            _ => {
                let expected = "'float32', 'float64', 'int8', 'int16' or 'int32'";
                return Err(Error::value("dtype", expected, format!("'{dtype}'")).into());
            }
        };
        Ok(Self::of(graph))
    }

    /// Makes the graph of a layered network, with its present weights.
    #[staticmethod]
    fn from_network(py: Python<'_>, net: PyRef<'_, NetworkCore>) -> PyResult<Self> {
        let net = &net.net.present();
        let graph = long(py, None, usize::MAX, || match net {
            Net::F32(net) => Graph::from_network(net).map(|graph| AnyGraph::F32(Arc::new(graph))),
            Net::F64(net) => Graph::from_network(net).map(|graph| AnyGraph::F64(Arc::new(graph))),
        })?;
        Ok(Self::of(graph))
    }

    /// Makes the graph of a network in fixed point, in the smallest type that holds its weights.
    #[staticmethod]
    fn from_fixed(py: Python<'_>, fixed: PyRef<'_, FixedNetworkCore>) -> PyResult<Self> {
        let network = &*fixed.network;
        let (dt, seed) = with_net!(&fixed.net, net => (net.config().dt, net.config().seed));
        let graph = long(py, None, usize::MAX, || {
            let ranges = network.layers().iter().map(|layer| layer.params.weight_range());
            let (low, high) = ranges.fold((0, 0), |(low, high), (l, h)| (low.min(l), high.max(h)));
            let fits = |least: i64, most: i64| low >= least && high <= most;
            Ok(if fits(i8::MIN.into(), i8::MAX.into()) {
                AnyGraph::I8(Arc::new(Graph::from_fixed_network(dt, seed, network)?))
            } else if fits(i16::MIN.into(), i16::MAX.into()) {
                AnyGraph::I16(Arc::new(Graph::from_fixed_network(dt, seed, network)?))
            } else {
                AnyGraph::I32(Arc::new(Graph::from_fixed_network(dt, seed, network)?))
            })
        })?;
        Ok(Self::of(graph))
    }

    /// Adds a population, of inputs if `neuron` is `None`; its number.
    fn add_population(&self, name: &str, n: usize, neuron: Option<&Bound<'_, PyAny>>) -> PyResult<usize> {
        fn add<W: PyWeight>(
            graph: Arc<Graph<W>>,
            changing: &Changing<'_, AnyGraph>,
            name: &str,
            n: usize,
            neuron: Option<NeuronParams>,
        ) -> PyResult<usize> {
            // Or it would be copied.
            drop(graph);
            Ok(changing.change(|graph| W::of_mut(graph).add(name, n, neuron))?)
        }
        let neuron = neuron.map(|neuron| from_python("neuron", neuron)).transpose()?;
        let changing = self.graph.changing()?;
        with_graph!(changing.present(), graph => add(graph, &changing, name, n, neuron))
    }

    /// Connects two populations by a rule; the projection's number.
    fn connect(
        &self,
        py: Python<'_>,
        pre: usize,
        post: usize,
        rule: &Bound<'_, PyAny>,
        weight: &Bound<'_, PyAny>,
        delay: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        fn add<W: PyWeight>(
            py: Python<'_>,
            graph: Arc<Graph<W>>,
            changing: &Changing<'_, AnyGraph>,
            (pre, post): (usize, usize),
            rule: &ConnectionRule,
            (weight, delay): (&Init, &Delay),
        ) -> PyResult<usize> {
            let (n_pre, n_post) = sizes(&graph, pre, post);
            let size = n_pre.saturating_mul(n_post);
            let synapses = long(py, None, size, || W::draw(&graph, (pre, post), rule, weight, delay))?;
            drop(graph);
            Ok(detached(py, || changing.change(|graph| W::of_mut(graph).add_projection(pre, post, synapses)))?)
        }
        let rule: ConnectionRule = from_python("rule", rule)?;
        let weight: Init = from_python("weight", weight)?;
        let delay: Delay = from_python("delay", delay)?;
        let changing = self.graph.changing()?;
        with_graph!(changing.present(), graph => add(py, graph, &changing, (pre, post), &rule, (&weight, &delay)))
    }

    /// Connects pairs of neurons; `delay` holds one number, or one a pair [ms].
    fn connect_pairs(
        &self,
        py: Python<'_>,
        pre: usize,
        post: usize,
        pairs: (PyReadonlyArray1<'_, u32>, PyReadonlyArray1<'_, u32>),
        weight: &Bound<'_, PyAny>,
        delay: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<usize> {
        let contiguous = |_| PyTypeError::new_err("pairs and delay must be C-contiguous");
        let lists = (pairs.0.as_slice().map_err(contiguous)?, pairs.1.as_slice().map_err(contiguous)?);
        let delay = delay.as_slice().map_err(contiguous)?;
        let changing = self.graph.changing()?;
        with_graph!(changing.present(), graph => {
            connect_given(py, graph, &changing, (pre, post), weight, lists.0.len(), |[n_pre, n_post], weight| {
                Connectivity::from_lists(n_pre, n_post, lists.0, lists.1, weight, delay)
            })
        })
    }

    /// Connects two populations by a convolution's kernels: the matrix of their weights, flat, and delays of one number, or one a weight
    /// [ms]; the projection's number.
    fn connect_kernels(
        &self,
        py: Python<'_>,
        pre: usize,
        post: usize,
        rule: &Bound<'_, PyAny>,
        weight: &Bound<'_, PyAny>,
        delay: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<usize> {
        let ConnectionRule::Convolution(convolution) = from_python("rule", rule)? else {
            return Err(PyTypeError::new_err("rule must be a convolution"));
        };
        let delay = delay.as_slice().map_err(|_| PyTypeError::new_err("delay must be C-contiguous"))?;
        let changing = self.graph.changing()?;
        let n_pre = convolution.in_shape.iter().fold(1, |n: usize, &places| n.saturating_mul(places));
        with_graph!(changing.present(), graph => {
            connect_given(py, graph, &changing, (pre, post), weight, n_pre, |[n_pre, n_post], weight| {
                let conv = convolution.between(n_pre, n_post)?;
                Connectivity::from_kernels(&conv, collected("weight", weight.iter().copied())?, delay)
            })
        })
    }

    /// Returns NumPy's name of the weights' type.
    #[getter]
    fn dtype(&self) -> &'static str {
        fn name<W: PyWeight>(_: &Graph<W>) -> &'static str {
            W::DTYPE
        }
        with_graph!(&self.graph.present(), graph => name(graph))
    }

    /// Returns the time step [ms].
    #[getter]
    fn dt(&self) -> f64 {
        with_graph!(&self.graph.present(), graph => graph.dt())
    }

    /// Returns the graph as it is at present: what is added to one later is not in the other.
    fn copy(&self) -> Self {
        Self::of(self.graph.present())
    }

    /// Returns the seed, and the constants of every population, `None` of inputs.
    fn constants<'py>(&self, py: Python<'py>) -> PyResult<(u64, Vec<Option<Bound<'py, PyAny>>>)> {
        with_graph!(&self.graph.present(), graph => {
            let of = |params| to_python(py, params);
            let constants = graph.populations().iter().map(|population| population.params.as_ref().map(of).transpose());
            Ok((graph.seed(), constants.collect::<PyResult<_>>()?))
        })
    }

    /// Returns the arrays of a projection's synapses: start, target (`None` unless synapses are listed), weight, distinct delays [ms], and
    /// which of them each weight has (`None` if all have the one).
    fn parts<'py>(&self, py: Python<'py>, projection: usize) -> PyResult<Bound<'py, PyTuple>> {
        fn arrays<'py, W: PyWeight>(py: Python<'py>, parts: Parts<W>) -> PyResult<Bound<'py, PyTuple>> {
            let Parts { rows, weight, distinct, index, .. } = parts;
            let (start, target) = rows.unzip();
            let start = start.map(|start| vector(py, start.into_iter().map(|at| at as u64).collect()));
            let target = target.map(|target| vector(py, target));
            let index = index.map(|index| vector(py, index));
            (start, target, vector(py, weight), vector(py, distinct), index).into_pyobject(py)
        }
        with_graph!(&self.graph.present(), graph => {
            let found = graph.projections().get(projection);
            let found = found.ok_or_else(|| no_projection(graph.projections().len(), projection))?;
            arrays(py, long(py, None, found.synapses.len(), || found.synapses.to_parts())?)
        })
    }

    /// Returns how the kernels of a projection slide, in numbers; `None` if it has none.
    fn sliding(&self, projection: usize) -> PyResult<Option<Vec<u64>>> {
        with_graph!(&self.graph.present(), graph => {
            let found = graph.projections().get(projection);
            let found = found.ok_or_else(|| no_projection(graph.projections().len(), projection))?;
            Ok(found.synapses.sliding().map(|sliding| sliding.words().to_vec()))
        })
    }

    /// Adds a projection of which `parts` told the arrays, and `sliding` how kernels slide; its number.
    #[pyo3(signature = (pre, post, rows, weight, distinct, index, sliding=None))]
    fn add_parts(
        &self,
        pre: usize,
        post: usize,
        rows: Option<(PyReadonlyArray1<'_, u64>, PyReadonlyArray1<'_, u32>)>,
        weight: &Bound<'_, PyAny>,
        distinct: PyReadonlyArray1<'_, f64>,
        index: Option<PyReadonlyArray1<'_, u32>>,
        sliding: Option<Vec<u64>>,
    ) -> PyResult<usize> {
        type Arrays = (Option<(Vec<usize>, Vec<u32>)>, Vec<f64>, Option<Vec<u32>>, Option<Sliding>);
        fn add<W: PyWeight>(
            graph: Arc<Graph<W>>,
            changing: &Changing<'_, AnyGraph>,
            (pre, post): (usize, usize),
            weight: &Bound<'_, PyAny>,
            (rows, distinct, index, sliding): Arrays,
        ) -> PyResult<usize> {
            let (n_pre, n_post) = sizes(&graph, pre, post);
            drop(graph);
            let weight = weight.extract::<PyReadonlyArray1<'_, W>>()?;
            let weight = collected("weight", weight.as_array().iter().copied())?;
            if let Some(at) = weight.iter().position(|w| !w.is_number()) {
                return Err(Error::value(format!("weight[{at}]"), "finite", weight[at]).into());
            }
            let synapses = Connectivity::from_parts(n_pre, n_post, Parts { rows, weight, distinct, index, sliding })?;
            Ok(changing.change(|graph| W::of_mut(graph).add_projection(pre, post, synapses))?)
        }
        let rows = rows.map(|(start, target)| {
            (start.as_array().iter().map(|&at| at as usize).collect(), target.as_array().to_vec())
        });
        let sliding = sliding.map(|words| Sliding::from_words(&words)).transpose()?;
        let arrays = (rows, distinct.as_array().to_vec(), index.map(|index| index.as_array().to_vec()), sliding);
        let changing = self.graph.changing()?;
        with_graph!(changing.present(), graph => add(graph, &changing, (pre, post), weight, arrays))
    }

    /// Returns (name, n, is_input) of every population.
    fn populations(&self) -> Vec<(String, usize, bool)> {
        with_graph!(&self.graph.present(), graph => graph.populations().iter().map(|population| {
            (population.name.clone(), population.n, population.params.is_none())
        }).collect())
    }

    /// Returns the number of synapses of a projection.
    fn n_synapses(&self, projection: usize) -> PyResult<usize> {
        with_graph!(&self.graph.present(), graph => {
            let found = graph.projections().get(projection);
            let found = found.ok_or_else(|| no_projection(graph.projections().len(), projection))?;
            Ok(found.synapses.len())
        })
    }

    /// Returns (pre, post, number of synapses) of every projection.
    fn projections(&self) -> Vec<(usize, usize, usize)> {
        with_graph!(&self.graph.present(), graph => graph.projections().iter().map(|projection| {
            (projection.pre, projection.post, projection.synapses.len())
        }).collect())
    }

    /// Returns the synapses of a projection, those of each neuron by delay, then target: pre, post, weight, delay [ms].
    fn synapses<'py>(&self, py: Python<'py>, projection: usize) -> PyResult<Bound<'py, PyDict>> {
        fn lists<'py, F: PyWeight>(py: Python<'py>, synapses: &Connectivity<F>) -> PyResult<Bound<'py, PyDict>> {
            let lists = long(py, None, synapses.len(), || synapses.to_lists())?;
            let dict = PyDict::new(py);
            dict.set_item("pre", vector(py, lists.pre))?;
            dict.set_item("post", vector(py, lists.post))?;
            dict.set_item("weight", vector(py, lists.weight))?;
            dict.set_item("delay", vector(py, lists.delay))?;
            Ok(dict)
        }
        with_graph!(&self.graph.present(), graph => {
            let found = graph.projections().get(projection);
            let found = found.ok_or_else(|| no_projection(graph.projections().len(), projection))?;
            lists(py, &found.synapses)
        })
    }
}

/// Returns the refusal of a projection that is not one of `n`.
fn no_projection(n: usize, projection: usize) -> Error {
    Error::value("projection", format!("in [0, {n})"), projection)
}

/// Adds a projection that `make` makes of the sizes of both populations and the weights given, which are worked through with `size` other
/// numbers; its number.
fn connect_given<W: PyWeight>(
    py: Python<'_>,
    graph: Arc<Graph<W>>,
    changing: &Changing<'_, AnyGraph>,
    (pre, post): (usize, usize),
    weight: &Bound<'_, PyAny>,
    size: usize,
    make: impl FnOnce([usize; 2], &[W]) -> Result<Connectivity<W>, Error> + Send,
) -> PyResult<usize> {
    let weight = given_weights::<W>(weight)?;
    let weight = weight.as_slice().expect("contiguous");
    let (n_pre, n_post) = sizes(&graph, pre, post);
    drop(graph);
    let synapses = long(py, None, size.saturating_add(weight.len()), || make([n_pre, n_post], weight))?;
    Ok(detached(py, || changing.change(|graph| W::of_mut(graph).add_projection(pre, post, synapses)))?)
}

/// Returns the numbers of neurons of two populations, 0 of one that does not exist.
fn sizes<W: Weight>(graph: &Graph<W>, pre: usize, post: usize) -> (usize, usize) {
    let size = |at: usize| graph.populations().get(at).map_or(0, |population| population.n);
    (size(pre), size(post))
}
