//! Neurons of one population that are touched one by one.

use super::Counts;
use super::population::{LazyPopulation, NeuronState, Rows, catch_up, predict};
use super::repeats::Repeats;
use super::wheel::{NEVER, Wheel};
use crate::graph::Row;
use crate::neuron::lif::lazy::Arithmetic;
use crate::simd::prefetch_at;

/// Holds a population whose neurons are touched one by one.
#[derive(Clone, Debug)]
pub struct SingleNeurons<A: Arithmetic> {
    lif: A,
    neurons: Vec<Neuron<A::Value>>,
    /// Of neurons with [`REFRACTORY`], the steps after they were last touched for which they are refractory.
    refractory: Vec<u32>,
    /// Neurons that something has reached, each once, and how many they are.
    reached: Vec<u32>,
    n_reached: usize,
    repeats: Repeats,
    /// The synapses of one neuron, where kernels make them.
    of_kernels: (Vec<u32>, Vec<A::Weight>),
    wheel: Wheel,
    /// The last step that was run.
    latest: u64,
    /// The step at which neurons touched long ago were last looked for.
    swept: u64,
}

/// Holds a neuron, in a quarter of a cache line of `f32`: caches hold many, and most touches need no more than this.
#[derive(Clone, Copy, Debug)]
struct Neuron<V> {
    current: V,
    potential: V,
    /// What has arrived for the step to be run.
    input: V,
    /// The step of the last touch, modulo 2^29, above three flags.
    stamp: u32,
}

/// The neuron is listed for the step to be run.
const REACHED: u32 = 1;
/// It is, or was when last touched, refractory after a spike.
const REFRACTORY: u32 = 2;
/// It is in the wheel.
const DUE: u32 = 4;

const FLAGS: u32 = REACHED | REFRACTORY | DUE;
const FLAG_BITS: u32 = 3;

/// Steps after which all neurons are looked at, for those that were last touched longer ago than this: so no neuron's last
/// touch is ever as long ago as a stamp counts, which is more than twice this.
const SWEEP_AFTER: u64 = (1 << 28) - 1;

/// Returns the stamp of a step, without flags.
#[inline(always)]
fn stamp(step: u64) -> u32 {
    (step as u32) << FLAG_BITS
}

impl<V: Copy + Default> Neuron<V> {
    fn rest() -> Self {
        Self { current: V::default(), potential: V::default(), input: V::default(), stamp: 0 }
    }

    /// Lists the neuron, number `i`, unless it is listed already. No branch says which: that cannot be predicted.
    #[inline(always)]
    fn list(&mut self, i: u32, reached: &mut [u32], n_reached: &mut usize) {
        reached[*n_reached] = i;
        *n_reached += (self.stamp & REACHED ^ REACHED) as usize;
        self.stamp |= REACHED;
    }

    /// Returns the steps from the last touch to `step`, which is not before it.
    #[inline(always)]
    fn passed(&self, step: u64) -> u64 {
        u64::from(stamp(step).wrapping_sub(self.stamp & !FLAGS) >> FLAG_BITS)
    }

    /// Returns the state, where `latest` is not before the last touch; `refractory` is the neuron's entry.
    #[inline(always)]
    fn state(&self, latest: u64, refractory: u32) -> NeuronState<V> {
        let last = latest - self.passed(latest);
        let refractory = if self.stamp & REFRACTORY == 0 { 0 } else { refractory };
        NeuronState { current: self.current, potential: self.potential, last, refractory: last + u64::from(refractory) }
    }
}

impl<A: Arithmetic> SingleNeurons<A> {
    /// Makes neurons at rest.
    pub fn new(lif: A, n: usize) -> Self {
        Self {
            lif,
            neurons: vec![Neuron::rest(); n],
            refractory: vec![0; n],
            // One more than can be reached: the list is written to before it is known whether the neuron is in it already.
            reached: vec![0; n + 1],
            n_reached: 0,
            repeats: Repeats::new(),
            of_kernels: (Vec::new(), Vec::new()),
            wheel: Wheel::new(n),
            latest: 0,
            swept: 0,
        }
    }

    /// Takes what arrives. Neurons that only one synapse reaches, and of which nothing comes, are touched at once, which
    /// spares a second visit; the others are listed. How many were touched.
    fn receive(&mut self, step: u64, rows: &Rows<'_, A::Weight>) -> u64 {
        match self.only_once(rows) {
            true => self.receive_rows::<true>(step, rows),
            false => self.receive_rows::<false>(step, rows),
        }
    }

    /// Says whether all neurons that more than one synapse reaches are listed, if that can be told at little cost.
    fn only_once(&mut self, rows: &Rows<'_, A::Weight>) -> bool {
        if rows.places.len() < 2 {
            return rows.iter().all(|row| row.listed().is_none_or(are_different));
        }
        if rows.n_synapses() > Repeats::MOST.min(self.neurons.len() / 4)
            || rows.iter().any(|row| matches!(row, Row::All(_)))
        {
            return false;
        }
        let Self { neurons, reached, n_reached, repeats, .. } = self;
        for row in rows.iter() {
            row.for_each(|i, _| {
                if repeats.is_repeated(i) {
                    neurons[i as usize].list(i, reached, n_reached);
                }
            });
        }
        repeats.forget();
        true
    }

