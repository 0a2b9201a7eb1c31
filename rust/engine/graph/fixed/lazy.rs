//! Fixed-point neurons that are touched only when something reaches them.

use std::sync::Arc;

use crate::engine::graph::bit_set::BitSet;
use crate::engine::graph::wheel::Wheel;
use crate::engine::graph::{Counts, EventEngine, LazyPopulation, NeuronState, Rows, Transit};
use crate::error::Result;
use crate::graph::{Graph, Population};
use crate::neuron::NeuronParams;
use crate::neuron::fixed::{Anchor, At, FixedPopulation, FixedState, FixedWeight, Overflows};

/// Holds fixed-point neurons of the event engine.
#[derive(Clone, Debug)]
pub struct LazyFixed {
    population: FixedPopulation,
    neurons: Vec<NeuronState<Anchor>>,
    /// Sums of what arrives at the step to be run.
    input: Vec<i32>,
    /// Where the current saturates at each spike: neurons and weights, in order.
    arrivals: Vec<(u32, i32)>,
    reached: BitSet,
    /// The neurons that were reached.
    list: Vec<usize>,
    wheel: Wheel,
    overflows: Overflows,
}

/// Returns the state of a neuron at the end of `step`, up to which nothing arrives and no spike is due.
pub fn brought(
    population: &FixedPopulation,
    i: usize,
    neuron: &NeuronState<Anchor>,
    step: u64,
    overflows: &mut Overflows,
) -> FixedState {
    let state = FixedState { current: neuron.current, potential: neuron.potential };
    population.skip(i, state, neuron.last, neuron.refractory, step, overflows)
}

impl<W: FixedWeight> EventEngine<W, Anchor> {
    /// Makes an engine of fixed-point neurons at rest.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a delay is not a whole number of steps, or naming a model of neurons that is another.
    pub fn fixed(graph: Arc<Graph<W>>) -> Result<Self> {
        let neurons = |(at, population): (usize, &Population)| {
            let of = |params: &NeuronParams| -> Result<Box<dyn LazyPopulation<W, Anchor>>> {
                Ok(Box::new(LazyFixed::new(FixedPopulation::new(params.fixed()?, population.n, at)?, population.n)))
            };
            population.integrating().map(of).transpose()
        };
        let neurons = graph.populations().iter().enumerate().map(neurons).collect::<Result<_>>()?;
        Ok(Self::from_populations(Transit::new(graph)?, neurons, true))
    }
}

impl LazyFixed {
    /// Makes `n` neurons at rest.
    pub fn new(population: FixedPopulation, n: usize) -> Self {
        let mut neurons = Self {
            population,
            neurons: vec![NeuronState::default(); n],
            input: vec![0; n],
            arrivals: Vec::new(),
            reached: BitSet::new(n),
            list: Vec::new(),
            wheel: Wheel::new(n),
            overflows: Overflows::default(),
        };
        neurons.rest();
        neurons
    }

    fn rest(&mut self) {
        let at_rest = |i| {
            let state = self.population.rest(i);
            NeuronState { current: state.current, potential: state.potential, last: 0, refractory: 0 }
        };
        let neurons: Vec<_> = (0..self.neurons.len()).map(at_rest).collect();
        self.take(&neurons);
        self.overflows = Overflows::default();
    }

    fn take(&mut self, neurons: &[NeuronState<Anchor>]) {
        self.reached.clear_all();
        self.wheel.clear();
        self.neurons.copy_from_slice(neurons);
        (0..neurons.len()).for_each(|i| self.expect(i));
    }

    /// Puts into the calendar when a neuron may fire.
    fn expect(&mut self, i: usize) {
        let NeuronState { current, potential, last, refractory } = self.neurons[i];
        let state = FixedState { current, potential };
        self.wheel.set(i, self.population.next_due(i, state, last, refractory));
    }

    /// Brings a neuron to the end of `step`.
    fn bring(&mut self, i: usize, step: u64) {
        let neuron = &mut self.neurons[i];
        let state = brought(&self.population, i, neuron, step, &mut self.overflows);
        (neuron.current, neuron.potential, neuron.last) = (state.current, state.potential, step);
    }

    fn receive<W: FixedWeight>(&mut self, rows: &Rows<'_, W>) {
        let takes_each_spike = self.population.params().model.abilities().takes_each_spike;
        for row in rows.iter() {
            row.for_each(|i, w| {
                self.reached.set(i as usize);
                if takes_each_spike {
                    self.arrivals.push((i, w.into()));
                } else {
                    let sum = &mut self.input[i as usize];
                    *sum = sum.wrapping_add(w.into());
                }
            });
        }
    }

    /// Runs `step` for a neuron that has been brought to the step before; the number of its spikes.
    fn run_neuron(&mut self, i: usize, step: u64) -> u32 {
        let neuron = &mut self.neurons[i];
        let state = FixedState { current: neuron.current, potential: neuron.potential };
        let input = std::mem::take(&mut self.input[i]);
        let after = self.population.step(At { neuron: i, step }, state, neuron.refractory >= step, input.into());
        self.overflows += after.overflows;
        (neuron.current, neuron.potential, neuron.last) = (after.state.current, after.state.potential, step);
        if after.spikes > 0 {
            neuron.refractory = step + u64::from(self.population.params().t_ref_steps);
        }
        self.expect(i);
        after.spikes
    }
}

impl<W: FixedWeight> LazyPopulation<W, Anchor> for LazyFixed {
    fn next_due(&self, step: u64) -> Option<u64> {
        self.wheel.next(step)
    }

    fn run(&mut self, step: u64, rows: Rows<'_, W>, fired: &mut Vec<u32>, counts: &mut Counts) {
        let Self { reached, wheel, .. } = self;
        wheel.drain(step, |i| reached.set(i));
        self.receive(&rows);
        let mut list = std::mem::take(&mut self.list);
        self.reached.drain(|i| list.push(i));
        list.iter().for_each(|&i| self.bring(i, step - 1));
        for (i, weight) in self.arrivals.drain(..) {
            self.population.add(&mut self.neurons[i as usize].current, weight, &mut self.overflows);
        }
        for &i in &list {
            let spikes = self.run_neuron(i, step);
            fired.extend(std::iter::repeat_n(i as u32, spikes as usize));
        }
        counts.state_updates += list.len() as u64;
        list.clear();
        self.list = list;
    }

    fn covers(&self, _state: &[NeuronState<Anchor>]) -> bool {
        true
    }

    fn state(&self) -> Vec<NeuronState<Anchor>> {
        self.neurons.clone()
    }

    fn set_state(&mut self, state: &[NeuronState<Anchor>]) {
        self.take(state);
    }

    fn reset(&mut self) {
        self.rest();
    }

    fn overflows(&mut self, step: u64) -> Overflows {
        for i in 0..self.neurons.len() {
            if self.neurons[i].last < step {
                self.bring(i, step);
            }
        }
        self.overflows
    }

    fn boxed(&self) -> Box<dyn LazyPopulation<W, Anchor>> {
        Box::new(self.clone())
    }
}
