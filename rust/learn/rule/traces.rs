//! S-PSPs by adjoint traces, and the loops that use them.
//!
//! A postsynaptic neuron is linear in its input between resets, so one spike of any presynaptic neuron at step s adds the
//! same amount g_i\[s\] to the T-PSP of neuron i, and e_ij = sum over the spikes s of j of g_i\[s\]. The trace g_i comes
//! from running the neuron's update backwards in time. See `learn/README.md`.
//!
//! A spike that a delay brings d steps later counts g_i\[s + d\]: the loops then read the trace from row d on, and nothing
//! else changes.
//!
//! Silent neurons have no S-PSPs. So the loops work on *groups* of firing neurons, whichever they are: up to 64, in one to
//! four blocks.

use crate::engine::layered::kernels::sum_rows;
use crate::memory::resize;
use crate::neuron::LifPropagator;
use crate::simd::{Isa, LANES, LaneMask, Lanes, Real, Spread, multiversion};
use crate::spikes::PaddedRows;

/// Most neurons of a group: their traces, a row of 256 bytes a step in `f32`, still lie in the second-level cache.
pub const GROUP: usize = 4 * LANES;

/// Adjoint trace of a group of neurons.
#[derive(Clone, Debug, Default)]
pub struct AdjointTrace<F> {
    /// scale_i g_i\[s\], (n_steps + 1 + tail, blocks), zeros from s = n_steps on: for padded lists and what arrives too late.
    trace: Vec<Lanes<F>>,
    /// (n_steps, blocks)
    fired: Vec<LaneMask>,
    refractory: Vec<LaneMask>,
}

impl<F: Real> AdjointTrace<F> {
    /// Computes `scale[i] * g_i[s]` for the neurons of `group`, which fill at most B blocks and whose spikes `by_neuron`
    /// lists; for delays of up to `max_delay` steps.
    pub fn compute<const B: usize>(
        &mut self,
        by_neuron: &PaddedRows,
        n_steps: usize,
        group: &[u32],
        scale: impl Fn(usize) -> F,
        lif: &LifPropagator<F>,
        max_delay: u32,
    ) -> Trace<'_, F> {
        let tail = n_steps.min(max_delay as usize);
        resize(&mut self.trace, (n_steps + 1 + tail) * B, Lanes::zero());
        self.trace[(n_steps + 1) * B..].fill(Lanes::zero());
        for masks in [&mut self.fired, &mut self.refractory] {
            masks.clear();
            resize(masks, n_steps * B, 0);
        }
        let mut scales = [Lanes::zero(); B];
        for (place, &neuron) in group.iter().enumerate() {
            let (b, l) = (place / LANES, place % LANES);
            scales[b][l] = scale(neuron as usize);
            for &t in by_neuron.row(neuron as usize) {
                self.fired[t as usize * B + b] |= 1 << l;
            }
        }
        for delay in 1..n_steps.min(lif.t_ref_steps as usize + 1) {
            for (refractory, fired) in self.refractory[delay * B..].iter_mut().zip(&self.fired) {
                *refractory |= fired;
            }
        }
        run_backwards::<F, B>(&self.fired, &self.refractory, &scales, lif, &mut self.trace);
        Trace { rows: &self.trace, n_steps, blocks: B }
    }
}

/// A computed [`AdjointTrace`].
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a, F> {
    rows: &'a [Lanes<F>],
    n_steps: usize,
    blocks: usize,
}

impl<'a, F> Trace<'a, F> {
    /// Returns what a spike at step s adds through a synapse with this delay, for s = 0..=n_steps.
    pub fn delayed(&self, delay: u32) -> &'a [Lanes<F>] {
        &self.rows[self.n_steps.min(delay as usize) * self.blocks..]
    }
}

#[inline(always)]
fn run_backwards_body<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    fired: &[LaneMask],
    refractory: &[LaneMask],
    scale: &[Lanes<F>; B],
    lif: &LifPropagator<F>,
    trace: &mut [Lanes<F>],
) {
    let (fired, refractory, trace) =
        (fired.as_chunks::<B>().0, refractory.as_chunks::<B>().0, trace.as_chunks_mut::<B>().0);
    let n_steps = fired.len();
    let (refractory, trace) = (&refractory[..n_steps], &mut trace[..n_steps + 1]);
    trace[n_steps] = [Lanes::zero(); B];
    trace[n_steps - 1] = [Lanes::zero(); B];
    let (mem_decay, mem_gain, syn_decay) =
        (isa.splat(lif.mem_decay), isa.splat(lif.mem_gain), isa.splat(lif.syn_decay));
    let (mut u, mut p) = ([isa.zero(); B], [isa.zero(); B]);
    for t in (1..n_steps).rev() {
        for b in 0..B {
            let free = isa.select(isa.mask(refractory[t][b]), isa.zero(), isa.mul(mem_decay, u[b]));
            u[b] = isa.select(isa.mask(fired[t][b]), isa.load(&scale[b]), free);
            p[b] = isa.add(isa.mul(syn_decay, p[b]), isa.mul(mem_gain, u[b]));
            isa.store(p[b], &mut trace[t - 1][b]);
        }
    }
}