    fn receive_rows<const AT_ONCE: bool>(&mut self, step: u64, rows: &Rows<'_, A::Weight>) -> u64 {
        let Self { lif, neurons, reached, n_reached, of_kernels, .. } = self;
        let (lif, neurons, reached) = (&*lif, &mut neurons[..], &mut reached[..]);
        let (mut n_listed, mut n_done) = (*n_reached, 0);
        let mut following = rows.iter();
        let mut next = following.next();
        ask_for_first(neurons, next.and_then(|row| row.listed()).unwrap_or_default());
        while let Some(row) = next {
            next = following.next();
            let (target, weight) = match row {
                Row::All(weight) => {
                    for (i, &w) in (0..).zip(weight) {
                        n_done += reach::<A, false>(lif, neurons, reached, &mut n_listed, step, i, w);
                    }
                    continue;
                }
                Row::Listed(target, weight) => (target, weight),
                Row::Kernels(row) => {
                    let (target, weight) = of_kernels;
                    row.list(target, weight);
                    ask_for_first(neurons, target);
                    (&target[..], &weight[..])
                }
            };
            let after = next.and_then(|row| row.listed()).unwrap_or_default();
            let (ahead, n_early) = (&target[target.len().min(AHEAD)..], target.len().saturating_sub(AHEAD));
            for ((&i, &w), &ahead) in target.iter().zip(weight).zip(ahead) {
                prefetch_at(neurons, ahead as usize);
                n_done += reach::<A, AT_ONCE>(lif, neurons, reached, &mut n_listed, step, i, w);
            }
            for (at, (&i, &w)) in target[n_early..].iter().zip(&weight[n_early..]).enumerate() {
                prefetch_at(neurons, after.get(at).map_or(0, |&i| i as usize));
                n_done += reach::<A, AT_ONCE>(lif, neurons, reached, &mut n_listed, step, i, w);
            }
        }
        *n_reached = n_listed;
        n_done
    }

    /// Runs `step` for a neuron of which something may come; whether it fires.
    ///
    /// Only what arrives and what fires changes its state: that does not depend on when it was looked at in between.
    fn run_neuron(&mut self, i: usize, input: A::Value, step: u64, near_ties: &mut u64) -> bool {
        let lif = &self.lif;
        let before = self.neurons[i].state(step, self.refractory[i]);
        let mut after =
            NeuronState { current: before.current, potential: A::Value::default(), last: step, refractory: step };
        let mut fires = false;
        if before.refractory >= step {
            let current = lif.skip_refractory(before.current, step - before.last - 1);
            after.current = lif.step_refractory(current, input);
            after.refractory = before.refractory;
        } else {
            let stepped = if before.refractory == before.last {
                lif.leap(i, before.current, before.potential, step - before.last, input)
            } else {
                let (current, potential) = catch_up(lif, &before, step - 1);
                lif.step(i, current, potential, input)
            };
            (after.current, after.potential) = (stepped.current, stepped.potential);
            *near_ties += u64::from(stepped.near);
            fires = stepped.fires;
            if fires {
                after.refractory = step + u64::from(lif.t_ref_steps());
            }
        }
        // Precisely only where a rough prediction has come true without anything having arrived.
        let quiet = input == A::Value::default();
        let due = if quiet { predict(lif, i, &after) } else { predict_roughly(lif, i, &after) };
        let was_due = self.neurons[i].stamp & DUE != 0;
        if due != NEVER || was_due {
            self.wheel.set(i, due);
        }
        let kept = if quiet && !fires { before } else { after };
        self.put(i, &kept, if due == NEVER { 0 } else { DUE });
        fires
    }

    /// Brings neurons that were touched so long ago that their stamps may not tell how long to the step before `step`.
    #[cold]
    fn sweep(&mut self, step: u64) {
        for i in 0..self.neurons.len() {
            let state = self.neurons[i].state(self.latest, self.refractory[i]);
            if step - state.last > SWEEP_AFTER {
                let brought = brought(&self.lif, state, step - 1);
                self.put(i, &brought, self.neurons[i].stamp & DUE);
            }
        }
        self.swept = step;
    }

    /// Puts a state in place, with these flags.
    fn put(&mut self, i: usize, state: &NeuronState<A::Value>, flags: u32) {
        let NeuronState { current, potential, last, refractory } = *state;
        if refractory > last {
            self.refractory[i] = (refractory - last) as u32;
        }
        let flags = if refractory > last { flags | REFRACTORY } else { flags };
        self.neurons[i] = Neuron { current, potential, input: A::Value::default(), stamp: stamp(last) | flags };
    }
}

