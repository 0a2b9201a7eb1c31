//! Neurons that are touched sixteen at a time: where every spike reaches a whole population.

use super::Counts;
use super::bit_set::BitSet;
use super::population::{LazyPopulation, NeuronState, Rows, predict};
use super::wheel::{NEVER, Wheel};
use crate::graph::Row;
use crate::neuron::lif::lazy::{Arithmetic, LazyLif, Levels, OneLevel};
use crate::simd::{Isa, LANES, LaneMask, Lanes, Real, flat_mut, multiversion};

/// Holds a population of blocks that are touched together, each computed in vectors.
#[derive(Clone, Debug)]
pub struct BlockNeurons<F: Real, L = OneLevel<F>> {
    lif: LazyLif<F, L>,
    n: usize,
    input: Vec<Lanes<F>>,
    blocks: Vec<Block<F>>,
    reached: BitSet,
    wheel: Wheel,
}

/// Holds the state of sixteen neurons at the step they were last touched.
#[derive(Clone, Copy, Debug)]
struct Block<F> {
    current: Lanes<F>,
    potential: Lanes<F>,
    /// Last step in which each is refractory.
    refractory: [u64; LANES],
    last: u64,
    /// As in the wheel.
    due: u64,
    /// The latest of `refractory`.
    any_refractory: u64,
}

/// Holds what a step of a block leads to.
struct Outcome {
    fired: LaneMask,
    near: LaneMask,
    /// Who may fire later without further input.
    may_fire: LaneMask,
}

impl<F: Real> Block<F> {
    fn rest() -> Self {
        Self {
            current: Lanes::zero(),
            potential: Lanes::zero(),
            refractory: [0; LANES],
            last: 0,
            due: NEVER,
            any_refractory: 0,
        }
    }

    fn neuron(&self, lane: usize) -> NeuronState<F> {
        NeuronState {
            current: self.current[lane],
            potential: self.potential[lane],
            last: self.last,
            refractory: self.refractory[lane],
        }
    }
}

impl<F: Real, L: Levels<F>> BlockNeurons<F, L> {
    /// Makes neurons at rest.
    pub fn new(lif: LazyLif<F, L>, n: usize) -> Self {
        let n_blocks = n.div_ceil(LANES);
        Self {
            lif,
            n,
            input: vec![Lanes::zero(); n_blocks],
            blocks: vec![Block::rest(); n_blocks],
            reached: BitSet::new(n_blocks),
            wheel: Wheel::new(n_blocks),
        }
    }

    fn receive(&mut self, row: Row<'_, F>) {
        match row {
            Row::All(weight) => {
                add_weights(&mut flat_mut(&mut self.input)[..self.n], weight);
                self.reached.set_first(self.blocks.len());
            }
            row => {
                let input = flat_mut(&mut self.input);
                row.for_each(|i, w| {
                    input[i as usize] += w;
                    self.reached.set(i as usize / LANES);
                });
            }
        }
    }

    fn due(&self, block: usize, mut may_fire: LaneMask) -> u64 {
        let mut due = NEVER;
        while may_fire != 0 {
            let lane = may_fire.trailing_zeros() as usize;
            due = due.min(predict(&self.lif, block * LANES + lane, &self.blocks[block].neuron(lane)));
            may_fire &= may_fire - 1;
        }
        due
    }
}

/// Adds a row of weights onto the inputs; a plain loop over numbers, which the compiler vectorises well by itself.
#[inline(always)]
fn add_weights_body<F: Real, I: Isa<F>>(_: I, input: &mut [F], weight: &[F]) {
    for (input, &w) in input.iter_mut().zip(weight) {
        *input += w;
    }
}

multiversion! {
    /// Adds a row of weights onto the inputs of all neurons.
    pub fn add_weights<F: Real>(input: &mut [F], weight: &[F]) = add_weights_body
}

