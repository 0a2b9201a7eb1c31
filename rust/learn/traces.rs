//! S-PSPs by adjoint traces, and the loops that use them.
//!
//! A postsynaptic neuron is linear in its input between resets, so one spike of any presynaptic neuron at step s adds the
//! same amount g_i\[s\] to the T-PSP of neuron i, and e_ij = sum over the spikes s of j of g_i\[s\]. The trace g_i comes
//! from running the neuron's update backwards in time. See `learn/README.md`.
//!
//! Silent neurons have no S-PSPs. So the loops work on *groups* of firing neurons, whichever they are: up to 32, in one or
//! two blocks.

use crate::engine::kernels::sum_rows;
use crate::neuron::LifPropagator;
use crate::real::Real;
use crate::simd::{HALF, LANES, LaneMask, Lanes, Spread, flat, level, multiversion};
use crate::spikes::PaddedRows;

/// Most neurons of a group.
pub const GROUP: usize = 2 * LANES;

/// Adjoint trace of a group of neurons.
#[derive(Clone, Debug, Default)]
pub struct AdjointTrace<F> {
    /// scale_i g_i\[s\], (n_steps + 1, blocks), with a row of zeros at s = n_steps for padded lists.
    trace: Vec<Lanes<F>>,
    /// (n_steps, blocks)
    fired: Vec<LaneMask>,
    held: Vec<LaneMask>,
}

impl<F: Real> AdjointTrace<F> {
    /// Computes `scale[i] * g_i[s]` for the neurons of `group`, which fill at most B blocks and whose spikes `by_neuron`
    /// lists.
    pub fn compute<const B: usize>(
        &mut self,
        by_neuron: &PaddedRows,
        n_steps: usize,
        group: &[u32],
        scale: impl Fn(usize) -> F,
        lif: &LifPropagator<F>,
    ) -> &[Lanes<F>] {
        self.trace.resize((n_steps + 1) * B, Lanes::zero());
        for masks in [&mut self.fired, &mut self.held] {
            masks.clear();
            masks.resize(n_steps * B, 0);
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
            for (held, fired) in self.held[delay * B..].iter_mut().zip(&self.fired) {
                *held |= fired;
            }
        }
        run_backwards::<F, B>(&self.fired, &self.held, &scales, lif, &mut self.trace);
        &self.trace
    }
}

#[inline(always)]
fn run_backwards_body<F: Real, const B: usize>(
    fired: &[LaneMask],
    held: &[LaneMask],
    scale: &[Lanes<F>; B],
    lif: &LifPropagator<F>,
    trace: &mut [Lanes<F>],
) {
    let (fired, held, trace) = (fired.as_chunks::<B>().0, held.as_chunks::<B>().0, trace.as_chunks_mut::<B>().0);
    let n_steps = fired.len();
    let (held, trace) = (&held[..n_steps], &mut trace[..n_steps + 1]);
    trace[n_steps] = [Lanes::zero(); B];
    trace[n_steps - 1] = [Lanes::zero(); B];
    let (mut u, mut p) = ([Lanes::zero(); B], [Lanes::zero(); B]);
    for t in (1..n_steps).rev() {
        for b in 0..B {
            for l in 0..LANES {
                let decayed = lif.mem_decay * u[b][l];
                let free = if held[t][b] >> l & 1 == 1 { F::zero() } else { decayed };
                u[b][l] = if fired[t][b] >> l & 1 == 1 { scale[b][l] } else { free };
                p[b][l] = lif.syn_decay * p[b][l] + lif.mem_gain * u[b][l];
            }
        }
        trace[t - 1] = p;
    }
}

multiversion! {
    /// The adjoint of [`LifLanes::step`](crate::engine::kernels::LifLanes::step) over all steps.
    fn run_backwards<F: Real, const B: usize>(
        fired: &[LaneMask],
        held: &[LaneMask],
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

/// Where the values of a group's neurons belong among those of all neurons: in halves of blocks of 16.
#[derive(Clone, Debug, Default)]
pub struct GroupSpread {
    halves: Vec<SpreadHalf>,
}

#[derive(Clone, Copy, Debug)]
struct SpreadHalf {
    /// Block of the group that the values come from.
    from: usize,
    /// Half block that they come to.
    to: usize,
    spread: Spread,
}

impl GroupSpread {
    /// From the place of each neuron, ascending, counted in values.
    pub fn set(&mut self, places: impl Iterator<Item = usize>) {
        self.halves.clear();
        for (neuron, place) in places.enumerate() {
            let (from, to) = (neuron / LANES, place / HALF);
            if self.halves.last().is_none_or(|half| (half.from, half.to) != (from, to)) {
                self.halves.push(SpreadHalf { from, to, spread: Spread::none() });
            }
            let half = self.halves.last_mut().expect("just pushed");
            half.spread.set(place % HALF, neuron % LANES);
        }
    }
}

#[inline(always)]
fn s_psps_body<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, s_psps: &mut [Lanes<F>]) {
    for (&j, e) in pre.active.iter().zip(s_psps) {
        [*e] = sum_rows::<F, 1, 1>(trace, pre.by_neuron.padded(j as usize));
    }
}

multiversion! {
    /// scale_i e_ij for every neuron i of the group (lanes) and every presynaptic neuron j that fires.
    pub fn s_psps<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, s_psps: &mut [Lanes<F>]) = s_psps_body
}

