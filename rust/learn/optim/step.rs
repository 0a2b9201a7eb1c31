//! One step of the optimizer, on all cores, panel by panel.

use rayon::ThreadPool;
use rayon::prelude::*;

use super::optimizer::{StepConstants, update};
use super::{ExponentialPenalty, OptimizerConfig};
use crate::learn::Gradients;
use crate::network::{Network, Panels, PanelsView, PanelsViewMut, Synapses};
use crate::simd::{Isa, LANES, Lanes, Real, array, flat, flat_mut, multiversion};

/// What a step does beside following the gradient.
#[derive(Clone, Copy, Debug)]
pub struct StepOptions<'a> {
    /// Optimizer.
    pub optimizer: &'a OptimizerConfig,
    /// Penalty on large weights.
    pub weight_penalty: Option<&'a ExponentialPenalty>,
    /// Weights are kept within +- this.
    pub weight_limit: Option<f64>,
    /// The gradient of all weights together is scaled down to at most this Euclidean norm.
    pub clip_norm: Option<f64>,
}

/// State of an optimizer: running means of the gradient and of its square, and the number of steps.
#[derive(Clone, Debug)]
pub struct Moments<F> {
    /// Steps taken.
    pub step: u64,
    /// First moment (the velocity of SGD).
    pub first: Gradients<F>,
    /// Second moment; `None` for SGD.
    pub second: Option<Gradients<F>>,
}

impl<F: Real> Moments<F> {
    /// Makes one of zeros.
    pub fn new(optimizer: &OptimizerConfig, net: &Network<F>) -> Self {
        let second = optimizer.has_second_moment().then(|| Gradients::zeros(net));
        Self { step: 0, first: Gradients::zeros(net), second }
    }
}

/// Adds the penalty, clips, and takes a step with learning rate `lr`; the Euclidean norm of the gradient before clipping.
///
/// A gradient that is not finite changes nothing: its norm says so.
pub fn apply_gradients<F: Real>(
    net: &mut Network<F>,
    grads: &mut Gradients<F>,
    moments: &mut Moments<F>,
    options: &StepOptions<'_>,
    lr: f64,
    pool: &ThreadPool,
) -> f64 {
    pool.install(|| {
        if let Some(penalty) = options.weight_penalty {
            for ((_, connection), mut grad) in net.trainable().zip(grads.parts_mut()) {
                add_penalty(penalty, connection.synapses(), &mut grad);
            }
        }
        let norm = squared_norm(net, grads).sqrt();
        if !norm.is_finite() {
            return norm;
        }
        moments.step += 1;
        let scale = options.clip_norm.map_or(1.0, |limit| if norm > limit { limit / norm } else { 1.0 });
        let constants = StepConstants::new(options.optimizer, moments.step, lr, scale, options.weight_limit);
        let mut seconds = moments.second.as_mut().map(|second| second.parts_mut());
        let connections = net.trainable_mut().zip(grads.parts()).zip(moments.first.parts_mut());
        for (((_, connection), grad), m) in connections {
            let v = seconds.as_mut().and_then(Iterator::next);
            connection.update_weight(|weight, mask| step_matrix(&constants, weight, grad, m, v, mask));
        }
        norm
    })
}

/// [`update`] is a plain loop over numbers, which the compiler vectorises well by itself.
#[inline(always)]
fn update_panel_body<F: Real, I: Isa<F>>(
    _: I,
    constants: &StepConstants<F>,
    weight: &mut [F],
    grad: &[F],
    m: &mut [F],
    v: &mut [F],
    mask: Option<&[F]>,
) {
    update(constants, weight, grad, m, v, mask);
}

multiversion! {
    fn update_panel<F: Real>(
        constants: &StepConstants<F>,
        weight: &mut [F],
        grad: &[F],
        m: &mut [F],
        v: &mut [F],
        mask: Option<&[F]>,
    ) = update_panel_body
}

