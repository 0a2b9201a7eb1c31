//! The transposed system of a recurrent layer, M^T z = delta, one sample at a time.

use nalgebra::{DMatrix, DVector};

use super::traces::sum_lanes;
use crate::real::Real;
use crate::simd::{LANES, Lanes, flat, multiversion};

/// Iterations before the dense fallback; a handful is usual.
const MAX_ITERATIONS: usize = 40;

/// A pivot this much smaller than the largest entry of the matrix makes it singular.
const SINGULAR_PIVOT: f64 = 1e-13;

/// Buffers of the solver.
#[derive(Clone, Debug, Default)]
pub struct SolverScratch<F> {
    /// A, column after column: r_ik (de_ik/do_k) / v_th for all k, (n, n_blocks).
    pub coupling: Vec<Lanes<F>>,
    inverse_diagonal: Vec<Lanes<F>>,
    vectors: [Vec<Lanes<F>>; 8],
}

/// How a system was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solved {
    /// By BiCGSTAB, in so many iterations.
    Iteratively(usize),
    /// By dense LU factorisation.
    Directly,
}

impl<F: Real> SolverScratch<F> {
    /// Solves (diag - A) z = delta by BiCGSTAB with the diagonal as right preconditioner; `z` and `delta` are (n_blocks).
    ///
    /// Falls back to LU where the iteration stalls. `Err` says why there is no solution.
    pub fn solve(
        &mut self,
        n: usize,
        diagonal: &[F],
        delta: &[Lanes<F>],
        tolerance: f64,
        z: &mut [Lanes<F>],
    ) -> Result<Solved, String> {
        let n_blocks = delta.len();
        for vector in self.vectors.iter_mut().chain([&mut self.inverse_diagonal]) {
            vector.clear();
            vector.resize(n_blocks, Lanes::zero());
        }
        for (i, &d) in diagonal.iter().enumerate() {
            self.inverse_diagonal[i / LANES][i % LANES] = F::one() / d;
        }
        let Self { coupling, inverse_diagonal, vectors: [y, r, r0, p, v, s, t, scaled] } = self;
        let mut apply = |x: &[Lanes<F>], out: &mut [Lanes<F>]| {
            multiply_elements(x, inverse_diagonal, scaled);
            subtract_product(coupling, flat(scaled), x, out);
        };
        let target = F::from_f64(tolerance) * dot(delta, delta).sqrt();
        y.copy_from_slice(delta);
        apply(y, v);
        for b in 0..n_blocks {
            for l in 0..LANES {
                r[b][l] = delta[b][l] - v[b][l];
            }
        }
        r0.copy_from_slice(r);
        p.copy_from_slice(r);
        let mut rho = dot(r0, r);
        let mut iterations = 0;
        let mut converged = dot(r, r).sqrt() <= target;
        while !converged && iterations < MAX_ITERATIONS {
            iterations += 1;
            apply(p, v);
            let alpha = rho / dot(r0, v);
            add_scaled(r, -alpha, v, s);
            apply(s, t);
            let tt = dot(t, t);
            let omega = if tt > F::zero() { dot(t, s) / tt } else { F::zero() };
            for b in 0..n_blocks {
                for l in 0..LANES {
                    y[b][l] += alpha * p[b][l] + omega * s[b][l];
                }
            }
            add_scaled(s, -omega, t, r);
            let residual = dot(r, r).sqrt();
            if !residual.is_finite() {
                break;
            }
            converged = residual <= target;
            let next = dot(r0, r);
            let beta = next / rho * (alpha / omega);
            rho = next;
            for b in 0..n_blocks {
                for l in 0..LANES {
                    p[b][l] = r[b][l] + beta * (p[b][l] - omega * v[b][l]);
                }
            }
        }
        if converged {
            multiply_elements(y, inverse_diagonal, z);
            return Ok(Solved::Iteratively(iterations));
        }
        solve_directly(n, diagonal, coupling, delta, z)?;
        Ok(Solved::Directly)
    }
}

fn solve_directly<F: Real>(
    n: usize,
    diagonal: &[F],
    coupling: &[Lanes<F>],
    delta: &[Lanes<F>],
    z: &mut [Lanes<F>],
) -> Result<(), String> {
    let n_blocks = delta.len();
    let entry = |k: usize, i: usize| coupling[i * n_blocks + k / LANES][k % LANES].widen();
    let matrix = DMatrix::from_fn(n, n, |k, i| if k == i { diagonal[k].widen() } else { 0.0 } - entry(k, i));
    let largest = matrix.amax();
    if !largest.is_finite() {
        return Err("an entry of the system is not finite".into());
    }
    let lu = matrix.lu();
    let smallest = lu.u().diagonal().iter().map(|pivot| pivot.abs()).fold(f64::INFINITY, f64::min);
    if smallest <= SINGULAR_PIVOT * largest {
        return Err(format!("smallest pivot {smallest:e}, largest entry {largest:e}"));
    }
    let rhs = DVector::from_fn(n, |k, _| delta[k / LANES][k % LANES].widen());
    let solution = lu.solve(&rhs).ok_or("no solution")?;
    for (k, value) in solution.iter().enumerate() {
        z[k / LANES][k % LANES] = F::from_f64(*value);
    }
    Ok(())
}

