//! Neurons of one population that are touched only when something reaches them.

use std::ops::Range;

use super::Counts;
use super::wheel::NEVER;
use crate::graph::{Graph, Row};
use crate::neuron::fixed::Overflows;
use crate::neuron::lif::lazy::Arithmetic;
use crate::simd::Weight;

/// Says what the event engine asks of a population.
pub trait LazyPopulation<W: Weight, V>: Send + Sync + std::fmt::Debug {
    /// Returns the first step from `step` on at which a neuron may fire without further input, or an earlier one.
    fn next_due(&self, step: u64) -> Option<u64>;

    /// Runs `step` for the neurons that are due or that something reaches, which is `rows`; lists those that fire, ascending.
    fn run(&mut self, step: u64, rows: Rows<'_, W>, fired: &mut Vec<u32>, counts: &mut Counts);

    /// Says whether a state is one that the count of near ties is proven for.
    fn covers(&self, state: &[NeuronState<V>]) -> bool;

    /// Returns the state of all neurons.
    fn state(&self) -> Vec<NeuronState<V>>;

    /// Takes the state of all neurons.
    fn set_state(&mut self, state: &[NeuronState<V>]);

    /// Goes back to rest.
    fn reset(&mut self);

    /// Brings all neurons to the end of `step`, up to which nothing is due; what has not fitted its number format so far.
    fn overflows(&mut self, _step: u64) -> Overflows {
        Overflows::default()
    }

    /// Returns a copy.
    fn boxed(&self) -> Box<dyn LazyPopulation<W, V>>;
}

/// Holds what arrives at a population at a step: the synapses of one spike after the other.
#[derive(Debug)]
pub struct Rows<'a, W: Weight> {
    /// Where they are.
    pub graph: &'a Graph<W>,
    /// Projections, and places in them.
    pub places: &'a [(usize, Range<usize>)],
}

impl<'a, W: Weight> Rows<'a, W> {
    /// Returns the rows.
    pub fn iter(&self) -> impl Iterator<Item = Row<'a, W>> + Clone {
        let graph = self.graph;
        self.places.iter().map(|(projection, range)| graph.projections()[*projection].synapses.at(range.clone()))
    }

    /// Returns the synapses of all rows.
    pub fn n_synapses(&self) -> usize {
        let n = |(projection, range): &(usize, Range<usize>)| {
            self.graph.projections()[*projection].synapses.count(range.clone())
        };
        self.places.iter().map(n).sum()
    }
}

/// Holds the state of a neuron as it was last touched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NeuronState<V> {
    /// Synaptic current.
    pub current: V,
    /// Membrane potential, relative to rest.
    pub potential: V,
    /// Step for which both hold.
    pub last: u64,
    /// Last step in which the neuron is refractory after a spike; `last` or less if it is free.
    pub refractory: u64,
}

/// Brings a neuron from where it was last touched to the end of `step`, without input.
#[inline(always)]
pub fn catch_up<A: Arithmetic>(lif: &A, neuron: &NeuronState<A::Value>, step: u64) -> (A::Value, A::Value) {
    let NeuronState { current, potential, last, refractory } = *neuron;
    if step == last {
        return (current, potential);
    }
    if refractory <= last {
        return lif.skip(current, potential, step - last);
    }
    let refractory_steps = refractory.min(step) - last;
    lif.skip(lif.skip_refractory(current, refractory_steps), A::Value::default(), step - last - refractory_steps)
}

/// Returns the step at which neuron `i` may fire next without further input; [`NEVER`] if it does not.
#[inline(always)]
pub fn predict<A: Arithmetic>(lif: &A, i: usize, neuron: &NeuronState<A::Value>) -> u64 {
    let NeuronState { current, potential, last, refractory } = *neuron;
    let ahead = if refractory <= last {
        lif.next_firing(i, current, potential)
    } else {
        // No larger than what is left of the current when it is free again, so most ask no more than this.
        lif.next_firing(i, current, A::Value::default())
            .and_then(|_| lif.next_firing(i, lif.skip_refractory(current, refractory - last), A::Value::default()))
    };
    ahead.map_or(NEVER, |ahead| last.max(refractory).saturating_add(ahead))
}