#[inline(always)]
fn step_block_body<F: Real, I: Isa<F>, L: Levels<F>>(
    isa: I,
    number: usize,
    block: &mut Block<F>,
    input: &Lanes<F>,
    lif: &LazyLif<F, L>,
    step: u64,
) -> Outcome {
    let (steps, constants) = (step - 1 - block.last, lif.lif());
    let (mut current, mut potential) = (isa.load(&block.current), isa.load(&block.potential));
    let refractory_now = match lif.near(steps) {
        Some([syn, mem, gain]) if block.any_refractory <= block.last => {
            if steps > 0 {
                potential = isa.add(isa.mul(isa.splat(mem), potential), isa.mul(isa.splat(gain), current));
                current = isa.mul(isa.splat(syn), current);
            }
            0
        }
        // Long gaps and refractory neurons: lane by lane.
        _ => {
            let (mut lanes_p, mut lanes_u, mut refractory_now) = (Lanes::zero(), Lanes::zero(), 0);
            for l in 0..LANES {
                (lanes_p[l], lanes_u[l]) = super::population::catch_up(lif, &block.neuron(l), step - 1);
                refractory_now |= LaneMask::from(block.refractory[l] >= step) << l;
            }
            (current, potential) = (isa.load(&lanes_p), isa.load(&lanes_u));
            refractory_now
        }
    };
    let (zero, flush, [v_th, below, above]) = (isa.zero(), constants.flush, lif.levels().of_block(isa, number));
    current = isa.add(isa.mul(isa.splat(constants.syn_decay), current), isa.load(input));
    current = isa.flushed(current, flush);
    potential =
        isa.add(isa.mul(isa.splat(constants.mem_decay), potential), isa.mul(isa.splat(constants.mem_gain), current));
    potential = isa.select(isa.mask(refractory_now), zero, isa.flushed(potential, flush));
    let fires = isa.greater(potential, v_th);
    let near = isa.bits(isa.greater(potential, below)) & !isa.bits(isa.greater(potential, above));
    potential = isa.select(fires, zero, potential);
    isa.store(current, &mut block.current);
    isa.store(potential, &mut block.potential);
    let [gain, ratio] = lif.bound();
    let from = isa.select(isa.greater(potential, zero), potential, zero);
    let drive = isa.sub(current, isa.mul(isa.splat(ratio), from));
    let rise = isa.mul(isa.splat(gain), isa.select(isa.greater(drive, zero), drive, zero));
    let reach = isa.add(from, rise);
    let may_fire = isa.bits(isa.greater(reach, below));
    block.last = step;
    Outcome { fired: isa.bits(fires), near, may_fire }
}

multiversion! {
    /// Brings block `number` to `step`, with the input of that step.
    fn step_block<F: Real, L: Levels>(
        number: usize,
        block: &mut Block<F>,
        input: &Lanes<F>,
        lif: &LazyLif<F, L>,
        step: u64,
    ) -> Outcome = step_block_body
}

impl<F: Real, L: Levels<F>> LazyPopulation<F, F> for BlockNeurons<F, L> {
    fn next_due(&self, step: u64) -> Option<u64> {
        self.wheel.next(step)
    }

    fn run(&mut self, step: u64, rows: Rows<'_, F>, fired: &mut Vec<u32>, counts: &mut Counts) {
        for row in rows.iter() {
            self.receive(row);
        }
        let mut reached = std::mem::replace(&mut self.reached, BitSet::new(0));
        // Only what arrives and what fires changes a state: that does not depend on when it was looked at in between.
        self.wheel.drain(step, |b| {
            self.blocks[b].due = NEVER;
            reached.set(b);
        });
        let t_ref = u64::from(self.lif.t_ref_steps());
        reached.drain(|b| {
            let before = self.blocks[b];
            let block = &mut self.blocks[b];
            let outcome = step_block(b, block, &self.input[b], &self.lif, step);
            let quiet = outcome.fired == 0 && self.input[b].iter().all(|&input| input == F::zero());
            self.input[b] = Lanes::zero();
            counts.state_updates += LANES.min(self.n - b * LANES) as u64;
            counts.near_ties += u64::from(outcome.near.count_ones());
            let mut bits = outcome.fired;
            while bits != 0 {
                let lane = bits.trailing_zeros() as usize;
                block.refractory[lane] = step + t_ref;
                block.any_refractory = step + t_ref;
                fired.push((b * LANES + lane) as u32);
                bits &= bits - 1;
            }
            let due = self.due(b, outcome.may_fire);
            if quiet {
                self.blocks[b] = before;
            }
            if due != self.blocks[b].due {
                self.blocks[b].due = due;
                self.wheel.set(b, due);
            }
        });
        self.reached = reached;
    }

    fn covers(&self, state: &[NeuronState<F>]) -> bool {
        state.iter().enumerate().all(|(i, state)| self.lif.covers(i, state.current, state.potential))
    }

    fn state(&self) -> Vec<NeuronState<F>> {
        (0..self.n).map(|i| self.blocks[i / LANES].neuron(i % LANES)).collect()
    }

    fn set_state(&mut self, state: &[NeuronState<F>]) {
        self.input.fill(Lanes::zero());
        self.reached.clear_all();
        self.wheel.clear();
        for (b, neurons) in state.chunks(LANES).enumerate() {
            // What other engines left at different steps is brought to one.
            let last = neurons.iter().map(|neuron| neuron.last).max().unwrap_or(0);
            let mut block = Block { last, ..Block::rest() };
            for (l, neuron) in neurons.iter().enumerate() {
                (block.current[l], block.potential[l]) = super::population::catch_up(&self.lif, neuron, last);
                block.refractory[l] = neuron.refractory;
                block.any_refractory = block.any_refractory.max(neuron.refractory);
            }
            self.blocks[b] = block;
            let due = self.due(b, LaneMask::MAX);
            self.blocks[b].due = due;
            self.wheel.set(b, due);
        }
    }

    fn reset(&mut self) {
        self.set_state(&vec![NeuronState::default(); self.n]);
    }

    fn boxed(&self) -> Box<dyn LazyPopulation<F, F>> {
        Box::new(self.clone())
    }
}
