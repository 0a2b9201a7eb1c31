//! The inner loops of the clocked engine and of the backward pass.
//!
//! Both directions are the same operation: sum the rows of a small table that a list of indices names. Forward, the
//! table is a panel of weights and the list the neurons that fire at a step; backward, the table is the adjoint trace of
//! a block of neurons and the list the steps at which a presynaptic neuron fires. Either table (nearly) fits the
//! first-level cache, and the cost is one row a spike and panel.

use std::ops::Range;

use crate::neuron::LifPropagator;
use crate::simd::{Isa, LaneMask, Lanes, Real, multiversion, unpack};
use crate::spikes::{PAD, PaddedRows};
use crate::stop::is_stopped;

/// Sum of the first B blocks of the rows `index` of `table`, whose rows have S; `index.len()` is a multiple of four.
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

/// State of a block of LIF neurons between two steps, in memory.
#[derive(Clone, Copy, Debug)]
pub struct LifLanes<F> {
    /// Synaptic current.
    p: Lanes<F>,
    /// Membrane potential.
    u: Lanes<F>,
    /// Steps for which the neuron is still held at 0, if positive.
    held: Lanes<F>,
}

impl<F: Real> LifLanes<F> {
    /// At rest.
    pub fn rest() -> Self {
        Self { p: Lanes::zero(), u: Lanes::zero(), held: Lanes::zero() }
    }

    /// Current, potential, and the steps for which it is still held, of one neuron.
    pub fn neuron(&self, lane: usize) -> (F, F, u64) {
        (self.p[lane], self.u[lane], self.held[lane].max(F::zero()).widen() as u64)
    }

    /// Sets what [`neuron`](Self::neuron) reads.
    pub fn set_neuron(&mut self, lane: usize, p: F, u: F, held: u64) {
        (self.p[lane], self.u[lane], self.held[lane]) = (p, u, F::from_f64(held as f64));
    }
}

/// [`LifLanes`] in registers.
#[derive(Clone, Copy)]
struct LifVectors<F: Real, I: Isa<F>> {
    p: I::Vector,
    u: I::Vector,
    held: I::Vector,
}

impl<F: Real, I: Isa<F>> LifVectors<F, I> {
    #[inline(always)]
    fn rest(isa: I) -> Self {
        Self { p: isa.zero(), u: isa.zero(), held: isa.zero() }
    }

    #[inline(always)]
    fn load(isa: I, state: &LifLanes<F>) -> Self {
        Self { p: isa.load(&state.p), u: isa.load(&state.u), held: isa.load(&state.held) }
    }

    #[inline(always)]
    fn store(self, isa: I, state: &mut LifLanes<F>) {
        isa.store(self.p, &mut state.p);
        isa.store(self.u, &mut state.u);
        isa.store(self.held, &mut state.held);
    }

    /// Current and potential after a step with the summed weights of the spikes of the step before; says who fires.
    #[inline(always)]
    fn integrate(&mut self, isa: I, input: I::Vector, free: I::Mask, lif: &LifPropagator<F>) -> I::Mask {
        self.p = isa.add(isa.mul(isa.splat(lif.syn_decay), self.p), input);
        let u = isa.add(isa.mul(isa.splat(lif.mem_decay), self.u), isa.mul(isa.splat(lif.mem_gain), self.p));
        self.u = isa.select(free, u, isa.zero());
        isa.greater(self.u, isa.splat(lif.v_th))
    }

    /// Advances a step; says who fires.
    ///
    /// Held steps are counted in `F`, exact up to the longest refractory time, 2^24 steps.
    #[inline(always)]
    fn step(&mut self, isa: I, input: I::Vector, lif: &LifPropagator<F>) -> LaneMask {
        let free = isa.greater(isa.splat(F::one()), self.held);
        let fires = self.integrate(isa, input, free, lif);
        self.u = isa.select(fires, isa.zero(), self.u);
        let t_ref = isa.splat(F::from_f64(f64::from(lif.t_ref_steps)));
        self.held = isa.select(fires, t_ref, isa.sub(self.held, isa.splat(F::one())));
        isa.bits(fires)
    }

