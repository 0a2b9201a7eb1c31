//! Clocked simulation of a graph: every neuron at every step, in vectors; synapses only where spikes are.
//!
//! Steps are taken in windows as long as the shortest delay: what happens within one cannot arrive before its end, so
//! neurons go through it with their state in registers.

use std::sync::Arc;

use super::Counts;
use super::counts::Polling;
use super::max_pools::MaxPools;
use super::population::NeuronState;
use super::shared::{SharedRows, least_density};
use super::snapshot::Snapshot;
use super::transit::{Delivery, LONGEST_WINDOW, Transit};
use super::window::{Arrivals, advance_window};
use crate::error::Result;
use crate::graph::{Connectivity, Graph, Population, Row};
use crate::neuron::fixed::Overflows;
use crate::neuron::lif::lazy::{Bounds, LazyLif};
use crate::neuron::lif::thresholds::by_thresholds;
use crate::neuron::lif::vectors::LifLanes;
use crate::neuron::{LifParams, LifPropagator, NeuronParams};
use crate::simd::{LANES, LaneMask, Lanes, Real, Weight, flat_mut};

/// Says what the clocked engine asks of a population, all neurons of which are computed at every step.
pub trait ClockedNeurons: Clone + std::fmt::Debug {
    /// Is the weight of a synapse.
    type Weight: Weight;
    /// Is a current or a potential.
    type Value: Copy;

    /// Returns the number of neurons.
    fn n(&self) -> usize;

    /// Takes a spike that arrives at a step of the window.
    fn receive(&mut self, spike: Delivery, synapses: &Connectivity<Self::Weight>);

    /// Runs the steps of a window.
    fn run(&mut self, first_step: u64, n_steps: usize);

    /// Lists who fired at a step of the window, ascending.
    fn list(&self, step_of_window: usize, fired: &mut Vec<u32>);

    /// Returns what has not fitted the neurons' number format since they were at rest.
    fn overflows(&self) -> Overflows {
        Overflows::default()
    }

    /// Goes back to rest.
    fn reset(&mut self);

    /// Returns the state of all neurons after step `last`.
    fn state(&self, last: u64) -> Vec<NeuronState<Self::Value>>;

    /// Takes the state of all neurons, touched at different steps, and brings it to the end of step `last`.
    ///
    /// # Errors
    /// None for neurons that exist: those of the tables.
    fn set_state(&mut self, neurons: &[NeuronState<Self::Value>], last: u64) -> Result<()>;
}

/// Runs every neuron at every step.
#[derive(Clone, Debug)]
pub struct Clocked<N: ClockedNeurons> {
    transit: Transit<N::Weight>,
    /// Of every population; `None` for inputs and max pools.
    populations: Vec<Option<N>>,
    max_pools: MaxPools,
    /// Steps of a window.
    window: u64,
    now: u64,
    counts: Counts,
}

/// Is the clocked engine of floating-point neurons.
pub type ClockedEngine<F> = Clocked<LifNeurons<F>>;

/// Holds floating-point neurons.
#[derive(Clone, Debug)]
pub struct LifNeurons<F> {
    params: LifParams,
    lif: LifPropagator<F>,
    /// Of each neuron, where they differ.
    thresholds: Option<Vec<Lanes<F>>>,
    n: usize,
    /// Sums of the weights that arrive at each step of a window, (n_steps, n_blocks); zero between windows, and empty if
    /// all that arrives is `shared`.
    input: Vec<Lanes<F>>,
    shared: SharedRows<F>,
    state: Vec<LifLanes<F>>,
    /// (n_steps, n_blocks)
    fired: Vec<LaneMask>,
}

impl<F: Real> ClockedNeurons for LifNeurons<F> {
    type Weight = F;
    type Value = F;

    fn n(&self) -> usize {
        self.n
    }

    #[inline(always)]
    fn receive(&mut self, spike: Delivery, synapses: &Connectivity<F>) {
        if self.shared.receive(spike.step, spike.projection, spike.neuron) {
            return;
        }
        let (row, n_blocks) = (synapses.at(spike.range), self.state.len());
        let input = flat_mut(&mut self.input[spike.step * n_blocks..][..n_blocks]);
        match row {
            Row::All(weight) => super::block::add_weights(&mut input[..self.n], weight),
            row => row.for_each(|i, w| input[i as usize] += w),
        }
    }

    fn run(&mut self, first_step: u64, n_steps: usize) {
        let (reach, rows) = self.shared.arrivals();
        let mut arrivals = Arrivals { sums: &mut self.input, reach, rows };
        let fired = &mut self.fired[..n_steps * self.state.len()];
        let (lif, state) = (&self.lif, &mut self.state);
        by_thresholds!(self.thresholds.as_deref(), |thresholds| {
            advance_window(&mut arrivals, first_step, lif, thresholds, state, fired)
        });
        self.shared.clear();
    }