/// Takes what arrives through one synapse, as `receive` does; 1 if the neuron is touched at once.
#[inline(always)]
fn reach<A: Arithmetic, const AT_ONCE: bool>(
    lif: &A,
    neurons: &mut [Neuron<A::Value>],
    reached: &mut [u32],
    n_reached: &mut usize,
    step: u64,
    i: u32,
    w: A::Weight,
) -> u64 {
    let neuron = &mut neurons[i as usize];
    if AT_ONCE && neuron.stamp & FLAGS == 0 {
        let input = lif.accumulate(A::Value::default(), w);
        if input != A::Value::default()
            && let Some([current, potential]) =
                lif.leap_quietly(i as usize, neuron.current, neuron.potential, neuron.passed(step), input)
        {
            (neuron.current, neuron.potential, neuron.stamp) = (current, potential, stamp(step));
            return 1;
        }
    }
    neuron.input = lif.accumulate(neuron.input, w);
    neuron.list(i, reached, n_reached);
    0
}

/// How many targets ahead of the one at work a neuron is asked for.
const AHEAD: usize = 32;

/// Asks for the first neurons of a row.
#[inline(always)]
fn ask_for_first<N>(neurons: &[N], target: &[u32]) {
    target.iter().take(AHEAD).for_each(|&i| prefetch_at(neurons, i as usize));
}

/// Says whether no target is there twice: rows ascend, but for synapses between the same two neurons.
fn are_different(target: &[u32]) -> bool {
    target.iter().zip(&target[target.len().min(1)..]).fold(true, |all, (a, b)| all & (a < b))
}

/// Returns a state brought to the end of `step`, at which nothing has arrived and the neuron has not fired.
fn brought<A: Arithmetic>(lif: &A, state: NeuronState<A::Value>, step: u64) -> NeuronState<A::Value> {
    let (current, potential) = catch_up(lif, &state, step);
    NeuronState { current, potential, last: step, refractory: state.refractory.max(step) }
}

/// Returns what [`predict`] does or an earlier step, at a lower price.
#[inline(always)]
fn predict_roughly<A: Arithmetic>(lif: &A, i: usize, neuron: &NeuronState<A::Value>) -> u64 {
    // The current only decays while the neuron is refractory.
    lif.soonest_firing(i, neuron.current, neuron.potential).map_or(NEVER, |ahead| neuron.refractory + ahead)
}

impl<A: Arithmetic> LazyPopulation<A::Weight, A::Value> for SingleNeurons<A> {
    fn next_due(&self, step: u64) -> Option<u64> {
        self.wheel.next(step)
    }

    fn run(&mut self, step: u64, rows: Rows<'_, A::Weight>, fired: &mut Vec<u32>, counts: &mut Counts) {
        if step - self.swept > SWEEP_AFTER {
            self.sweep(step);
        }
        let Self { neurons, reached, n_reached, wheel, .. } = self;
        wheel.drain(step, |i| {
            neurons[i].stamp &= !DUE;
            neurons[i].list(i as u32, reached, n_reached);
        });
        counts.state_updates += self.receive(step, &rows);
        let n_fired = fired.len();
        for at in 0..self.n_reached {
            let i = self.reached[at] as usize;
            let neuron = &mut self.neurons[i];
            let input = std::mem::take(&mut neuron.input);
            if neuron.stamp & FLAGS == REACHED
                && input != A::Value::default()
                && let Some([current, potential]) =
                    self.lif.leap_quietly(i, neuron.current, neuron.potential, neuron.passed(step), input)
            {
                *neuron = Neuron { current, potential, input: A::Value::default(), stamp: stamp(step) };
            } else if self.run_neuron(i, input, step, &mut counts.near_ties) {
                fired.push(i as u32);
            }
        }
        fired[n_fired..].sort_unstable();
        counts.state_updates += self.n_reached as u64;
        self.n_reached = 0;
        self.latest = step;
    }

    fn covers(&self, state: &[NeuronState<A::Value>]) -> bool {
        state.iter().enumerate().all(|(i, state)| self.lif.covers(i, state.current, state.potential))
    }

    fn state(&self) -> Vec<NeuronState<A::Value>> {
        self.neurons
            .iter()
            .zip(&self.refractory)
            .map(|(neuron, &refractory)| neuron.state(self.latest, refractory))
            .collect()
    }

    fn set_state(&mut self, state: &[NeuronState<A::Value>]) {
        self.n_reached = 0;
        self.wheel.clear();
        self.latest = state.iter().map(|state| state.last).max().unwrap_or(0);
        self.swept = self.latest;
        for (i, state) in state.iter().enumerate() {
            let due = predict(&self.lif, i, state);
            let long_ago = self.latest - state.last > SWEEP_AFTER;
            let state = if long_ago { brought(&self.lif, *state, self.latest) } else { *state };
            self.put(i, &state, if due == NEVER { 0 } else { DUE });
            self.wheel.set(i, due);
        }
    }

    fn reset(&mut self) {
        self.set_state(&vec![NeuronState::default(); self.neurons.len()]);
    }

    fn boxed(&self) -> Box<dyn LazyPopulation<A::Weight, A::Value>> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests;
