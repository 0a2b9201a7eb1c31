//! Neurons of one population that are touched only when something reaches them.

use super::Counts;
use super::marks::Marks;
use super::wheel::{NEVER, Wheel};
use crate::graph::Row;
use crate::neuron::lazy::Arithmetic;

/// What the event engine asks of a population.
pub trait LazyPopulation<W, V>: Send + Sync + std::fmt::Debug {
    /// Takes what arrives through the synapses of one spike.
    fn receive(&mut self, row: Row<'_, W>);

    /// The first step from `step` on at which a neuron may fire without further input, or an earlier one.
    fn next_due(&self, step: u64) -> Option<u64>;

    /// Runs `step` for the neurons that something reached or that are due; lists those that fire, ascending.
    fn run(&mut self, step: u64, fired: &mut Vec<u32>, counts: &mut Counts);

    /// The state of all neurons; what has been received must have been run.
    fn state(&self) -> Vec<NeuronState<V>>;

    /// Takes the state of all neurons.
    fn set_state(&mut self, state: &[NeuronState<V>]);

    /// A copy.
    fn boxed(&self) -> Box<dyn LazyPopulation<W, V>>;
}

/// State of a neuron as it was last touched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NeuronState<V> {
    /// Synaptic current.
    pub p: V,
    /// Membrane potential, relative to rest.
    pub u: V,
    /// Step for which both hold.
    pub last: u64,
    /// Last step in which the neuron is held at rest after a spike; `last` or less if it is free.
    pub held: u64,
}

/// A population whose neurons are touched one by one.
#[derive(Clone, Debug)]
pub struct SingleNeurons<A: Arithmetic> {
    lif: A,
    neurons: Vec<Neuron<A::Value>>,
    reached: Marks,
    wheel: Wheel,
}

/// A neuron, in half a cache line of `f32`: what an arriving spike brings there is all that running it needs.
#[derive(Clone, Copy, Debug)]
struct Neuron<V> {
    p: V,
    u: V,
    /// What has arrived for the step to be run.
    input: V,
    /// Steps after `last` for which the neuron is held.
    held: u32,
    last: u64,
    /// As in the wheel.
    due: u64,
}

impl<V: Copy + Default> Neuron<V> {
    fn rest() -> Self {
        Self { p: V::default(), u: V::default(), input: V::default(), held: 0, last: 0, due: NEVER }
    }

    #[inline(always)]
    fn state(&self) -> NeuronState<V> {
        NeuronState { p: self.p, u: self.u, last: self.last, held: self.last + u64::from(self.held) }
    }
}

impl<A: Arithmetic> SingleNeurons<A> {
    /// At rest.
    pub fn new(lif: A, n: usize) -> Self {
        Self { lif, neurons: vec![Neuron::rest(); n], reached: Marks::new(n), wheel: Wheel::new(n) }
    }
}

/// Brings a neuron from where it was last touched to the end of `step`, without input.
#[inline(always)]
pub fn catch_up<A: Arithmetic>(lif: &A, neuron: &NeuronState<A::Value>, step: u64) -> (A::Value, A::Value) {
    let NeuronState { p, u, last, held } = *neuron;
    if held <= last {
        return lif.skip(p, u, step - last);
    }
    let held_steps = held.min(step) - last;
    lif.skip(lif.skip_held(p, held_steps), A::Value::default(), step - last - held_steps)
}

/// The step at which a neuron may fire next without further input; [`NEVER`] if it does not.
#[inline(always)]
pub fn predict<A: Arithmetic>(lif: &A, neuron: &NeuronState<A::Value>) -> u64 {
    let NeuronState { p, u, last, held } = *neuron;
    let ahead = if held <= last {
        lif.next_firing(p, u)
    } else {
        // No larger than what is left of the current when it is free again, so most ask no more than this.
        lif.next_firing(p, A::Value::default())
            .and_then(|_| lif.next_firing(lif.skip_held(p, held - last), A::Value::default()))
    };
    ahead.map_or(NEVER, |ahead| last.max(held).saturating_add(ahead))
}

impl<A: Arithmetic> LazyPopulation<A::Weight, A::Value> for SingleNeurons<A> {
    fn receive(&mut self, row: Row<'_, A::Weight>) {
        match row.target {
            Some(target) => {
                for (&i, &w) in target.iter().zip(row.weight) {
                    let input = &mut self.neurons[i as usize].input;
                    *input = self.lif.accumulate(*input, w);
                    self.reached.set(i as usize);
                }
            }
            None => {
                for (neuron, &w) in self.neurons.iter_mut().zip(row.weight) {
                    neuron.input = self.lif.accumulate(neuron.input, w);
                }
                self.reached.set_first(self.neurons.len());
            }
        }
    }

    fn next_due(&self, step: u64) -> Option<u64> {
        self.wheel.next(step)
    }

    fn run(&mut self, step: u64, fired: &mut Vec<u32>, counts: &mut Counts) {
        let Self { lif, neurons, reached, wheel } = self;
        wheel.drain(step, |i| {
            neurons[i].due = NEVER;
            reached.set(i);
        });
        let t_ref = lif.t_ref_steps();
        reached.drain(|i| {
            counts.state_updates += 1;
            let neuron = &mut neurons[i];
            let input = std::mem::take(&mut neuron.input);
            let (p, u) = catch_up(lif, &neuron.state(), step - 1);
            let passed = step - neuron.last;
            neuron.last = step;
            if passed <= u64::from(neuron.held) {
                neuron.held -= passed as u32;
                (neuron.p, neuron.u) = (lif.step_held(p, input), A::Value::default());
            } else {
                let stepped = lif.step(p, u, input);
                (neuron.p, neuron.u) = (stepped.p, stepped.u);
                neuron.held = 0;
                counts.near_ties += u64::from(stepped.near);
                if stepped.fires {
                    neuron.held = t_ref;
                    fired.push(i as u32);
                }
            }
            let due = predict(lif, &neuron.state());
            if due != neuron.due {
                neuron.due = due;
                wheel.set(i, due);
            }
        });
    }

    fn state(&self) -> Vec<NeuronState<A::Value>> {
        self.neurons.iter().map(Neuron::state).collect()
    }

    fn set_state(&mut self, state: &[NeuronState<A::Value>]) {
        self.reached.clear_all();
        self.wheel.clear();
        for (i, (neuron, state)) in self.neurons.iter_mut().zip(state).enumerate() {
            let NeuronState { p, u, last, held } = *state;
            let due = predict(&self.lif, state);
            *neuron = Neuron { p, u, last, due, held: held.saturating_sub(last) as u32, ..Neuron::rest() };
            self.wheel.set(i, due);
        }
    }

    fn boxed(&self) -> Box<dyn LazyPopulation<A::Weight, A::Value>> {
        Box::new(self.clone())
    }
}