    /// Advances the step before step `next` of a window at whose start `held` was counted; who fires is free again at step
    /// `free_again`, later than `next`.
    ///
    /// The potential of who fires is made zero at its next step or by [`end_window`](Self::end_window), whichever comes first.
    #[inline(always)]
    fn step_of_window(
        &mut self,
        isa: I,
        input: I::Vector,
        lif: &LifPropagator<F>,
        next: I::Vector,
        free_again: I::Vector,
    ) -> LaneMask {
        let fires = self.integrate(isa, input, isa.greater(next, self.held), lif);
        self.held = isa.select(fires, free_again, self.held);
        isa.bits(fires)
    }

    /// Counts held steps from the end of a window of `n_steps` on.
    #[inline(always)]
    fn end_window(&mut self, isa: I, n_steps: I::Vector) {
        self.held = isa.sub(self.held, n_steps);
        let held = isa.greater(self.held, isa.zero());
        self.u = isa.select(held, isa.zero(), self.u);
    }

    /// Makes zero what silence has left of current and potential, see [`LifPropagator::flush`].
    #[inline(always)]
    fn flush(&mut self, isa: I, lif: &LifPropagator<F>) {
        self.p = isa.flushed(self.p, lif.flush);
        self.u = isa.flushed(self.u, lif.flush);
    }
}

/// Steps between two flushes: from the level of a flush, no decay gets far into denormal numbers within them.
const FLUSH_EVERY: u64 = 32;

/// What arrives at a step through a row of synapses that share their weight.
#[derive(Clone, Copy, Debug)]
pub struct SharedRow<F> {
    /// Number of the row.
    pub row: u32,
    /// The weight.
    pub weight: F,
}

/// What arrives at the steps of a window.
#[derive(Debug)]
pub struct Arrivals<'a, F> {
    /// Sums of weights, (n_steps, n_blocks), which are made zero again; empty if nothing ever arrives this way.
    pub sums: &'a mut [Lanes<F>],
    /// The neurons that rows of synapses of one weight reach, (n_rows, n_blocks).
    pub reach: &'a [LaneMask],
    /// Of each step, the rows that arrive.
    pub rows: &'a [Vec<SharedRow<F>>],
}

