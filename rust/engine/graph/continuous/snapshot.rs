//! The state of a simulation in continuous time.

use std::cmp::Ordering;

use crate::engine::graph::snapshot::check_arrived;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::neuron::LARGEST_CONTINUOUS;
use crate::simd::Weight;

/// Holds the state of a neuron as it was last touched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ContinuousState {
    /// Synaptic current.
    pub current: f64,
    /// Membrane potential, relative to rest.
    pub potential: f64,
    /// Time for which both hold [ms].
    pub last: f64,
    /// Until when the neuron is refractory after a spike [ms].
    pub refractory: f64,
}

/// Holds a spike on its way: to the synapses of one neuron in one projection from `place` on that have the same delay. Of kernels,
/// that is a single place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// When [ms].
    pub time: f64,
    /// When the neuron fired [ms].
    pub fired: f64,
    /// The projection.
    pub projection: usize,
    /// The neuron.
    pub pre: u32,
    /// Its first synapse with the delay.
    pub place: usize,
}

impl Eq for Arrival {}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |a: &Self| (a.projection, a.pre, a.place);
        self.time.total_cmp(&other.time).then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Holds everything that a later run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuousSnapshot {
    /// Time reached [ms].
    pub now: f64,
    /// All neurons but those of max pools, population after population.
    pub neurons: Vec<ContinuousState>,
    /// Spikes on their way, in order.
    pub arrivals: Vec<Arrival>,
    /// Inputs that wait: (ms, input).
    pub pending: Vec<(f64, u32)>,
    /// Spikes that have arrived at max pools, of each neuron below, pool after pool.
    pub arrived: Vec<u64>,
}

impl ContinuousSnapshot {
    /// Checks that a graph can go on from this.
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming what does not fit.
    pub fn check<W: Weight>(&self, graph: &Graph<W>) -> Result<()> {
        let (n, n_inputs) = (graph.n_integrating(), graph.size(true));
        if self.neurons.len() != n {
            return Err(Error::shape("state.neurons", &[self.neurons.len()], format!("({n},)")));
        }
        let is_past = |neuron: &ContinuousState| (0.0..=self.now).contains(&neuron.last);
        if !self.now.is_finite() || !self.neurons.iter().all(is_past) {
            return Err(Error::value("state.last", format!("times up to now = {} ms", self.now), "others"));
        }
        let fits = |neuron: &ContinuousState| neuron.current.abs().max(neuron.potential.abs()) <= LARGEST_CONTINUOUS;
        if let Some(i) = self.neurons.iter().position(|neuron| !fits(neuron)) {
            let ContinuousState { current: p, potential: u, .. } = self.neurons[i];
            let expected = format!("of sizes up to {LARGEST_CONTINUOUS:.0e}");
            return Err(Error::value(format!("state.neurons[{i}]"), expected, format!("({p:e}, {u:e})")));
        }
        if let Some(i) = self.neurons.iter().position(|neuron| neuron.refractory.is_nan() || neuron.refractory < 0.0) {
            return Err(Error::value(format!("state.held[{i}]"), "a time >= 0 ms", self.neurons[i].refractory));
        }
        let fits = |arrival: &Arrival| {
            let Some(projection) = graph.projections().get(arrival.projection) else { return false };
            let (synapses, pre) = (&projection.synapses, arrival.pre as usize);
            if pre >= synapses.n_pre() || !synapses.range(pre).contains(&arrival.place) {
                return false;
            }
            arrival.time >= self.now
                && (0.0..=self.now).contains(&arrival.fired)
                && arrival.time == arrival.fired + synapses.delay(arrival.place)
                && synapses.next_place(pre, arrival.place) == Some(arrival.place)
                && synapses.group_at(pre, arrival.place).start == arrival.place
        };
        if !self.arrivals.iter().all(fits) {
            return Err(Error::value("state.arrivals", "future arrivals at the graph's synapses", "others"));
        }
        let sorted = self.pending.is_sorted_by(|a, b| a.0 <= b.0);
        if !sorted || self.pending.iter().any(|&(time, x)| time.is_nan() || time < self.now || x as usize >= n_inputs) {
            return Err(Error::value("state.pending", "sorted future events of the graph's inputs", "others"));
        }
        check_arrived(&self.arrived, graph)
    }
}
