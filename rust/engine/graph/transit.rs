//! Spikes under way: pushed inputs, and what has been fired as far back as delays reach.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::Counts;
use super::bit_set::BitSet;
use super::snapshot::RecentSpikes;
use crate::error::{Error, Result};
use crate::graph::{Graph, Row};
use crate::memory::{OrUnwind, no_room, reserve};
use crate::simd::Weight;
use crate::simd::prefetch;

/// Most steps at which an engine takes inputs before it asks for what arrives at the first of them.
pub const LONGEST_WINDOW: u64 = 16;

/// What grows as spikes are under way, for messages.
pub const UNDER_WAY: &str = "spikes under way";

/// Holds a projection as the grid engines see it.
#[derive(Clone, Debug)]
struct Link {
    /// Number of the projection.
    number: usize,
    pre: usize,
    /// Delays beyond the one step that every spike takes.
    steps: Vec<u32>,
    /// Whether the engine reads the rows of the graph.
    reads_rows: bool,
}

/// Holds a spike that arrives.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// When, counted from the first step that was asked for.
    pub step: usize,
    /// Number of the projection it arrives through.
    pub projection: usize,
    /// Neuron that fired.
    pub neuron: u32,
    /// Where in the projection its synapses of this delay are.
    pub range: Range<usize>,
}

/// Holds recent spikes of one population.
#[derive(Clone, Debug)]
struct Recent {
    /// (step, neuron), in order of time; some at the front may be too old to arrive anywhere.
    spikes: Vec<(u64, u32)>,
    /// Steps back from which spikes may still arrive.
    reach: u64,
    /// Number of spikes at which the old ones are looked for.
    full: usize,
}

/// Fewest spikes among which old ones are looked for.
const FEW: usize = 64;

impl Recent {
    /// Returns the spikes of steps from `from` on that, `shift` steps later, are before `end`.
    #[inline(always)]
    fn between(&self, from: u64, end: u64, shift: u64) -> impl Iterator<Item = (u64, u32)> {
        let place = self.spikes.partition_point(|&(at, _)| at < from);
        self.spikes[place..].iter().copied().take_while(move |&(at, _)| at + shift < end)
    }

    /// Takes the neurons that fire at a step after all others; unwinds if there is no room.
    #[inline(always)]
    fn add(&mut self, step: u64, neurons: impl ExactSizeIterator<Item = u32>) {
        if self.spikes.len() >= self.full {
            let old = self.spikes.partition_point(|&(at, _)| at + self.reach < step);
            self.spikes.drain(..old);
            self.full = FEW.max(2 * self.spikes.len());
        }
        reserve(UNDER_WAY, &mut self.spikes, neurons.len()).or_unwind();
        self.spikes.extend(neurons.map(|neuron| (step, neuron)));
    }
}

/// Holds input spikes and recent spikes of a graph on the time grid, and when they arrive.
#[derive(Clone, Debug)]
pub struct Transit<W: Weight> {
    graph: Arc<Graph<W>>,
    links: Vec<Link>,
    /// Of each population, inputs among them.
    recent: Vec<Recent>,
    /// Delays that occur in the projections of each population.
    delays: Vec<Vec<u32>>,
    /// Steps, modulo the size of the ring, at which something arrives.
    arrivals: BitSet,
    n_slots: usize,
    /// First input of each input population, and its number.
    inputs: Vec<(u32, usize)>,
    /// Inputs pushed and not yet reached: (step, input), sorted by step.
    pending: VecDeque<(u64, u32)>,
    /// Who fires at the step and in the population that is looked at.
    fired: Vec<u32>,
    /// Of each input, the step after it fired last.
    fired_until: Vec<u64>,
    /// Whether an input has fired more than once at a step.
    repeats: bool,
}

