//! Optimizers: what the user sets, what one step precomputes, and the loop over the weights.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_non_negative, check_positive};
use crate::simd::Real;

/// An optimizer, with the update rules and names of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Adam (Kingma & Ba, ICLR 2015).
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the mean of the gradients.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
        /// Added to the root of the mean square.
        eps: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019).
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the mean of the gradients.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
        /// Added to the root of the mean square.
        eps: f64,
        /// Weights shrink by `lr * weight_decay` of themselves every step.
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Decay of the sum of the gradients; 0 for none.
        momentum: f64,
        /// Nesterov's form, which looks one step ahead.
        nesterov: bool,
    },
}

impl OptimizerConfig {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("lr", "", self.lr())?;
        match *self {
            Self::Adam { beta1, beta2, eps, .. } | Self::AdamW { beta1, beta2, eps, .. } => {
                check_decay("beta1", beta1)?;
                check_decay("beta2", beta2)?;
                check_positive("eps", "", eps)?;
                let Self::AdamW { lr, weight_decay, .. } = *self else { return Ok(()) };
                check_non_negative("weight_decay", "", weight_decay)?;
                if lr * weight_decay > 1.0 {
                    let expected = format!("<= 1/lr = {}, as weights change sign above", 1.0 / lr);
                    return Err(Error::value("weight_decay", expected, weight_decay));
                }
                Ok(())
            }
            Self::Sgd { momentum, nesterov, .. } => {
                check_decay("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::value("momentum", "> 0 with nesterov", momentum));
                }
                Ok(())
            }
        }
    }

    /// Checks the numbers that weights of type `F` are changed with.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first that is infinite or 0 in that type.
    pub fn validate_in<F: Real>(&self) -> Result<()> {
        let check = |name: &str, value: f64| {
            let narrow = F::from_f64(value);
            if narrow.is_finite() && narrow > F::zero() {
                return Ok(());
            }
            Err(Error::value(name, format!("finite and > 0 in {}", F::DTYPE), value))
        };
        check("lr", self.lr())?;
        match *self {
            // An eps that rounds to 0 has a meaning, see `adam_rule`.
            Self::Adam { eps, .. } | Self::AdamW { eps, .. } => check("eps", eps.max(1.0)),
            Self::Sgd { .. } => Ok(()),
        }
    }

    /// Returns the learning rate before the schedule.
    pub fn lr(&self) -> f64 {
        match *self {
            Self::Adam { lr, .. } | Self::AdamW { lr, .. } | Self::Sgd { lr, .. } => lr,
        }
    }

    /// Whether [`update`] uses its buffer `v`.
    pub fn has_second_moment(&self) -> bool {
        !matches!(self, Self::Sgd { .. })
    }
}

fn check_decay(name: &str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(Error::value(name, "in [0, 1)", value)) }
}

/// The numbers one step applies to every weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepConstants<F> {
    rule: Rule<F>,
    /// The gradient is multiplied with this first: below 1 where it is clipped.
    grad_scale: F,
    /// Weights stay in \[-weight_limit, weight_limit\].
    weight_limit: F,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule<F> {
    Adam {
        /// Decay and 1 - decay of the two means.
        m_decay: F,
        m_new: F,
        v_decay: F,
        v_new: F,
        /// Learning rate over the bias correction of the mean.
        step_size: F,
        /// 1 / sqrt of the bias correction of the mean square.
        root_scale: F,
        eps: F,
        /// 1 - lr * weight_decay.
        keep: F,
    },
    Sgd {
        lr: F,
        momentum: F,
        /// Shares of the gradient and of its decaying sum in the step.
        grad_share: F,
        sum_share: F,
    },
}

impl<F: Real> StepConstants<F> {
    /// Makes the constants of step number `step`, from 1.
    ///
    /// `lr` is the learning rate of this step, that of `config` times the schedule's factor. `grad_scale` is what the
    /// gradient is multiplied with before all else (1, or less to clip it), and weights are clamped to
    /// +-`weight_limit`.
    pub fn new(config: &OptimizerConfig, step: u64, lr: f64, grad_scale: f64, weight_limit: Option<f64>) -> Self {
        let rule = match *config {
            OptimizerConfig::Adam { beta1, beta2, eps, .. } => adam_rule(lr, beta1, beta2, eps, 0.0, step),
            OptimizerConfig::AdamW { beta1, beta2, eps, weight_decay, .. } => {
                adam_rule(lr, beta1, beta2, eps, weight_decay, step)
            }
            OptimizerConfig::Sgd { momentum, nesterov, .. } => {
                let (grad_share, sum_share) = if nesterov { (1.0, momentum) } else { (0.0, 1.0) };
                Rule::Sgd {
                    lr: F::from_f64(lr),
                    momentum: F::from_f64(momentum),
                    grad_share: F::from_f64(grad_share),
                    sum_share: F::from_f64(sum_share),
                }
            }
        };
        let weight_limit = weight_limit.map_or(F::infinity(), F::from_f64);
        Self { rule, grad_scale: F::from_f64(grad_scale), weight_limit }
    }
}