/// Advances B blocks from `at` on, side by side, over the steps of a window; `HOLDS` says that [`LifVectors::step_of_window`]
/// serves.
#[inline(always)]
fn advance_blocks<F: Real, I: Isa<F>, const B: usize, const HOLDS: bool>(
    isa: I,
    arrivals: &mut Arrivals<'_, F>,
    at: usize,
    n_blocks: usize,
    first_step: u64,
    lif: &LifPropagator<F>,
    state: &mut [LifLanes<F>; B],
    fired: &mut [LaneMask],
) {
    let mut lanes = [LifVectors::<F, I>::rest(isa); B];
    for b in 0..B {
        lanes[b] = LifVectors::load(isa, &state[b]);
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
            fired[b] = if HOLDS {
                lanes[b].step_of_window(isa, input[b], lif, next, free_again)
            } else {
                lanes[b].step(isa, input[b], lif)
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
        if HOLDS {
            lanes[b].end_window(isa, isa.sub(next, one));
        }
        lanes[b].store(isa, &mut state[b]);
    }
}

/// Blocks advanced side by side: their chains of operations wait less for themselves.
#[inline(always)]
fn advance_all_blocks<F: Real, I: Isa<F>, const HOLDS: bool>(
    isa: I,
    arrivals: &mut Arrivals<'_, F>,
    first_step: u64,
    lif: &LifPropagator<F>,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    let n_blocks = state.len();
    let mut at = 0;
    // As many as the registers hold.
    if size_of::<F>() == size_of::<f32>() {
        let (groups, rest) = state.as_chunks_mut::<4>();
        for state in groups {
            advance_blocks::<F, I, 4, HOLDS>(isa, arrivals, at, n_blocks, first_step, lif, state, fired);
            at += 4;
        }
        if let Some(state) = rest.first_chunk_mut::<3>() {
            advance_blocks::<F, I, 3, HOLDS>(isa, arrivals, at, n_blocks, first_step, lif, state, fired);
            at += 3;
        }
    }
    let (groups, rest) = state[at..].as_chunks_mut::<2>();
    for state in groups {
        advance_blocks::<F, I, 2, HOLDS>(isa, arrivals, at, n_blocks, first_step, lif, state, fired);
        at += 2;
    }
    if let Some(state) = rest.first_chunk_mut::<1>() {
        advance_blocks::<F, I, 1, HOLDS>(isa, arrivals, at, n_blocks, first_step, lif, state, fired);
    }
}

#[inline(always)]
fn advance_window_body<F: Real, I: Isa<F>>(
    isa: I,
    arrivals: &mut Arrivals<'_, F>,
    first_step: u64,
    lif: &LifPropagator<F>,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    // From a window's start on, the longest refractory times are no numbers of `f32`.
    if (1..1 << 23).contains(&lif.t_ref_steps) {
        advance_all_blocks::<F, I, true>(isa, arrivals, first_step, lif, state, fired);
    } else {
        advance_all_blocks::<F, I, false>(isa, arrivals, first_step, lif, state, fired);
    }
}

multiversion! {
    /// Advances blocks of neurons over the steps of a window; `fired` is (n_steps, n_blocks).
    pub fn advance_window<F: Real>(
        arrivals: &mut Arrivals<'_, F>,
        first_step: u64,
        lif: &LifPropagator<F>,
        state: &mut [LifLanes<F>],
        fired: &mut [LaneMask],
    ) = advance_window_body
}

/// Steps between two looks at whether to stop.
const STEPS_UNASKED: usize = 1 << 13;

#[inline(always)]
fn dense_panel_body<F: Real, I: Isa<F>, const B: usize, const S: usize>(
    isa: I,
    panel: &[Lanes<F>],
    below: &PaddedRows,
    lif: &LifPropagator<F>,
    n_blocks: usize,
    fired: &mut [LaneMask],
) {
    let mut state = [LifVectors::<F, I>::rest(isa); B];
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
                fired[b] = state[b].step(isa, input[b], lif);
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
    /// `below` lists who fires at each step; `fired` gets the spikes, from the panel's place on in rows of `n_blocks`, one
    /// row a step. Work that is to stop leaves the rest as it was.
    pub fn dense_panel<F: Real, const B: usize, const S: usize>(
        panel: &[Lanes<F>],
        below: &PaddedRows,
        lif: &LifPropagator<F>,
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

/// Blocks of a recurrent layer worked on at once: their inputs and states fit the registers.
const TILE: usize = 4;

#[inline(always)]
fn recurrent_steps_body<F: Real, I: Isa<F>>(
    isa: I,
    rows: &[Lanes<F>],
    delays: &[u32],
    lif: &LifPropagator<F>,
    steps: Range<usize>,
    input: &[Lanes<F>],
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
    heard: &mut Vec<u32>,
    by_time: &mut PaddedRows,
) {
    let n_blocks = state.len();
    for (t, input) in steps.zip(input.chunks_exact(n_blocks)) {
        let spikes = if *delays == [0] {
            by_time.row(t - 1)
        } else {
            heard.clear();
            by_time.delayed(t - 1, delays).for_each(|(first, row)| heard.extend(row.iter().map(|&k| first + k)));
            &*heard
        };
        for first in (0..n_blocks).step_by(TILE) {
            match n_blocks - first {
                1 => recurrent_tile::<F, I, 1>(isa, rows, spikes, lif, input, first, state, fired),
                2 => recurrent_tile::<F, I, 2>(isa, rows, spikes, lif, input, first, state, fired),
                3 => recurrent_tile::<F, I, 3>(isa, rows, spikes, lif, input, first, state, fired),
                _ => recurrent_tile::<F, I, TILE>(isa, rows, spikes, lif, input, first, state, fired),
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

/// One step of B blocks from `first` on.
#[inline(always)]
fn recurrent_tile<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    rows: &[Lanes<F>],
    spikes: &[u32],
    lif: &LifPropagator<F>,
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
        fired[b] = lanes.step(isa, sums[b], lif);
        lanes.store(isa, &mut state[b]);
    }
}

multiversion! {
    /// Runs a recurrent layer over `steps` (from 1 on), all blocks in step.
    ///
    /// `rows` are the recurrent weights by presynaptic neuron, those of the first of the ascending `delays` first, `input`
    /// the feed-forward input of these steps, `fired` a buffer of a mask a block, `heard` one of what delays bring; the
    /// spikes are appended to `by_time`.
    pub fn recurrent_steps<F: Real>(
        rows: &[Lanes<F>],
        delays: &[u32],
        lif: &LifPropagator<F>,
        steps: Range<usize>,
        input: &[Lanes<F>],
        state: &mut [LifLanes<F>],
        fired: &mut [LaneMask],
        heard: &mut Vec<u32>,
        by_time: &mut PaddedRows,
    ) = recurrent_steps_body
}
