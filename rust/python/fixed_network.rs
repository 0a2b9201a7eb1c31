//! Networks of fixed-point layers for Python.

use std::sync::Arc;

use numpy::{PyArray2, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arrays::{Preparation, Samples, from_python, shaped};
use super::calls::Watch;
use super::network::{Net, NetworkCore};
use super::spikes::SpikeTrainsCore;
use crate::engine::Lists;
use crate::error::Error;
use crate::fixed::{FixedLayer, FixedNetwork, FixedParams, IntegerSynapses};
use crate::learn::{Worker, check_inputs, count_spikes};
use crate::network::{Network, Synapses};
use crate::sim::{FixedSamples, SampleSimulation};
use crate::spikes::SpikeTrains;

/// Samples simulated between two looks at Ctrl-C while recording.
const RECORD_CHUNK: usize = 64;

/// Fixed-point layers in place of those of a network; strsbp_rs.FixedNetwork wraps it.
#[pyclass(module = "strsbp_rs._strsbp_rs", frozen)]
pub struct FixedNetworkCore {
    net: Network<f32>,
    layers: Arc<FixedSamples>,
}

fn integers(
    name: &str,
    weight: &PyReadonlyArray2<'_, i32>,
    synapses: &Synapses<f32>,
) -> Result<IntegerSynapses, Error> {
    let expected = [synapses.n_out(), synapses.n_in()];
    if weight.shape() != expected {
        return Err(Error::shape(name, weight.shape(), format!("({}, {})", expected[0], expected[1])));
    }
    let weight = weight.as_array().iter().copied().collect();
    Ok(IntegerSynapses { weight, taps: synapses.taps().clone() })
}

#[pymethods]
impl FixedNetworkCore {
    /// From a network in float32, which tells sizes and delays, and a dict a layer: `format`, `weight` and, of recurrent
    /// layers, `recurrent_weight`, int32.
    #[new]
    fn new(net: PyRef<'_, NetworkCore>, layers: Vec<Bound<'_, PyDict>>) -> PyResult<Self> {
        let Net::F32(net) = &net.net else {
            return Err(Error::dtype("network", "float32", "float64").into());
        };
        let mut fixed = Vec::new();
        for (l, (layer, given)) in net.layers().iter().zip(&layers).enumerate() {
            let entry = |key: &str| {
                given
                    .get_item(key)?
                    .ok_or_else(|| PyErr::from(Error::value(format!("layers[{l}].{key}"), "given", "nothing")))
            };
            let format: FixedParams = from_python(&format!("layers[{l}].format"), &entry("format")?)?;
            let weight = integers(&format!("layers[{l}].weight"), &entry("weight")?.extract()?, layer.synapses())?;
            let recurrent = layer.recurrent().map(|recurrent| -> PyResult<_> {
                let weight = entry("recurrent_weight")?.extract()?;
                Ok(integers(&format!("layers[{l}].recurrent_weight"), &weight, recurrent.synapses())?)
            });
            let shape = [layer.n_out(), layer.n_in()];
            fixed.push(FixedLayer::new(&format, shape, &weight, recurrent.transpose()?.as_ref(), l + 1)?);
        }
        if fixed.len() != net.layers().len() {
            return Err(Error::value("layers", format!("{} of them", net.layers().len()), layers.len()).into());
        }
        Ok(Self { net: net.clone(), layers: Arc::new(FixedSamples::new(FixedNetwork { layers: fixed })) })
    }

    /// Output counts, uint32 (n_samples, n_out), and the spikes of every layer.
    #[pyo3(signature = (x, encoder, seed, n_threads))]
    fn spike_counts<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        encoder: Option<(usize, f64)>,
        seed: u64,
        n_threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyArray2<u32>>, Vec<u64>)> {
        let samples = Samples::extract(x)?;
        let preparation = Preparation::new(encoder, None)?;
        let values = samples.values()?;
        let mut watch = Watch::new(None);
        let result = py.detach(|| {
            let data = preparation.data(values, false)?;
            let worker = Worker::new(n_threads)?;
            check_inputs(&self.net, data)?;
            let simulation = SampleSimulation::fixed(Arc::clone(&self.layers));
            let mut keep_going = |_| watch.keep_going(false, |py| Ok(py.None()));
            count_spikes(&worker, &self.net, &simulation, data, seed, None, &mut keep_going)
        });
        let (counts, n_spikes, _) = watch.finish(result)?;
        let n_out = self.net.n_out();
        Ok((shaped(py, counts.clone(), [counts.len() / n_out, n_out])?, n_spikes))
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
        let samples = Samples::extract(x)?;
        let preparation = Preparation::new(encoder, None)?;
        let values = samples.values()?;
        let mut watch = Watch::new(None);
        let result = py.detach(|| {
            let data = preparation.data(values, false)?;
            check_inputs(&self.net, data)?;
            let worker = Worker::<f32>::new(n_threads)?;
            let simulation = SampleSimulation::fixed(Arc::clone(&self.layers));
            let n_steps = data.n_steps();
            let sizes = std::iter::once(self.net.n_in()).chain(self.net.layers().iter().map(|layer| layer.n_out()));
            let mut trains = sizes.map(|n| SpikeTrains::empty(n_steps, n)).collect::<Result<Vec<_>, _>>()?;
            for first in (0..data.n_samples()).step_by(RECORD_CHUNK) {
                if !watch.keep_going(false, |py| Ok(py.None())) {
                    return Err(Error::Interrupted);
                }
                let range = first..data.n_samples().min(first + RECORD_CHUNK);
                let mut recorded = vec![None; range.len()];
                worker.simulate(
                    &self.net,
                    &simulation,
                    data,
                    seed,
                    range,
                    Lists::All,
                    &mut recorded,
                    |spikes, _, output| {
                        *output = Some(spikes.clone());
                    },
                );
                for spikes in recorded.into_iter().flatten() {
                    for (trains, layer) in trains.iter_mut().zip(std::iter::once(&spikes.input).chain(&spikes.layers)) {
                        trains.push_sample((0..n_steps).map(|t| layer.by_time.row(t)));
                    }
                }
            }
            Ok(trains)
        });
        Ok(watch.finish(result)?.into_iter().map(SpikeTrainsCore).collect())
    }

    /// Currents and membranes that did not fit since the network was made, layer by layer.
    fn overflows(&self) -> Vec<(u64, u64)> {
        self.layers.overflows().into_iter().map(|overflows| (overflows.current, overflows.membrane)).collect()
    }
}
