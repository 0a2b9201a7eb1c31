//! S-PSPs by adjoint traces, and the loops that use them.
//!
//! A postsynaptic neuron is linear in its input between resets, so one spike of any presynaptic neuron at step s adds the
//! same amount g_i\[s\] to the T-PSP of neuron i, and e_ij = sum over the spikes s of j of g_i\[s\]. The trace g_i comes
//! from running the neuron's update backwards in time. See `learn/README.md`.

use crate::engine::kernels::sum_rows;
use crate::neuron::LifPropagator;
use crate::real::Real;
use crate::simd::{LANES, LaneMask, Lanes, multiversion};
use crate::spikes::PaddedRows;

/// Adjoint trace of a block of neurons.
#[derive(Clone, Debug, Default)]
pub struct AdjointTrace<F> {
    /// scale_i g_i\[s\], with a row of zeros at s = n_steps for padded lists.
    trace: Vec<Lanes<F>>,
    held: Vec<LaneMask>,
}

impl<F: Real> AdjointTrace<F> {
    /// Computes `scale[i] * g_i[s]` for the block whose spikes are `fired`.
    pub fn compute(&mut self, fired: &[LaneMask], scale: &Lanes<F>, lif: &LifPropagator<F>) -> &[Lanes<F>] {
        let n_steps = fired.len();
        self.trace.resize(n_steps + 1, Lanes::zero());
        self.held.clear();
        self.held.resize(n_steps, 0);
        let t_ref = lif.t_ref_steps as usize;
        for (t, &mask) in fired.iter().enumerate().filter(|&(_, &mask)| mask != 0) {
            let end = n_steps.min(t + 1 + t_ref);
            self.held[t + 1..end.max(t + 1)].iter_mut().for_each(|held| *held |= mask);
        }
        backward_block(fired, &self.held, scale, lif, &mut self.trace);
        &self.trace
    }
}

#[inline(always)]
fn backward_block_body<F: Real>(
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
    fn backward_block<F: Real>(
        fired: &[LaneMask],
        held: &[LaneMask],
        scale: &Lanes<F>,
        lif: &LifPropagator<F>,
        trace: &mut [Lanes<F>],
    ) = backward_block_body
}

/// Presynaptic spikes, as the loops below read them.
#[derive(Clone, Copy, Debug)]
pub struct Presynaptic<'a> {
    /// Steps at which each neuron fires.
    pub by_neuron: &'a PaddedRows,
    /// Neurons that fire at all.
    pub active: &'a [u32],
}

#[inline(always)]
fn add_s_psps_body<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, sum: &mut [Lanes<F>]) {
    for &j in pre.active {
        let e = sum_rows(trace, pre.by_neuron.padded(j as usize));
        let sum = &mut sum[j as usize];
        for l in 0..LANES {
            sum[l] += e[l];
        }
    }
}

multiversion! {
    /// Adds scale_i e_ij to row j of `sum` for every presynaptic neuron j.
    pub fn add_s_psps<F: Real>(trace: &[Lanes<F>], pre: Presynaptic<'_>, sum: &mut [Lanes<F>]) = add_s_psps_body
}

/// What a block of neurons sends down to the layer below, see [`add_s_psps_and_send_down`].
#[derive(Debug)]
pub struct SendDown<'a, F> {
    /// Weights of the block, row j for presynaptic neuron j.
    pub weight: &'a [Lanes<F>],
    /// silent_ratio * z_i for all neurons of the block: reaches silent presynaptic neurons.
    pub silent_z: Lanes<F>,
    /// silent_ratio * z_i for the silent neurons of the block: reaches firing presynaptic neurons.
    pub silent_silent_z: Lanes<F>,
    /// Whether `silent_ratio` is not 0.
    pub with_silent: bool,
    /// sum_i z_i w_ij de_ij/do_j over the block, for every presynaptic neuron j.
    pub out: &'a mut [F],
}

#[inline(always)]
fn dot<F: Real>(a: &Lanes<F>, b: &Lanes<F>) -> F {
    let mut products = Lanes::zero();
    for l in 0..LANES {
        products[l] = a[l] * b[l];
    }
    sum_lanes(products)
}

#[inline(always)]
pub(super) fn sum_lanes<F: Real>(mut lanes: Lanes<F>) -> F {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes.0[l] += lanes.0[l + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn add_s_psps_and_send_down_body<F: Real>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    sum: &mut [Lanes<F>],
    down: &mut SendDown<'_, F>,
) {
    let n_in = down.out.len();
    let (sum, weight) = (&mut sum[..n_in], &down.weight[..n_in]);
    if down.with_silent {
        for j in 0..n_in {
            down.out[j] = dot(&weight[j], &down.silent_z);
        }
    } else {
        down.out.fill(F::zero());
    }
    for &j in pre.active {
        let j = j as usize;
        let e = sum_rows(trace, pre.by_neuron.padded(j));
        for l in 0..LANES {
            sum[j][l] += e[l];
        }
        let count = F::from_f64(f64::from(pre.by_neuron.lengths()[j]));
        let mut sent = dot(&weight[j], &e) / count;
        if down.with_silent {
            sent += dot(&weight[j], &down.silent_silent_z);
        }
        down.out[j] = sent;
    }
}

multiversion! {
    /// [`add_s_psps`], and the error signal for the layer below: the two need the same sums.
    pub fn add_s_psps_and_send_down<F: Real>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        sum: &mut [Lanes<F>],
        down: &mut SendDown<'_, F>,
    ) = add_s_psps_and_send_down_body
}

#[inline(always)]
fn couple_block_body<F: Real>(
    trace: &[Lanes<F>],
    pre: Presynaptic<'_>,
    weight: &[Lanes<F>],
    v_th: F,
    block: usize,
    n_blocks: usize,
    coupling: &mut [Lanes<F>],
) {
    for &k in pre.active {
        let k = k as usize;
        let e = sum_rows(trace, pre.by_neuron.padded(k));
        let per_spike = F::one() / (F::from_f64(f64::from(pre.by_neuron.lengths()[k])) * v_th);
        let (out, weight) = (&mut coupling[k * n_blocks + block], &weight[k]);
        for l in 0..LANES {
            out[l] = weight[l] * e[l] * per_spike;
        }
    }
}

multiversion! {
    /// Writes r_ik (e_ik / o_k) / v_th for a block of neurons i into column `block` of `coupling`, rows k.
    pub fn couple_block<F: Real>(
        trace: &[Lanes<F>],
        pre: Presynaptic<'_>,
        weight: &[Lanes<F>],
        v_th: F,
        block: usize,
        n_blocks: usize,
        coupling: &mut [Lanes<F>],
    ) = couple_block_body
}
