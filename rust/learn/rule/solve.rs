//! The transposed system of a recurrent layer, M^T z = delta, one sample at a time.

use nalgebra::{DMatrix, DVector};

use crate::memory::{OrUnwind, check_room, resize};
use crate::simd::{Isa, LANES, Lanes, Real, flat_mut, multiversion};
use crate::stop::is_stopped;

/// Iterations before the dense fallback; a handful is usual.
const MAX_ITERATIONS: usize = 40;

/// A pivot this much smaller than the largest entry of the matrix makes it singular.
const SINGULAR_PIVOT: f64 = 1e-13;

/// Buffers of the solver.
#[derive(Clone, Debug, Default)]
pub struct SolverScratch<F> {
    /// A, row after row: r_ik (de_ik/do_k) / v_th, k the row and i along it, (n, n_blocks).
    pub coupling: Vec<Lanes<F>>,
    vectors: Vectors<F>,
}

/// Vectors of BiCGSTAB, (n_blocks); after its usual names.
#[derive(Clone, Debug, Default)]
struct Vectors<F> {
    inverse_diagonal: Vec<Lanes<F>>,
    scaled: Vec<Lanes<F>>,
    y: Vec<Lanes<F>>,
    r: Vec<Lanes<F>>,
    r0: Vec<Lanes<F>>,
    p: Vec<Lanes<F>>,
    v: Vec<Lanes<F>>,
    s: Vec<Lanes<F>>,
    t: Vec<Lanes<F>>,
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
        self.vectors.reset(diagonal, delta.len());
        match iterate(&self.coupling, delta, F::from_f64(tolerance), &mut self.vectors, z) {
            Some(iterations) => Ok(Solved::Iteratively(iterations)),
            None => solve_directly(n, diagonal, &self.coupling, delta, z).map(|()| Solved::Directly),
        }
    }
}

impl<F: Real> Vectors<F> {
    fn reset(&mut self, diagonal: &[F], n_blocks: usize) {
        let Self { inverse_diagonal, scaled, y, r, r0, p, v, s, t } = self;
        for vector in [&mut *inverse_diagonal, scaled, y, r, r0, p, v, s, t] {
            vector.clear();
            resize(vector, n_blocks, Lanes::zero());
        }
        for (i, &d) in diagonal.iter().enumerate() {
            inverse_diagonal[i / LANES][i % LANES] = F::one() / d;
        }
    }
}

#[inline(always)]
fn iterate_body<F: Real, I: Isa<F>>(
    isa: I,
    coupling: &[Lanes<F>],
    delta: &[Lanes<F>],
    tolerance: F,
    vectors: &mut Vectors<F>,
    z: &mut [Lanes<F>],
) -> Option<usize> {
    let Vectors { inverse_diagonal, scaled, y, r, r0, p, v, s, t } = vectors;
    let n_blocks = delta.len();
    let target = tolerance * dot(isa, delta, delta).sqrt();
    y.copy_from_slice(delta);
    multiply(isa, y, inverse_diagonal, scaled);
    subtract_product(isa, coupling, scaled, y, v);
    add_scaled(isa, delta, -F::one(), v, r);
    r0.copy_from_slice(r);
    p.copy_from_slice(r);
    let mut rho = dot(isa, r0, r);
    let mut iterations = 0;
    let mut converged = dot(isa, r, r).sqrt() <= target;
    while !converged && iterations < MAX_ITERATIONS && !is_stopped() {
        iterations += 1;
        multiply(isa, p, inverse_diagonal, scaled);
        subtract_product(isa, coupling, scaled, p, v);
        let alpha = rho / dot(isa, r0, v);
        add_scaled(isa, r, -alpha, v, s);
        multiply(isa, s, inverse_diagonal, scaled);
        subtract_product(isa, coupling, scaled, s, t);
        let tt = dot(isa, t, t);
        let omega = if tt > F::zero() { dot(isa, t, s) / tt } else { F::zero() };
        for b in 0..n_blocks {
            let along_p = isa.mul(isa.splat(alpha), isa.load(&p[b]));
            let along_s = isa.mul(isa.splat(omega), isa.load(&s[b]));
            isa.add_to(&mut y[b], isa.add(along_p, along_s));
        }
        add_scaled(isa, s, -omega, t, r);
        let residual = dot(isa, r, r).sqrt();
        if !residual.is_finite() {
            return None;
        }
        converged = residual <= target;
        let next = dot(isa, r0, r);
        let beta = next / rho * (alpha / omega);
        rho = next;
        for b in 0..n_blocks {
            let kept = isa.sub(isa.load(&p[b]), isa.mul(isa.splat(omega), isa.load(&v[b])));
            isa.store(isa.add(isa.load(&r[b]), isa.mul(isa.splat(beta), kept)), &mut p[b]);
        }
    }
    if !converged {
        return None;
    }
    multiply(isa, y, inverse_diagonal, z);
    Some(iterations)
}

