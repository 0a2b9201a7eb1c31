//! S-PSPs by adjoint traces, and the loops that use them.
//!
//! A postsynaptic neuron is linear in its input between resets, so one spike of any presynaptic neuron at step s adds the
//! same amount g_i\[s\] to the T-PSP of neuron i, and e_ij = sum over the spikes s of j of g_i\[s\]. The trace g_i comes
//! from running the neuron's update backwards in time. See `learn/README.md`.
//!
//! Silent neurons have no S-PSPs. So the loops work on *groups* of up to 16 firing neurons, whichever they are.

use crate::engine::kernels::sum_rows;
use crate::neuron::LifPropagator;
use crate::real::Real;
use crate::simd::{HALF, LANES, LaneMask, Lanes, Spread, level, multiversion};
use crate::spikes::PaddedRows;

/// Adjoint trace of a group of neurons.
#[derive(Clone, Debug, Default)]
pub struct AdjointTrace<F> {
    /// scale_i g_i\[s\], with a row of zeros at s = n_steps for padded lists.
    trace: Vec<Lanes<F>>,
    fired: Vec<LaneMask>,
    held: Vec<LaneMask>,
}

impl<F: Real> AdjointTrace<F> {
    /// Computes `scale[l] * g_i[s]` for the neurons i = `group[l]` (at most 16), whose spikes `by_neuron` lists.
    pub fn compute(
        &mut self,
        by_neuron: &PaddedRows,
        n_steps: usize,
        group: &[u32],
        scale: &Lanes<F>,
        lif: &LifPropagator<F>,
    ) -> &[Lanes<F>] {
        self.trace.resize(n_steps + 1, Lanes::zero());
        for masks in [&mut self.fired, &mut self.held] {
            masks.clear();
            masks.resize(n_steps, 0);
        }
        for (l, &neuron) in group.iter().enumerate() {
            for &t in by_neuron.row(neuron as usize) {
                self.fired[t as usize] |= 1 << l;
            }
        }
        for delay in 1..n_steps.min(lif.t_ref_steps as usize + 1) {
            for (held, fired) in self.held[delay..].iter_mut().zip(&self.fired) {
                *held |= fired;
            }
        }
        run_backwards(&self.fired, &self.held, scale, lif, &mut self.trace);
        &self.trace
    }
}

#[inline(always)]
fn run_backwards_body<F: Real>(
    fired: &[LaneMask],
    held: &[LaneMask],
    scale: &Lanes<F>,
    lif: &LifPropagator<F>,
    trace: &mut [Lanes<F>],
) {
    let n_steps = fired.len();
    let (held, trace) = (&held[..n_steps], &mut trace[..n_steps + 1]);
    trace[n_steps] = Lanes::zero();
    trace[n_steps - 1] = Lanes::zero();
    let (mut u, mut p) = (Lanes::zero(), Lanes::zero());
    for t in (1..n_steps).rev() {
        for l in 0..LANES {
            let decayed = lif.mem_decay * u[l];
            let free = if held[t] >> l & 1 == 1 { F::zero() } else { decayed };
            u[l] = if fired[t] >> l & 1 == 1 { scale[l] } else { free };
            p[l] = lif.syn_decay * p[l] + lif.mem_gain * u[l];
        }
        trace[t - 1] = p;
    }
}

multiversion! {
    /// The adjoint of [`LifLanes::step`](crate::engine::kernels::LifLanes::step) over all steps.
    fn run_backwards<F: Real>(
        fired: &[LaneMask],
        held: &[LaneMask],
        scale: &Lanes<F>,
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
    /// Number of the half block, and what comes there.
    halves: Vec<(usize, Spread)>,
}

impl GroupSpread {
    /// From the place of each neuron (at most 16), ascending, counted in values.
    pub fn set(&mut self, places: impl Iterator<Item = usize>) {
        self.halves.clear();
        for (from, place) in places.enumerate() {
            if self.halves.last().is_none_or(|&(half, _)| half != place / HALF) {
                self.halves.push((place / HALF, Spread::none()));
            }
            let (_, spread) = self.halves.last_mut().expect("just pushed");
            spread.set(place % HALF, from);
        }
    }
}

#[inline(always)]
fn s_psps_body<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, s_psps: &mut [Lanes<F>]) {
    for (&j, e) in pre.active.iter().zip(s_psps) {
        [*e] = sum_rows::<F, 1>(trace, pre.by_neuron.padded(j as usize));
    }
}

multiversion! {
    /// scale_i e_ij for every neuron i of the group (lanes) and every presynaptic neuron j that fires.
    pub fn s_psps<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, s_psps: &mut [Lanes<F>]) = s_psps_body
}

#[inline(always)]
fn add_s_psps_body<F: Real>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    spread: &GroupSpread,
    stride: usize,
    sum: &mut [F],
) {
    let level = level();
    let sum = sum.as_chunks_mut::<HALF>().0;
    for &j in pre.active {
        let [e] = sum_rows::<F, 1>(trace, pre.by_neuron.padded(j as usize));
        for (half, spread) in &spread.halves {
            let sum = &mut sum[j as usize * stride + half];
            let e = spread.apply(&e, level);
            for l in 0..HALF {
                sum[l] += e[l];
            }
        }
    }
}

multiversion! {
    /// Adds scale_i e_ij onto `sum` for every neuron i of the group and every presynaptic neuron j; from one j to the
    /// next are `stride` halves of a block.
    pub fn add_s_psps<F: Real>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        spread: &GroupSpread,
        stride: usize,
        sum: &mut [F],
    ) = add_s_psps_body
}

#[inline(always)]
fn add_s_psps_and_send_down_body<F: Real>(
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
        let [e] = sum_rows::<F, 1>(trace, pre.by_neuron.padded(j));
        let mut sent = [F::zero(); HALF];
        for (half, spread) in &spread.halves {
            let (weight, sum) = (&weight[j * stride + half], &mut sum[j * stride + half]);
            let e = spread.apply(&e, level);
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
    pub fn add_s_psps_and_send_down<F: Real>(
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
    start: [usize; LANES],
    n: usize,
    stride: usize,
}

impl GroupLayout {
    /// From the start of each neuron's weights (at most 16) and the distance between presynaptic neurons.
    pub fn new(starts: impl Iterator<Item = usize>, stride: usize) -> Self {
        let mut layout = Self { start: [0; LANES], n: 0, stride };
        for start in starts.take(LANES) {
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
fn couple_group_body<F: Real>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    layout: &GroupLayout,
    weight: &[F],
    per_count: F,
    silent: &Lanes<F>,
    column: usize,
    coupling: &mut [Lanes<F>],
) {
    let n_columns = coupling.len() / pre.active.len();
    for (&k, row) in pre.active.iter().zip(coupling.chunks_exact_mut(n_columns)) {
        let k = k as usize;
        let [e] = sum_rows::<F, 1>(trace, pre.by_neuron.padded(k));
        let per_spike = per_count / F::from_f64(f64::from(pre.by_neuron.lengths()[k]));
        let weight = &weight[k * layout.stride..];
        for (l, &start) in layout.starts().iter().enumerate() {
            row[column][l] = weight[start] * (e[l] * per_spike + silent[l]);
        }
    }
}

multiversion! {
    /// Writes r_ik (e_ik / o_k per_count + silent_i), for the neurons i of a group, into column `column` of `coupling`,
    /// whose rows are the neurons k of `pre.active`.
    pub fn couple_group<F: Real>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        layout: &GroupLayout,
        weight: &[F],
        per_count: F,
        silent: &Lanes<F>,
        column: usize,
        coupling: &mut [Lanes<F>],
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