multiversion! {
    /// Runs the adjoint of the neurons' update over all steps.
    fn run_backwards<F: Real, const B: usize>(
        fired: &[LaneMask],
        refractory: &[LaneMask],
        scale: &[Lanes<F>; B],
        lif: &LifPropagator<F>,
        trace: &mut [Lanes<F>],
    ) = run_backwards_body
}

/// Presynaptic spikes, as the loops below read them.
#[derive(Clone, Copy, Debug)]
pub struct Presynaptic<'a> {
    /// Steps at which each neuron fires.
    pub by_neuron: &'a PaddedRows,
    /// Neurons that fire at all.
    pub active: &'a [u32],
}

/// Where the values of a group's neurons belong among those of all neurons, block by block.
#[derive(Clone, Debug, Default)]
pub struct GroupLayout {
    /// Of each block of the group.
    parts: [Vec<Part>; GROUP / LANES],
    /// Blocks from one presynaptic neuron to the next.
    stride: usize,
}

/// The neurons that a block of the group and a block of all neurons share.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Block of all neurons, that of presynaptic neuron 0.
    block: usize,
    /// From the group to all neurons.
    spread: Spread,
    /// From all neurons to the group.
    collect: Spread,
}

impl GroupLayout {
    /// Returns what comes from the place of each neuron's first value, ascending, counted in values, and the distance in blocks
    /// from one presynaptic neuron to the next.
    pub fn set(&mut self, stride: usize, places: impl Iterator<Item = usize>) {
        self.stride = stride;
        self.parts.iter_mut().for_each(Vec::clear);
        for (neuron, place) in places.enumerate() {
            let parts = &mut self.parts[neuron / LANES];
            let block = place / LANES;
            if parts.last().is_none_or(|part| part.block != block) {
                parts.push(Part { block, spread: Spread::none(), collect: Spread::none() });
            }
            let part = parts.last_mut().expect("just pushed");
            part.spread.set(place % LANES, neuron % LANES);
            part.collect.set(neuron % LANES, place % LANES);
        }
    }
}

#[inline(always)]
fn s_psps_body<F: Real, I: Isa<F>>(isa: I, trace: &[Lanes<F>], pre: Presynaptic<'_>, s_psps: &mut [Lanes<F>]) {
    for (&j, e) in pre.active.iter().zip(s_psps) {
        let [sum] = sum_rows::<F, I, 1, 1>(isa, trace, pre.by_neuron.padded(j as usize));
        isa.store(sum, e);
    }
}

multiversion! {
    /// Computes scale_i e_ij for every neuron i of the group (lanes) and every presynaptic neuron j that fires.
    pub fn s_psps<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, s_psps: &mut [Lanes<F>]) = s_psps_body
}

#[inline(always)]
fn add_s_psps_body<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    layout: &GroupLayout,
    sum: &mut [Lanes<F>],
) {
    for &j in pre.active {
        let e = sum_rows::<F, I, B, B>(isa, trace, pre.by_neuron.padded(j as usize));
        for b in 0..B {
            for part in &layout.parts[b] {
                let e = isa.spread(&part.spread, e[b]);
                isa.add_to(&mut sum[j as usize * layout.stride + part.block], e);
            }
        }
    }
}

multiversion! {
    /// Adds scale_i e_ij onto `sum` for every neuron i of the group and every presynaptic neuron j.
    pub fn add_s_psps<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        layout: &GroupLayout,
        sum: &mut [Lanes<F>],
    ) = add_s_psps_body
}

/// Adds the S-PSPs of a group in one column onto its sums; the same times their weights, to be summed for the neuron below.
#[inline(always)]
fn add_column<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    e: &[I::Vector; B],
    layout: &GroupLayout,
    column: usize,
    weight: &[Lanes<F>],
    sum: &mut [Lanes<F>],
) -> I::Vector {
    let mut sent = isa.zero();
    for b in 0..B {
        for part in &layout.parts[b] {
            let at = column * layout.stride + part.block;
            let e = isa.spread(&part.spread, e[b]);
            isa.add_to(&mut sum[at], e);
            sent = isa.add(sent, isa.mul(isa.load(&weight[at]), e));
        }
    }
    sent
}

