//! The basilar membrane: how fast it moves at a place, for a wave at the oval window.
//!
//! N. Sieroka, H. G. Dosch, A. Rupp, "Semirealistic models of the cochlea", J. Acoust. Soc. Am. 120, 297 (2006): waves on shallow water above
//! a membrane whose stiffness falls with the distance c from the window [cm], in the approximation that is exact where it falls
//! exponentially. Units are cm, g and s.

use std::f64::consts::TAU;

use rustfft::num_complex::Complex;

use super::hankel::{I, hankel, log, root};

/// Stiffness at the window, and how fast it falls [1/cm].
const STIFFNESS: f64 = 1e9;
const FALL: f64 = 3.0;
/// What is taken from the stiffness everywhere.
const LESS_STIFFNESS: f64 = 3500.0;
/// Mass of the membrane by area, density of the fluid and depth of the channel above.
const MASS: f64 = 0.05;
const DENSITY: f64 = 1.0;
const DEPTH: f64 = 0.1;
/// Damping at the window, in parts of sqrt(stiffness mass).
const DAMPING: f64 = 0.15;
/// Length of the membrane.
const LENGTH: f64 = 3.5;

/// Waves that fall by so many powers of e from the window to a place are not felt there.
const UNFELT: f64 = 20.0;

/// Returns the place of each of `n` channels, evenly spaced from the window to the end [cm].
pub fn places(n: usize) -> Vec<f64> {
    (0..n).map(|channel| LENGTH * channel as f64 / (n.max(2) - 1) as f64).collect()
}

/// Returns the square root of what the stiffness has fallen to at a place, in parts of that at the window.
pub fn fall(place: f64) -> f64 {
    (-FALL * place / 2.0).exp()
}

/// Returns the frequency at which the membrane resonates at a place [Hz].
pub fn resonance(place: f64) -> f64 {
    ((STIFFNESS * (-FALL * place).exp() - LESS_STIFFNESS) / MASS).sqrt() / TAU
}

/// Holds what depends on the frequency alone.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// In radians a second.
    omega: f64,
    /// sqrt(a + m omega^2), the root of what of the impedance does not depend on the place, but for a factor i.
    firm: f64,
    /// Phase at the window, and the argument of the logarithm there.
    phase: Complex<f64>,
    start: Complex<f64>,
    /// 2 omega z / p at the window.
    drive: Complex<f64>,
}

impl Wave {
    /// Makes the wave of a frequency [Hz].
    pub fn new(frequency: f64) -> Self {
        let omega = TAU * frequency;
        let firm = (LESS_STIFFNESS + MASS * omega * omega).sqrt();
        let mut wave = Self { omega, firm, phase: Complex::ZERO, start: Complex::ONE, drive: Complex::ONE };
        let at_window = root(wave.impedance(1.0));
        wave.phase = wave.steepness(at_window) * (2.0 / FALL);
        wave.start = wave.antiderivative(1.0, at_window);
        let pressure = wave.pressure(1.0, at_window).expect("it is felt at the window");
        // The impedance of the window is that of the membrane without mass and damping.
        let phase = Complex::from(2.0 * omega / FALL * (2.0 / (DEPTH * STIFFNESS)).sqrt());
        let window = I * (hankel(0, phase) / hankel(1, phase)).conj() * (2.0 * STIFFNESS / DEPTH).sqrt();
        wave.drive = window / pressure * (2.0 * omega);
        wave
    }

    /// Returns the velocity of the membrane, in parts of the sound, at a place whose [`fall`] is given; nothing where the wave is not felt, and
    /// then no higher one is, to speak of.
    pub fn velocity(&self, fall: f64) -> Option<Complex<f64>> {
        let impedance = self.impedance(fall);
        let pressure = self.pressure(fall, root(impedance))?;
        Some(self.drive / impedance * pressure)
    }

    /// Returns stiffness - mass omega^2 - i omega damping, of a place's [`fall`].
    fn impedance(&self, fall: f64) -> Complex<f64> {
        let damping = DAMPING * (STIFFNESS * MASS).sqrt() * fall;
        Complex::new(STIFFNESS * fall * fall - self.firm * self.firm, -self.omega * damping)
    }

    /// Returns the wave number, of the square root of the impedance.
    fn steepness(&self, root: Complex<f64>) -> Complex<f64> {
        root.inv() * (self.omega * (DENSITY / DEPTH).sqrt())
    }

    /// Returns the pressure, but for a factor, of the square root of the impedance; nothing where the wave is not felt.
    ///
    /// It is sqrt(G / g) H_0(G), where g is the wave number and G its integral from the window on, with what makes it exact for an exponential.
    /// With u = e^(-alpha c / 2) the impedance is a quadratic A u^2 + B u + C, and the integral of du / (u sqrt(A u^2 + B u + C)) elementary.
    fn pressure(&self, fall: f64, impedance: Complex<f64>) -> Option<Complex<f64>> {
        let along = log(self.antiderivative(fall, impedance) / self.start);
        let phase = self.phase + along * -I * (2.0 * self.omega / FALL * (DENSITY / DEPTH).sqrt() / self.firm);
        (phase.im - self.phase.im < UNFELT).then(|| root(phase / self.steepness(impedance)) * hankel(0, phase))
    }

    /// Returns (2 C + B u + 2 sqrt(C) sqrt(A u^2 + B u + C)) / u; the last root is given.
    fn antiderivative(&self, fall: f64, root: Complex<f64>) -> Complex<f64> {
        let linear = Complex::new(0.0, -self.omega * DAMPING * (STIFFNESS * MASS).sqrt());
        let constant = Complex::from(-2.0 * self.firm * self.firm);
        (constant + linear * fall + I * root * (2.0 * self.firm)) / fall
    }
}
