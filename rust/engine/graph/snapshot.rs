//! The state of a simulation on the time grid, apart from any engine.

use super::max_pools::MaxPools;
use super::population::NeuronState;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::neuron::LOG2_MAX_T_REF_STEPS;
use crate::simd::Weight;

/// Is what a population fired at a step: (population, step, neurons).
pub type RecentSpikes = (usize, u64, Vec<u32>);

/// The last step that a simulation on the time grid may reach: far enough from the end of the numbers for every sum of
/// a step, a delay and a refractory time.
pub const LAST_STEP: u64 = 1 << 62;

/// Longest refractory time, in steps.
const LONGEST_REFRACTORY: u64 = 1 << LOG2_MAX_T_REF_STEPS;

/// Holds everything that later steps depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot<V> {
    /// Steps done.
    pub now: u64,
    /// The neurons of every population; none for inputs and max pools.
    pub neurons: Vec<Vec<NeuronState<V>>>,
    /// Spikes that may still arrive.
    pub spikes: Vec<RecentSpikes>,
    /// Inputs that wait: (step, input).
    pub pending: Vec<(u64, u32)>,
    /// Spikes that have arrived at max pools, of each neuron below, pool after pool.
    pub arrived: Vec<u64>,
}

impl<V> Snapshot<V> {
    /// Checks that a graph can go on from this.
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming what does not fit.
    pub fn check<W: Weight>(&self, graph: &Graph<W>) -> Result<()> {
        let populations = graph.populations();
        if self.now > LAST_STEP {
            return Err(Error::value("state.now", "at most 2^62 steps", self.now));
        }
        if self.neurons.len() != populations.len() {
            return Err(Error::value("state", format!("of {} populations", populations.len()), self.neurons.len()));
        }
        for (at, (neurons, population)) in self.neurons.iter().zip(populations).enumerate() {
            let n = if population.integrating().is_some() { population.n } else { 0 };
            if neurons.len() != n {
                return Err(Error::shape(format!("state.neurons[{at}]"), &[neurons.len()], format!("({n},)")));
            }
            if let Some(i) = neurons.iter().position(|neuron| neuron.last > self.now.saturating_sub(1)) {
                return Err(Error::value(format!("state.last[{at}][{i}]"), "in the past", neurons[i].last));
            }
            if let Some(i) = neurons.iter().position(|neuron| neuron.refractory > neuron.last + LONGEST_REFRACTORY) {
                return Err(Error::value(format!("state.held[{at}][{i}]"), "within 2^24 steps", neurons[i].refractory));
            }
        }
        for (population, step, neurons) in &self.spikes {
            let n = populations.get(*population).map_or(0, |population| population.n);
            if *step >= self.now || neurons.iter().any(|&i| i as usize >= n) {
                return Err(Error::value("state.spikes", "past spikes of the graph's neurons", format!("step {step}")));
            }
        }
        // As they are looked up by time.
        let mut last = vec![None; populations.len()];
        for (population, step, _) in &self.spikes {
            let Some(last) = last.get_mut(*population) else { continue };
            if last.is_some_and(|last| *step <= last) {
                let expected = "in order of time for each population";
                return Err(Error::value("state.spikes", expected, format!("step {step} after a later one")));
            }
            *last = Some(*step);
        }
        let sorted = self.pending.is_sorted_by_key(|&(step, _)| step);
        let n_inputs = graph.size(true);
        if !sorted || self.pending.iter().any(|&(step, x)| step < self.now || x as usize >= n_inputs) {
            return Err(Error::value("state.pending", "sorted future events of the graph's inputs", "others"));
        }
        check_arrived(&self.arrived, graph)
    }
}

/// Refuses counts of what has arrived that are not of a graph's max pools.
pub fn check_arrived<W: Weight>(arrived: &[u64], graph: &Graph<W>) -> Result<()> {
    let n = MaxPools::state_len(graph);
    if arrived.len() != n {
        return Err(Error::shape("state.arrived", &[arrived.len()], format!("({n},)")));
    }
    // So that no stream counts beyond the numbers.
    match arrived.iter().find(|&&count| count > LAST_STEP) {
        Some(count) => Err(Error::value("state.arrived", "at most 2^62 spikes", count)),
        None => Ok(()),
    }
}