fn adam_rule<F: Real>(lr: f64, beta1: f64, beta2: f64, eps: f64, weight_decay: f64, step: u64) -> Rule<F> {
    // Repeated multiplication: the same bits on every machine, which a library's powf does not promise.
    let bias = |beta: f64| 1.0 - num_traits::pow(beta, step as usize);
    Rule::Adam {
        m_decay: F::from_f64(beta1),
        m_new: F::from_f64(1.0 - beta1),
        v_decay: F::from_f64(beta2),
        v_new: F::from_f64(1.0 - beta2),
        step_size: F::from_f64(lr / bias(beta1)),
        root_scale: F::from_f64(1.0 / bias(beta2).sqrt()),
        // An eps that rounds to 0 would make 0/0 of weights that never had a gradient.
        eps: F::from_f64(eps).max(F::min_positive_value()),
        keep: F::from_f64(1.0 - lr * weight_decay),
    }
}

/// Takes one step of the optimizer on a slice of weights.
///
/// All slices have the length of `weight`, but for `v`, which may be empty if
/// [`OptimizerConfig::has_second_moment`] says no. `m` and `v` start at 0. Where `mask` is 0 no synapse exists, and
/// its gradient is taken as 0. With g the scaled gradient:
///
/// ```text
/// Adam:   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
///         w = (1 - lr weight_decay) w - lr / (1 - beta1^step) m / (sqrt(v) / sqrt(1 - beta2^step) + eps)
/// SGD:    m = momentum m + g,  w = w - lr m        (nesterov: w - lr (g + momentum m))
/// ```
///
/// # Panics
/// If a slice is shorter than `weight`.
#[inline(always)]
pub fn update<F: Real>(
    constants: &StepConstants<F>,
    weight: &mut [F],
    grad: &[F],
    m: &mut [F],
    v: &mut [F],
    mask: Option<&[F]>,
) {
    match mask {
        None => update_where(constants, weight, grad, m, v, |_, grad| grad),
        Some(mask) => {
            let mask = &mask[..weight.len()];
            let masked = |i: usize, grad| if mask[i] == F::zero() { F::zero() } else { grad };
            update_where(constants, weight, grad, m, v, masked);
        }
    }
}

/// Runs the loops; slices are cut to one length beforehand so that no bounds are checked in them.
#[inline(always)]
fn update_where<F: Real>(
    constants: &StepConstants<F>,
    weight: &mut [F],
    grad: &[F],
    m: &mut [F],
    v: &mut [F],
    masked: impl Fn(usize, F) -> F,
) {
    let n = weight.len();
    let (grad, m) = (&grad[..n], &mut m[..n]);
    let StepConstants { rule, grad_scale, weight_limit: limit } = *constants;
    // Unlike `max` and `min`, these comparisons let a NaN through, so that it is seen.
    let clamp = |w: F| {
        let w = if w > limit { limit } else { w };
        if w < -limit { -limit } else { w }
    };
    match rule {
        Rule::Adam { m_decay, m_new, v_decay, v_new, step_size, root_scale, eps, keep } => {
            let v = &mut v[..n];
            for i in 0..n {
                let g = masked(i, grad[i] * grad_scale);
                m[i] = m_decay * m[i] + m_new * g;
                v[i] = v_decay * v[i] + v_new * (g * g);
                let step = step_size * (m[i] / (v[i].sqrt() * root_scale + eps));
                weight[i] = clamp(keep * weight[i] - step);
            }
        }
        Rule::Sgd { lr, momentum, grad_share, sum_share } => {
            for i in 0..n {
                let g = masked(i, grad[i] * grad_scale);
                m[i] = momentum * m[i] + g;
                weight[i] = clamp(weight[i] - lr * (grad_share * g + sum_share * m[i]));
            }
        }
    }
}

#[cfg(test)]
#[path = "optimizer_tests.rs"]
mod tests;
