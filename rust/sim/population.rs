//! Neurons of one population that are touched only when something reaches them.

use super::Counts;
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
    /// Neurons that something has reached, each once, and how many they are.
    reached: Vec<u32>,
    n_reached: usize,
    wheel: Wheel,
}

/// A neuron, in half a cache line of `f32`: what an arriving spike brings there is all that running it needs.
#[derive(Clone, Copy, Debug)]
struct Neuron<V> {
    p: V,
    u: V,
    /// What has arrived for the step to be run.
    input: V,
    /// Steps after `last` for which the neuron is held; [`REACHED`] is added to it while the neuron is listed.
    held: u32,
    last: u64,
    /// As in the wheel.
    due: u64,
}

/// More than any number of steps.
const REACHED: u32 = 1 << 31;

impl<V: Copy + Default> Neuron<V> {
    fn rest() -> Self {
        Self { p: V::default(), u: V::default(), input: V::default(), held: 0, last: 0, due: NEVER }
    }

    /// Lists the neuron, number `i`, unless it is listed already. No branch says which: that cannot be predicted.
    #[inline(always)]
    fn list(&mut self, i: u32, reached: &mut [u32], n_reached: &mut usize) {
        reached[*n_reached] = i;
        *n_reached += usize::from(self.held < REACHED);
        self.held |= REACHED;
    }

    #[inline(always)]
    fn state(&self) -> NeuronState<V> {
        NeuronState { p: self.p, u: self.u, last: self.last, held: self.last + u64::from(self.held) }
    }
}

impl<A: Arithmetic> SingleNeurons<A> {
    /// At rest.
    pub fn new(lif: A, n: usize) -> Self {
        // One more than can be reached: the list is written to before it is known whether the neuron is in it already.
        Self { lif, neurons: vec![Neuron::rest(); n], reached: vec![0; n + 1], n_reached: 0, wheel: Wheel::new(n) }
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

/// [`predict`] or earlier, at a lower price.
#[inline(always)]
fn predict_roughly<A: Arithmetic>(lif: &A, neuron: &Neuron<A::Value>) -> u64 {
    // The current only decays while the neuron is held.
    lif.soonest_firing(neuron.p, neuron.u).map_or(NEVER, |ahead| neuron.last + u64::from(neuron.held) + ahead)
}

impl<A: Arithmetic> LazyPopulation<A::Weight, A::Value> for SingleNeurons<A> {
    fn receive(&mut self, row: Row<'_, A::Weight>) {
        let Self { lif, neurons, reached, n_reached, .. } = self;
        let mut reach = |i: u32, w: A::Weight| {
            let neuron = &mut neurons[i as usize];
            neuron.input = lif.accumulate(neuron.input, w);
            neuron.list(i, reached, n_reached);
        };
        match row.target {
            Some(target) => target.iter().zip(row.weight).for_each(|(&i, &w)| reach(i, w)),
            None => (0..).zip(row.weight).for_each(|(i, &w)| reach(i, w)),
        }
    }

    fn next_due(&self, step: u64) -> Option<u64> {
        self.wheel.next(step)
    }

    fn run(&mut self, step: u64, fired: &mut Vec<u32>, counts: &mut Counts) {
        let Self { lif, neurons, reached, n_reached, wheel } = self;
        wheel.drain(step, |i| {
            let neuron = &mut neurons[i];
            neuron.due = NEVER;
            neuron.list(i as u32, reached, n_reached);
        });
        let t_ref = lif.t_ref_steps();
        let (n_fired, mut near_ties) = (fired.len(), 0);
        for &i in &reached[..*n_reached] {
            let neuron = &mut neurons[i as usize];
            neuron.held &= !REACHED;
            let input = std::mem::take(&mut neuron.input);
            let passed = step - neuron.last;
            if passed <= u64::from(neuron.held) {
                let p = lif.skip_held(neuron.p, passed - 1);
                (neuron.p, neuron.u) = (lif.step_held(p, input), A::Value::default());
                neuron.held -= passed as u32;
            } else {
                let stepped = if neuron.held == 0 {
                    lif.leap(neuron.p, neuron.u, passed, input)
                } else {
                    let (p, u) = catch_up(lif, &neuron.state(), step - 1);
                    lif.step(p, u, input)
                };
                (neuron.p, neuron.u) = (stepped.p, stepped.u);
                neuron.held = 0;
                near_ties += u64::from(stepped.near);
                if stepped.fires {
                    neuron.held = t_ref;
                    fired.push(i);
                }
            }
            neuron.last = step;
            // Precisely only where a rough prediction has come true without anything having arrived.
            let precisely = input == A::Value::default();
            let due = if precisely { predict(lif, &neuron.state()) } else { predict_roughly(lif, neuron) };
            if due != neuron.due {
                neuron.due = due;
                wheel.set(i as usize, due);
            }
        }
        fired[n_fired..].sort_unstable();
        counts.state_updates += *n_reached as u64;
        counts.near_ties += near_ties;
        *n_reached = 0;
    }

    fn state(&self) -> Vec<NeuronState<A::Value>> {
        self.neurons.iter().map(Neuron::state).collect()
    }

    fn set_state(&mut self, state: &[NeuronState<A::Value>]) {
        self.n_reached = 0;
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
