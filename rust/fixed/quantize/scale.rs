//! What the largest integer weight stands for.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Scales tried for the least squared error: each this much smaller than the one before.
const NEXT: f64 = 0.97;

/// And how many: down to a fortieth of the largest weight.
const N_TRIED: usize = 122;

/// Number added to and taken from one in [-2^22, 2^22] to round it to the nearest integer, halves to the even one.
const ROUND: f32 = 12_582_912.0;

/// Partial sums of a loop.
const LANES: usize = 16;

/// Says what the largest integer weight stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scale {
    /// The largest magnitude.
    Max,
    /// That which `percent` of the magnitudes do not exceed.
    Percentile {
        /// In (0, 100].
        percent: f64,
    },
    /// That with the least squared error of all weights.
    Mse,
    /// A fraction of the largest magnitude, of each layer.
    Clip {
        /// In (0, 1].
        fractions: Vec<f64>,
    },
}

impl Scale {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn validate(&self) -> Result<()> {
        let inside = |x: f64, most: f64| x > 0.0 && x <= most;
        match self {
            Self::Percentile { percent } if !inside(*percent, 100.0) => {
                Err(Error::value("percentile", "in (0, 100]", percent))
            }
            Self::Clip { fractions } => match fractions.iter().position(|&fraction| !inside(fraction, 1.0)) {
                Some(l) => Err(Error::value(format!("clip[{l}]"), "in (0, 1]", fractions[l])),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Refuses fractions that are not one a layer.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_layers(&self, n_layers: usize) -> Result<()> {
        match self {
            Self::Clip { fractions } if fractions.len() != n_layers => {
                Err(Error::value("clip", format!("a fraction for each of the {n_layers} layers"), fractions.len()))
            }
            _ => Ok(()),
        }
    }
}

/// Returns what one of `levels` levels stands for, `None` if all weights are 0; reorders the weights.
pub fn level(weights: &mut [f32], levels: i32, scale: &Scale, layer: usize) -> Option<f64> {
    let largest = weights.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
    if largest == 0.0 {
        return None;
    }
    let level = f64::from(largest) / f64::from(levels);
    Some(match scale {
        Scale::Max => level,
        Scale::Percentile { percent } => {
            // Weights of 0 are those of synapses that do not exist.
            let n = weights.iter().filter(|&&w| w != 0.0).count();
            let at = weights.len() - n + ((percent / 100.0 * n as f64).ceil() as usize).clamp(1, n) - 1;
            let (_, found, _) = weights.select_nth_unstable_by(at, |a, b| a.abs().total_cmp(&b.abs()));
            f64::from(found.abs()) / f64::from(levels)
        }
        Scale::Mse => {
            let tried = (0..N_TRIED).map(|k| level * NEXT.powi(k as i32));
            let error = |level: f64| (squared_error(weights, level as f32, levels as f32), level);
            tried.map(error).fold((f64::INFINITY, level), |best, next| if next.0 < best.0 { next } else { best }).1
        }
        Scale::Clip { fractions } => fractions[layer] * level,
    })
}

/// Returns the sum of the squared errors of weights rounded to `level` times an integer in [-levels, levels].
fn squared_error(weights: &[f32], level: f32, levels: f32) -> f64 {
    let inverse = 1.0 / level;
    let mut sum = 0.0;
    for chunk in weights.chunks(64 * LANES) {
        let mut sums = [0.0f32; LANES];
        for part in chunk.chunks(LANES) {
            for (sum, &w) in sums.iter_mut().zip(part) {
                let rounded = (w * inverse).max(-levels).min(levels) + ROUND - ROUND;
                let error = w - rounded * level;
                *sum += error * error;
            }
        }
        sum += f64::from(sums.iter().sum::<f32>());
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_of_known_weights() {
        let weights = || vec![0.1f32, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 0.9, -10.0];
        let of = |scale: Scale| level(&mut weights(), 1, &scale, 1).unwrap();
        assert_eq!(of(Scale::Max), 10.0);
        assert_eq!(of(Scale::Percentile { percent: 90.0 }), f64::from(0.9f32));
        assert_eq!(of(Scale::Percentile { percent: 100.0 }), 10.0);
        assert_eq!(of(Scale::Clip { fractions: vec![1.0, 0.25] }), 2.5);
        assert_eq!(level(&mut [0.0, 0.0, 3.0, -1.0], 1, &Scale::Percentile { percent: 50.0 }, 0), Some(1.0));
        assert_eq!(level(&mut [0.0; 3], 7, &Scale::Mse, 0), None);
    }

    /// Three values for weights of +-1 and a little noise: the mean magnitude is best, within the step of the search.
    #[test]
    fn least_squared_error_is_found() {
        let mut weights: Vec<f32> =
            (0..1000).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 } + 0.1 * (i as f32).sin()).collect();
        weights[0] = 3.0;
        let found = level(&mut weights.clone(), 1, &Scale::Mse, 0).unwrap();
        assert!((found - 1.0).abs() < 0.02, "{found}");
        let error = |level: f64| squared_error(&weights, level as f32, 1.0);
        assert!(error(found) < error(1.1) && error(found) < error(0.9));
    }

    #[test]
    fn errors_name_the_field() {
        let message = |scale: Scale| scale.validate().map_err(|error| error.to_string());
        let percentile = |percent| message(Scale::Percentile { percent });
        assert_eq!((percentile(1e-9), percentile(100.0)), (Ok(()), Ok(())));
        for bad in [0.0, -1.0, 100.1, f64::NAN] {
            assert_eq!(percentile(bad), Err(format!("percentile must be in (0, 100], got {bad}")));
        }
        let clip = |fractions: &[f64]| message(Scale::Clip { fractions: fractions.to_vec() });
        assert_eq!(clip(&[1.0, 1e-9]), Ok(()));
        for bad in [0.0, 1.1, f64::NAN] {
            assert_eq!(clip(&[1.0, bad, 0.0]), Err(format!("clip[1] must be in (0, 1], got {bad}")));
        }
        assert_eq!((message(Scale::Max), message(Scale::Mse)), (Ok(()), Ok(())));
        let layers = |n| Scale::Clip { fractions: vec![0.5; 2] }.check_layers(n).map_err(|error| error.to_string());
        assert_eq!(layers(2), Ok(()));
        assert_eq!(layers(3), Err("clip must be a fraction for each of the 3 layers, got 2".to_owned()));
        Scale::Max.check_layers(3).unwrap();
    }
}