multiversion! {
    /// Runs BiCGSTAB on (1 - A / diag) y = delta, then z = y / diag; the iterations it took, `None` where it stalls.
    fn iterate<F: Real>(
        coupling: &[Lanes<F>],
        delta: &[Lanes<F>],
        tolerance: F,
        vectors: &mut Vectors<F>,
        z: &mut [Lanes<F>],
    ) -> Option<usize> = iterate_body
}

fn solve_directly<F: Real>(
    n: usize,
    diagonal: &[F],
    coupling: &[Lanes<F>],
    delta: &[Lanes<F>],
    z: &mut [Lanes<F>],
) -> Result<(), String> {
    if is_stopped() {
        // What is left in z is not used.
        return Ok(());
    }
    let n_blocks = delta.len();
    let entry = |k: usize, i: usize| coupling[k * n_blocks + i / LANES][i % LANES].widen();
    check_room("entries of the dense fallback", n.checked_mul(n), size_of::<f64>()).or_unwind();
    let mut matrix = DMatrix::from_fn(n, n, |k, i| if k == i { diagonal[k].widen() } else { 0.0 } - entry(k, i));
    let mut solution = DVector::from_fn(n, |k, _| delta[k / LANES][k % LANES].widen());
    let largest = matrix.amax();
    if !largest.is_finite() {
        return Err("an entry of the system is not finite".into());
    }
    factorise(&mut matrix, &mut solution);
    if is_stopped() {
        return Ok(());
    }
    let smallest = matrix.diagonal().iter().map(|pivot| pivot.abs()).fold(f64::INFINITY, f64::min);
    if smallest <= SINGULAR_PIVOT * largest {
        return Err(format!("smallest pivot {smallest:e}, largest entry {largest:e}"));
    }
    matrix.solve_lower_triangular_with_diag_mut(&mut solution, 1.0);
    if !matrix.solve_upper_triangular_mut(&mut solution) {
        return Err("no solution".into());
    }
    for (k, value) in solution.iter().enumerate() {
        z[k / LANES][k % LANES] = F::from_f64(*value);
    }
    Ok(())
}

/// Writes LU factors in the place of a square matrix, by partial pivoting; rows of the right-hand side move with those of the
/// matrix.
///
/// The library's own does the same, bit for bit, but cannot be stopped, and takes seconds from 2,000 neurons on.
fn factorise(matrix: &mut DMatrix<f64>, rhs: &mut DVector<f64>) {
    let n = matrix.nrows();
    for i in 0..n {
        if is_stopped() {
            return;
        }
        let pivot = i + matrix.view_range(i.., i).icamax();
        if matrix[(pivot, i)] == 0.0 {
            continue;
        }
        matrix.swap_rows(i, pivot);
        rhs.swap_rows(i, pivot);
        let (mut done, mut rest) = matrix.columns_range_pair_mut(..i + 1, i + 1..);
        let mut column = done.column_mut(i);
        let inverse = 1.0 / column[i];
        let mut factors = column.rows_range_mut(i + 1..);
        factors *= inverse;
        for mut column in rest.column_iter_mut() {
            let above = column[i];
            column.rows_range_mut(i + 1..).axpy(-above, &factors, 1.0);
        }
    }
}

#[inline(always)]
fn dot<F: Real, I: Isa<F>>(isa: I, a: &[Lanes<F>], b: &[Lanes<F>]) -> F {
    let mut sum = isa.zero();
    for (a, b) in a.iter().zip(b) {
        sum = isa.add(sum, isa.mul(isa.load(a), isa.load(b)));
    }
    isa.sum(sum)
}