impl<W: Weight> Transit<W> {
    /// Makes the transit of a graph, with nothing under way.
    ///
    /// # Errors
    /// [`Error::Value`] if a delay is not a whole number of steps.
    pub fn new(graph: Arc<Graph<W>>) -> Result<Self> {
        let mut links = Vec::new();
        let mut delays = vec![Vec::new(); graph.populations().len()];
        for (at, projection) in graph.projections().iter().enumerate() {
            let steps = projection.synapses.delays().steps(&format!("projections[{at}].delay"), graph.dt())?;
            delays[projection.pre].extend_from_slice(&steps);
            links.push(Link { number: at, pre: projection.pre, steps, reads_rows: !projection.synapses.has_kernels() });
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
        let recent =
            delays.iter().map(|delays| Recent { spikes: Vec::new(), reach: reach(delays), full: FEW }).collect();
        let arrivals = BitSet::new(n_slots);
        Ok(Self {
            graph,
            links,
            recent,
            delays,
            arrivals,
            n_slots,
            inputs,
            pending: VecDeque::new(),
            fired: Vec::new(),
            fired_until: vec![0; first as usize],
            repeats: false,
        })
    }

    /// Returns the shortest delay of a spike of a neuron, not of an input, beyond the one step that every spike takes.
    pub fn shortest_delay(&self) -> u32 {
        let of_neurons = |(population, _): &(usize, _)| self.graph.populations()[*population].params.is_some();
        let delays = self.delays.iter().enumerate().filter(of_neurons).filter_map(|(_, delays)| delays.first());
        delays.min().copied().unwrap_or(u32::MAX)
    }

    /// Says whether an input has fired more than once at a step.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Arc<Graph<W>> {
        &self.graph
    }

    /// Appends inputs, sorted by step.
    ///
    /// # Errors
    /// [`Error::Memory`]; nothing is appended then.
    pub fn push(&mut self, events: impl Iterator<Item = (u64, u32)>) -> Result<()> {
        append(&mut self.pending, events)
    }

    /// Returns the step of the last input that waits.
    pub fn last_pending(&self) -> Option<u64> {
        self.pending.back().map(|&(step, _)| step)
    }

    /// Returns the inputs that wait, from `step` on.
    pub fn pending_from(&self, step: u64) -> impl Iterator<Item = (u64, u32)> {
        self.pending.range(self.pending.partition_point(|&(at, _)| at < step)..).copied()
    }

    /// Puts others in the place of the inputs that wait from `step` on; sorted by step.
    ///
    /// # Errors
    /// [`Error::Memory`]; nothing is changed then.
    pub fn set_pending_from(&mut self, step: u64, events: Vec<(u64, u32)>) -> Result<()> {
        let from = self.pending.partition_point(|&(at, _)| at < step);
        // Of those that were there, all that come later are among them.
        let more = events.len().saturating_sub(self.pending.len() - from);
        let room = self.pending.try_reserve(more).map_err(|_| self.pending.len().checked_add(more));
        room.map_err(|n| no_room("events that wait", n, size_of::<(u64, u32)>()))?;
        self.pending.truncate(from);
        self.pending.extend(events);
        Ok(())
    }

    /// Returns the first step from `step` on at which something arrives.
    pub fn next_arrival(&self, step: u64) -> Option<u64> {
        let slot = step as usize & (self.n_slots - 1);
        let found = self.arrivals.next(slot).or_else(|| self.arrivals.next(0).map(|found| found + self.n_slots));
        found.map(|found| step + (found - slot) as u64)
    }

    /// Returns the first step at which an input fires.
    pub fn next_input(&self) -> Option<u64> {
        self.pending.front().map(|&(step, _)| step)
    }

    /// Does not ask for the rows of a projection ahead of time: the engine has its own form of them.
    pub fn leave_rows(&mut self, projection: usize) {
        self.links[projection].reads_rows = false;
    }

    /// Hands over what arrives at the `n_steps` steps from `first` on, spike after spike: projection after projection, and
    /// of each delay in order of time.
    pub fn deliver(&mut self, first: u64, n_steps: u64, counts: &mut Counts, mut take: impl FnMut(Delivery)) {
        for step in first..first + n_steps {
            self.arrivals.clear(step as usize & (self.n_slots - 1));
        }
        for link in &self.links {
            let synapses = &self.graph.projections()[link.number].synapses;
            for (group, &delay) in link.steps.iter().enumerate() {
                let shift = 1 + u64::from(delay);
                for (fired_at, neuron) in
                    self.recent[link.pre].between(first.saturating_sub(shift), first + n_steps, shift)
                {
                    let range = synapses.group_range(neuron as usize, group);
                    let n = synapses.count(range.clone());
                    counts.synaptic_events += n as u64;
                    if n > 0 {
                        let step = (fired_at + shift - first) as usize;
                        take(Delivery { step, projection: link.number, neuron, range });
                    }
                }
            }
        }
    }

