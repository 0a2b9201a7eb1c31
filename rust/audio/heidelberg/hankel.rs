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
        square if square < 625.0 => integral(order, z, if square < 64.0 { 1 } else { 2 }),
        _ => expansion(order, z),
    }
}

/// Returns the square root whose real part is not below 0; that of the library goes through angles.
#[inline(always)]
pub fn root(z: Complex<f64>) -> Complex<f64> {
    let size = z.norm_sqr().sqrt();
    // The larger of the two parts, without cancellation.
    let large = ((size + z.re.abs()) * 0.5).sqrt();
    let small = if large > 0.0 { z.im.abs() * 0.5 / large } else { 0.0 };
    let (re, im) = if z.re >= 0.0 { (large, small) } else { (small, large) };
    Complex::new(re, im.copysign(z.im))
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
    let y = j * (half.ln() + GAMMA) * FRAC_2_PI + y * FRAC_1_PI - z.inv() * (FRAC_2_PI * n);
    j + I * y
}

/// Between two nodes of the integral, and what each counts: x^2, e^(-x^2).
const INTERVAL: f64 = 0.25;
static NODES: LazyLock<[[f64; 2]; 26]> = LazyLock::new(|| {
    std::array::from_fn(|node| {
        let square = (node as f64 * INTERVAL).powi(2);
        [square, (-square).exp()]
    })
});

/// Integrates K_0(w) = e^-w 2 / sqrt(w) int_0^inf e^(-x^2) / sqrt(2 + x^2 / w) dx, and K_1 alike with x^2 sqrt(2 + x^2 / w), w = -iz, by
/// every `stride`-th node.
///
/// These are DLMF 10.32.8 with t = 1 + x^2 / w. The integrands are even and have no pole within sqrt(|z|) of the real axis, so that the sum
/// over equal intervals converges as e^(-2 pi sqrt(|z|) / interval).
fn integral(order: u8, z: Complex<f64>, stride: usize) -> Complex<f64> {
    let w = -I * z;
    let inverse = w.inv();
    let nodes = NODES.iter().step_by(stride).skip(1);
    let factor = (-w).exp() / root(w) * (2.0 * INTERVAL * stride as f64 * FRAC_2_PI);
    if order == 0 {
        let mut sum = Complex::from(0.5 / 2f64.sqrt());
        for &[square, weight] in nodes {
            let root = root(inverse * square + 2.0);
            sum += root.conj() * (weight / root.norm_sqr());
        }
        -I * factor * sum
    } else {
        let terms = nodes.map(|&[square, weight]| root(inverse * square + 2.0) * (square * weight));
        -factor * terms.sum::<Complex<f64>>()
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
