//! Distributions of initial weights.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_non_negative, check_positive};
use crate::memory::{filled, product};
use crate::neuron::PerNeuron;
use crate::rng::{generator, uniform};
use crate::simd::Real;
use crate::stop::{check, is_stopped};

/// Weights drawn between two looks at whether to stop: an even number, as normal ones come in pairs.
const CHUNK: usize = 1 << 14;

/// Distribution of the initial weights of a layer; they are drawn independently.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Init {
    /// Uniform in \[low, high\]; the ST-RSBP paper has (-1, 1).
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// All weights the same.
    Constant {
        /// Their value.
        value: f64,
    },
    /// Uniform in +-`gain * sqrt(3 / n_in)`: standard deviation `gain / sqrt(n_in)` whatever the number of inputs (He et
    /// al., ICCV 2015).
    KaimingUniform {
        /// Standard deviation of a neuron's summed input, for independent inputs of unit variance.
        gain: f64,
    },
    /// Uniform in \[low, high\] times the threshold of the neuron; only of layers.
    UniformOfThreshold {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

impl Init {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Uniform { low, high } | Self::UniformOfThreshold { low, high } => {
                check_finite("low", low)?;
                check_finite("high", high)?;
                if high < low {
                    return Err(Error::value("high", format!(">= low = {low}"), high));
                }
                if !(high - low).is_finite() {
                    return Err(Error::value("high", format!("a finite distance above low = {low}"), high));
                }
                Ok(())
            }
            Self::Normal { mean, std } => {
                check_finite("mean", mean)?;
                check_non_negative("std", "", std)
            }
            Self::Constant { value } => check_finite("value", value),
            Self::KaimingUniform { gain } => check_positive("gain", "", gain),
        }
    }

    /// Draws the weights of `n_out` neurons of threshold 1 with `n_in` inputs each: (n_out, n_in), row-major.
    ///
    /// # Errors
    /// Those of [`fill_of`](Self::fill_of).
    pub fn fill<F: Real>(&self, n_out: usize, n_in: usize, seed: u64, stream: u64) -> Result<Vec<F>> {
        self.fill_of(&PerNeuron::Same(1.0), [n_out, n_in], [seed, stream])
    }

    /// Draws the weights of `n_out` neurons with these thresholds and `n_in` inputs each: (n_out, n_in), row-major.
    ///
    /// Drawn in double precision from stream `stream` of `seed` and rounded, so that both types start from the same
    /// weights; the same on every machine, but for the last bit of the C library's ln and cos in normal draws.
    ///
    /// # Errors
    /// Those of [`Init::validate`]; [`Error::Value`] if a weight is too large for type `F`; [`Error::Memory`].
    pub fn fill_of<F: Real>(
        &self,
        v_th: &PerNeuron<f64>,
        [n_out, n_in]: [usize; 2],
        [seed, stream]: [u64; 2],
    ) -> Result<Vec<F>> {
        self.validate()?;
        let mut values = filled("n_out * n_in", product(&[n_out, n_in]), F::zero())?;
        let mut rng = generator(seed, stream);
        match *self {
            Self::UniformOfThreshold { low, high } => {
                for (i, row) in values.chunks_exact_mut(n_in).enumerate() {
                    let v_th = v_th.get(i);
                    Self::Uniform { low: low * v_th, high: high * v_th }.fill_with(row, n_in, &mut rng);
                }
            }
            _ => self.fill_with(&mut values, n_in, &mut rng),
        }
        check()?;
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(values),
            Some(value) => Err(Error::value("init", format!("of weights in the range of {}", F::DTYPE), value.widen())),
        }
    }

    /// Draws `values` one after the other, of neurons with `n_in` inputs; nothing is checked. Work that is to stop leaves the
    /// rest as it was.
    pub(crate) fn fill_with<F: Real>(&self, values: &mut [F], n_in: usize, rng: &mut ChaCha8Rng) {
        for values in values.chunks_mut(CHUNK) {
            if is_stopped() {
                return;
            }
            self.fill_chunk(values, n_in, rng);
        }
    }

    fn fill_chunk<F: Real>(&self, values: &mut [F], n_in: usize, rng: &mut ChaCha8Rng) {
        match *self {
            // Of the latter as with a threshold of 1.
            Self::Uniform { low, high } | Self::UniformOfThreshold { low, high } => {
                draw_uniform(values, low, high, rng)
            }
            Self::Normal { mean, std } => draw_normal(values, mean, std, rng),
            Self::Constant { value } => values.fill(F::from_f64(value)),
            Self::KaimingUniform { gain } => {
                let bound = gain * (3.0 / n_in as f64).sqrt();
                draw_uniform(values, -bound, bound, rng);
            }
        }
    }
}

fn check_finite(name: &str, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::value(name, "finite", value)) }
}

fn draw_uniform<F: Real>(values: &mut [F], low: f64, high: f64, rng: &mut ChaCha8Rng) {
    values.iter_mut().for_each(|value| *value = F::from_f64(low + (high - low) * uniform(rng)));
}