#[inline(always)]
fn add_s_psps_body<F: Real, const B: usize>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    spread: &GroupSpread,
    stride: usize,
    sum: &mut [F],
) {
    let level = level();
    let sum = sum.as_chunks_mut::<HALF>().0;
    for &j in pre.active {
        let e = sum_rows::<F, B, B>(trace, pre.by_neuron.padded(j as usize));
        for half in &spread.halves {
            let sum = &mut sum[j as usize * stride + half.to];
            let e = half.spread.apply(&e[half.from % B], level);
            for l in 0..HALF {
                sum[l] += e[l];
            }
        }
    }
}

multiversion! {
    /// Adds scale_i e_ij onto `sum` for every neuron i of the group and every presynaptic neuron j; from one j to the
    /// next are `stride` halves of a block.
    pub fn add_s_psps<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        spread: &GroupSpread,
        stride: usize,
        sum: &mut [F],
    ) = add_s_psps_body
}

#[inline(always)]
fn add_s_psps_and_send_down_body<F: Real, const B: usize>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    spread: &GroupSpread,
    stride: usize,
    weight: &[F],
    sum: &mut [F],
    down: &mut [F],
) {
    let level = level();
    let (weight, sum) = (weight.as_chunks::<HALF>().0, sum.as_chunks_mut::<HALF>().0);
    for &j in pre.active {
        let j = j as usize;
        let e = sum_rows::<F, B, B>(trace, pre.by_neuron.padded(j));
        let mut sent = [F::zero(); HALF];
        for half in &spread.halves {
            let (weight, sum) = (&weight[j * stride + half.to], &mut sum[j * stride + half.to]);
            let e = half.spread.apply(&e[half.from % B], level);
            for l in 0..HALF {
                sum[l] += e[l];
                sent[l] += weight[l] * e[l];
            }
        }
        down[j] += sum_halves(sent) / F::from_f64(f64::from(pre.by_neuron.lengths()[j]));
    }
}

multiversion! {
    /// [`add_s_psps`] with scale z; also adds sum_i z_i w_ij e_ij / o_j over the group onto `down[j]`, the error signal
    /// of the layer below: the two need the same sums.
    pub fn add_s_psps_and_send_down<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        spread: &GroupSpread,
        stride: usize,
        weight: &[F],
        sum: &mut [F],
        down: &mut [F],
    ) = add_s_psps_and_send_down_body
}

/// Where the weights onto the neurons of a group lie: lane l of presynaptic neuron j at `start[l] + j * stride`.
#[derive(Clone, Copy, Debug)]
pub struct GroupLayout {
    start: [usize; GROUP],
    n: usize,
    stride: usize,
}

impl GroupLayout {
    /// From the start of each neuron's weights and the distance between presynaptic neurons.
    pub fn new(starts: impl Iterator<Item = usize>, stride: usize) -> Self {
        let mut layout = Self { start: [0; GROUP], n: 0, stride };
        for start in starts.take(GROUP) {
            layout.start[layout.n] = start;
            layout.n += 1;
        }
        layout
    }

    #[inline(always)]
    fn starts(&self) -> &[usize] {
        &self.start[..self.n]
    }
}

#[inline(always)]
fn couple_group_body<F: Real, const B: usize>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    layout: &GroupLayout,
    weight: &[F],
    per_count: F,
    silent: &[Lanes<F>; B],
    first: usize,
    columns: &mut [F],
) {
    let len = columns.len() / layout.n;
    for (&k, row) in pre.active.iter().zip(first..) {
        let k = k as usize;
        let e = sum_rows::<F, B, B>(trace, pre.by_neuron.padded(k));
        let per_spike = per_count / F::from_f64(f64::from(pre.by_neuron.lengths()[k]));
        let weight = &weight[k * layout.stride..];
        for (l, &start) in layout.starts().iter().enumerate() {
            columns[l * len + row] = weight[start] * (flat(&e)[l] * per_spike + flat(silent)[l]);
        }
    }
}

multiversion! {
    /// Writes r_ik (e_ik / o_k per_count + silent_i), for the neurons i of a group, into a column each; the rows, from
    /// `first` on, are the neurons k of `pre.active`.
    pub fn couple_group<F: Real, const B: usize>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        layout: &GroupLayout,
        weight: &[F],
        per_count: F,
        silent: &[Lanes<F>; B],
        first: usize,
        columns: &mut [F],
    ) = couple_group_body
}

#[inline(always)]
pub(super) fn sum_lanes<F: Real>(lanes: Lanes<F>) -> F {
    sum_halves(std::array::from_fn(|l| lanes[l] + lanes[l + HALF]))
}

#[inline(always)]
fn sum_halves<F: Real>(mut half: [F; HALF]) -> F {
    let mut width = HALF / 2;
    while width > 0 {
        for l in 0..width {
            half[l] += half[l + width];
        }
        width /= 2;
    }
    half[0]
}

#[inline(always)]
fn send_down_silent_body<F: Real>(
    panel: &[Lanes<F>],
    counts: &[u32],
    to_firing: &[Lanes<F>],
    to_silent: &[Lanes<F>],
    down: &mut [F],
) {
    for ((row, &count), down) in panel.chunks_exact(to_firing.len()).zip(counts).zip(down) {
        let mut products = Lanes::zero();
        for (row, z) in row.iter().zip(if count > 0 { to_firing } else { to_silent }) {
            for l in 0..LANES {
                products[l] += row[l] * z[l];
            }
        }
        *down += sum_lanes(products);
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