fn step_matrix<F: Real>(
    constants: &StepConstants<F>,
    weight: &mut Panels<F>,
    grad: PanelsView<'_, F>,
    mut first: PanelsViewMut<'_, F>,
    mut second: Option<PanelsViewMut<'_, F>>,
    mask: Option<&Panels<F>>,
) {
    let len = weight.panel_len();
    let mut seconds: Vec<&mut [Lanes<F>]> = Vec::new();
    match &mut second {
        Some(second) => seconds.extend(second.data_mut().chunks_exact_mut(len)),
        None => seconds.resize_with(weight.n_panels(), || &mut []),
    }
    weight
        .data_mut()
        .par_chunks_exact_mut(len)
        .zip(first.data_mut().par_chunks_exact_mut(len))
        .zip(seconds)
        .enumerate()
        .with_max_len(1)
        .for_each(|(b, ((weight, m), v))| {
            let mask = mask.map(|mask| flat(mask.panel(b)));
            let grad = flat(grad.panel(b));
            let (weight, m, v) = (flat_mut(weight), flat_mut(m), flat_mut(v));
            update_panel(constants, weight, grad, m, v, mask);
        });
}

fn add_penalty<F: Real>(penalty: &ExponentialPenalty, synapses: &Synapses<F>, grad: &mut PanelsViewMut<'_, F>) {
    let weight = synapses.weight();
    let (len, blocks) = (weight.panel_len(), weight.panel_blocks());
    grad.data_mut().par_chunks_exact_mut(len).enumerate().for_each(|(b, grad)| {
        for block in 0..blocks {
            let weights = || weight.panel(b).iter().skip(block).step_by(blocks);
            let mut squares = [0.0; LANES];
            for row in weights() {
                for l in 0..LANES {
                    squares[l] += row[l].widen() * row[l].widen();
                }
            }
            let factor = squares.map(|sum| F::from_f64(penalty.factor(sum, synapses.n_in())));
            for (grad, row) in grad.iter_mut().skip(block).step_by(blocks).zip(weights()) {
                for l in 0..LANES {
                    grad[l] += factor[l] * row[l];
                }
            }
        }
    });
}

#[inline(always)]
fn sum_squares_body<F: Real, I: Isa<F>>(_: I, values: &[Lanes<F>], mask: Option<&[Lanes<F>]>) -> f64 {
    // In double precision, lane by lane: one running sum would wait for itself.
    let mut sums = [0.0; LANES];
    match mask {
        None => values.iter().for_each(|value| add_squares(&mut sums, value)),
        Some(mask) => values.iter().zip(mask).for_each(|(value, exists)| {
            add_squares(&mut sums, &Lanes(array(|l| value[l] * exists[l])));
        }),
    }
    sums.iter().sum()
}

#[inline(always)]
fn add_squares<F: Real>(sums: &mut [f64; LANES], value: &Lanes<F>) {
    for l in 0..LANES {
        sums[l] += value[l].widen() * value[l].widen();
    }
}

multiversion! {
    /// Returns the sum of the squares of values, those where a mask is 0 left out.
    fn sum_squares<F: Real>(values: &[Lanes<F>], mask: Option<&[Lanes<F>]>) -> f64 = sum_squares_body
}

/// Returns the sum of the squares of all gradients of synapses that exist.
fn squared_norm<F: Real>(net: &Network<F>, grads: &Gradients<F>) -> f64 {
    let square = |grad: PanelsView<'_, F>, mask: Option<&Panels<F>>| {
        let part = |b: usize| sum_squares(grad.panel(b), mask.map(|mask| mask.panel(b)));
        // Collected first: a parallel sum would depend on the number of threads.
        (0..grad.n_panels()).into_par_iter().map(part).collect::<Vec<f64>>().iter().sum::<f64>()
    };
    let mut sum = 0.0;
    for ((_, connection), grad) in net.trainable().zip(grads.parts()) {
        sum += square(grad, connection.synapses().mask());
    }
    sum
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
