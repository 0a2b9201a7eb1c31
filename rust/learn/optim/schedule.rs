//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_non_negative, check_positive};

/// What the learning rate is multiplied with as training goes on.
///
/// Every kind takes `warmup_epochs` (0 if left out): over that many epochs the factor also grows linearly from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// 1.
    Constant {
        /// Length of the warm-up, in epochs.
        #[serde(default)]
        warmup_epochs: f64,
    },
    /// `1 / sqrt(epoch)`, the first epoch being 1.
    InverseSqrt {
        /// Length of the warm-up, in epochs.
        #[serde(default)]
        warmup_epochs: f64,
    },
    /// Half a cosine from 1 down to `min_factor` over `epochs` epochs, `min_factor` from there on.
    Cosine {
        /// Length of the descent, in epochs.
        epochs: f64,
        /// Where it ends, in \[0, 1\].
        #[serde(default)]
        min_factor: f64,
        /// Length of the warm-up, in epochs.
        #[serde(default)]
        warmup_epochs: f64,
    },
    /// Multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs between two steps.
        every: u32,
        /// What a step multiplies with.
        factor: f64,
        /// Length of the warm-up, in epochs.
        #[serde(default)]
        warmup_epochs: f64,
    },
}

impl Schedule {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Constant { .. } | Self::InverseSqrt { .. } => {}
            Self::Cosine { epochs, min_factor, .. } => {
                check_positive("epochs", "", epochs)?;
                if !(0.0..=1.0).contains(&min_factor) {
                    return Err(Error::value("min_factor", "in [0, 1]", min_factor));
                }
            }
            Self::Step { every, factor, .. } => {
                if every == 0 {
                    return Err(Error::value("every", ">= 1 epoch", every));
                }
                check_positive("factor", "", factor)?;
            }
        }
        check_non_negative("warmup_epochs", "", self.warmup_epochs())
    }

    /// Returns the factor once `epoch` epochs are completed, as a fraction: 0 at the start, 1.5 in the middle of the second.
    ///
    /// `InverseSqrt` and `Step` change only between epochs, `Cosine` and the warm-up with every batch.
    pub fn factor(&self, epoch: f64) -> f64 {
        let base = match *self {
            Self::Constant { .. } => 1.0,
            Self::InverseSqrt { .. } => 1.0 / (epoch.floor() + 1.0).sqrt(),
            Self::Cosine { epochs, min_factor, .. } => {
                let descent = 0.5 * (1.0 + (std::f64::consts::PI * (epoch / epochs).min(1.0)).cos());
                min_factor + (1.0 - min_factor) * descent
            }
            Self::Step { every, factor, .. } => num_traits::pow(factor, (epoch / f64::from(every)).floor() as usize),
        };
        let warmup_epochs = self.warmup_epochs();
        if epoch < warmup_epochs { base * (epoch / warmup_epochs) } else { base }
    }

    /// Whether the factor only falls from here on, once `epochs` epochs are completed.
    pub fn has_warmed_up(&self, epochs: u32) -> bool {
        f64::from(epochs) >= self.warmup_epochs()
    }

    fn warmup_epochs(&self) -> f64 {
        match *self {
            Self::Constant { warmup_epochs }
            | Self::InverseSqrt { warmup_epochs }
            | Self::Cosine { warmup_epochs, .. }
            | Self::Step { warmup_epochs, .. } => warmup_epochs,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inverse_sqrt_counts_whole_epochs_from_one() {
        let schedule = Schedule::InverseSqrt { warmup_epochs: 0.0 };
        assert_eq!([0.0, 0.99, 3.0, 3.5, 8.0].map(|e| schedule.factor(e)), [1.0, 1.0, 0.5, 0.5, 1.0 / 3.0]);
    }

    #[test]
    fn step_multiplies_between_epochs() {
        let schedule = Schedule::Step { every: 2, factor: 0.5, warmup_epochs: 0.0 };
        assert_eq!([0.0, 1.9, 2.0, 3.9, 4.0, 7.0].map(|e| schedule.factor(e)), [1.0, 1.0, 0.5, 0.5, 0.25, 0.125]);
    }

    #[test]
    fn cosine_ends_at_its_minimum_and_stays() {
        let schedule = Schedule::Cosine { epochs: 10.0, min_factor: 0.1, warmup_epochs: 0.0 };
        assert_eq!(schedule.factor(0.0), 1.0);
        assert!((schedule.factor(5.0) - 0.55).abs() < 1e-15);
        assert_eq!([10.0, 10.5, 1e9].map(|e| schedule.factor(e)), [0.1; 3]);
    }

    #[test]
    fn warmup_is_linear() {
        let schedule = Schedule::Constant { warmup_epochs: 0.5 };
        assert_eq!([0.0, 0.125, 0.25, 0.5, 3.0].map(|e| schedule.factor(e)), [0.0, 0.25, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn errors_name_the_field() {
        let message = |schedule: Schedule| schedule.validate().unwrap_err().to_string();
        let cosine = |epochs, min_factor| Schedule::Cosine { epochs, min_factor, warmup_epochs: 0.0 };
        let step = |every, factor| Schedule::Step { every, factor, warmup_epochs: 0.0 };
        assert_eq!(message(cosine(0.0, 0.0)), "epochs must be finite and > 0, got 0");
        assert_eq!(message(cosine(5.0, 1.5)), "min_factor must be in [0, 1], got 1.5");
        assert_eq!(message(cosine(5.0, f64::NAN)), "min_factor must be in [0, 1], got NaN");
        assert_eq!(message(step(0, 0.5)), "every must be >= 1 epoch, got 0");
        assert_eq!(message(step(1, -0.5)), "factor must be finite and > 0, got -0.5");
        let warmup_epochs = f64::INFINITY;
        assert!(message(Schedule::InverseSqrt { warmup_epochs }).starts_with("warmup_epochs must be finite and >= 0"));
    }

    #[test]
    fn reads_its_kinds_and_refuses_unknown_fields() {
        let read = serde_json::from_str::<Schedule>;
        assert_eq!(read(r#"{"kind": "constant"}"#).unwrap(), Schedule::Constant { warmup_epochs: 0.0 });
        assert_eq!(
            read(r#"{"kind": "inverse_sqrt", "warmup_epochs": 1}"#).unwrap(),
            Schedule::InverseSqrt { warmup_epochs: 1.0 }
        );
        let cosine = Schedule::Cosine { epochs: 30.0, min_factor: 0.0, warmup_epochs: 0.0 };
        assert_eq!(read(r#"{"kind": "cosine", "epochs": 30}"#).unwrap(), cosine);
        assert!(read(r#"{"kind": "constant", "every": 3}"#).is_err());
        assert!(read(r#"{"kind": "step", "every": 3}"#).is_err());
    }

    proptest! {
        #[test]
        fn never_rises_after_warmup_nor_leaves_the_unit_interval(a in 0.0..50.0f64, b in 0.0..50.0f64, warmup_epochs in 0.0..5.0f64) {
            for schedule in [
                Schedule::Constant { warmup_epochs },
                Schedule::InverseSqrt { warmup_epochs },
                Schedule::Cosine { epochs: 20.0, min_factor: 0.02, warmup_epochs },
                Schedule::Step { every: 7, factor: 0.3, warmup_epochs },
            ] {
                schedule.validate().unwrap();
                let (early, late) = (warmup_epochs + a.min(b), warmup_epochs + a.max(b));
                prop_assert!(schedule.factor(early) >= schedule.factor(late));
                prop_assert!((0.0..=1.0).contains(&schedule.factor(a)));
            }
        }
    }
}