/// Draws by Box-Muller, both values of a pair used.
fn draw_normal<F: Real>(values: &mut [F], mean: f64, std: f64, rng: &mut ChaCha8Rng) {
    for pair in values.chunks_mut(2) {
        // 1 - u is in (0, 1], so that the logarithm is finite.
        let radius = std * (-2.0 * (1.0 - uniform(rng)).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * uniform(rng)).sin_cos();
        let both = [F::from_f64(mean + radius * cos), F::from_f64(mean + radius * sin)];
        pair.copy_from_slice(&both[..pair.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, standard deviation and the share within one standard deviation of the mean.
    fn moments(values: &[f64]) -> (f64, f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        (mean, std, values.iter().filter(|v| (*v - mean).abs() < std).count() as f64 / n)
    }

    #[test]
    fn uniform_fills_its_interval() {
        let values: Vec<f64> = Init::Uniform { low: -1.0, high: 3.0 }.fill(400, 784, 1, 0).unwrap();
        assert_eq!(values.len(), 400 * 784);
        assert!(values.iter().all(|v| (-1.0..3.0).contains(v)));
        let (mean, std, within) = moments(&values);
        // Four standard errors: the distribution's own is 4/sqrt(12) = 1.155.
        assert!((mean - 1.0).abs() < 4.0 * 1.155 / 560.0, "{mean}");
        assert!((std - 1.1547).abs() < 0.006, "{std}");
        assert!((within - 1.0 / 3f64.sqrt()).abs() < 0.004, "{within}");
    }

    #[test]
    fn normal_has_its_moments() {
        // An odd number, so that half a pair is left over.
        let values: Vec<f64> = Init::Normal { mean: 0.5, std: 2.0 }.fill(401, 785, 1, 0).unwrap();
        assert_eq!(values.len(), 401 * 785);
        let (mean, std, within) = moments(&values);
        assert!((mean - 0.5).abs() < 4.0 * 2.0 / 561.0, "{mean}");
        assert!((std - 2.0).abs() < 4.0 * 2.0 / (561.0 * 2f64.sqrt()), "{std}");
        assert!((within - 0.6827).abs() < 0.0034, "{within}");
    }

    #[test]
    fn kaiming_scales_with_the_inputs() {
        for n_in in [12, 300] {
            let values: Vec<f64> = Init::KaimingUniform { gain: 2.0 }.fill(1000, n_in, 1, 0).unwrap();
            let bound = 2.0 * (3.0 / n_in as f64).sqrt();
            assert!(values.iter().all(|v| v.abs() <= bound));
            assert!((moments(&values).1 * (n_in as f64).sqrt() - 2.0).abs() < 0.04);
        }
    }

    /// Of thresholds of powers of two, to the last bit.
    #[test]
    fn rows_are_scaled_by_their_thresholds() {
        let init = Init::UniformOfThreshold { low: -0.25, high: 0.75 };
        let plain: Vec<f32> = Init::Uniform { low: -0.25, high: 0.75 }.fill(3, 50, 1, 0).unwrap();
        let each: Vec<f32> = init.fill_of(&PerNeuron::Each(vec![0.5, 8.0, 1.0]), [3, 50], [1, 0]).unwrap();
        let scaled: Vec<f32> = plain.iter().enumerate().map(|(at, w)| [0.5, 8.0, 1.0][at / 50] * w).collect();
        assert_eq!(each, scaled);
        assert_eq!(init.fill::<f32>(3, 50, 1, 0).unwrap(), plain);
    }

    #[test]
    fn both_types_start_from_the_same_weights() {
        for init in [
            Init::Uniform { low: -1.0, high: 1.0 },
            Init::Normal { mean: 0.0, std: 1.0 },
            Init::Constant { value: 0.1 },
            Init::KaimingUniform { gain: 1.0 },
        ] {
            let double: Vec<f64> = init.fill(7, 5, 3, 1).unwrap();
            let single: Vec<f32> = init.fill(7, 5, 3, 1).unwrap();
            assert!(single.iter().zip(&double).all(|(&s, &d)| s == d as f32));
        }
    }

    #[test]
    fn values_are_pinned() {
        // A change of these changes every run: bump the version of the network's file if it is meant.
        let values: Vec<f32> = Init::Uniform { low: -1.0, high: 1.0 }.fill(1, 3, 0, 0).unwrap();
        assert_eq!(values, PINNED);
        let other: Vec<f32> = Init::Uniform { low: -1.0, high: 1.0 }.fill(1, 3, 0, 1).unwrap();
        assert_ne!(values, other);
    }

    const PINNED: [f32; 3] = [0.41815084, -0.068156555, 0.3982865];

    #[test]
    fn errors_name_the_field() {
        let message = |init: Init| init.fill::<f32>(2, 2, 0, 0).unwrap_err().to_string();
        assert_eq!(message(Init::Uniform { low: 1.0, high: 0.0 }), "high must be >= low = 1, got 0");
        assert_eq!(message(Init::Uniform { low: f64::NAN, high: 0.0 }), "low must be finite, got NaN");
        assert!(
            message(Init::Uniform { low: -f64::MAX, high: f64::MAX }).starts_with("high must be a finite distance")
        );
        assert_eq!(message(Init::Normal { mean: f64::INFINITY, std: 1.0 }), "mean must be finite, got inf");
        assert_eq!(message(Init::Normal { mean: 0.0, std: -1.0 }), "std must be finite and >= 0, got -1");
        assert_eq!(message(Init::Constant { value: f64::NAN }), "value must be finite, got NaN");
        assert_eq!(message(Init::KaimingUniform { gain: 0.0 }), "gain must be finite and > 0, got 0");
        assert_eq!(
            message(Init::Constant { value: 1e300 }),
            "init must be of weights in the range of float32, got inf"
        );
    }

    #[test]
    fn reads_its_kinds_and_refuses_unknown_fields() {
        let read = serde_json::from_str::<Init>;
        assert_eq!(
            read(r#"{"kind": "uniform", "low": -1, "high": 1}"#).unwrap(),
            Init::Uniform { low: -1.0, high: 1.0 }
        );
        assert_eq!(read(r#"{"kind": "kaiming_uniform", "gain": 2}"#).unwrap(), Init::KaimingUniform { gain: 2.0 });
        assert!(read(r#"{"kind": "constant", "value": 1, "std": 1}"#).is_err());
    }
}
