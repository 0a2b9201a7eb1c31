//! Fixed-point neurons, all of which are computed at every step.

use std::marker::PhantomData;
use std::sync::Arc;

use super::SumLimits;
use crate::engine::graph::clocked::{list_masks, window_of};
use crate::engine::graph::{Clocked, ClockedNeurons, Delivery, NeuronState, Transit};
use crate::error::Result;
use crate::graph::{Connectivity, Graph, Population, Row};
use crate::neuron::NeuronParams;
use crate::neuron::fixed::{
    Anchor, At, FixedBlock, FixedLanes, FixedNeuron, FixedPopulation, FixedState, FixedWeight, Overflows,
};
use crate::simd::{LANES, LaneMask, Lanes, flat_mut};

/// Holds fixed-point neurons of the clocked engine.
#[derive(Clone, Debug)]
pub struct FixedNeurons<W> {
    lanes: FixedLanes,
    n: usize,
    /// Sums of what arrives at each step of a window, (n_steps, n_blocks); zero between windows.
    input: Vec<Lanes<i32>>,
    /// Where the current saturates at each spike: neurons and weights, in order, of each step.
    arrivals: Vec<Vec<(u32, i32)>>,
    blocks: Vec<FixedBlock>,
    /// Of neurons stepped one by one, what blocks hold of others.
    single: Vec<FixedNeuron>,
    /// Who fired, (n_steps, n_blocks).
    masks: Vec<LaneMask>,
    /// Of neurons stepped one by one, who fired at each step, once a spike.
    lists: Vec<Vec<u32>>,
    overflows: Overflows,
    weight: PhantomData<W>,
}

impl<W: FixedWeight> FixedNeurons<W> {
    /// Makes `n` neurons at rest, onto each of which at most `most` arrives at a step, for windows of `window` steps.
    pub fn new(population: FixedPopulation, n: usize, most: i64, window: usize) -> Self {
        let n_blocks = n.div_ceil(LANES);
        let lanes = FixedLanes::new(population, n, most);
        let mut neurons = Self {
            single: vec![FixedNeuron::default(); if lanes.one_by_one() { n } else { 0 }],
            lanes,
            n,
            input: vec![Lanes([0; LANES]); window * n_blocks],
            arrivals: vec![Vec::new(); window],
            blocks: vec![FixedBlock::zero(); n_blocks],
            masks: vec![0; window * n_blocks],
            lists: vec![Vec::new(); window],
            overflows: Overflows::default(),
            weight: PhantomData,
        };
        neurons.reset();
        neurons
    }

    fn neuron(&self, i: usize) -> FixedNeuron {
        if self.lanes.one_by_one() {
            return self.single[i];
        }
        let (state, refractory) = self.blocks[i / LANES].neuron(i % LANES);
        FixedNeuron { state, refractory: refractory as u32 }
    }

    fn set_neuron(&mut self, i: usize, state: FixedState, refractory: u64) {
        match self.lanes.one_by_one() {
            true => self.single[i] = FixedNeuron { state, refractory: refractory as u32 },
            false => self.blocks[i / LANES].set_neuron(i % LANES, state, refractory),
        }
    }

    fn run_one_by_one(&mut self, first_step: u64, n_steps: usize) {
        let (population, overflows) = (self.lanes.population(), &mut self.overflows);
        for (at, step) in (first_step..).take(n_steps).enumerate() {
            for (i, weight) in self.arrivals[at].drain(..) {
                population.add(&mut self.single[i as usize].state.current, weight, overflows);
            }
            self.lists[at].clear();
            let input = flat_mut(&mut self.input[at * self.blocks.len()..][..self.blocks.len()]);
            for (neuron, (state, sum)) in self.single.iter_mut().zip(input).enumerate() {
                let spikes = population.advance(At { neuron, step }, state, std::mem::take(sum), overflows);
                self.lists[at].extend(std::iter::repeat_n(neuron as u32, spikes as usize));
            }
        }
    }
}

impl<W: FixedWeight> Clocked<FixedNeurons<W>> {
    /// Makes an engine of fixed-point neurons at rest, of a graph with these limits.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a delay is not a whole number of steps, or naming a model of neurons that is another.
    pub fn fixed(graph: Arc<Graph<W>>, limits: &SumLimits) -> Result<Self> {
        let transit = Transit::new(Arc::clone(&graph))?;
        let window = window_of(&transit) as usize;
        let neurons = |(at, population): (usize, &Population)| {
            let of = |params: &NeuronParams| {
                let fixed = FixedPopulation::new(params.fixed()?, population.n, at)?;
                Ok(FixedNeurons::new(fixed, population.n, limits.most[at], window))
            };
            population.integrating().map(of).transpose()
        };
        let neurons = graph.populations().iter().enumerate().map(neurons).collect::<Result<_>>()?;
        Ok(Self::from_populations(transit, neurons))
    }
}

impl<W: FixedWeight> ClockedNeurons for FixedNeurons<W> {
    type Weight = W;
    type Value = Anchor;

    fn n(&self) -> usize {
        self.n
    }

    #[inline(always)]
    fn receive(&mut self, spike: Delivery, synapses: &Connectivity<W>) {
        let (row, n_blocks) = (synapses.at(spike.range), self.blocks.len());
        if self.lanes.population().params().model.abilities().takes_each_spike {
            let arrivals = &mut self.arrivals[spike.step];
            return row.for_each(|i, w| arrivals.push((i, w.into())));
        }
        let input = flat_mut(&mut self.input[spike.step * n_blocks..][..n_blocks]);
        match row {
            Row::All(weight) => W::add_row(&mut input[..self.n], weight),
            row => row.for_each(|i, w| {
                let sum = &mut input[i as usize];
                *sum = sum.wrapping_add(w.into());
            }),
        }
    }

    fn run(&mut self, first_step: u64, n_steps: usize) {
        if self.lanes.one_by_one() {
            return self.run_one_by_one(first_step, n_steps);
        }
        let size = n_steps * self.blocks.len();
        self.overflows += self.lanes.run(&mut self.blocks, &mut self.input[..size], &mut self.masks[..size]);
    }

    fn list(&self, step_of_window: usize, fired: &mut Vec<u32>) {
        if self.lanes.one_by_one() {
            return fired.extend_from_slice(&self.lists[step_of_window]);
        }
        let n_blocks = self.blocks.len();
        list_masks(&self.masks[step_of_window * n_blocks..][..n_blocks], fired);
    }

    fn overflows(&self) -> Overflows {
        self.overflows
    }

    fn reset(&mut self) {
        for i in 0..self.n {
            self.set_neuron(i, self.lanes.population().rest(i), 0);
        }
        self.overflows = Overflows::default();
    }

    fn state(&self, last: u64) -> Vec<NeuronState<Anchor>> {
        let neuron = |i: usize| {
            let FixedNeuron { state: FixedState { current, potential }, refractory } = self.neuron(i);
            NeuronState {
                current,
                potential,
                last,
                refractory: if refractory == 0 { 0 } else { last + u64::from(refractory) },
            }
        };
        (0..self.n).map(neuron).collect()
    }

    fn set_state(&mut self, neurons: &[NeuronState<Anchor>], last: u64) -> Result<()> {
        for (i, neuron) in neurons.iter().enumerate() {
            let state = super::lazy::brought(self.lanes.population(), i, neuron, last, &mut self.overflows);
            self.set_neuron(i, state, neuron.refractory.saturating_sub(last));
        }
        Ok(())
    }
}