#[inline(always)]
fn add_s_psps_and_send_down_body<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    layout: &GroupLayout,
    weight: &[Lanes<F>],
    sum: &mut [Lanes<F>],
    down: &mut [F],
) {
    for &j in pre.active {
        let j = j as usize;
        let e = sum_rows::<F, I, B, B>(isa, trace, pre.by_neuron.padded(j));
        let sent = add_column(isa, &e, layout, j, weight, sum);
        down[j] += isa.sum(sent) / F::from_f64(f64::from(pre.by_neuron.lengths()[j]));
    }
}

multiversion! {
    /// [`add_s_psps`] with scale z; also adds sum_i z_i w_ij e_ij / o_j over the group onto `down[j]`, the error signal
    /// of the layer below: the two need the same sums.
    pub fn add_s_psps_and_send_down<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        layout: &GroupLayout,
        weight: &[Lanes<F>],
        sum: &mut [Lanes<F>],
        down: &mut [F],
    ) = add_s_psps_and_send_down_body
}

#[inline(always)]
fn add_s_psps_of_window_body<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    trace: &[Lanes<F>],
    by_neuron: &PaddedRows,
    window: &[[u32; 2]],
    layout: &GroupLayout,
    weight: &[Lanes<F>],
    sum: &mut [Lanes<F>],
    mut down: Option<&mut [F]>,
) {
    for &[j, column] in window {
        let j = j as usize;
        let e = sum_rows::<F, I, B, B>(isa, trace, by_neuron.padded(j));
        let sent = add_column(isa, &e, layout, column as usize, weight, sum);
        if let Some(down) = &mut down {
            down[j] += isa.sum(sent) / F::from_f64(f64::from(by_neuron.lengths()[j]));
        }
    }
}

multiversion! {
    /// [`add_s_psps_and_send_down`] for the neurons of one position of a plane: `window` lists the presynaptic neurons that fire under
    /// its kernel, with the column of each.
    pub fn add_s_psps_of_window<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        by_neuron: &PaddedRows,
        window: &[[u32; 2]],
        layout: &GroupLayout,
        weight: &[Lanes<F>],
        sum: &mut [Lanes<F>],
        down: Option<&mut [F]>,
    ) = add_s_psps_of_window_body
}

#[inline(always)]
fn couple_group_body<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    layout: &GroupLayout,
    weight: &[Lanes<F>],
    per_count: F,
    silent: &[Lanes<F>; B],
    stride: usize,
    rows: &mut [Lanes<F>],
    add: bool,
) {
    for (&k, row) in pre.active.iter().zip(rows.chunks_mut(stride)) {
        let k = k as usize;
        let count = pre.by_neuron.lengths()[k];
        let e = sum_rows::<F, I, B, B>(isa, trace, pre.by_neuron.padded(k));
        let per_spike = isa.splat(per_count / F::from_f64(f64::from(count.max(1))));
        for b in 0..B {
            let mut weights = isa.zero();
            for part in &layout.parts[b] {
                let some = isa.load(&weight[k * layout.stride + part.block]);
                weights = isa.add(weights, isa.spread(&part.collect, some));
            }
            let ratio = isa.add(isa.mul(e[b], per_spike), isa.load(&silent[b]));
            let product = isa.mul(weights, ratio);
            let product = if add { isa.add(isa.load(&row[b]), product) } else { product };
            isa.store(product, &mut row[b]);
        }
    }
}

multiversion! {
    /// Writes r_ik (e_ik / o_k per_count + silent_i), for the neurons i of a group, into a row for each neuron k of
    /// `pre.active`, `stride` blocks from one row to the next; or adds it onto what is there.
    pub fn couple_group<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        layout: &GroupLayout,
        weight: &[Lanes<F>],
        per_count: F,
        silent: &[Lanes<F>; B],
        stride: usize,
        rows: &mut [Lanes<F>],
        add: bool,
    ) = couple_group_body
}

#[inline(always)]
fn send_down_silent_body<F: Real, I: Isa<F>>(
    isa: I,
    panel: &[Lanes<F>],
    counts: &[u32],
    to_firing: &[Lanes<F>],
    to_silent: &[Lanes<F>],
    down: &mut [F],
) {
    for ((row, &count), down) in panel.chunks_exact(to_firing.len()).zip(counts).zip(down) {
        let mut products = isa.zero();
        for (row, z) in row.iter().zip(if count > 0 { to_firing } else { to_silent }) {
            products = isa.add(products, isa.mul(isa.load(row), isa.load(z)));
        }
        *down += isa.sum(products);
    }
}

multiversion! {
    /// Adds sum_i w_ij x_i over the neurons of a panel onto `down[j]`, x being one vector for presynaptic neurons that
    /// fire and another for silent ones: what pairs with a silent neuron send down.
    pub fn send_down_silent<F: Real>(
        panel: &[Lanes<F>],
        counts: &[u32],
        to_firing: &[Lanes<F>],
        to_silent: &[Lanes<F>],
        down: &mut [F],
    ) = send_down_silent_body
}
