//! What the ear does with what its stages say, row by row.
//!
//! All arithmetic is element by element in f64: the same bits with any instruction set.

use crate::simd::{Isa, LANES, Lanes, Real, Scalar, flat, flat_mut, multiversion};

/// Holds a stage of the automatic gain control: how much of the sound each channel holds back.
#[derive(Clone, Debug)]
pub struct Gain {
    /// What a sound adds.
    rise: f64,
    /// What is kept, shared among three neighbours.
    keep: f64,
    /// Channels are [`LANES`] places on, where blocks begin; on either side the outermost one stands once more.
    state: Vec<Lanes<f64>>,
    next: Vec<Lanes<f64>>,
}

/// Bounds what a channel holds back.
const MOST: f64 = 0.9;

impl Gain {
    /// Makes a stage at rest that aims at `target`, with a time constant of `1 / -ln(1 - epsilon)` samples, for rows of `n_groups`.
    pub fn new(target: f64, epsilon: f64, n_groups: usize) -> Self {
        let at_rest = vec![Lanes::zero(); n_groups + 2];
        Self { rise: epsilon / target, keep: (1.0 - epsilon) / 3.0, state: at_rest.clone(), next: at_rest }
    }
}

#[inline(always)]
fn hold_back_body(gains: &mut [Gain], rows: &mut [f64], width: usize, n_channels: usize) {
    for row in rows.chunks_exact_mut(width) {
        for Gain { rise, keep, state, next } in gains.iter_mut() {
            let (before, after) = (flat(state), flat_mut(next));
            let [lower, own, upper] =
                [&before[LANES - 1..][..width], &before[LANES..][..width], &before[LANES + 1..][..width]];
            let held = &mut after[LANES..][..width];
            for i in 0..width {
                let out = row[i] * (1.0 - own[i]);
                let more = out * *rise + *keep * (lower[i] + own[i] + upper[i]);
                held[i] = if more < MOST { more } else { MOST };
                row[i] = out;
            }
            after[LANES - 1] = after[LANES];
            after[LANES + n_channels] = after[LANES + n_channels - 1];
            std::mem::swap(state, next);
        }
    }
}

multiversion! {
    /// Controls the gain of rows of `width`, none of them below 0, one sample after the other, in place.
    pub fn hold_back(gains: &mut [Gain], rows: &mut [f64], width: usize, n_channels: usize) = hold_back_body
}

/// Holds a low-pass of every channel, two equal stages in a row.
#[derive(Clone, Debug)]
pub struct LowPass<F: Scalar> {
    /// What is kept of each stage, for both together, and its square.
    keep: [F; 2],
    gain: F,
    memory: [Vec<Lanes<F>>; 2],
    out: Vec<Lanes<F>>,
}

impl LowPass<f64> {
    /// Makes one at rest, with a time constant of `1 / -ln(1 - epsilon)` samples, for rows of `n_groups`.
    pub fn new(epsilon: f64, n_groups: usize) -> Self {
        let (keep, zeros) = (1.0 - epsilon, vec![Lanes::zero(); n_groups]);
        Self {
            keep: [2.0 * keep, keep * keep],
            gain: epsilon * epsilon,
            memory: [zeros.clone(), zeros.clone()],
            out: zeros,
        }
    }

    /// Advances by some rows, and returns what comes out at the last of them.
    pub fn run(&mut self, rows: &[Lanes<f64>]) -> &[f64] {
        smooth::<f64>(self, rows);
        flat(&self.out)
    }
}

#[inline(always)]
fn smooth_body<F: Real, I: Isa<F>>(isa: I, low_pass: &mut LowPass<F>, rows: &[Lanes<F>]) {
    let LowPass { keep, gain, memory, out } = low_pass;
    let [twice, square, gain] = [isa.splat(keep[0]), isa.splat(keep[1]), isa.splat(*gain)];
    let n_groups = out.len();
    for (group, out) in out.iter_mut().enumerate() {
        let [mut first, mut second] = [isa.load(&memory[0][group]), isa.load(&memory[1][group])];
        let mut y = first;
        for row in rows[group..].iter().step_by(n_groups) {
            y = first;
            first = isa.add(isa.mul(twice, y), second);
            second = isa.sub(isa.mul(gain, isa.load(row)), isa.mul(square, y));
        }
        isa.store(y, out);
        isa.store(first, &mut memory[0][group]);
        isa.store(second, &mut memory[1][group]);
    }
}

multiversion! {
    fn smooth<F: Real>(low_pass: &mut LowPass<F>, rows: &[Lanes<F>]) = smooth_body
}

#[inline(always)]
fn subtract_body(rows: &mut [f64], width: usize) {
    for row in rows.chunks_exact_mut(width) {
        for i in 0..width - 1 {
            let difference = row[i] - row[i + 1];
            row[i] = if difference > 0.0 { difference } else { 0.0 };
        }
    }
}

multiversion! {
    /// Writes by how much each channel of rows of `width` is weaker than the one above it, into the place of that one.
    pub fn subtract(rows: &mut [f64], width: usize) = subtract_body
}
