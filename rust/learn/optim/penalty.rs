//! The weight penalty of the ST-RSBP experiments.

use serde::{Deserialize, Serialize};

use crate::error::{Result, check_positive};

/// Largest exponent: e^30 = 1e13 is penalty enough, and its square still fits single precision inside Adam.
const MAX_EXPONENT: f64 = 30.0;

/// Penalises neurons with large incoming weights: with v = w / scale, its gradient is
/// `lam beta v_ij exp(beta (mean_j v_ij^2 - 1))`.
///
/// The exponential weight regularisation of Lee, Delbruck & Pfeiffer, "Training Deep Spiking Neural Networks Using
/// Backpropagation", Frontiers in Neuroscience 2016, in the form of the ST-RSBP authors' program: there weights are counted
/// in units of their limit of 8, lam is 10 and beta 0.04, and the mean of the squares replaces their sum. (Theirs divides by
/// n_in + 1, counting a bias.) At such values the exponential hardly moves and the penalty is a plain weight decay. The
/// mean runs over one matrix: feed-forward and recurrent synapses are penalised separately.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialPenalty {
    /// Strength lambda.
    pub lam: f64,
    /// How fast the penalty grows with the squared weights.
    pub beta: f64,
    /// What weights are counted in.
    pub scale: f64,
}

impl ExponentialPenalty {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`](crate::error::Error::Value) naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("lam", "", self.lam)?;
        check_positive("beta", "", self.beta)?;
        check_positive("scale", "", self.scale)
    }

    /// Returns the penalty of one neuron whose `n` squared weights sum to `squares`.
    ///
    /// Beyond an exponent of 30 the exponential goes on as a straight line with the slope it has there, so that
    /// [`ExponentialPenalty::factor`] is the exact gradient everywhere and nothing overflows.
    pub fn value(&self, squares: f64, n: usize) -> f64 {
        let exponent = self.exponent(squares, n);
        let capped = exponent.min(MAX_EXPONENT);
        0.5 * self.lam * self.scale * n as f64 * capped.exp() * (1.0 + (exponent - capped))
    }

    /// Returns what a weight of a neuron whose `n` squared weights sum to `squares` is multiplied with to give the penalty's
    /// gradient; the exponent is at most 30.
    pub fn factor(&self, squares: f64, n: usize) -> f64 {
        self.lam * self.beta / self.scale * self.exponent(squares, n).min(MAX_EXPONENT).exp()
    }

    fn exponent(&self, squares: f64, n: usize) -> f64 {
        self.beta * (squares / (self.scale * self.scale * n as f64) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AUTHORS: ExponentialPenalty = ExponentialPenalty { lam: 10.0, beta: 0.04, scale: 8.0 };

    #[test]
    fn weights_at_the_scale_have_exponent_zero() {
        // Five weights of 8: the mean of (w/8)^2 is 1.
        assert!((AUTHORS.value(5.0 * 64.0, 5) - 0.5 * 10.0 * 8.0 * 5.0).abs() < 1e-12);
        assert!((AUTHORS.factor(5.0 * 64.0, 5) - 10.0 * 0.04 / 8.0).abs() < 1e-15);
        assert!((AUTHORS.factor(26.0 * 5.0 * 64.0, 5) - 0.05 * 1f64.exp()).abs() < 1e-14);
    }

    #[test]
    fn never_overflows() {
        let largest = AUTHORS.factor(f64::MAX, 1);
        assert_eq!(largest, AUTHORS.factor(1e9, 1));
        assert!((largest as f32).powi(2).is_finite() && AUTHORS.value(1e200, 1).is_finite());
    }

    #[test]
    fn errors_name_the_field() {
        let message = |lam, beta, scale| ExponentialPenalty { lam, beta, scale }.validate().unwrap_err().to_string();
        assert_eq!(message(0.0, 1.0, 1.0), "lam must be finite and > 0, got 0");
        assert_eq!(message(1.0, f64::NAN, 1.0), "beta must be finite and > 0, got NaN");
        assert_eq!(message(1.0, 1.0, -1.0), "scale must be finite and > 0, got -1");
        assert!(
            serde_json::from_str::<ExponentialPenalty>(r#"{"lam": 1, "beta": 1, "scale": 1, "kind": "x"}"#).is_err()
        );
    }

    proptest! {
        #[test]
        fn gradient_is_its_derivative(
            weights in prop::collection::vec(-2.0..2.0f64, 1..60), beta in 0.01..1.0f64, scale in 0.5..8.0f64
        ) {
            let penalty = ExponentialPenalty { lam: 3.0, beta, scale };
            let n = weights.len();
            let squares = |moved: f64| weights[1..].iter().map(|w| w * w).sum::<f64>() + moved * moved;
            let value = |moved: f64| penalty.value(squares(moved), n);
            let h = 1e-5;
            let numeric = (value(weights[0] + h) - value(weights[0] - h)) / (2.0 * h);
            let factor = penalty.factor(squares(weights[0]), n);
            prop_assert!((factor * weights[0] - numeric).abs() < 1e-4 * factor);
        }
    }
}
