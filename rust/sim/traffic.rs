//! Spikes under way: pushed inputs, and what has been fired as far back as delays reach.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::Counts;
use super::marks::Marks;
use super::snapshot::RecentSpikes;
use crate::error::{Error, Result};
use crate::graph::{Graph, Row};
use crate::simd::prefetch;

/// Most steps at which an engine takes inputs before it asks for what arrives at the first of them.
pub const LONGEST_WINDOW: u64 = 16;

/// A projection as the grid engines see it.
#[derive(Clone, Debug)]
struct Link {
    pre: usize,
    post: usize,
    /// Delays beyond the one step that every spike takes.
    steps: Vec<u32>,
}

/// Recent spikes of one population: the neurons that fired at each step at which any did.
#[derive(Clone, Debug, Default)]
struct Recent {
    lists: VecDeque<(u64, Vec<u32>)>,
    /// Lists to use again.
    spare: Vec<Vec<u32>>,
    /// Steps back from which spikes may still arrive.
    reach: u64,
}

impl Recent {
    fn at(&self, step: u64) -> &[u32] {
        let place = self.lists.partition_point(|&(at, _)| at < step);
        match self.lists.get(place) {
            Some((at, neurons)) if *at == step => neurons,
            _ => &[],
        }
    }

    /// Lists of steps from `from` on that, `shift` steps later, are before `end`.
    #[inline]
    fn between(&self, from: u64, end: u64, shift: u64) -> impl Iterator<Item = (u64, &[u32])> {
        let place = self.lists.partition_point(|&(at, _)| at < from);
        let lists = self.lists.range(place..).map(|(at, neurons)| (*at, neurons.as_slice()));
        lists.take_while(move |&(at, _)| at + shift < end)
    }

    /// Takes what `list` writes for a step after all others; whether that is anything.
    fn add(&mut self, step: u64, list: impl FnOnce(&mut Vec<u32>)) -> bool {
        while self.lists.front().is_some_and(|&(at, _)| at + self.reach < step) {
            let (_, mut neurons) = self.lists.pop_front().expect("just seen");
            neurons.clear();
            self.spare.push(neurons);
        }
        let mut neurons = self.spare.pop().unwrap_or_default();
        list(&mut neurons);
        match neurons.is_empty() {
            true => self.spare.push(neurons),
            false => self.lists.push_back((step, neurons)),
        }
        self.lists.back().is_some_and(|&(at, _)| at == step)
    }

    fn clear(&mut self) {
        for (_, mut neurons) in self.lists.drain(..) {
            neurons.clear();
            self.spare.push(neurons);
        }
    }
}

/// Input spikes and recent spikes of a graph on the time grid, and when they arrive.
#[derive(Clone, Debug)]
pub struct Traffic<W> {
    graph: Arc<Graph<W>>,
    links: Vec<Link>,
    /// Of each population, inputs among them.
    recent: Vec<Recent>,
    /// Delays that occur in the projections of each population.
    delays: Vec<Vec<u32>>,
    /// Steps, modulo the size of the ring, at which something arrives.
    arrivals: Marks,
    n_slots: usize,
    /// First input of each input population, and its number.
    inputs: Vec<(u32, usize)>,
    /// Inputs pushed and not yet reached: (step, input), sorted by step.
    pending: VecDeque<(u64, u32)>,
}