/// Computes out = from - matrix x, the matrix given row after row; rows beyond those there are count as zero.
#[inline(always)]
fn subtract_product<F: Real, I: Isa<F>>(
    isa: I,
    matrix: &[Lanes<F>],
    x: &[Lanes<F>],
    from: &[Lanes<F>],
    out: &mut [Lanes<F>],
) {
    out.copy_from_slice(from);
    for (out, row) in flat_mut(out).iter_mut().zip(matrix.chunks_exact(x.len())) {
        *out -= dot(isa, row, x);
    }
}

/// Computes out = a b, element by element
#[inline(always)]
fn multiply<F: Real, I: Isa<F>>(isa: I, a: &[Lanes<F>], b: &[Lanes<F>], out: &mut [Lanes<F>]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        isa.store(isa.mul(isa.load(a), isa.load(b)), out);
    }
}

/// Computes out = a + factor b
#[inline(always)]
fn add_scaled<F: Real, I: Isa<F>>(isa: I, a: &[Lanes<F>], factor: F, b: &[Lanes<F>], out: &mut [Lanes<F>]) {
    let factor = isa.splat(factor);
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        isa.store(isa.add(isa.load(a), isa.mul(factor, isa.load(b))), out);
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
                scratch.coupling[k * n_blocks + i / LANES][i % LANES] = size * random();
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
            let entry = |i: usize| scratch.coupling[k * n_blocks + i / LANES][i % LANES];
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

    /// A step that goes the wrong way is made good by later ones: only their number tells.
    #[test]
    fn iterations_are_as_few_as_the_method_promises() {
        for (n, size, most) in [(1, 0.5, 1), (5, 0.1, 5), (37, 0.05, 8), (60, 0.1, 16)] {
            let (mut scratch, diagonal, delta) = system(n, size);
            let mut z = vec![Lanes([0.0; LANES]); delta.len()];
            match scratch.solve(n, &diagonal, &delta, 1e-12, &mut z).unwrap() {
                Solved::Iteratively(iterations) => assert!(iterations <= most, "{iterations} for n = {n}"),
                Solved::Directly => panic!("n = {n} was factorised"),
            }
        }
    }

    /// The numbers that networks were trained with stay what they were.
    #[test]
    fn factors_are_those_of_the_library() {
        for n in [1, 2, 7, 60] {
            let (scratch, diagonal, delta) = system(n, 3.0);
            let entry = |k: usize, i: usize| scratch.coupling[k * delta.len() + i / LANES][i % LANES];
            let mut matrix = DMatrix::from_fn(n, n, |k, i| if k == i { diagonal[k] } else { 0.0 } - entry(k, i));
            let mut rhs = DVector::from_fn(n, |k, _| delta[k / LANES][k % LANES]);
            let (library, expected) = (matrix.clone().lu(), matrix.clone().lu().solve(&rhs).unwrap());
            factorise(&mut matrix, &mut rhs);
            assert_eq!(&matrix, library.lu_internal());
            let (mut z, mut own) = (vec![Lanes([0.0; LANES]); delta.len()], vec![0.0; n]);
            solve_directly(n, &diagonal, &scratch.coupling, &delta, &mut z).unwrap();
            own.iter_mut().enumerate().for_each(|(k, own)| *own = z[k / LANES][k % LANES]);
            assert_eq!(own, expected.as_slice());
        }
    }

    #[test]
    fn stopped_systems_end_at_once() {
        let (mut scratch, diagonal, delta) = system(60, 3.0);
        let mut z = vec![Lanes([7.0; LANES]); delta.len()];
        let stop = crate::stop::Stop::default();
        stop.set();
        stop.during(|| scratch.solve(60, &diagonal, &delta, 1e-12, &mut z)).unwrap();
        assert_eq!(z, vec![Lanes([7.0; LANES]); delta.len()]);
    }

    #[test]
    fn reports_a_singular_system() {
        let (mut scratch, diagonal, delta) = system(20, 0.1);
        // Row 3 of diag - A becomes zero.
        scratch.coupling[3 * 2..4 * 2].fill(Lanes([0.0; LANES]));
        scratch.coupling[3 * 2][3] = diagonal[3];
        let mut z = vec![Lanes([0.0; LANES]); delta.len()];
        let why = scratch.solve(20, &diagonal, &delta, 1e-8, &mut z).unwrap_err();
        assert!(why.contains("pivot"), "{why}");
    }
}
