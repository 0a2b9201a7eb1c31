//! Hankel functions of the first kind, of orders 0 and 1 and of complex numbers in the upper right quarter.

use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, FRAC_PI_4, PI};
use std::sync::LazyLock;

use rustfft::num_complex::Complex;

/// Euler's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// The imaginary unit.
pub const I: Complex<f64> = Complex::I;

/// Returns H_0(z) or, for `order` 1, H_1(z), for Re z >= 0, Im z >= 0, z other than 0; to about 1e-13 of its size.
///
/// Near 0 by the series of J and Y, far out by the asymptotic expansion, and between them by an integral for K, for which see
/// [`integral`]: there J and iY would cancel. NIST Digital Library of Mathematical Functions, 10.2, 10.8, 10.17, 10.27, 10.32.
pub fn hankel(order: u8, z: Complex<f64>) -> Complex<f64> {
    match z.norm_sqr() {
        square if square < 4.0 => series(order, z),
        square if square < 625.0 => integral(order, z),
        _ => expansion(order, z),
    }
}

/// Returns the square root whose real part is not below 0; that of the library goes through angles, which takes long.
#[inline(always)]
pub fn root(z: Complex<f64>) -> Complex<f64> {
    let size = z.norm_sqr().sqrt();
    // The larger of the two parts, without cancellation.
    let large = ((size + z.re.abs()) * 0.5).sqrt();
    let small = if large > 0.0 { z.im.abs() * 0.5 / large } else { 0.0 };
    let (re, im) = if z.re >= 0.0 { (large, small) } else { (small, large) };
    Complex::new(re, im.copysign(z.im))
}

/// Returns the logarithm whose imaginary part is within pi; that of the library takes care of sizes that do not occur here.
#[inline(always)]
pub fn log(z: Complex<f64>) -> Complex<f64> {
    Complex::new(0.5 * z.norm_sqr().ln(), z.im.atan2(z.re))
}

fn series(order: u8, z: Complex<f64>) -> Complex<f64> {
    let half = z * 0.5;
    let (square, n) = (-half * half, f64::from(order));
    let mut term = if order == 0 { Complex::ONE } else { half };
    let [mut j, mut y] = [Complex::ZERO; 2];
    // Harmonic numbers, H_k and H_(k + order).
    let [mut lower, mut upper] = [0.0, n];
    for k in 1..20 {
        let k = f64::from(k);
        j += term;
        y -= term * (lower + upper);
        term = term * square / (k * (k + n));
        lower += 1.0 / k;
        upper += 1.0 / (k + n);
    }
    let y = j * (log(half) + GAMMA) * FRAC_2_PI + y * FRAC_1_PI - z.inv() * (FRAC_2_PI * n);
    j + I * y
}

/// Number of nodes of the integral, and the interval between them.
const N: usize = 24;
const INTERVAL: f64 = 0.25;

/// Nodes of the integral, x^2, and what each counts, e^(-x^2).
struct Nodes<const N: usize> {
    square: [f64; N],
    weight: [f64; N],
}

impl<const N: usize> Nodes<N> {
    fn new(interval: f64) -> Self {
        let square = std::array::from_fn(|node| ((node + 1) as f64 * interval).powi(2));
        Self { weight: square.map(|square: f64| (-square).exp()), square }
    }
}

/// All of them, and every second one.
static FINE: LazyLock<Nodes<N>> = LazyLock::new(|| Nodes::new(INTERVAL));
static COARSE: LazyLock<Nodes<{ N / 2 }>> = LazyLock::new(|| Nodes::new(2.0 * INTERVAL));

/// Integrates K_0(w) = e^-w 2 / sqrt(w) int_0^inf e^(-x^2) / sqrt(2 + x^2 / w) dx, and K_1 alike with x^2 sqrt(2 + x^2 / w), w = -iz.
///
/// These are DLMF 10.32.8 with t = 1 + x^2 / w. The integrands are even and have no pole within sqrt(|z|) of the real axis, so that the sum
/// over equal intervals converges as e^(-2 pi sqrt(|z|) / interval).
fn integral(order: u8, z: Complex<f64>) -> Complex<f64> {
    let w = -I * z;
    let is_near = z.norm_sqr() < 64.0;
    let interval = if is_near { INTERVAL } else { 2.0 * INTERVAL };
    let inverse = w.inv();
    let sum = if is_near { FINE.sum(order, inverse) } else { COARSE.sum(order, inverse) };
    let factor = (-w).exp() / root(w) * (2.0 * interval * FRAC_2_PI);
    if order == 0 { -I * factor * (sum + 0.5 / 2f64.sqrt()) } else { -factor * sum }
}

impl<const N: usize> Nodes<N> {
    /// Sums what the nodes count times 1 / sqrt(2 + x^2 / w) or, for order 1, x^2 sqrt(2 + x^2 / w); 1 / w is given.
    #[inline(always)]
    fn sum(&self, order: u8, inverse: Complex<f64>) -> Complex<f64> {
        let [mut re, mut im] = [[0.0; N]; 2];
        for node in 0..N {
            // The root of a number whose real part is at least 2.
            let (square, weight) = (self.square[node], self.weight[node]);
            let (a, b) = (2.0 + inverse.re * square, inverse.im * square);
            let size = (a * a + b * b).sqrt();
            let root = ((size + a) * 0.5).sqrt();
            let (scale, sign) = if order == 0 { (weight / size, -1.0) } else { (weight * square, 1.0) };
            re[node] = root * scale;
            im[node] = 0.5 * b / root * scale * sign;
        }
        Complex::new(re.iter().sum(), im.iter().sum())
    }
}

fn expansion(order: u8, z: Complex<f64>) -> Complex<f64> {
    let (square, inverse) = (4.0 * f64::from(order).powi(2), z.inv());
    let (mut term, mut sum) = (Complex::ONE, Complex::ONE);
    for k in 1..19 {
        let k = f64::from(k);
        term = term * I * inverse * ((square - (2.0 * k - 1.0).powi(2)) / (8.0 * k));
        sum += term;
    }
    let phase = I * (z - f64::from(order) * PI / 2.0 - FRAC_PI_4);
    root(inverse * FRAC_2_PI) * phase.exp() * sum
}