impl<W: Copy> Traffic<W> {
    /// Nothing under way.
    ///
    /// # Errors
    /// [`Error::Value`] if a delay is not a whole number of steps.
    pub fn new(graph: Arc<Graph<W>>) -> Result<Self> {
        let mut links = Vec::new();
        let mut delays = vec![Vec::new(); graph.populations().len()];
        for (at, projection) in graph.projections().iter().enumerate() {
            let steps = projection.synapses.delays().steps(&format!("projections[{at}].delay"), graph.dt())?;
            delays[projection.pre].extend_from_slice(&steps);
            links.push(Link { pre: projection.pre, post: projection.post, steps });
        }
        for delays in &mut delays {
            delays.sort_unstable();
            delays.dedup();
        }
        let longest = delays.iter().filter_map(|delays| delays.last()).max().copied().unwrap_or(0);
        let n_slots = (longest as usize + 2).next_power_of_two();
        let (mut first, mut inputs) = (0, Vec::new());
        for (at, population) in graph.populations().iter().enumerate().filter(|(_, p)| p.params.is_none()) {
            inputs.push((first, at));
            first += population.n as u32;
        }
        let reach = |delays: &Vec<u32>| delays.last().map_or(0, |&longest| u64::from(longest) + 1 + LONGEST_WINDOW);
        let recent = delays.iter().map(|delays| Recent { reach: reach(delays), ..Recent::default() }).collect();
        let arrivals = Marks::new(n_slots);
        Ok(Self { graph, links, recent, delays, arrivals, n_slots, inputs, pending: VecDeque::new() })
    }

