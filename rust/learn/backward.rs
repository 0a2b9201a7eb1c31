//! The backward pass of one layer: the adjoint solve a sample, the accumulation a block of neurons.

use super::traces::{
    AdjointTrace, Presynaptic, SendDown, add_s_psps, add_s_psps_and_send_down, couple_block,
};
use super::solve::{Solved, SolverScratch};
use super::{LayerGradients, StRsbp};
use crate::engine::{LayerSpikes, SampleSpikes};
use crate::network::{Layer, Recurrent};
use crate::real::Real;
use crate::simd::{LANES, LaneMask, Lanes, flat};

/// Adjoint state of one layer for one sample.
#[derive(Clone, Debug, Default)]
pub struct LayerAdjoint<F> {
    /// dLoss/da_i from above, (n_blocks); lanes beyond n_out are zero.
    pub delta: Vec<Lanes<F>>,
    /// The solution of M^T z = delta.
    pub z: Vec<Lanes<F>>,
    /// Whether any z is not zero: without, the layer and all below have no gradient.
    pub live: bool,
}

/// Buffers of a thread for the backward pass.
#[derive(Clone, Debug, Default)]
pub struct BackwardScratch<F> {
    trace: AdjointTrace<F>,
    solver: SolverScratch<F>,
    diagonal: Vec<F>,
}

impl LayerSpikes {
    fn presynaptic(&self) -> Presynaptic<'_> {
        Presynaptic { by_neuron: &self.by_neuron, active: &self.active }
    }

    fn block(&self, block: usize, n_steps: usize) -> &[LaneMask] {
        &self.fired[block * n_steps..(block + 1) * n_steps]
    }
}

/// Solves for z of one layer and sample. `one_minus_s` is indexed by firing count.
///
/// Returns how a recurrent layer's system was solved; `Err` says why it has no solution.
pub fn solve_layer<F: Real>(
    layer: &Layer<F>,
    spikes: &LayerSpikes,
    one_minus_s: &[F],
    rule: &StRsbp,
    adjoint: &mut LayerAdjoint<F>,
    scratch: &mut BackwardScratch<F>,
) -> Result<Option<Solved>, String> {
    let LayerAdjoint { delta, z, live } = adjoint;
    *live = flat(delta).iter().any(|&d| d != F::zero());
    z.clear();
    z.resize(delta.len(), Lanes::zero());
    if !*live {
        return Ok(None);
    }
    let BackwardScratch { trace, solver, diagonal } = scratch;
    diagonal.clear();
    diagonal.extend(spikes.counts().iter().map(|&count| one_minus_s[count as usize]));
    match layer.recurrent() {
        None => {
            for (i, &d) in diagonal.iter().enumerate() {
                z[i / LANES][i % LANES] = delta[i / LANES][i % LANES] / d;
            }
            Ok(None)
        }
        Some(recurrent) => {
            couple(layer, recurrent, spikes, rule, trace, &mut solver.coupling);
            solver.solve(layer.n_out(), diagonal, delta, rule.solver_tolerance, z).map(Some)
        }
    }
}

/// Writes r_ik (de_ik/do_k) / v_th of one sample, rows k.
fn couple<F: Real>(
    layer: &Layer<F>,
    recurrent: &Recurrent<F>,
    spikes: &LayerSpikes,
    rule: &StRsbp,
    trace: &mut AdjointTrace<F>,
    coupling: &mut Vec<Lanes<F>>,
) {
    let (n, n_blocks, n_steps) = (layer.n_out(), recurrent.weight().n_panels(), spikes.by_time.n_rows());
    let v_th = layer.lif().v_th;
    coupling.resize(n * n_blocks, Lanes::zero());
    let silent = F::from_f64(rule.silent_ratio) / v_th;
    for (k, row) in coupling.chunks_exact_mut(n_blocks).enumerate() {
        if spikes.counts()[k] == 0 {
            for (out, weight) in row.iter_mut().zip(&recurrent.rows()[k * n_blocks..]) {
                *out = weight.map(|r| r * silent);
            }
        }
    }
    for b in 0..n_blocks {
        let weight = recurrent.weight().panel(b);
        let trace = trace.compute(spikes.block(b, n_steps), &Lanes([F::one(); LANES]), layer.lif());
        couple_block(trace, spikes.presynaptic(), weight, v_th, b, n_blocks, coupling);
        if silent > F::zero() {
            let quiet = silent_lanes(spikes.counts(), b);
            if quiet != 0 {
                for &k in &spikes.active {
                    let (out, weight) = (&mut coupling[k as usize * n_blocks + b], &weight[k as usize]);
                    for l in 0..LANES {
                        out[l] = if quiet >> l & 1 == 1 { weight[l] * silent } else { out[l] };
                    }
                }
            }
        }
    }
}

/// Neurons of block `b` that did not fire.
fn silent_lanes(counts: &[u32], b: usize) -> LaneMask {
    let counts = &counts[b * LANES..counts.len().min((b + 1) * LANES)];
    counts.iter().enumerate().fold(0, |mask, (l, &count)| mask | LaneMask::from(count == 0) << l)
}

/// Adds one sample's gradients of the weights onto block `b` of layer `l`.
///
/// `down`, if the layer below is trained, gets what the block sends to it: dLoss/do_j of the neurons below, (n_in).
pub fn accumulate_block<F: Real>(
    layer: &Layer<F>,
    spikes: &SampleSpikes,
    l: usize,
    b: usize,
    z: &Lanes<F>,
    rule: &StRsbp,
    grad: (&mut [Lanes<F>], Option<&mut [Lanes<F>]>),
    down: Option<&mut [F]>,
    trace: &mut AdjointTrace<F>,
) {
    let (own, below) = (&spikes.layers[l], spikes.below(l));
    let n_steps = own.by_time.n_rows();
    let trace = trace.compute(own.block(b, n_steps), z, layer.lif());
    let (grad, recurrent_grad) = grad;
    match down {
        None => add_s_psps(trace, below.presynaptic(), grad),
        Some(out) => {
            let silent = F::from_f64(rule.silent_ratio);
            let quiet = silent_lanes(own.counts(), b);
            let silent_z = z.map(|z| z * silent);
            let silent_silent_z = Lanes(std::array::from_fn(|l| if quiet >> l & 1 == 1 { silent_z[l] } else { F::zero() }));
            let weight = layer.weight().panel(b);
            let with_silent = silent > F::zero();
            let mut down = SendDown { weight, silent_z, silent_silent_z, with_silent, out };
            add_s_psps_and_send_down(trace, below.presynaptic(), grad, &mut down);
        }
    }
    if let Some(grad) = recurrent_grad {
        add_s_psps(trace, own.presynaptic(), grad);
    }
}

/// Splits a layer's gradients into the blocks of neurons that [`accumulate_block`] works on.
pub fn split_blocks<F: Real>(grads: &mut LayerGradients<F>) -> Vec<(&mut [Lanes<F>], Option<&mut [Lanes<F>]>)> {
    let rows = grads.weight.panel_rows();
    let weight = grads.weight.data_mut().chunks_exact_mut(rows);
    match &mut grads.recurrent {
        None => weight.map(|block| (block, None)).collect(),
        Some(recurrent) => {
            let rows = recurrent.panel_rows();
            weight.zip(recurrent.data_mut().chunks_exact_mut(rows)).map(|(w, r)| (w, Some(r))).collect()
        }
    }
}
