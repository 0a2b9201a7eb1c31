//! Simulation in continuous time: spikes are where the neurons' equations have them, not on a grid.

mod snapshot;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

pub use snapshot::{Arrival, ContinuousSnapshot, ContinuousState};

use super::Counts;
use super::bit_set::BitSet;
use super::counts::Polling;
use super::heap::TimeHeap;
use super::max_pools::MaxPools;
use super::transit::{UNDER_WAY, append};
use crate::error::{Error, Result};
use crate::graph::{Graph, Population};
use crate::memory::{OrUnwind, no_room};
use crate::neuron::{ContinuousLif, NeuronParams, PerNeuron};
use crate::simd::Weight;

/// Runs neurons in continuous time; it computes in `f64`, whatever the weights are kept in.
#[derive(Clone, Debug)]
pub struct ContinuousEngine<W: Weight> {
    graph: Arc<Graph<W>>,
    /// Of every population; `None` for inputs and max pools.
    populations: Vec<Option<Neurons>>,
    max_pools: MaxPools,
    /// Projections from each population.
    projections: Vec<Vec<usize>>,
    /// First input of each input population, and its number.
    inputs: Vec<(u32, usize)>,
    neurons: Vec<ContinuousState>,
    /// Thresholds of all neurons; empty where no population has different ones.
    v_th: Vec<f64>,
    /// When each neuron fires without further input.
    crossings: TimeHeap,
    arrivals: BinaryHeap<Reverse<Arrival>>,
    pending: VecDeque<(f64, u32)>,
    /// Neurons that something has reached at the present moment.
    reached: BitSet,
    /// Neurons of a max pool that fire at the present moment.
    fired: Vec<u32>,
    now: f64,
    counts: Counts,
}

/// Holds the neurons of a population among all.
#[derive(Clone, Copy, Debug)]
struct Neurons {
    lif: ContinuousLif,
    first: usize,
    n: usize,
}

impl<W: Weight> ContinuousEngine<W> {
    /// Makes an engine at rest.
    ///
    /// # Errors
    /// Those of [`ContinuousLif::new`]; [`Error::Value`] naming a model of neurons that has no continuous time.
    pub fn new(graph: Arc<Graph<W>>) -> Result<Self> {
        let (mut populations, mut inputs, mut n_neurons, mut n_inputs) = (Vec::new(), Vec::new(), 0, 0);
        let mut v_th: Vec<f64> = Vec::new();
        let have_one = |population: &Population| match &population.params {
            Some(NeuronParams::Lif(neurons)) => matches!(neurons.v_th(), PerNeuron::Same(_)),
            _ => true,
        };
        let differ = !graph.populations().iter().all(have_one);
        for (at, population) in graph.populations().iter().enumerate() {
            if let Some(params) = population.integrating() {
                let neurons = params.lif()?;
                let lif = ContinuousLif::new(&neurons.lowest())?;
                if differ {
                    let each = (0..population.n).map(|i| Ok(ContinuousLif::new(&neurons.neuron(i))?.v_th()));
                    v_th.extend(each.collect::<Result<Vec<_>>>()?);
                }
                populations.push(Some(Neurons { lif, first: n_neurons, n: population.n }));
                n_neurons += population.n;
                continue;
            }
            populations.push(None);
            if !population.is_max_pool() {
                inputs.push((n_inputs, at));
                n_inputs += population.n as u32;
            }
        }
        let mut projections = vec![Vec::new(); populations.len()];
        for (at, projection) in graph.projections().iter().enumerate() {
            projections[projection.pre].push(at);
        }
        Ok(Self {
            max_pools: MaxPools::new(&graph, 1),
            graph,
            populations,
            projections,
            inputs,
            neurons: vec![ContinuousState::default(); n_neurons],
            v_th,
            crossings: TimeHeap::new(n_neurons),
            arrivals: BinaryHeap::new(),
            pending: VecDeque::new(),
            reached: BitSet::new(n_neurons),
            fired: Vec::new(),
            now: 0.0,
            counts: Counts::default(),
        })
    }

    /// Returns the time reached [ms].
    pub fn now(&self) -> f64 {
        self.now
    }

