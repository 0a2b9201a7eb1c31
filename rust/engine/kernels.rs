//! The inner loops of the clocked engine and of the backward pass.
//!
//! Both directions are the same operation: sum the rows of a small table that a list of indices names. Forward, the
//! table is a panel of weights and the list the neurons that fire at a step; backward, the table is the adjoint trace of
//! a block of neurons and the list the steps at which a presynaptic neuron fires. Either table (nearly) fits the
//! first-level cache, and the cost is one row a spike and panel.

use std::ops::Range;

use crate::neuron::LifPropagator;
use crate::real::Real;
use crate::simd::{LANES, LaneMask, Lanes, mask_of, multiversion};
use crate::spikes::PaddedRows;

/// Sum of the first B blocks of the rows `index` of `table`, whose rows have S; `index.len()` is a multiple of four.
///
/// Partial sums hide the latency of the addition: as many as give eight vectors of AVX2, half of its registers. Their
/// order is part of the result.
#[inline(always)]
pub fn sum_rows<F: Real, const B: usize, const S: usize>(table: &[Lanes<F>], index: &[u32]) -> [Lanes<F>; B] {
    let table = table.as_chunks::<S>().0;
    if B == 1 {
        let mut sums = [[Lanes::zero(); B]; 4];
        for four in index.as_chunks::<4>().0 {
            for (sum, &row) in sums.iter_mut().zip(four) {
                add_lanes(sum, &table[row as usize]);
            }
        }
        let [mut a, b, mut c, d] = sums;
        add_lanes(&mut a, &b);
        add_lanes(&mut c, &d);
        add_lanes(&mut a, &c);
        a
    } else {
        let [mut a, mut b] = [[Lanes::zero(); B]; 2];
        for &[i, j, k, l] in index.as_chunks::<4>().0 {
            add_lanes(&mut a, &table[i as usize]);
            add_lanes(&mut b, &table[j as usize]);
            add_lanes(&mut a, &table[k as usize]);
            add_lanes(&mut b, &table[l as usize]);
        }
        add_lanes(&mut a, &b);
        a
    }
}

#[inline(always)]
fn add_lanes<F: Real, const B: usize, const S: usize>(sum: &mut [Lanes<F>; B], other: &[Lanes<F>; S]) {
    for b in 0..B {
        for l in 0..LANES {
            sum[b][l] += other[b][l];
        }
    }
}

/// State of a block of LIF neurons between two steps.
#[derive(Clone, Copy, Debug)]
pub struct LifLanes<F> {
    /// Synaptic current.
    p: Lanes<F>,
    /// Membrane potential.
    u: Lanes<F>,
    /// Steps for which the neuron is still held at 0, if positive.
    held: [i32; LANES],
}

impl<F: Real> LifLanes<F> {
    /// At rest.
    #[inline(always)]
    pub fn rest() -> Self {
        Self { p: Lanes::zero(), u: Lanes::zero(), held: [0; LANES] }
    }

    /// Advances a step with the summed weights of the spikes of the step before; says who fires.
    #[inline(always)]
    pub fn step(&mut self, input: &Lanes<F>, lif: &LifPropagator<F>) -> LaneMask {
        // Every field is written whole, none kept by a condition: that would become a masked store, which stalls.
        let Self { mut p, mut u, mut held } = *self;
        let mut fires = [false; LANES];
        for l in 0..LANES {
            p[l] = lif.syn_decay * p[l] + input[l];
            let free = held[l] <= 0;
            let potential = lif.mem_decay * u[l] + lif.mem_gain * p[l];
            let potential = if free { potential } else { F::zero() };
            fires[l] = potential > lif.v_th;
            u[l] = if fires[l] { F::zero() } else { potential };
            held[l] = if fires[l] { lif.t_ref_steps as i32 } else { held[l] - 1 };
        }
        *self = Self { p, u, held };
        mask_of(fires)
    }
}

