//! The inner loops of the clocked engine and of the backward pass.
//!
//! Both directions are the same operation: sum the rows of a small table that a list of indices names. Forward, the
//! table is a panel of weights and the list the neurons that fire at a step; backward, the table is the adjoint trace of
//! a block of neurons and the list the steps at which a presynaptic neuron fires. Either table (nearly) fits the
//! first-level cache, and the cost is one row a spike and panel.

use std::ops::Range;

use crate::neuron::LifPropagator;
use crate::neuron::lif::thresholds::Thresholds;
use crate::neuron::lif::vectors::{FLUSH_EVERY, LifLanes, LifVectors};
use crate::simd::{Isa, LaneMask, Lanes, Real, multiversion, unpack};
use crate::spikes::{PAD, PaddedRows};
use crate::stop::is_stopped;

/// Returns the sum of the first B blocks of the rows `index` of `table`, whose rows have S; `index.len()` is a multiple of four.
///
/// Partial sums hide the latency of the addition: about four registers of AVX-512, eight of AVX2. Their order is part of
/// the result.
#[inline(always)]
pub fn sum_rows<F: Real, I: Isa<F>, const B: usize, const S: usize>(
    isa: I,
    table: &[Lanes<F>],
    index: &[u32],
) -> [I::Vector; B] {
    const { assert!(PAD == 4) };
    let table = table.as_chunks::<S>().0;
    if B == 1 {
        let mut sums = [[isa.zero(); B]; 4];
        for four in index.as_chunks::<4>().0 {
            for (sum, row) in sums.iter_mut().zip(unpack(four)) {
                add_row(isa, sum, &table[row]);
            }
        }
        let [mut a, b, mut c, d] = sums;
        add_vectors(isa, &mut a, &b);
        add_vectors(isa, &mut c, &d);
        add_vectors(isa, &mut a, &c);
        a
    } else if B > 2 {
        let mut sum = [isa.zero(); B];
        for four in index.as_chunks::<4>().0 {
            for row in unpack(four) {
                add_row(isa, &mut sum, &table[row]);
            }
        }
        sum
    } else {
        let [mut a, mut b] = [[isa.zero(); B]; 2];
        for four in index.as_chunks::<4>().0 {
            let [i, j, k, l] = unpack(four);
            add_row(isa, &mut a, &table[i]);
            add_row(isa, &mut b, &table[j]);
            add_row(isa, &mut a, &table[k]);
            add_row(isa, &mut b, &table[l]);
        }
        add_vectors(isa, &mut a, &b);
        a
    }
}

#[inline(always)]
fn add_row<F: Real, I: Isa<F>, const B: usize>(isa: I, sum: &mut [I::Vector; B], row: &[Lanes<F>]) {
    for b in 0..B {
        sum[b] = isa.add(sum[b], isa.load(&row[b]));
    }
}

#[inline(always)]
fn add_vectors<F: Real, I: Isa<F>, const B: usize>(isa: I, sum: &mut [I::Vector; B], other: &[I::Vector; B]) {
    for b in 0..B {
        sum[b] = isa.add(sum[b], other[b]);
    }
}

/// Steps between two looks at whether to stop.
const STEPS_UNASKED: usize = 1 << 13;

#[inline(always)]
fn dense_panel_body<F: Real, I: Isa<F>, T: Thresholds<F>, const B: usize, const S: usize>(
    isa: I,
    panel: &[Lanes<F>],
    below: &PaddedRows,
    lif: &LifPropagator<F>,
    thresholds: T,
    n_blocks: usize,
    fired: &mut [LaneMask],
) {
    let mut state = [LifVectors::<F, I>::rest(isa); B];
    let mut v_th = [isa.zero(); B];
    for b in 0..B {
        v_th[b] = thresholds.block(isa, lif, b);
    }
    let (first, rest) = fired.split_at_mut(n_blocks.min(fired.len()));
    first[..B].fill(0);
    let mut t = 0;
    for rows in rest.chunks_mut(n_blocks * STEPS_UNASKED) {
        if is_stopped() {
            return;
        }
        for fired in rows.chunks_mut(n_blocks) {
            let input = sum_rows::<F, I, B, S>(isa, panel, below.padded(t));
            for b in 0..B {
                fired[b] = state[b].step(isa, input[b], lif, v_th[b]);
                if (t as u64).is_multiple_of(FLUSH_EVERY) {
                    state[b].flush(isa, lif);
                }
            }
            t += 1;
        }
    }
}

multiversion! {
    /// Runs the first B blocks of a panel of S, of feed-forward neurons, over all steps.
    ///
    /// `thresholds` start at the panel's place. `below` lists who fires at each step; `fired` gets the spikes, from the panel's place on in rows of `n_blocks`, one
    /// row a step. Work that is to stop leaves the rest as it was.
    pub fn dense_panel<F: Real, T: Thresholds, const B: usize, const S: usize>(
        panel: &[Lanes<F>],
        below: &PaddedRows,
        lif: &LifPropagator<F>,
        thresholds: T,
        n_blocks: usize,
        fired: &mut [LaneMask],
    ) = dense_panel_body
}