#[inline(always)]
fn dot_body<F: Real>(a: &[Lanes<F>], b: &[Lanes<F>]) -> F {
    let mut sums = Lanes::zero();
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            sums[l] += a[l] * b[l];
        }
    }
    sum_lanes(sums)
}

multiversion! {
    fn dot<F: Real>(a: &[Lanes<F>], b: &[Lanes<F>]) -> F = dot_body
}

/// Blocks of the product worked on at once: eight vectors of AVX2, half of its registers.
const TILE: usize = 4;

#[inline(always)]
fn subtract_product_body<F: Real>(columns: &[Lanes<F>], x: &[F], from: &[Lanes<F>], out: &mut [Lanes<F>]) {
    let n_blocks = from.len();
    for first in (0..n_blocks).step_by(TILE) {
        match n_blocks - first {
            1 => subtract_tile::<F, 1>(columns, x, from, out, first),
            2 => subtract_tile::<F, 2>(columns, x, from, out, first),
            3 => subtract_tile::<F, 3>(columns, x, from, out, first),
            _ => subtract_tile::<F, TILE>(columns, x, from, out, first),
        }
    }
}

#[inline(always)]
fn subtract_tile<F: Real, const B: usize>(
    columns: &[Lanes<F>],
    x: &[F],
    from: &[Lanes<F>],
    out: &mut [Lanes<F>],
    first: usize,
) {
    let n_blocks = from.len();
    let mut tile: [Lanes<F>; B] = from[first..][..B].try_into().expect("B blocks");
    for (column, &x) in columns.chunks_exact(n_blocks).zip(x) {
        let column: &[Lanes<F>; B] = column[first..][..B].try_into().expect("B blocks");
        for b in 0..B {
            for l in 0..LANES {
                tile[b][l] -= column[b][l] * x;
            }
        }
    }
    out[first..][..B].copy_from_slice(&tile);
}

multiversion! {
    /// out = from - matrix x, the matrix given column after column.
    fn subtract_product<F: Real>(columns: &[Lanes<F>], x: &[F], from: &[Lanes<F>], out: &mut [Lanes<F>])
        = subtract_product_body
}

fn multiply_elements<F: Real>(a: &[Lanes<F>], b: &[Lanes<F>], out: &mut [Lanes<F>]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        for l in 0..LANES {
            out[l] = a[l] * b[l];
        }
    }
}

fn add_scaled<F: Real>(a: &[Lanes<F>], factor: F, b: &[Lanes<F>], out: &mut [Lanes<F>]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        for l in 0..LANES {
            out[l] = a[l] + factor * b[l];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(n: usize, size: f64) -> (SolverScratch<f64>, Vec<f64>, Vec<Lanes<f64>>) {
        let n_blocks = n.div_ceil(LANES);
        let mut scratch = SolverScratch { coupling: vec![Lanes([0.0; LANES]); n * n_blocks], ..Default::default() };
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 31) - 0.5
        };
        for k in 0..n {
            for i in 0..n {
                scratch.coupling[i * n_blocks + k / LANES][k % LANES] = size * random();
            }
        }
        let diagonal = (0..n).map(|_| 0.6 + random() / 2.0).collect();
        let mut delta = vec![Lanes([0.0; LANES]); n_blocks];
        (0..n).for_each(|k| delta[k / LANES][k % LANES] = random());
        (scratch, diagonal, delta)
    }

    fn residual(scratch: &SolverScratch<f64>, diagonal: &[f64], delta: &[Lanes<f64>], z: &[Lanes<f64>]) -> f64 {
        let n_blocks = delta.len();
        let product = |k: usize| -> f64 {
            let entry = |i: usize| scratch.coupling[i * n_blocks + k / LANES][k % LANES];
            (0..diagonal.len()).map(|i| entry(i) * z[i / LANES][i % LANES]).sum()
        };
        let value = |lanes: &[Lanes<f64>], k: usize| lanes[k / LANES][k % LANES];
        (0..diagonal.len())
            .map(|k| (diagonal[k] * value(z, k) - product(k) - value(delta, k)).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn iterates_on_mild_systems_and_factorises_hard_ones() {
        for (n, size, iterative) in [(5, 0.1, true), (37, 0.05, true), (60, 3.0, false)] {
            let (mut scratch, diagonal, delta) = system(n, size);
            let mut z = vec![Lanes([0.0; LANES]); delta.len()];
            let solved = scratch.solve(n, &diagonal, &delta, 1e-12, &mut z).unwrap();
            assert_eq!(matches!(solved, Solved::Iteratively(_)), iterative, "{solved:?} for n = {n}");
            assert!(residual(&scratch, &diagonal, &delta, &z) < 1e-10);
        }
    }

    #[test]
    fn reports_a_singular_system() {
        let (mut scratch, diagonal, delta) = system(20, 0.1);
        // Column 3 of diag - A becomes zero.
        scratch.coupling[3 * 2..4 * 2].fill(Lanes([0.0; LANES]));
        scratch.coupling[3 * 2][3] = diagonal[3];
        let mut z = vec![Lanes([0.0; LANES]); delta.len()];
        let why = scratch.solve(20, &diagonal, &delta, 1e-8, &mut z).unwrap_err();
        assert!(why.contains("pivot"), "{why}");
    }
}