#[inline(always)]
fn dense_panel_body<F: Real, const B: usize, const S: usize>(
    panel: &[Lanes<F>],
    below: &PaddedRows,
    lif: &LifPropagator<F>,
    n_blocks: usize,
    fired: &mut [LaneMask],
) {
    let mut state = [LifLanes::rest(); B];
    let mut rows = fired.chunks_mut(n_blocks);
    if let Some(first) = rows.next() {
        first[..B].fill(0);
    }
    for (t, fired) in rows.enumerate() {
        let input = sum_rows::<F, B, S>(panel, below.padded(t));
        for b in 0..B {
            fired[b] = state[b].step(&input[b], lif);
        }
    }
}

multiversion! {
    /// Runs the first B blocks of a panel of S, of feed-forward neurons, over all steps.
    ///
    /// `below` lists who fires at each step; `fired` gets the spikes, from the panel's place on in rows of `n_blocks`, one
    /// row a step.
    pub fn dense_panel<F: Real, const B: usize, const S: usize>(
        panel: &[Lanes<F>],
        below: &PaddedRows,
        lif: &LifPropagator<F>,
        n_blocks: usize,
        fired: &mut [LaneMask],
    ) = dense_panel_body
}

#[inline(always)]
fn list_spikes_body(fired: &[LaneMask], n_blocks: usize, by_time: &mut PaddedRows) {
    for masks in fired.chunks_exact(n_blocks) {
        by_time.push_masks(n_blocks, masks.iter().copied());
    }
}

multiversion! {
    /// Lists by time what a layer has fired, (n_steps, n_blocks).
    pub fn list_spikes(fired: &[LaneMask], n_blocks: usize, by_time: &mut PaddedRows) = list_spikes_body
}

#[inline(always)]
fn input_panel_body<F: Real, const B: usize, const S: usize>(
    panel: &[Lanes<F>],
    below: &PaddedRows,
    steps: Range<usize>,
    n_blocks: usize,
    input: &mut [Lanes<F>],
) {
    for (t, row) in steps.zip(input.chunks_mut(n_blocks)) {
        row[..B].copy_from_slice(&sum_rows::<F, B, S>(panel, below.padded(t - 1)));
    }
}

multiversion! {
    /// Feed-forward input of the first B blocks of a panel of S, of recurrent neurons, at `steps` (from 1 on); `input`
    /// starts at the panel's place in rows of `n_blocks`.
    pub fn input_panel<F: Real, const B: usize, const S: usize>(
        panel: &[Lanes<F>],
        below: &PaddedRows,
        steps: Range<usize>,
        n_blocks: usize,
        input: &mut [Lanes<F>],
    ) = input_panel_body
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
fn recurrent_steps_body<F: Real>(
    rows: &[Lanes<F>],
    lif: &LifPropagator<F>,
    steps: Range<usize>,
    input: &mut [Lanes<F>],
    state: &mut [LifLanes<F>],
    by_time: &mut PaddedRows,
) {
    for (t, input) in steps.zip(input.chunks_exact_mut(state.len())) {
        add_rows(rows, by_time.padded(t - 1), input);
        let masks = state.iter_mut().zip(&*input).map(|(state, input)| state.step(input, lif));
        by_time.push_masks(input.len(), masks);
    }
}

multiversion! {
    /// Runs a recurrent layer over `steps` (from 1 on), all blocks in step.
    ///
    /// `rows` are the recurrent weights by presynaptic neuron, `input` the feed-forward input of these steps, to which
    /// the recurrent input is added in place; the spikes are appended to `by_time`.
    pub fn recurrent_steps<F: Real>(
        rows: &[Lanes<F>],
        lif: &LifPropagator<F>,
        steps: Range<usize>,
        input: &mut [Lanes<F>],
        state: &mut [LifLanes<F>],
        by_time: &mut PaddedRows,
    ) = recurrent_steps_body
}
