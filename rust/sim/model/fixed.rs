//! Graphs of fixed-point neurons: both engines of the time grid make the same steps, and so give the same bits.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Model, refused};
use crate::engine::graph::fixed::{FixedNeurons, SumLimits, brought};
use crate::engine::graph::{Clocked, EventEngine, NeuronState, Transit};
use crate::error::{Error, Result};
use crate::graph::{Graph, Population};
use crate::memory::with_room;
use crate::neuron::NeuronParams;
use crate::neuron::fixed::{Anchor, At, Decay, FiresAt, FixedPopulation, FixedWeight, Overflows};
use crate::sim::EngineKind;

/// Holds fixed-point neurons behind integer weights.
#[derive(Clone, Copy, Debug)]
pub struct Integers<W>(PhantomData<W>);

impl<W: FixedWeight> Model for Integers<W> {
    type Weight = W;
    type Value = Anchor;
    type Neurons = FixedNeurons<W>;
    type Limits = SumLimits;

    const FIRST: EngineKind = EngineKind::Clocked;
    const HAS_TIES: bool = false;

    fn limits(graph: &Graph<W>, kind: EngineKind) -> Result<SumLimits> {
        if kind == EngineKind::Continuous {
            let expected = "'clocked', 'event' or 'auto' for fixed-point neurons, which have steps";
            return Err(Error::value("engine", expected, "'continuous'"));
        }
        SumLimits::new(graph)
    }

    fn clocked(graph: Arc<Graph<W>>, limits: &SumLimits) -> Result<Clocked<FixedNeurons<W>>> {
        Clocked::fixed(graph, limits)
    }

    fn event(graph: Arc<Graph<W>>) -> Result<EventEngine<W, Anchor>> {
        EventEngine::fixed(graph)
    }

    fn push(limits: &SumLimits, transit: &mut Transit<W>, name: &str, t: &[i64], x: &[i64]) -> Result<()> {
        let Some(&first) = t.first() else { return Ok(()) };
        let mut events = with_room(name, transit.pending_from(first as u64).count().checked_add(t.len()))?;
        events.extend(transit.pending_from(first as u64));
        events.extend(t.iter().zip(x).map(|(&t, &x)| (t as u64, x as u32)));
        // In ascending order within a step: where the current saturates at each spike, it matters.
        events.sort_unstable();
        let most = limits.input_spikes as usize;
        if let Some(run) = events.chunk_by(|a, b| a == b).find(|run| run.len() > most) {
            let (step, input) = run[0];
            let expected = format!("at most {most} spikes of input {input} at step {step}");
            return Err(Error::value(name, expected, run.len()));
        }
        transit.set_pending_from(first as u64, events)
    }

    fn start(params: &NeuronParams, potentials: &[f64], _kind: EngineKind) -> Result<Vec<Anchor>> {
        let params = params.fixed()?;
        let lowest = params.membrane_overflow.range(params.membrane_bits).0;
        let fits = |i: usize, v: f64| v.fract() == 0.0 && v >= lowest as f64 && !params.fires(v as i64, i);
        if let Some(i) = (0..potentials.len()).find(|&i| !fits(i, potentials[i])) {
            let highest = params.v_th.get(i) - i32::from(params.fires_at == FiresAt::Threshold);
            let expected = format!("a whole number in [{lowest}, {highest}], at which no neuron fires");
            return Err(refused(i, expected, potentials[i]));
        }
        Ok(potentials.iter().map(|&v| Anchor::new(v as i64)).collect())
    }

    fn present(
        population: &Population,
        number: usize,
        neurons: &[NeuronState<Anchor>],
        last: u64,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let Some(params) = population.integrating() else { return Ok(Default::default()) };
        let lif = FixedPopulation::new(params.fixed()?, population.n, number)?;
        let values = |(neuron, state): (usize, &NeuronState<Anchor>)| {
            let present = brought(&lif, neuron, state, last, &mut Overflows::default());
            let (current, potential) = lif.values(At { neuron, step: last }, present);
            (current as f64, potential as f64)
        };
        Ok(neurons.iter().enumerate().map(values).unzip())
    }

    fn misfit(params: &NeuronParams, neurons: &[NeuronState<Anchor>]) -> Result<Option<usize>> {
        let params = params.fixed()?;
        let current = (params.current_overflow.range(params.current_bits), oldest(&params.current_decay));
        let membrane = (params.membrane_overflow.range(params.membrane_bits), oldest(&params.membrane_decay));
        let within = |state: Anchor, ((low, high), oldest): ((i64, i64), usize)| {
            (low..=high).contains(&state.x.into()) && usize::from(state.age) <= oldest
        };
        Ok(neurons.iter().position(|n| !within(n.current, current) || !within(n.potential, membrane)))
    }
}

/// Returns the largest age of a state.
fn oldest(decay: &Decay) -> usize {
    if let Decay::Table { factors, .. } = decay { factors.len() - 1 } else { 0 }
}
