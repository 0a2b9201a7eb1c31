//! Spikes under way: pushed inputs, and what has been fired as far back as delays reach.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Counts;
use super::marks::Marks;
use crate::error::{Error, Result};
use crate::graph::{Graph, Row};

/// A projection as the grid engines see it.
#[derive(Clone, Debug)]
struct Link {
    pre: usize,
    post: usize,
    /// Delays beyond the one step that every spike takes.
    steps: Vec<u32>,
}

/// Recent spikes of one population: a list of neurons a step, in a ring.
#[derive(Clone, Debug)]
struct Recent {
    /// Step that each slot holds; `NONE` at first.
    step: Vec<u64>,
    neurons: Vec<Vec<u32>>,
}

const NONE: u64 = u64::MAX;

/// Entries that the rings of spikes may hold without asking for memory: more than a step fires in all but small graphs.
const RESERVED: usize = 1 << 16;

impl Recent {
    fn new(n_slots: usize, n: usize) -> Self {
        let room = n.min(RESERVED / n_slots);
        Self { step: vec![NONE; n_slots], neurons: vec![Vec::with_capacity(room); n_slots] }
    }

    fn at(&self, step: u64) -> &[u32] {
        let slot = step as usize & (self.step.len() - 1);
        if self.step[slot] == step { &self.neurons[slot] } else { &[] }
    }

    fn start(&mut self, step: u64) -> &mut Vec<u32> {
        let slot = step as usize & (self.step.len() - 1);
        self.step[slot] = step;
        self.neurons[slot].clear();
        &mut self.neurons[slot]
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
        let recent = graph.populations().iter().map(|population| Recent::new(n_slots, population.n)).collect();
        let arrivals = Marks::new(n_slots);
        Ok(Self { graph, links, recent, delays, arrivals, n_slots, inputs, pending: VecDeque::new() })
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph<W>> {
        &self.graph
    }

    /// How many steps back spikes are kept.
    pub fn reach(&self) -> usize {
        self.n_slots
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

    /// Hands over what arrives at `step`: the population it arrives at and the synapses, spike after spike.
    pub fn deliver(&mut self, step: u64, counts: &mut Counts, mut take: impl FnMut(usize, Row<'_, W>)) {
        self.arrivals.clear(step as usize & (self.n_slots - 1));
        for (link, projection) in self.links.iter().zip(self.graph.projections()) {
            for (group, &delay) in link.steps.iter().enumerate() {
                let Some(fired_at) = step.checked_sub(1 + u64::from(delay)) else { continue };
                for &neuron in self.recent[link.pre].at(fired_at) {
                    let range = projection.synapses.group_range(neuron as usize, group);
                    counts.synaptic_events += range.len() as u64;
                    if !range.is_empty() {
                        take(link.post, projection.synapses.at(range));
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
        for &(_, population) in &self.inputs {
            self.recent[population].start(step);
        }
        while let Some(&(at, input)) = self.pending.front()
            && at == step
        {
            let place = self.inputs.partition_point(|&(first, _)| first <= input) - 1;
            let (first, population) = self.inputs[place];
            let slot = step as usize & (self.n_slots - 1);
            self.recent[population].neurons[slot].push(input - first);
            counts.input_events += 1;
            self.pending.pop_front();
        }
        for place in 0..self.inputs.len() {
            self.announce(self.inputs[place].1, step);
        }
    }

    /// Takes what neurons of a population fire at `step`, written by `list` in ascending order.
    pub fn fire(&mut self, population: usize, step: u64, list: impl FnOnce(&mut Vec<u32>)) -> &[u32] {
        list(self.recent[population].start(step));
        self.announce(population, step);
        self.recent[population].at(step)
    }

    fn announce(&mut self, population: usize, step: u64) {
        if !self.recent[population].at(step).is_empty() {
            for &delay in &self.delays[population] {
                self.arrivals.set((step as usize + 1 + delay as usize) & (self.n_slots - 1));
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pending.clear();
        self.arrivals.clear_all();
        self.recent.iter_mut().for_each(|recent| recent.step.fill(NONE));
    }

    /// Spikes that may still arrive after step `now`: (population, step, neurons), and the inputs that wait.
    pub fn export(&self, now: u64) -> (Vec<(usize, u64, Vec<u32>)>, Vec<(u64, u32)>) {
        let mut spikes = Vec::new();
        for (population, recent) in self.recent.iter().enumerate() {
            let reach = self.delays[population].last().map_or(0, |&longest| u64::from(longest) + 1);
            for step in now.saturating_sub(reach)..now {
                let neurons = recent.at(step);
                if !neurons.is_empty() {
                    spikes.push((population, step, neurons.to_vec()));
                }
            }
        }
        (spikes, self.pending.iter().copied().collect())
    }

    /// Takes what [`export`](Self::export) gave, checked by the caller, in place of what is under way.
    pub fn import(&mut self, now: u64, spikes: &[(usize, u64, Vec<u32>)], pending: &[(u64, u32)]) {
        self.clear();
        self.pending.extend(pending);
        for (population, step, neurons) in spikes {
            self.recent[*population].start(*step).extend_from_slice(neurons);
            for &delay in &self.delays[*population] {
                let at = *step + 1 + u64::from(delay);
                if at >= now {
                    self.arrivals.set(at as usize & (self.n_slots - 1));
                }
            }
        }
    }
}

/// Checks events before any is pushed: (step or ms, input), sorted, from `from` on, of `n_inputs` inputs.
///
/// # Errors
/// [`Error::Value`] naming the first bad one.
pub fn check_events<T: PartialOrd + Copy + std::fmt::Display>(
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
        // Written so that NaN is refused.
        if !(time >= last) {
            let expected = match i {
                0 => format!(">= {from}{unit}, where the simulation is or the last event was"),
                _ => format!(">= {name}['t'][{}] = {last} (events sorted by time)", i - 1),
            };
            return Err(Error::value(format!("{name}['t'][{i}]"), expected, time));
        }
        if input < 0 || input >= n_inputs as i64 {
            return Err(Error::value(format!("{name}['x'][{i}]"), format!("an input in [0, {n_inputs})"), input));
        }
        last = time;
    }
    Ok(())
}
