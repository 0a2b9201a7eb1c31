//! The steps of a window of the clocked engine, all blocks of neurons after each other.

use crate::neuron::LifPropagator;
use crate::neuron::lif::thresholds::Thresholds;
use crate::neuron::lif::vectors::{FLUSH_EVERY, LifLanes, LifVectors};
use crate::simd::{Isa, LaneMask, Lanes, Real, multiversion};

/// Holds what arrives at a step through a row of synapses that share their weight.
#[derive(Clone, Copy, Debug)]
pub struct SharedRow<F> {
    /// Number of the row.
    pub row: u32,
    /// The weight.
    pub weight: F,
}

/// Holds what arrives at the steps of a window.
#[derive(Debug)]
pub struct Arrivals<'a, F> {
    /// Sums of weights, (n_steps, n_blocks), which are made zero again; empty if nothing ever arrives this way.
    pub sums: &'a mut [Lanes<F>],
    /// The neurons that rows of synapses of one weight reach, (n_rows, n_blocks).
    pub reach: &'a [LaneMask],
    /// Of each step, the rows that arrive.
    pub rows: &'a [Vec<SharedRow<F>>],
}

/// Advances B blocks from `at` on, side by side, over the steps of a window; `COUNTED` says that [`LifVectors::step_of_window`]
/// serves.
#[inline(always)]
fn advance_blocks<F: Real, I: Isa<F>, T: Thresholds<F>, const B: usize, const COUNTED: bool>(
    isa: I,
    arrivals: &mut Arrivals<'_, F>,
    at: usize,
    n_blocks: usize,
    first_step: u64,
    lif: &LifPropagator<F>,
    thresholds: T,
    state: &mut [LifLanes<F>; B],
    fired: &mut [LaneMask],
) {
    let mut lanes = [LifVectors::<F, I>::rest(isa); B];
    let mut v_th = [isa.zero(); B];
    for b in 0..B {
        lanes[b] = LifVectors::load(isa, &state[b]);
        v_th[b] = thresholds.block(isa, lif, at + b);
    }
    let (one, t_ref) = (isa.splat(F::one()), isa.splat(F::from_f64(f64::from(lif.t_ref_steps))));
    let (mut next, mut free_again) = (one, isa.add(one, t_ref));
    for (w, fired) in fired.chunks_exact_mut(n_blocks).enumerate() {
        let mut input = [isa.zero(); B];
        if let Some(sums) = arrivals.sums.get_mut(w * n_blocks + at..).and_then(|sums| sums.first_chunk_mut::<B>()) {
            for b in 0..B {
                input[b] = isa.load(&sums[b]);
                isa.store(isa.zero(), &mut sums[b]);
            }
        }
        for row in &arrivals.rows[w] {
            let (reach, weight) = (&arrivals.reach[row.row as usize * n_blocks + at..][..B], isa.splat(row.weight));
            for b in 0..B {
                input[b] = isa.select(isa.mask(reach[b]), isa.add(input[b], weight), input[b]);
            }
        }
        let fired = &mut fired[at..][..B];
        for b in 0..B {
            fired[b] = if COUNTED {
                lanes[b].step_of_window(isa, input[b], lif, v_th[b], next, free_again)
            } else {
                lanes[b].step(isa, input[b], lif, v_th[b])
            };
        }
        if (first_step + w as u64).is_multiple_of(FLUSH_EVERY) {
            for b in 0..B {
                lanes[b].flush(isa, lif);
            }
        }
        (next, free_again) = (isa.add(next, one), isa.add(free_again, one));
    }
    for b in 0..B {
        if COUNTED {
            lanes[b].end_window(isa, isa.sub(next, one));
        }
        lanes[b].store(isa, &mut state[b]);
    }
}

/// Blocks advanced side by side: their chains of operations wait less for themselves.
#[inline(always)]
fn advance_all_blocks<F: Real, I: Isa<F>, T: Thresholds<F>, const COUNTED: bool>(
    isa: I,
    arrivals: &mut Arrivals<'_, F>,
    first_step: u64,
    lif: &LifPropagator<F>,
    thresholds: T,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    let n_blocks = state.len();
    let mut at = 0;
    // As many as the registers hold.
    if size_of::<F>() == size_of::<f32>() {
        let (groups, rest) = state.as_chunks_mut::<4>();
        for state in groups {
            advance_blocks::<F, I, T, 4, COUNTED>(
                isa, arrivals, at, n_blocks, first_step, lif, thresholds, state, fired,
            );
            at += 4;
        }
        if let Some(state) = rest.first_chunk_mut::<3>() {
            advance_blocks::<F, I, T, 3, COUNTED>(
                isa, arrivals, at, n_blocks, first_step, lif, thresholds, state, fired,
            );
            at += 3;
        }
    }
    let (groups, rest) = state[at..].as_chunks_mut::<2>();
    for state in groups {
        advance_blocks::<F, I, T, 2, COUNTED>(isa, arrivals, at, n_blocks, first_step, lif, thresholds, state, fired);
        at += 2;
    }
    if let Some(state) = rest.first_chunk_mut::<1>() {
        advance_blocks::<F, I, T, 1, COUNTED>(isa, arrivals, at, n_blocks, first_step, lif, thresholds, state, fired);
    }
}

#[inline(always)]
fn advance_window_body<F: Real, I: Isa<F>, T: Thresholds<F>>(
    isa: I,
    arrivals: &mut Arrivals<'_, F>,
    first_step: u64,
    lif: &LifPropagator<F>,
    thresholds: T,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    // From a window's start on, the longest refractory times are no numbers of `f32`.
    if (1..1 << 23).contains(&lif.t_ref_steps) {
        advance_all_blocks::<F, I, T, true>(isa, arrivals, first_step, lif, thresholds, state, fired);
    } else {
        advance_all_blocks::<F, I, T, false>(isa, arrivals, first_step, lif, thresholds, state, fired);
    }
}

multiversion! {
    /// Advances blocks of neurons over the steps of a window; `fired` is (n_steps, n_blocks).
    pub fn advance_window<F: Real, T: Thresholds>(
        arrivals: &mut Arrivals<'_, F>,
        first_step: u64,
        lif: &LifPropagator<F>,
        thresholds: T,
        state: &mut [LifLanes<F>],
        fired: &mut [LaneMask],
    ) = advance_window_body
}
