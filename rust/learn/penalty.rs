//! The weight penalty of the ST-RSBP experiments.

use serde::{Deserialize, Serialize};

use crate::error::{Result, check_positive};

/// Largest exponent: e^30 = 1e13 is penalty enough, and its square still fits single precision inside Adam.
const MAX_EXPONENT: f64 = 30.0;

/// Penalises neurons with large incoming weights, `lam/2 exp(beta (sum_j w_ij^2 - 1))` for each neuron i.
///
/// The exponential weight regularisation of Lee, Delbruck & Pfeiffer, "Training Deep Spiking Neural Networks Using
/// Backpropagation", Frontiers in Neuroscience 2016, which the ST-RSBP paper refers to. The sum runs over the synapses of
/// one matrix: feed-forward and recurrent ones are penalised separately.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialPenalty {
    /// Strength lambda.
    pub lam: f64,
    /// How fast the penalty grows with the squared weights.
    pub beta: f64,
}

impl ExponentialPenalty {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`](crate::error::Error::Value) naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("lam", "", self.lam)?;
        check_positive("beta", "", self.beta)
    }

    /// The penalty of one neuron whose squared weights sum to `squares`.
    ///
    /// Beyond an exponent of 30 the exponential goes on as a straight line with the slope it has there, so that
    /// [`ExponentialPenalty::factor`] is the exact gradient everywhere and nothing overflows.
    pub fn value(&self, squares: f64) -> f64 {
        let exponent = self.beta * (squares - 1.0);
        let capped = exponent.min(MAX_EXPONENT);
        0.5 * self.lam * capped.exp() * (1.0 + (exponent - capped))
    }

    /// What a weight of a neuron whose squared weights sum to `squares` is multiplied with to give the penalty's
    /// gradient: `lam beta exp(beta (squares - 1))`, the exponent at most 30.
    pub fn factor(&self, squares: f64) -> f64 {
        self.lam * self.beta * (self.beta * (squares - 1.0)).min(MAX_EXPONENT).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unit_norm_costs_half_lambda() {
        let penalty = ExponentialPenalty { lam: 10.0, beta: 0.04 };
        assert_eq!(penalty.value(1.0), 5.0);
        assert!((penalty.factor(1.0) - 0.4).abs() < 1e-15);
        assert!((penalty.factor(26.0) - 0.4 * 1f64.exp()).abs() < 1e-14);
    }

    #[test]
    fn never_overflows() {
        let penalty = ExponentialPenalty { lam: 10.0, beta: 0.04 };
        let largest = penalty.factor(f64::MAX);
        assert_eq!(largest, penalty.factor(1e6));
        assert!((largest as f32).powi(2).is_finite() && penalty.value(1e200).is_finite());
    }

    #[test]
    fn errors_name_the_field() {
        let message = |lam, beta| ExponentialPenalty { lam, beta }.validate().unwrap_err().to_string();
        assert_eq!(message(0.0, 1.0), "lam must be finite and > 0, got 0");
        assert_eq!(message(1.0, f64::NAN), "beta must be finite and > 0, got NaN");
        assert!(serde_json::from_str::<ExponentialPenalty>(r#"{"lam": 1, "beta": 1, "kind": "exponential"}"#).is_err());
    }

    proptest! {
        #[test]
        fn gradient_is_its_derivative(weights in prop::collection::vec(-2.0..2.0f64, 1..60), beta in 0.01..1.0f64) {
            let penalty = ExponentialPenalty { lam: 3.0, beta };
            let squares = |moved: f64| weights[1..].iter().map(|w| w * w).sum::<f64>() + moved * moved;
            let h = 1e-5;
            let numeric = (penalty.value(squares(weights[0] + h)) - penalty.value(squares(weights[0] - h))) / (2.0 * h);
            let gradient = penalty.factor(squares(weights[0])) * weights[0];
            prop_assert!((gradient - numeric).abs() < 1e-6 * penalty.factor(squares(weights[0])));
        }
    }
}