    /// Takes the inputs that fire before step `end`.
    pub fn take_inputs(&mut self, end: u64, counts: &mut Counts) {
        let n = self.pending.iter().take_while(|&&(step, _)| step < end).count();
        if n == 0 {
            return;
        }
        counts.input_events += n as u64;
        let Self { graph, links, recent, delays, arrivals, n_slots, inputs, pending, fired_until, repeats, .. } = self;
        for &(step, x) in pending.range(..n) {
            let last = std::mem::replace(&mut fired_until[x as usize], step + 1);
            *repeats |= last == step + 1;
        }
        for &(first, population) in &*inputs {
            let size = graph.populations()[population].n as u32;
            for &(step, x) in pending.range(..n) {
                let neuron = x.wrapping_sub(first);
                if neuron < size {
                    recent[population].add(step, std::iter::once(neuron));
                    announce(&delays[population], step, *n_slots, arrivals);
                    ask_for_rows(graph, links, population, neuron);
                }
            }
        }
        pending.drain(..n);
    }

    /// Takes what neurons of a population fire at `step`, written by `list` in ascending order.
    #[inline]
    pub fn fire(&mut self, population: usize, step: u64, list: impl FnOnce(&mut Vec<u32>)) -> &[u32] {
        self.fired.clear();
        list(&mut self.fired);
        if !self.fired.is_empty() {
            self.recent[population].add(step, self.fired.iter().copied());
            announce(&self.delays[population], step, self.n_slots, &mut self.arrivals);
            self.fired.iter().for_each(|&neuron| ask_for_rows(&self.graph, &self.links, population, neuron));
        }
        &self.fired
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pending.clear();
        self.fired_until.fill(0);
        self.repeats = false;
        self.arrivals.clear_all();
        self.recent.iter_mut().for_each(|recent| recent.spikes.clear());
    }

    /// Returns the spikes that may still arrive after step `now`: (population, step, neurons), and the inputs that wait.
    pub fn export(&self, now: u64) -> (Vec<RecentSpikes>, Vec<(u64, u32)>) {
        let mut spikes: Vec<RecentSpikes> = Vec::new();
        for (population, recent) in self.recent.iter().enumerate() {
            let first = (now + LONGEST_WINDOW).saturating_sub(recent.reach);
            for &(step, neuron) in recent.spikes.iter().filter(|&&(step, _)| step >= first) {
                match spikes.last_mut() {
                    Some((last, at, neurons)) if (*last, *at) == (population, step) => neurons.push(neuron),
                    _ => spikes.push((population, step, vec![neuron])),
                }
            }
        }
        (spikes, self.pending.iter().copied().collect())
    }

    /// Takes what [`export`](Self::export) gave, checked by the caller, in place of what is under way.
    pub fn import(&mut self, now: u64, spikes: &[RecentSpikes], pending: &[(u64, u32)]) {
        self.clear();
        self.pending.extend(pending);
        for (population, step, neurons) in spikes {
            self.recent[*population].add(*step, neurons.iter().copied());
            for &delay in &self.delays[*population] {
                let at = *step + 1 + u64::from(delay);
                if at >= now {
                    self.arrivals.set(at as usize & (self.n_slots - 1));
                }
            }
        }
    }
}

/// Appends inputs to those that wait.
///
/// # Errors
/// [`Error::Memory`]; nothing is appended then.
pub fn append<T>(pending: &mut VecDeque<T>, events: impl Iterator<Item = T>) -> Result<()> {
    let before = pending.len();
    let mut more = events.size_hint().0.max(1);
    for event in events {
        if pending.len() == pending.capacity() && pending.try_reserve(more).is_err() {
            let n = pending.len().checked_add(more);
            pending.truncate(before);
            return Err(no_room("events that wait", n, size_of::<T>()));
        }
        more = 1;
        pending.push_back(event);
    }
    Ok(())
}

/// Marks the steps at which spikes of `step` arrive.
#[inline(always)]
fn announce(delays: &[u32], step: u64, n_slots: usize, arrivals: &mut BitSet) {
    for &delay in delays {
        arrivals.set((step as usize + 1 + delay as usize) & (n_slots - 1));
    }
}

/// Asks for the synapses of a neuron that has fired: rows are read in an order no machine can guess.
#[inline(always)]
fn ask_for_rows<W: Weight>(graph: &Graph<W>, links: &[Link], population: usize, neuron: u32) {
    for link in links.iter().filter(|link| link.pre == population && link.reads_rows) {
        let synapses = &graph.projections()[link.number].synapses;
        match synapses.at(synapses.range(neuron as usize)) {
            Row::All(weight) => prefetch(weight),
            Row::Listed(target, weight) => {
                prefetch(weight);
                prefetch(target);
            }
            // Kernels are near: all neurons have the same.
            Row::Kernels(_) => {}
        }
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
