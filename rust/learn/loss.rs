//! Losses on the firing counts of the output layer.

use serde::{Deserialize, Serialize};

use crate::error::{Result, check_non_negative, check_positive};
use crate::learn::Classes;
use crate::memory::filled;
use crate::simd::Real;

/// Says which rate-coded loss is meant, a function of the output counts and the label of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// `1/2 sum_i err_i^2`, `err_i = o_i - y_i`, or 0 where `|o_i - y_i| <= dead_zone`.
    ///
    /// The loss jumps at the edge of the dead zone; its gradient outside is that of the plain squared error, as in the
    /// experiments of the ST-RSBP paper.
    CountMse {
        /// Desired count of the labelled neuron, in spikes.
        target: f64,
        /// Desired count of every other neuron, in spikes.
        other: f64,
        /// Errors up to this size count as none, in spikes; 0 for the plain squared error.
        dead_zone: f64,
    },
    /// `-ln softmax(o / temperature)` of the labelled neuron.
    SoftmaxCrossEntropy {
        /// Counts are divided by this, in spikes.
        temperature: f64,
    },
}

impl Loss {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`](crate::error::Error::Value) naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::CountMse { target, other, dead_zone } => {
                check_non_negative("target", "spikes", target)?;
                check_non_negative("other", "spikes", other)?;
                check_non_negative("dead_zone", "spikes", dead_zone)
            }
            Self::SoftmaxCrossEntropy { temperature } => check_positive("temperature", "spikes", temperature),
        }
    }

    /// Returns the loss of a sample that has `n_steps` of the `of` steps that counts are meant for: of as many spikes fewer.
    #[must_use]
    pub fn of_length(self, n_steps: usize, of: usize) -> Self {
        if n_steps == of {
            return self;
        }
        let share = n_steps as f64 / of as f64;
        match self {
            Self::CountMse { target, other, dead_zone } => {
                Self::CountMse { target: target * share, other: other * share, dead_zone: dead_zone * share }
            }
            Self::SoftmaxCrossEntropy { temperature } => Self::SoftmaxCrossEntropy { temperature: temperature * share },
        }
    }

    /// Returns `weight` times the loss of one sample and writes its gradient.
    ///
    /// `counts` holds the spikes of each output neuron, (n_out); `d_counts`, (n_out), gets the derivative of the
    /// returned value with respect to them. Both are computed in double precision.
    ///
    /// # Panics
    /// If `label` is not below n_out or the lengths differ: labels are checked where they enter.
    pub fn evaluate<F: Real>(&self, counts: &[u32], label: usize, weight: f64, d_counts: &mut [F]) -> f64 {
        assert_eq!(counts.len(), d_counts.len());
        assert!(label < counts.len());
        match *self {
            Self::CountMse { target, other, dead_zone } => {
                let mut loss = 0.0;
                for (i, (&count, d)) in counts.iter().zip(d_counts).enumerate() {
                    let err = f64::from(count) - if i == label { target } else { other };
                    let err = if err.abs() <= dead_zone { 0.0 } else { err };
                    loss += 0.5 * err * err;
                    *d = F::from_f64(weight * err);
                }
                weight * loss
            }
            Self::SoftmaxCrossEntropy { temperature } => cross_entropy(counts, label, weight, temperature, d_counts),
        }
    }
}

/// Returns the sum of the losses of samples, by their output counts, (n_samples, n_out) row-major; `lengths` are those of samples of fewer
/// than the steps that counts are meant for.
///
/// # Errors
/// [`Error::Memory`](crate::error::Error::Memory).
///
/// # Panics
/// If there is not a class for each sample.
pub fn total_loss(loss: &Loss, counts: &[u32], classes: &Classes, lengths: Option<(&[u32], usize)>) -> Result<f64> {
    let n_out = counts.len() / classes.n_samples();
    let mut d_counts = filled("n_out", Some(n_out), 0.0f64)?;
    let mut total = 0.0;
    for (sample, counts) in counts.chunks_exact(n_out).enumerate() {
        let loss = lengths.map_or(*loss, |(lengths, n_steps)| loss.of_length(lengths[sample] as usize, n_steps));
        total += loss.evaluate(counts, classes.of(sample), 1.0, &mut d_counts);
    }
    Ok(total)
}

/// Computes cross-entropy relative to the largest count, so that nothing overflows; a confident loss and its gradient are summed
/// from the other neurons' small terms and not as a difference to 1, so that they keep their digits.
fn cross_entropy<F: Real>(counts: &[u32], label: usize, weight: f64, temperature: f64, d_counts: &mut [F]) -> f64 {
    let best = counts.iter().enumerate().fold(0, |best, (i, &count)| if count > counts[best] { i } else { best });
    let logit = |i: usize| (f64::from(counts[i]) - f64::from(counts[best])) / temperature;
    let sum_without =
        |left_out: usize| (0..counts.len()).filter(|&i| i != left_out).map(|i| logit(i).exp()).sum::<f64>();
    let rest = sum_without(best);
    let total = 1.0 + rest;
    let scale = weight / temperature;
    for (i, d) in d_counts.iter_mut().enumerate() {
        let slope = if i == label { -sum_without(label) / total } else { logit(i).exp() / total };
        *d = F::from_f64(scale * slope);
    }
    weight * (rest.ln_1p() - logit(label))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAPER: Loss = Loss::CountMse { target: 35.0, other: 5.0, dead_zone: 5.0 };

    fn evaluate(loss: Loss, counts: &[u32], label: usize, weight: f64) -> (f64, Vec<f64>) {
        let mut d = vec![f64::NAN; counts.len()];
        (loss.evaluate(counts, label, weight, &mut d), d)
    }

    #[test]
    fn mse_outside_and_inside_the_dead_zone() {
        // Errors: -15, +5 (edge of the zone: none), +6, -5 (none).
        let (loss, d) = evaluate(PAPER, &[20, 10, 11, 0], 0, 2.0);
        assert_eq!(loss, 225.0 + 36.0);
        assert_eq!(d, [-30.0, 0.0, 12.0, 0.0]);
        let plain = Loss::CountMse { target: 35.0, other: 5.0, dead_zone: 0.0 };
        assert_eq!(evaluate(plain, &[36, 5], 0, 1.0), (0.5, vec![1.0, 0.0]));
    }

    #[test]
    fn cross_entropy_of_equal_counts() {
        let (loss, d) = evaluate(Loss::SoftmaxCrossEntropy { temperature: 2.0 }, &[7; 4], 1, 1.0);
        assert!((loss - 4f64.ln()).abs() < 1e-15);
        assert_eq!(d, [0.125, -0.375, 0.125, 0.125]);
    }

    #[test]
    fn cross_entropy_keeps_its_digits_at_both_ends() {
        let loss = Loss::SoftmaxCrossEntropy { temperature: 1.0 };
        let (right, d) = evaluate(loss, &[100, 0], 0, 1.0);
        let small = (-100f64).exp();
        assert!((right / small - 1.0).abs() < 1e-12 && (d[0] / -small - 1.0).abs() < 1e-12);
        let (wrong, d) = evaluate(loss, &[u32::MAX, 0], 1, 1.0);
        assert_eq!((wrong, d), (f64::from(u32::MAX), vec![1.0, -1.0]));
    }

    #[test]
    fn the_mean_is_that_of_the_samples() {
        // Of samples one by one: 225 / 2 + 36 / 2 and 900 / 2 + 0.
        let classes = Classes::new(&[0u32, 0], 2).unwrap();
        assert_eq!(total_loss(&PAPER, &[20, 11, 5, 10], &classes, None).unwrap() / 2.0, (130.5 + 450.0) / 2.0);
    }

    #[test]
    fn errors_name_the_field() {
        let message = |loss: Loss| loss.validate().unwrap_err().to_string();
        assert_eq!(
            message(Loss::SoftmaxCrossEntropy { temperature: 0.0 }),
            "temperature must be finite and > 0 spikes, got 0"
        );
        let mse = |target, other, dead_zone| Loss::CountMse { target, other, dead_zone };
        assert!(message(mse(f64::NAN, 5.0, 0.0)).starts_with("target must be"));
        assert!(message(mse(35.0, f64::INFINITY, 0.0)).starts_with("other must be"));
        assert!(message(mse(35.0, 5.0, -1.0)).starts_with("dead_zone must be"));
        PAPER.validate().unwrap();
    }

    #[test]
    fn round_trips_through_json_and_refuses_unknown_fields() {
        let text = serde_json::to_string(&PAPER).unwrap();
        assert_eq!(text, r#"{"kind":"count_mse","target":35.0,"other":5.0,"dead_zone":5.0}"#);
        assert_eq!(serde_json::from_str::<Loss>(&text).unwrap(), PAPER);
        let soft: Loss = serde_json::from_str(r#"{"kind": "softmax_cross_entropy", "temperature": 8}"#).unwrap();
        assert_eq!(soft, Loss::SoftmaxCrossEntropy { temperature: 8.0 });
        assert!(serde_json::from_str::<Loss>(&text.replace("other", "others")).is_err());
    }

    proptest! {
        #[test]
        fn cross_entropy_gradient_is_its_derivative(
            counts in prop::collection::vec(0u32..60, 2..12), pick in 0usize..12, temperature in 0.5..20.0f64,
            weight in 0.0..3.0f64,
        ) {
            let label = pick % counts.len();
            let (loss, d) = evaluate(Loss::SoftmaxCrossEntropy { temperature }, &counts, label, weight);
            // The textbook formula, which is smooth in the counts.
            let at = |moved: usize, by: f64| {
                let logit = |i: usize| (f64::from(counts[i]) + if i == moved { by } else { 0.0 }) / temperature;
                weight * ((0..counts.len()).map(|i| logit(i).exp()).sum::<f64>().ln() - logit(label))
            };
            prop_assume!(counts.iter().all(|&c| f64::from(c) / temperature < 50.0));
            prop_assert!((loss - at(0, 0.0)).abs() < 1e-9);
            for (i, &d) in d.iter().enumerate() {
                let numeric = (at(i, 1e-4) - at(i, -1e-4)) / 2e-4;
                prop_assert!((d - numeric).abs() < 1e-7 + 1e-6 * d.abs(), "{i}: {d} {numeric}");
            }
            prop_assert!(d.iter().sum::<f64>().abs() < 1e-12);
        }

        #[test]
        fn types_agree(counts in prop::collection::vec(0u32..60, 2..12)) {
            for loss in [PAPER, Loss::SoftmaxCrossEntropy { temperature: 5.0 }] {
                let (value, double) = evaluate(loss, &counts, 1, 1.5);
                let mut single = vec![0f32; counts.len()];
                prop_assert_eq!(loss.evaluate(&counts, 1, 1.5, &mut single), value);
                prop_assert!(single.iter().zip(&double).all(|(&s, &d)| s == d as f32));
            }
        }
    }
}
