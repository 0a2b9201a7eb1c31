//! Clocked simulation of a graph: every neuron at every step, in vectors; synapses only where spikes are.

use std::sync::Arc;

use super::Counts;
use super::counts::Patience;
use super::population::NeuronState;
use super::snapshot::Snapshot;
use super::traffic::Traffic;
use crate::engine::kernels::{LifLanes, step_blocks};
use crate::error::Result;
use crate::graph::{Graph, Row};
use crate::neuron::LifPropagator;
use crate::neuron::lazy::LazyLif;
use crate::real::Real;
use crate::simd::{LANES, LaneMask, Lanes, flat_mut};

/// The clocked engine.
#[derive(Clone, Debug)]
pub struct ClockedEngine<F: Real> {
    traffic: Traffic<F>,
    /// Of every population; `None` for inputs.
    populations: Vec<Option<Neurons<F>>>,
    now: u64,
    counts: Counts,
}

#[derive(Clone, Debug)]
struct Neurons<F> {
    lif: LifPropagator<F>,
    n: usize,
    input: Vec<Lanes<F>>,
    state: Vec<LifLanes<F>>,
    fired: Vec<LaneMask>,
}

impl<F: Real> Neurons<F> {
    fn receive(&mut self, row: Row<'_, F>) {
        let input = flat_mut(&mut self.input);
        match row.target {
            Some(target) => target.iter().zip(row.weight).for_each(|(&i, &w)| input[i as usize] += w),
            None => super::block::add_weights(&mut input[..self.n], row.weight),
        }
    }

    fn run(&mut self, fired: &mut Vec<u32>) {
        step_blocks(&mut self.input, &self.lif, &mut self.state, &mut self.fired);
        for (block, &mask) in self.fired.iter().enumerate() {
            let mut bits = mask;
            while bits != 0 {
                fired.push(block as u32 * LANES as u32 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

impl<F: Real> ClockedEngine<F> {
    /// An engine at rest.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a delay is not a whole number of steps.
    pub fn new(graph: Arc<Graph<F>>) -> Result<Self> {
        let neurons = |population: &crate::graph::Population| {
            let neurons = |params| {
                let n_blocks = population.n.div_ceil(LANES);
                Ok(Neurons {
                    lif: LifPropagator::new(params)?,
                    n: population.n,
                    input: vec![Lanes::zero(); n_blocks],
                    state: vec![LifLanes::rest(); n_blocks],
                    fired: vec![0; n_blocks],
                })
            };
            population.params.as_ref().map(neurons).transpose()
        };
        let populations = graph.populations().iter().map(neurons).collect::<Result<_>>()?;
        Ok(Self { traffic: Traffic::new(graph)?, populations, now: 0, counts: Counts::default() })
    }

    /// Steps done: the next one is `now`.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Spikes under way.
    pub fn traffic(&self) -> &Traffic<F> {
        &self.traffic
    }

    /// Spikes under way.
    pub fn traffic_mut(&mut self) -> &mut Traffic<F> {
        &mut self.traffic
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
        let Self { traffic, populations, now, counts } = self;
        let mut patience = Patience::default();
        while *now < until {
            let step = *now;
            // Nothing fires at step 0.
            if step > 0 {
                traffic.deliver(step, counts, |post, row| {
                    populations[post].as_mut().expect("no projection ends at an input").receive(row);
                });
                for (at, population) in populations.iter_mut().enumerate() {
                    if let Some(population) = population {
                        counts.state_updates += population.n as u64;
                        let fired = traffic.fire(at, step, |fired| population.run(fired));
                        if !fired.is_empty() {
                            counts.spikes += fired.len() as u64;
                            record(step, at, fired);
                        }
                    }
                }
            }
            traffic.take_inputs(step, counts);
            *now = step + 1;
            if patience.ends(counts) && !keep_going() {
                break;
            }
        }
    }

    /// Back to rest at step 0, nothing under way.
    pub fn reset(&mut self) {
        for population in self.populations.iter_mut().flatten() {
            population.input.fill(Lanes::zero());
            population.state.fill(LifLanes::rest());
        }
        self.traffic.clear();
        (self.now, self.counts) = (0, Counts::default());
    }

    /// Everything that later steps depend on.
    pub fn snapshot(&self) -> Snapshot<F> {
        let (spikes, pending) = self.traffic.export(self.now);
        let last = self.now.saturating_sub(1);
        let neurons = self.populations.iter().map(|population| {
            let state = |population: &Neurons<F>| -> Vec<NeuronState<F>> {
                let neuron = |i: usize| {
                    let (p, u, held) = population.state[i / LANES].neuron(i % LANES);
                    NeuronState { p, u, last, held: if held == 0 { 0 } else { last + held } }
                };
                (0..population.n).map(neuron).collect()
            };
            population.as_ref().map_or_else(Vec::new, state)
        });
        Snapshot { now: self.now, neurons: neurons.collect(), spikes, pending }
    }

    /// Goes on from a snapshot, which fits the graph; of the event engine, neurons touched at different steps are brought
    /// to the present.
    ///
    /// # Errors
    /// None for a graph that has an engine: those of the tables.
    pub fn restore(&mut self, snapshot: &Snapshot<F>) -> Result<()> {
        let last = snapshot.now.saturating_sub(1);
        let graph = Arc::clone(self.traffic.graph());
        for (at, neurons) in snapshot.neurons.iter().enumerate() {
            let (Some(population), Some(params)) = (&mut self.populations[at], &graph.populations()[at].params) else {
                continue;
            };
            let lif = LazyLif::new(params, 0.0)?;
            population.input.fill(Lanes::zero());
            for (i, neuron) in neurons.iter().enumerate() {
                let (p, u) = super::population::catch_up(&lif, neuron, last);
                population.state[i / LANES].set_neuron(i % LANES, p, u, neuron.held.saturating_sub(last));
            }
        }
        self.traffic.import(snapshot.now, &snapshot.spikes, &snapshot.pending);
        self.now = snapshot.now;
        Ok(())
    }
}
