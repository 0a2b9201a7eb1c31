//! The inner loops of the clocked engine and of the backward pass.
//!
//! Both directions are the same operation: sum the rows of a small table that a list of indices names. Forward, the
//! table is a panel of weights and the list the neurons that fire at a step; backward, the table is the adjoint trace of
//! a block of neurons and the list the steps at which a presynaptic neuron fires. Either table fits the first-level
//! cache, and the cost is one row a spike and block.

use crate::neuron::LifPropagator;
use crate::real::Real;
use crate::simd::{LANES, LaneMask, Lanes, multiversion};
use crate::spikes::PaddedRows;

/// Sum of the rows `index` of `table`; `index.len()` is a multiple of four.
#[inline(always)]
pub fn sum_rows<F: Real>(table: &[Lanes<F>], index: &[u32]) -> Lanes<F> {
    let mut sums = [Lanes::zero(); 4];
    for four in index.chunks_exact(4) {
        for (sum, &row) in sums.iter_mut().zip(four) {
            let row = &table[row as usize];
            for l in 0..LANES {
                sum[l] += row[l];
            }
        }
    }
    let [mut a, b, c, d] = sums;
    for l in 0..LANES {
        a[l] = (a[l] + b[l]) + (c[l] + d[l]);
    }
    a
}

/// State of a block of LIF neurons between two steps.
#[derive(Clone, Copy, Debug)]
pub struct LifLanes<F> {
    /// Synaptic current.
    p: Lanes<F>,
    /// Membrane potential.
    u: Lanes<F>,
    /// Last step at which the neuron is held at 0.
    held_until: [i32; LANES],
}

impl<F: Real> LifLanes<F> {
    /// At rest.
    #[inline(always)]
    pub fn rest() -> Self {
        Self { p: Lanes::zero(), u: Lanes::zero(), held_until: [0; LANES] }
    }

    /// Advances to step `t` with the summed weights of the spikes of step `t - 1`; says who fires.
    #[inline(always)]
    pub fn step(&mut self, t: i32, input: &Lanes<F>, lif: &LifPropagator<F>) -> LaneMask {
        // Whole arrays in, whole arrays out: conditional stores would become masked ones, which stall the next load.
        let Self { mut p, mut u, mut held_until } = *self;
        let mut fires = [false; LANES];
        for l in 0..LANES {
            p[l] = lif.syn_decay * p[l] + input[l];
            let free = t > held_until[l];
            let potential = lif.mem_decay * u[l] + lif.mem_gain * p[l];
            let potential = if free { potential } else { F::zero() };
            fires[l] = potential > lif.v_th;
            u[l] = if fires[l] { F::zero() } else { potential };
            held_until[l] = if fires[l] { t + lif.t_ref_steps as i32 } else { held_until[l] };
        }
        *self = Self { p, u, held_until };
        fires.iter().enumerate().fold(0, |mask, (l, &fires)| mask | LaneMask::from(fires) << l)
    }
}

#[inline(always)]
fn dense_block_body<F: Real>(panel: &[Lanes<F>], below: &PaddedRows, lif: &LifPropagator<F>, fired: &mut [LaneMask]) {
    let mut state = LifLanes::rest();
    fired[0] = 0;
    for t in 1..fired.len() {
        let input = sum_rows(panel, below.padded(t - 1));
        fired[t] = state.step(t as i32, &input, lif);
    }
}

multiversion! {
    /// Runs a block of feed-forward neurons over all steps; `below` lists who fires at each step, `fired` gets the
    /// spikes.
    pub fn dense_block<F: Real>(panel: &[Lanes<F>], below: &PaddedRows, lif: &LifPropagator<F>, fired: &mut [LaneMask])
        = dense_block_body
}

#[inline(always)]
fn input_block_body<F: Real>(panel: &[Lanes<F>], below: &PaddedRows, block: usize, n_blocks: usize, input: &mut [Lanes<F>]) {
    for (t, row) in input.chunks_exact_mut(n_blocks).enumerate() {
        row[block] = if t == 0 { Lanes::zero() } else { sum_rows(panel, below.padded(t - 1)) };
    }
}

multiversion! {
    /// Feed-forward input of a block of recurrent neurons at all steps; `input` is (n_steps, n_blocks).
    pub fn input_block<F: Real>(panel: &[Lanes<F>], below: &PaddedRows, block: usize, n_blocks: usize, input: &mut [Lanes<F>])
        = input_block_body
}

#[inline(always)]
fn add_rows<F: Real>(rows: &[Lanes<F>], index: &[u32], sum: &mut [Lanes<F>]) {
    let n = sum.len();
    for four in index.chunks_exact(4) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| &rows[four[k] as usize * n..][..n]);
        for i in 0..n {
            for l in 0..LANES {
                sum[i][l] += (a[i][l] + b[i][l]) + (c[i][l] + d[i][l]);
            }
        }
    }
}

#[inline(always)]
fn recurrent_layer_body<F: Real>(
    rows: &[Lanes<F>],
    lif: &LifPropagator<F>,
    input: &mut [Lanes<F>],
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
    by_time: &mut PaddedRows,
) {
    let n_blocks = state.len();
    let n_steps = input.len() / n_blocks;
    state.fill(LifLanes::rest());
    for b in 0..n_blocks {
        fired[b * n_steps] = 0;
    }
    by_time.end_row();
    for t in 1..n_steps {
        let input = &mut input[t * n_blocks..(t + 1) * n_blocks];
        add_rows(rows, by_time.padded(t - 1), input);
        for b in 0..n_blocks {
            let mut mask = state[b].step(t as i32, &input[b], lif);
            fired[b * n_steps + t] = mask;
            while mask != 0 {
                by_time.push((b * LANES) as u32 + mask.trailing_zeros());
                mask &= mask - 1;
            }
        }
        by_time.end_row();
    }
}

multiversion! {
    /// Runs a recurrent layer over all steps, all blocks in step.
    ///
    /// `rows` are the recurrent weights by presynaptic neuron, `input` the feed-forward input (n_steps, n_blocks), to
    /// which the recurrent input is added in place; `fired` is (n_blocks, n_steps).
    pub fn recurrent_layer<F: Real>(
        rows: &[Lanes<F>],
        lif: &LifPropagator<F>,
        input: &mut [Lanes<F>],
        state: &mut [LifLanes<F>],
        fired: &mut [LaneMask],
        by_time: &mut PaddedRows,
    ) = recurrent_layer_body
}