#[inline(always)]
fn list_spikes_body<F: Real, I: Isa<F>>(isa: I, fired: &[LaneMask], n_blocks: usize, by_time: &mut PaddedRows) {
    for masks in fired.chunks_exact(n_blocks) {
        by_time.push_masks(isa, masks);
    }
}

multiversion! {
    /// Lists by time what a layer has fired, (n_steps, n_blocks).
    pub fn list_spikes<F: Real>(fired: &[LaneMask], n_blocks: usize, by_time: &mut PaddedRows) = list_spikes_body
}

#[inline(always)]
fn input_panel_body<F: Real, I: Isa<F>, const B: usize, const S: usize>(
    isa: I,
    panel: &[Lanes<F>],
    below: &PaddedRows,
    steps: Range<usize>,
    n_blocks: usize,
    input: &mut [Lanes<F>],
) {
    for (t, row) in steps.zip(input.chunks_mut(n_blocks)) {
        let sums = sum_rows::<F, I, B, S>(isa, panel, below.padded(t - 1));
        for b in 0..B {
            isa.store(sums[b], &mut row[b]);
        }
    }
}

multiversion! {
    /// Computes the feed-forward input of the first B blocks of a panel of S, of recurrent neurons, at `steps` (from 1 on); `input`
    /// starts at the panel's place in rows of `n_blocks`.
    pub fn input_panel<F: Real, const B: usize, const S: usize>(
        panel: &[Lanes<F>],
        below: &PaddedRows,
        steps: Range<usize>,
        n_blocks: usize,
        input: &mut [Lanes<F>],
    ) = input_panel_body
}

/// Blocks of a recurrent layer worked on at once: their inputs and states fit the registers.
const TILE: usize = 4;

#[inline(always)]
fn recurrent_steps_body<F: Real, I: Isa<F>, T: Thresholds<F>>(
    isa: I,
    rows: &[Lanes<F>],
    delays: &[u32],
    lif: &LifPropagator<F>,
    thresholds: T,
    steps: Range<usize>,
    input: &[Lanes<F>],
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
    arriving: &mut Vec<u32>,
    by_time: &mut PaddedRows,
) {
    let n_blocks = state.len();
    for (t, input) in steps.zip(input.chunks_exact(n_blocks)) {
        let spikes = if *delays == [0] {
            by_time.row(t - 1)
        } else {
            arriving.clear();
            by_time.delayed(t - 1, delays).for_each(|(first, row)| arriving.extend(row.iter().map(|&k| first + k)));
            &*arriving
        };
        for first in (0..n_blocks).step_by(TILE) {
            match n_blocks - first {
                1 => recurrent_tile::<F, I, T, 1>(isa, rows, spikes, lif, thresholds, input, first, state, fired),
                2 => recurrent_tile::<F, I, T, 2>(isa, rows, spikes, lif, thresholds, input, first, state, fired),
                3 => recurrent_tile::<F, I, T, 3>(isa, rows, spikes, lif, thresholds, input, first, state, fired),
                _ => recurrent_tile::<F, I, T, TILE>(isa, rows, spikes, lif, thresholds, input, first, state, fired),
            }
        }
        by_time.push_masks(isa, fired);
        if (t as u64).is_multiple_of(FLUSH_EVERY) {
            for state in &mut *state {
                let mut lanes = LifVectors::load(isa, state);
                lanes.flush(isa, lif);
                lanes.store(isa, state);
            }
        }
    }
}

/// Advances a step of B blocks from `first` on.
#[inline(always)]
fn recurrent_tile<F: Real, I: Isa<F>, T: Thresholds<F>, const B: usize>(
    isa: I,
    rows: &[Lanes<F>],
    spikes: &[u32],
    lif: &LifPropagator<F>,
    thresholds: T,
    input: &[Lanes<F>],
    first: usize,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    let n_blocks = state.len();
    let input = &input[first..][..B];
    let mut sums = [isa.zero(); B];
    add_row(isa, &mut sums, input);
    for &k in spikes {
        add_row(isa, &mut sums, &rows[k as usize * n_blocks + first..][..B]);
    }
    let (state, fired) = (&mut state[first..][..B], &mut fired[first..][..B]);
    for b in 0..B {
        let mut lanes = LifVectors::load(isa, &state[b]);
        fired[b] = lanes.step(isa, sums[b], lif, thresholds.block(isa, lif, first + b));
        lanes.store(isa, &mut state[b]);
    }
}

multiversion! {
    /// Runs a recurrent layer over `steps` (from 1 on), all blocks in step.
    ///
    /// `rows` are the recurrent weights by presynaptic neuron, those of the first of the ascending `delays` first, `input`
    /// the feed-forward input of these steps, `fired` a buffer of a mask a block, `arriving` one of the spikes that delays bring; the
    /// spikes are appended to `by_time`.
    pub fn recurrent_steps<F: Real, T: Thresholds>(
        rows: &[Lanes<F>],
        delays: &[u32],
        lif: &LifPropagator<F>,
        thresholds: T,
        steps: Range<usize>,
        input: &[Lanes<F>],
        state: &mut [LifLanes<F>],
        fired: &mut [LaneMask],
        arriving: &mut Vec<u32>,
        by_time: &mut PaddedRows,
    ) = recurrent_steps_body
}