    /// Returns what was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Arc<Graph<W>> {
        &self.graph
    }

    /// Appends inputs (ms, input), sorted by time.
    ///
    /// # Errors
    /// [`Error::Memory`]; nothing is appended then.
    pub fn push(&mut self, events: impl Iterator<Item = (f64, u32)>) -> Result<()> {
        append(&mut self.pending, events)
    }

    /// Returns the time of the last input that waits [ms].
    pub fn last_pending(&self) -> Option<f64> {
        self.pending.back().map(|&(time, _)| time)
    }

    /// Runs up to, and without, time `until` [ms]; `record` gets the spikes (ms, population, neuron) in order of time.
    ///
    /// `keep_going` is asked now and then; where it says no, the run ends there.
    pub fn advance(
        &mut self,
        until: f64,
        record: &mut dyn FnMut(f64, usize, u32),
        keep_going: &mut dyn FnMut() -> bool,
    ) {
        let mut polling = Polling::default();
        loop {
            let input = self.pending.front().map_or(f64::INFINITY, |&(time, _)| time);
            let arrival = self.arrivals.peek().map_or(f64::INFINITY, |Reverse(arrival)| arrival.time);
            let crossing = self.crossings.first().map_or(f64::INFINITY, |(time, _)| time);
            let time = input.min(arrival).min(crossing);
            if time >= until {
                // NaN, and times already passed, change nothing.
                self.now = self.now.max(until);
                return;
            }
            self.now = time;
            // What arrives at the very moment of a crossing comes too late for it: potentials do not jump.
            if crossing <= time {
                let (_, neuron) = self.crossings.first().expect("just seen");
                self.fire(neuron, time, record);
            } else if input <= time {
                self.take_input(time);
            } else {
                self.arrive(time, record);
            }
            if polling.is_due(&self.counts) && !keep_going() {
                return;
            }
        }
    }

    fn fire(&mut self, neuron: usize, time: f64, record: &mut dyn FnMut(f64, usize, u32)) {
        let population = self.populations.iter().rposition(|p| p.is_some_and(|p| p.first <= neuron)).expect("exists");
        let Neurons { lif, first, .. } = self.populations[population].expect("just found");
        let state = &mut self.neurons[neuron];
        // The current decays alike, refractory or not.
        state.current = lif.decay(state.current, time - state.last);
        (state.potential, state.last, state.refractory) = (0.0, time, time + lif.t_ref());
        let next = predict(&threshold_of(&lif, &self.v_th, neuron), state);
        self.crossings.set(neuron, next);
        self.counts.spikes += 1;
        self.counts.state_updates += 1;
        let neuron = (neuron - first) as u32;
        record(time, population, neuron);
        self.send(population, neuron, time);
    }

    /// Puts a spike on its way; unwinds if there is no room.
    fn send(&mut self, population: usize, pre: u32, fired: f64) {
        for &projection in &self.projections[population] {
            let synapses = &self.graph.projections()[projection].synapses;
            let row = synapses.range(pre as usize);
            if let Some(place) = synapses.next_place(pre as usize, row.start) {
                let time = fired + synapses.delay(place);
                let n = self.arrivals.len() + 1;
                let room = self.arrivals.try_reserve(1).map_err(|_| no_room(UNDER_WAY, Some(n), size_of::<Arrival>()));
                room.or_unwind();
                self.arrivals.push(Reverse(Arrival { time, fired, projection, pre, place }));
            }
        }
    }

    fn take_input(&mut self, time: f64) {
        while let Some(&(at, input)) = self.pending.front()
            && at <= time
        {
            let place = self.inputs.partition_point(|&(first, _)| first <= input) - 1;
            let (first, population) = self.inputs[place];
            self.send(population, input - first, time);
            self.counts.input_events += 1;
            self.pending.pop_front();
        }
    }

    /// Takes everything that arrives at `time`, then says anew when those it reached fire; max pools do so at that very moment.
    fn arrive(&mut self, time: f64, record: &mut dyn FnMut(f64, usize, u32)) {
        let Self { graph, populations, max_pools, neurons, v_th, crossings, arrivals, reached, counts, .. } = self;
        while let Some(&Reverse(arrival)) = arrivals.peek()
            && arrival.time <= time
        {
            let Arrival { fired, projection, pre, place, .. } = arrival;
            let post = graph.projections()[projection].post;
            let synapses = &graph.projections()[projection].synapses;
            let range = synapses.group_at(pre as usize, place);
            if let Some(place) = synapses.next_place(pre as usize, range.end) {
                let next = Arrival { time: fired + synapses.delay(place), place, ..arrival };
                *arrivals.peek_mut().expect("just seen") = Reverse(next);
            } else {
                arrivals.pop();
            }
            counts.synaptic_events += synapses.count(range.clone()) as u64;
            if max_pools.receive(post, 0, pre, || synapses.at(range.clone())) {
                continue;
            }
            let Neurons { lif, first, .. } = populations[post].expect("no projection ends at an input");
            synapses.at(range).for_each(|target, w| {
                let neuron = &mut neurons[first + target as usize];
                catch_up(&lif, neuron, time);
                neuron.current += w.widen();
                reached.set(first + target as usize);
            });
        }
        let mut population = 0;
        reached.drain(|neuron| {
            // Ascending, as the populations are.
            let lif = loop {
                match &populations[population] {
                    Some(p) if neuron < p.first + p.n => break p.lif,
                    _ => population += 1,
                }
            };
            counts.state_updates += 1;
            crossings.set(neuron, predict(&threshold_of(&lif, v_th, neuron), &neurons[neuron]));
        });
        self.fire_max_pools(time, record);
    }

    fn fire_max_pools(&mut self, time: f64, record: &mut dyn FnMut(f64, usize, u32)) {
        for population in 0..self.populations.len() {
            if !self.max_pools.has(population) {
                continue;
            }
            let mut fired = std::mem::take(&mut self.fired);
            self.max_pools.list(population, 0, &mut fired);
            self.counts.spikes += fired.len() as u64;
            for neuron in fired.drain(..) {
                record(time, population, neuron);
                self.send(population, neuron, time);
            }
            self.fired = fired;
        }
    }

    /// Goes back to rest at time 0, nothing on its way.
    pub fn reset(&mut self) {
        self.neurons.fill(ContinuousState::default());
        self.max_pools.reset();
        self.crossings.clear();
        self.arrivals.clear();
        self.pending.clear();
        (self.now, self.counts) = (0.0, Counts::default());
    }

    /// Returns the currents and potentials of a population at the present; none of inputs.
    pub fn currents_and_potentials(&self, population: usize) -> (Vec<f64>, Vec<f64>) {
        let Some(Neurons { lif, first, n }) = self.populations[population] else { return Default::default() };
        let present = |neuron: &ContinuousState| {
            let mut neuron = *neuron;
            catch_up(&lif, &mut neuron, self.now);
            (neuron.current, neuron.potential)
        };
        self.neurons[first..first + n].iter().map(present).unzip()
    }

    /// Returns everything that a later run depends on.
    pub fn snapshot(&self) -> ContinuousSnapshot {
        let mut arrivals: Vec<_> = self.arrivals.iter().map(|Reverse(arrival)| *arrival).collect();
        arrivals.sort();
        let pending = self.pending.iter().copied().collect();
        let (neurons, arrived) = (self.neurons.clone(), self.max_pools.state());
        ContinuousSnapshot { now: self.now, neurons, arrivals, pending, arrived }
    }

    /// Goes on from a snapshot, which fits the graph.
    ///
    /// # Errors
    /// [`Error::Value`] if a neuron has been refractory for longer than it ever is, or should have fired already; nothing is changed
    /// then.
    pub fn restore(&mut self, snapshot: &ContinuousSnapshot) -> Result<()> {
        for Neurons { lif, first, n } in self.populations.iter().flatten() {
            for (i, neuron) in (*first..).zip(&snapshot.neurons[*first..first + n]) {
                if neuron.refractory > neuron.last + lif.t_ref() {
                    let expected = format!("at most {} ms after {} ms", lif.t_ref(), neuron.last);
                    return Err(Error::value(format!("state.held[{i}]"), expected, neuron.refractory));
                }
                let lif = threshold_of(lif, &self.v_th, i);
                if let Some(time) = predict(&lif, neuron).filter(|time| time.is_nan() || *time < snapshot.now) {
                    let expected = format!("of a neuron that does not fire before now = {} ms", snapshot.now);
                    return Err(Error::value(format!("state.neurons[{i}]"), expected, format!("{time} ms")));
                }
            }
        }
        let counts = self.counts;
        self.reset();
        self.counts = counts;
        self.now = snapshot.now;
        self.neurons.copy_from_slice(&snapshot.neurons);
        self.max_pools.set_state(&self.graph, &snapshot.arrived);
        self.arrivals.extend(snapshot.arrivals.iter().copied().map(Reverse));
        self.pending.extend(&snapshot.pending);
        for Neurons { lif, first, n } in self.populations.iter().flatten() {
            for neuron in *first..first + n {
                let lif = threshold_of(lif, &self.v_th, neuron);
                self.crossings.set(neuron, predict(&lif, &self.neurons[neuron]));
            }
        }
        Ok(())
    }
}

