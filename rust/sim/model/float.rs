//! Graphs of floating-point neurons.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Model, refused};
use crate::engine::graph::{
    Clocked, ClockedEngine, EventEngine, LifNeurons, NeuronState, Transit, catch_up, check_range,
};
use crate::error::Result;
use crate::graph::{Graph, Population};
use crate::neuron::lif::lazy::{Bounds, LazyLif};
use crate::neuron::{LARGEST_CONTINUOUS, NeuronParams};
use crate::sim::EngineKind;
use crate::simd::Real;

/// Holds leaky integrate-and-fire neurons in floating point.
#[derive(Clone, Copy, Debug)]
pub struct Floats<F>(PhantomData<F>);

/// Returns the largest current or potential that an engine computes with.
fn largest<F: Real>(kind: EngineKind) -> f64 {
    if kind == EngineKind::Continuous { LARGEST_CONTINUOUS } else { F::max_value().widen() }
}

impl<F: Real> Model for Floats<F> {
    type Weight = F;
    type Value = F;
    type Neurons = LifNeurons<F>;
    type Limits = ();

    const FIRST: EngineKind = EngineKind::Event;
    const HAS_TIES: bool = true;

    fn limits(graph: &Graph<F>, kind: EngineKind) -> Result<()> {
        check_range(graph, largest::<F>(kind))
    }

    fn clocked(graph: Arc<Graph<F>>, (): &()) -> Result<Clocked<LifNeurons<F>>> {
        ClockedEngine::new(graph)
    }

    fn event(graph: Arc<Graph<F>>) -> Result<EventEngine<F, F>> {
        EventEngine::new(graph)
    }

    fn push((): &(), transit: &mut Transit<F>, _name: &str, t: &[i64], x: &[i64]) -> Result<()> {
        transit.push(t.iter().zip(x).map(|(&t, &x)| (t as u64, x as u32)))
    }

    fn start(params: &NeuronParams, potentials: &[f64], kind: EngineKind) -> Result<Vec<F>> {
        let (v_th, largest) = (params.lif()?.v_th(), largest::<F>(kind));
        let fits = |i: usize, u: f64| u.abs() <= largest && F::from_f64(u) <= F::from_f64(v_th.get(i));
        if let Some(i) = (0..potentials.len()).find(|&i| !fits(i, potentials[i])) {
            let v_th = v_th.get(i);
            return Err(refused(i, format!("between {:.1e} and v_th = {v_th}", -largest), potentials[i]));
        }
        Ok(potentials.iter().map(|&u| F::from_f64(u)).collect())
    }

    fn present(
        population: &Population,
        _number: usize,
        neurons: &[NeuronState<F>],
        last: u64,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let Some(params) = population.integrating() else { return Ok(Default::default()) };
        let lif = LazyLif::new(&params.lif()?.lowest(), Bounds::none(0.0))?;
        let present = neurons.iter().map(|neuron| catch_up(&lif, neuron, last));
        Ok(present.map(|(p, u)| (p.widen(), u.widen())).unzip())
    }

    fn misfit(_params: &NeuronParams, _neurons: &[NeuronState<F>]) -> Result<Option<usize>> {
        Ok(None)
    }
}