    /// The shortest delay of a spike of a neuron, not of an input, beyond the one step that every spike takes.
    pub fn shortest_delay(&self) -> u32 {
        let of_neurons = |(population, _): &(usize, _)| self.graph.populations()[*population].params.is_some();
        let delays = self.delays.iter().enumerate().filter(of_neurons).filter_map(|(_, delays)| delays.first());
        delays.min().copied().unwrap_or(u32::MAX)
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph<W>> {
        &self.graph
    }

    /// Appends inputs, sorted by step.
    pub fn push(&mut self, events: impl Iterator<Item = (u64, u32)>) {
        self.pending.extend(events);
    }

    /// Step of the last input that waits.
    pub fn last_pending(&self) -> Option<u64> {
        self.pending.back().map(|&(step, _)| step)
    }

    /// The first step from `step` on at which something arrives or an input fires.
    pub fn next(&self, step: u64) -> Option<u64> {
        let slot = step as usize & (self.n_slots - 1);
        let found = self.arrivals.next(slot).or_else(|| self.arrivals.next(0).map(|found| found + self.n_slots));
        let arrival = found.map(|found| step + (found - slot) as u64);
        let input = self.pending.front().map(|&(step, _)| step);
        match (arrival, input) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }

    /// Hands over what arrives at the `n_steps` steps from `first` on: the step, counted from `first`, the population it
    /// arrives at and the synapses, spike after spike. What arrives at a step comes in an order of its own.
    pub fn deliver(
        &mut self,
        first: u64,
        n_steps: u64,
        counts: &mut Counts,
        mut take: impl FnMut(usize, usize, Row<'_, W>),
    ) {
        for step in first..first + n_steps {
            self.arrivals.clear(step as usize & (self.n_slots - 1));
        }
        for (link, projection) in self.links.iter().zip(self.graph.projections()) {
            for (group, &delay) in link.steps.iter().enumerate() {
                let shift = 1 + u64::from(delay);
                for (fired_at, neurons) in
                    self.recent[link.pre].between(first.saturating_sub(shift), first + n_steps, shift)
                {
                    let step = (fired_at + shift - first) as usize;
                    for &neuron in neurons {
                        let range = projection.synapses.group_range(neuron as usize, group);
                        counts.synaptic_events += range.len() as u64;
                        if !range.is_empty() {
                            take(step, link.post, projection.synapses.at(range));
                        }
                    }
                }
            }
        }
    }

    /// Takes the inputs that fire at `step`.
    pub fn take_inputs(&mut self, step: u64, counts: &mut Counts) {
        if self.pending.front().is_none_or(|&(at, _)| at != step) {
            return;
        }
        let n = self.pending.iter().take_while(|&&(at, _)| at == step).count();
        counts.input_events += n as u64;
        for &(first, population) in &self.inputs {
            let size = self.graph.populations()[population].n as u32;
            let own = self.pending.iter().take(n).filter_map(|&(_, x)| x.checked_sub(first).filter(|&x| x < size));
            if self.recent[population].add(step, |neurons| neurons.extend(own)) {
                announce(&self.delays[population], step, self.n_slots, &mut self.arrivals);
                self.recent[population].at(step).iter().for_each(|&neuron| self.prefetch(population, neuron));
            }
        }
        self.pending.drain(..n);
    }

    /// Takes what neurons of a population fire at `step`, written by `list` in ascending order.
    pub fn fire(&mut self, population: usize, step: u64, list: impl FnOnce(&mut Vec<u32>)) -> &[u32] {
        if !self.recent[population].add(step, list) {
            return &[];
        }
        announce(&self.delays[population], step, self.n_slots, &mut self.arrivals);
        let fired = self.recent[population].at(step);
        fired.iter().for_each(|&neuron| self.prefetch(population, neuron));
        fired
    }

    /// Asks for the synapses of a neuron that has fired: rows are read in an order no machine can guess.
    fn prefetch(&self, population: usize, neuron: u32) {
        for (link, projection) in self.links.iter().zip(self.graph.projections()) {
            if link.pre == population {
                let row = projection.synapses.at(projection.synapses.range(neuron as usize));
                prefetch(row.weight);
                prefetch(row.target.unwrap_or_default());
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pending.clear();
        self.arrivals.clear_all();
        self.recent.iter_mut().for_each(Recent::clear);
    }

    /// Spikes that may still arrive after step `now`: (population, step, neurons), and the inputs that wait.
    pub fn export(&self, now: u64) -> (Vec<RecentSpikes>, Vec<(u64, u32)>) {
        let mut spikes = Vec::new();
        for (population, recent) in self.recent.iter().enumerate() {
            let first = (now + LONGEST_WINDOW).saturating_sub(recent.reach);
            let lists = recent.lists.iter().filter(|&&(step, _)| step >= first);
            spikes.extend(lists.map(|(step, neurons)| (population, *step, neurons.clone())));
        }
        (spikes, self.pending.iter().copied().collect())
    }

    /// Takes what [`export`](Self::export) gave, checked by the caller, in place of what is under way.
    pub fn import(&mut self, now: u64, spikes: &[RecentSpikes], pending: &[(u64, u32)]) {
        self.clear();
        self.pending.extend(pending);
        for (population, step, neurons) in spikes {
            self.recent[*population].add(*step, |list| list.extend_from_slice(neurons));
            for &delay in &self.delays[*population] {
                let at = *step + 1 + u64::from(delay);
                if at >= now {
                    self.arrivals.set(at as usize & (self.n_slots - 1));
                }
            }
        }
    }
}

/// Marks the steps at which spikes of `step` arrive.
fn announce(delays: &[u32], step: u64, n_slots: usize, arrivals: &mut Marks) {
    for &delay in delays {
        arrivals.set((step as usize + 1 + delay as usize) & (n_slots - 1));
    }
}

/// Checks events before any is pushed: (step or ms, input), sorted, from `from` on, of `n_inputs` inputs.
///
/// # Errors
/// [`Error::Value`] naming the first bad one.
pub fn check_events<T: PartialOrd + Copy + std::fmt::Display + num_traits::ToPrimitive>(
    name: &str,
    t: &[T],
    x: &[i64],
    from: T,
    unit: &str,
    n_inputs: usize,
) -> Result<()> {
    if t.len() != x.len() {
        return Err(Error::shape(format!("{name}['x']"), &[x.len()], format!("({},) as {name}['t']", t.len())));
    }
    let mut last = from;
    for (i, (&time, &input)) in t.iter().zip(x).enumerate() {
        // NaN is refused too.
        if time.partial_cmp(&last).is_none_or(Ordering::is_lt) {
            let expected = match i {
                0 => format!(">= {from}{unit}, where the simulation is or the last event was"),
                _ => format!(">= {name}['t'][{}] = {last} (events sorted by time)", i - 1),
            };
            return Err(Error::value(format!("{name}['t'][{i}]"), expected, time));
        }
        if !time.to_f64().is_some_and(f64::is_finite) {
            return Err(Error::value(format!("{name}['t'][{i}]"), "a finite time", time));
        }
        if input < 0 || input >= n_inputs as i64 {
            return Err(Error::value(format!("{name}['x'][{i}]"), format!("an input in [0, {n_inputs})"), input));
        }
        last = time;
    }
    Ok(())
}
