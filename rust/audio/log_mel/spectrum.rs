//! Power spectra of windows.

use std::fmt;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

/// Makes power spectra: of a Hann window, as mean squares, so that all points together have the power of the sound.
#[derive(Clone)]
pub struct Spectrum {
    window: Vec<f64>,
    /// The one without vector instructions, whose bits are those of every machine.
    transform: Arc<dyn Fft<f64>>,
    points: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    powers: Vec<f64>,
    /// From squares of the transform to mean squares, both signs of a frequency together.
    scale: f64,
}

impl Spectrum {
    /// Makes spectra of `window` samples by a transform of `n_points`, a power of two.
    pub fn new(window: usize, n_points: usize) -> Self {
        let transform = FftPlannerScalar::new().plan_fft_forward(n_points);
        let hann = |t: usize| 0.5 - 0.5 * (std::f64::consts::TAU * t as f64 / window as f64).cos();
        let window: Vec<f64> = (0..window).map(hann).collect();
        let squares: f64 = window.iter().map(|w| w * w).sum();
        Self {
            scale: 2.0 / (n_points as f64 * squares),
            window,
            points: vec![Complex::ZERO; n_points],
            scratch: vec![Complex::ZERO; transform.get_inplace_scratch_len()],
            powers: vec![0.0; n_points / 2 + 1],
            transform,
        }
    }

    /// Returns the power at every frequency from 0 to half the sample rate.
    pub fn of(&mut self, samples: &[f64]) -> &[f64] {
        self.points.fill(Complex::ZERO);
        for ((point, sample), weight) in self.points.iter_mut().zip(samples).zip(&self.window) {
            point.re = sample * weight;
        }
        self.transform.process_with_scratch(&mut self.points, &mut self.scratch);
        for (power, point) in self.powers.iter_mut().zip(&self.points) {
            *power = (point.re * point.re + point.im * point.im) * self.scale;
        }
        // These two have one sign only.
        self.powers[0] *= 0.5;
        *self.powers.last_mut().expect("it has two") *= 0.5;
        &self.powers
    }
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spectrum").field("window", &self.window.len()).field("n_points", &self.points.len()).finish()
    }
}