/// Returns neuron number `neuron` of all, `v_th` being empty or their thresholds.
#[inline]
fn threshold_of(lif: &ContinuousLif, v_th: &[f64], neuron: usize) -> ContinuousLif {
    v_th.get(neuron).map_or(*lif, |&v_th| lif.with_threshold(v_th))
}

/// Brings a neuron to the present.
#[inline]
fn catch_up(lif: &ContinuousLif, neuron: &mut ContinuousState, time: f64) {
    if time == neuron.last {
        return;
    }
    let free_since = neuron.refractory.clamp(neuron.last, time);
    if free_since > neuron.last {
        (neuron.current, neuron.potential) = (lif.decay(neuron.current, free_since - neuron.last), 0.0);
    }
    (neuron.current, neuron.potential) = lif.advance(neuron.current, neuron.potential, time - free_since);
    neuron.last = time;
}

/// Returns when a neuron fires without further input [ms].
#[inline]
fn predict(lif: &ContinuousLif, neuron: &ContinuousState) -> Option<f64> {
    let free_from = neuron.refractory.max(neuron.last);
    let (p, u) = if free_from > neuron.last {
        (lif.decay(neuron.current, free_from - neuron.last), 0.0)
    } else {
        (neuron.current, neuron.potential)
    };
    // Time goes on, however strong the drive.
    lif.next_crossing(p, u).map(|elapsed| (free_from + elapsed).max(neuron.last.next_up()))
}

#[cfg(test)]
#[path = "continuous_tests.rs"]
mod tests;