    fn list(&self, step_of_window: usize, fired: &mut Vec<u32>) {
        let n_blocks = self.state.len();
        list_masks(&self.fired[step_of_window * n_blocks..][..n_blocks], fired);
    }

    fn reset(&mut self) {
        self.input.fill(Lanes::zero());
        self.state.fill(LifLanes::rest());
    }

    fn state(&self, last: u64) -> Vec<NeuronState<F>> {
        let neuron = |i: usize| {
            let (current, potential, refractory) = self.state[i / LANES].neuron(i % LANES);
            NeuronState { current, potential, last, refractory: if refractory == 0 { 0 } else { last + refractory } }
        };
        (0..self.n).map(neuron).collect()
    }

    fn set_state(&mut self, neurons: &[NeuronState<F>], last: u64) -> Result<()> {
        let lif = LazyLif::new(&self.params, Bounds::none(0.0))?;
        self.input.fill(Lanes::zero());
        for (i, neuron) in neurons.iter().enumerate() {
            let (current, potential) = super::population::catch_up(&lif, neuron, last);
            self.state[i / LANES].set_neuron(i % LANES, current, potential, neuron.refractory.saturating_sub(last));
        }
        Ok(())
    }
}

/// Lists who fired, of the masks of all blocks.
pub fn list_masks(masks: &[LaneMask], fired: &mut Vec<u32>) {
    let (lines, rest) = masks.as_chunks::<MASKS>();
    let mut last = [0; MASKS];
    last[..rest.len()].copy_from_slice(rest);
    for (masks, first) in lines.iter().chain(std::iter::once(&last)).zip((0..).step_by(MASKS * LANES)) {
        // At most steps nearly nobody fires.
        if masks.iter().fold(0, |any, mask| any | mask) == 0 {
            continue;
        }
        for (&[a, b, c, d], first) in masks.as_chunks::<4>().0.iter().zip((first..).step_by(4 * LANES)) {
            let mut bits = u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48;
            while bits != 0 {
                fired.push(first + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

/// Masks of a cache line.
const MASKS: usize = 32;

impl<F: Real> ClockedEngine<F> {
    /// Makes an engine at rest.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a delay is not a whole number of steps.
    pub fn new(graph: Arc<Graph<F>>) -> Result<Self> {
        Self::sharing(graph, least_density::<F>())
    }

    /// Makes an engine that keeps rows as masks from `density` on, see [`SharedRows`].
    fn sharing(graph: Arc<Graph<F>>, density: f64) -> Result<Self> {
        let mut transit = Transit::new(Arc::clone(&graph))?;
        let window = window_of(&transit);
        let neurons = |(number, population): (usize, &Population)| {
            let neurons = |params: &NeuronParams| {
                let neurons = params.lif()?;
                let params = neurons.lowest();
                let n_blocks = population.n.div_ceil(LANES);
                let shared = SharedRows::new(&graph, number, window as usize, density);
                let mut all = graph.projections().iter().enumerate();
                let all_shared = all.all(|(at, projection)| projection.post != number || shared.has(at));
                let n_sums = if all_shared { 0 } else { window as usize * n_blocks };
                Ok(LifNeurons {
                    params,
                    lif: LifPropagator::new(&params)?,
                    thresholds: neurons.thresholds()?,
                    n: population.n,
                    input: vec![Lanes::zero(); n_sums],
                    shared,
                    state: vec![LifLanes::rest(); n_blocks],
                    fired: vec![0; window as usize * n_blocks],
                })
            };
            population.integrating().map(neurons).transpose()
        };
        let populations: Vec<Option<LifNeurons<F>>> =
            graph.populations().iter().enumerate().map(neurons).collect::<Result<_>>()?;
        for (number, projection) in graph.projections().iter().enumerate() {
            if populations[projection.post].as_ref().is_some_and(|post| post.shared.has(number)) {
                transit.leave_rows(number);
            }
        }
        Ok(Self::from_populations(transit, populations))
    }
}

/// Returns the steps within which nothing arrives of what neurons fire.
pub fn window_of<W: Weight>(transit: &Transit<W>) -> u64 {
    (1 + u64::from(transit.shortest_delay())).min(LONGEST_WINDOW)
}

impl<N: ClockedNeurons> Clocked<N> {
    /// Makes an engine of populations at rest, in the order of the graph's, that can run windows of [`window_of`] the spikes in transit.
    pub fn from_populations(transit: Transit<N::Weight>, populations: Vec<Option<N>>) -> Self {
        let window = window_of(&transit);
        let max_pools = MaxPools::new(transit.graph(), window as usize);
        Self { window, transit, populations, max_pools, now: 0, counts: Counts::default() }
    }

    /// Returns what has not fitted the number format of each population since it was at rest.
    pub fn overflows(&self) -> Vec<Overflows> {
        let of = |neurons: &Option<N>| neurons.as_ref().map(N::overflows);
        self.populations.iter().map(|neurons| of(neurons).unwrap_or_default()).collect()
    }

    /// Returns the steps done: the next one is `now`.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Returns what was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the spikes in transit.
    pub fn transit(&self) -> &Transit<N::Weight> {
        &self.transit
    }

    /// Returns the spikes in transit.
    pub fn transit_mut(&mut self) -> &mut Transit<N::Weight> {
        &mut self.transit
    }

    /// Runs the steps up to, and without, `until`; `record` gets what each population fires, in order of time and population.
    ///
    /// `keep_going` is asked now and then; where it says no, the run ends there.
    pub fn advance(
        &mut self,
        until: u64,
        record: &mut dyn FnMut(u64, usize, &[u32]),
        keep_going: &mut dyn FnMut() -> bool,
    ) {
        let Self { transit, populations, max_pools, window, now, counts } = self;
        let graph = Arc::clone(transit.graph());
        let mut polling = Polling::default();
        while *now < until {
            // Nothing fires at step 0.
            if *now == 0 {
                transit.take_inputs(1, counts);
                *now = 1;
                continue;
            }
            let steps = *now..until.min(*now + *window);
            let n_steps = (steps.end - steps.start) as usize;
            transit.take_inputs(steps.end, counts);
            transit.deliver(steps.start, n_steps as u64, counts, |spike| {
                let projection = &graph.projections()[spike.projection];
                let row = || projection.synapses.at(spike.range.clone());
                if max_pools.receive(projection.post, spike.step, spike.neuron, row) {
                    return;
                }
                let population = populations[projection.post].as_mut().expect("no projection ends at an input");
                population.receive(spike, &projection.synapses);
            });
            for population in populations.iter_mut().flatten() {
                population.run(steps.start, n_steps);
                counts.state_updates += (population.n() * n_steps) as u64;
            }
            for (at, step) in steps.clone().enumerate() {
                for (number, population) in populations.iter().enumerate() {
                    let fired = match population {
                        Some(population) => transit.fire(number, step, |fired| population.list(at, fired)),
                        None if max_pools.has(number) => {
                            transit.fire(number, step, |fired| max_pools.list(number, at, fired))
                        }
                        None => continue,
                    };
                    if !fired.is_empty() {
                        counts.spikes += fired.len() as u64;
                        record(step, number, fired);
                    }
                }
            }
            *now = steps.end;
            if polling.is_due(counts) && !keep_going() {
                break;
            }
        }
    }

    /// Goes back to rest at step 0, nothing under way.
    pub fn reset(&mut self) {
        self.populations.iter_mut().flatten().for_each(N::reset);
        self.max_pools.reset();
        self.transit.clear();
        (self.now, self.counts) = (0, Counts::default());
    }

    /// Returns everything that later steps depend on.
    pub fn snapshot(&self) -> Snapshot<N::Value> {
        let (spikes, pending) = self.transit.export(self.now);
        let last = self.now.saturating_sub(1);
        let state = |population: &Option<N>| population.as_ref().map_or_else(Vec::new, |neurons| neurons.state(last));
        let neurons = self.populations.iter().map(state).collect();
        Snapshot { now: self.now, neurons, spikes, pending, arrived: self.max_pools.state() }
    }

    /// Goes on from a snapshot, which fits the graph; of the event engine, neurons touched at different steps are brought
    /// to the present.
    ///
    /// # Errors
    /// None for a graph that has an engine: those of the tables.
    pub fn restore(&mut self, snapshot: &Snapshot<N::Value>) -> Result<()> {
        let last = snapshot.now.saturating_sub(1);
        for (population, neurons) in self.populations.iter_mut().zip(&snapshot.neurons) {
            if let Some(population) = population {
                population.set_state(neurons, last)?;
            }
        }
        self.max_pools.set_state(self.transit.graph(), &snapshot.arrived);
        self.transit.import(snapshot.now, &snapshot.spikes, &snapshot.pending);
        self.now = snapshot.now;
        Ok(())
    }
}

#[cfg(test)]
#[path = "clocked_tests.rs"]
mod tests;
