//! Tests of `table.rs`: against Monte-Carlo averages by the adjoint trace, and against all trains of short runs.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

fn params(tau_m: f64, tau_s: f64, t_ref: f64) -> LifParams {
    LifParams { tau_m, tau_s, v_th: 20.0, t_ref, dt: 1.0, discretisation: Discretisation::Euler }
}

/// Mean over s in 1 .. n_steps - 1 of the adjoint trace g\[s\] of one train, in the words of its definition.
fn mean_adjoint_trace(lif: &LifPropagator<f64>, fired: &[bool]) -> f64 {
    let n_steps = fired.len();
    let held = |t: usize| (1..=lif.t_ref_steps as usize).any(|back| t > back && fired[t - back]);
    let (mut u, mut p, mut sum) = (0.0, 0.0, 0.0);
    for t in (1..n_steps).rev() {
        u = if fired[t] {
            1.0
        } else if held(t) {
            0.0
        } else {
            lif.mem_decay * u
        };
        p = lif.syn_decay * p + lif.mem_gain * u;
        if t >= 2 {
            sum += p; // g[t - 1]
        }
    }
    sum / (n_steps - 1) as f64
}

/// A uniform train of `o` firings at steps 1 .. n_steps - 1 with gaps above t_ref.
fn random_train(o: usize, t_ref: usize, n_steps: usize, rng: &mut ChaCha8Rng) -> Vec<bool> {
    let n = n_steps - 1 - (o - 1) * t_ref;
    let (mut fired, mut wanted, mut at) = (vec![false; n_steps], o, 0);
    for left in (1..=n).rev() {
        at += 1;
        if rng.next_u64() % (left as u64) < wanted as u64 {
            fired[at] = true;
            at += t_ref;
            wanted -= 1;
        }
    }
    fired
}

#[test]
fn is_what_monte_carlo_tends_to() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for (tau_m, tau_s, t_ref) in [(64.0, 8.0, 2.0), (64.0, 8.0, 0.0), (20.0, 5.0, 4.0), (8.0, 64.0, 1.0)] {
        let params = params(tau_m, tau_s, t_ref);
        let (lif, table) = (LifPropagator::new(&params).unwrap(), psp_table(&params, 200).unwrap());
        for o in [1, 2, 5, 17, 29, 40] {
            let trials = 2000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..trials {
                let d = mean_adjoint_trace(&lif, &random_train(o, t_ref as usize, 200, &mut rng));
                sum += d;
                squares += d * d;
            }
            let mean = sum / f64::from(trials);
            let error = ((squares / f64::from(trials) - mean * mean).max(0.0) / f64::from(trials)).sqrt();
            assert!((table[o] - mean).abs() < 4.0 * error + 1e-12, "{params:?} {o}: {} {mean} +- {error}", table[o]);
        }
    }
}

#[test]
fn is_the_mean_over_all_trains_of_a_short_run() {
    for (n_steps, t_ref) in [(9, 0.0), (9, 1.0), (12, 2.0), (11, 5.0)] {
        let params = params(6.0, 3.0, t_ref);
        let lif = LifPropagator::new(&params).unwrap();
        let table = psp_table(&params, n_steps).unwrap();
        let largest = largest_count(lif.t_ref_steps, n_steps);
        let (mut sums, mut numbers) = (vec![0.0; n_steps], vec![0.0; n_steps]);
        for bits in 0u32..1 << (n_steps - 1) {
            let fired: Vec<bool> = (0..n_steps).map(|t| t > 0 && bits >> (t - 1) & 1 == 1).collect();
            let times: Vec<usize> = (0..n_steps).filter(|&t| fired[t]).collect();
            if times.windows(2).all(|pair| pair[1] - pair[0] > t_ref as usize) {
                sums[times.len()] += mean_adjoint_trace(&lif, &fired);
                numbers[times.len()] += 1.0;
            }
        }
        for o in 1..n_steps {
            assert_eq!(numbers[o] > 0.0, o <= largest, "{n_steps} {t_ref} {o}");
            let expected = if o <= largest { sums[o] / numbers[o] } else { table[largest] };
            assert!((table[o] / expected - 1.0).abs() < 1e-12, "{n_steps} {t_ref} {o}: {} {expected}", table[o]);
        }
        assert_eq!((table.len(), table[0]), (n_steps + 1, 0.0));
    }
}

#[test]
fn interpolates_between_the_computed_counts() {
    for t_ref in [0.0, 2.0] {
        let params = params(64.0, 8.0, t_ref);
        let lif = LifPropagator::new(&params).unwrap();
        let table = psp_table(&params, 400).unwrap();
        let counts: Vec<usize> = (20..=130).collect();
        let exact: Vec<f64> = mean_sums(&lif, 400, &counts).unwrap().iter().map(|sum| sum / 399.0).collect();
        for (at, &o) in counts.iter().enumerate() {
            assert!((table[o] / exact[at] - 1.0).abs() < 1e-4, "{t_ref} {o}: {} {}", table[o], exact[at]);
        }
        // Their differences, which the coupling is made of, are good too.
        for (at, &o) in counts.iter().enumerate().skip(1) {
            let [rise, expected] = [table[o] / table[o - 1], exact[at] / exact[at - 1]].map(f64::ln);
            assert!(((rise - expected) * o as f64).abs() < 5e-3, "{t_ref} {o}: {rise} {expected}");
        }
    }
}

#[test]
fn is_cached() {
    let params = params(33.0, 7.0, 2.0);
    let first = psp_table(&params, 100).unwrap();
    // The threshold does not enter.
    let again = psp_table(&LifParams { v_th: 1.0, ..params }, 100).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert!(!Arc::ptr_eq(&first, &psp_table(&params, 101).unwrap()));
}

#[test]
fn degenerate_runs_have_empty_tables() {
    for n_steps in [0, 1] {
        assert_eq!(*psp_table(&params(64.0, 8.0, 2.0), n_steps).unwrap(), vec![0.0; n_steps + 1]);
    }
    assert!(psp_table(&params(-64.0, 8.0, 2.0), 400).is_err());
}

/// Moments of an order statistic, in closed form.
#[test]
fn firing_times_have_their_moments() {
    // The last are so many that probabilities relative to one far from the middle leave the range of the numbers.
    for (o, n) in [(1, 1), (1, 7), (3, 3), (3, 10), (7, 50), (5000, 100_000), (99_000, 100_000)] {
        for m in [1, 2, o / 5, o / 2, o - o / 4, o].into_iter().filter(|m| (1..=o).contains(m)) {
            let mean = |f: &dyn Fn(usize) -> f64| mean_over_firing_times(m, o, n, f);
            let [mf, of, nf] = [m, o, n].map(|x| x as f64);
            let first = mf * (nf + 1.0) / (of + 1.0);
            let rising = mf * (mf + 1.0) * (nf + 1.0) * (nf + 2.0) / ((of + 1.0) * (of + 2.0));
            for (got, expected) in [(mean(&|c| c as f64), first), (mean(&|c| (c * (c + 1)) as f64), rising)] {
                assert!((got / expected - 1.0).abs() < 1e-9, "firing {m} of {o} on {n}: {got}, expected {expected}");
            }
        }
    }
}

#[test]
fn counts_are_dense_and_then_a_twentieth_apart() {
    assert_eq!(computed_counts(1), [1]);
    assert_eq!(computed_counts(24), (1..=24).collect::<Vec<_>>());
    assert_eq!(computed_counts(43), (1..=40).chain([42, 43]).collect::<Vec<_>>());
    assert_eq!(
        computed_counts(100)[39..],
        [40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 63, 66, 69, 72, 75, 78, 81, 85, 89, 93, 97, 100]
    );
    for (t_ref, n_steps, largest) in [(0, 0, 0), (0, 1, 0), (0, 5, 4), (2, 2, 1), (2, 4, 1), (2, 5, 2), (2, 400, 133)] {
        assert_eq!(largest_count(t_ref, n_steps), largest, "{t_ref} {n_steps}");
    }
}

#[test]
fn cubics_are_interpolated_exactly() {
    let cubic = |x: f64| 2.0 + x * (-1.0 + x * (0.5 + x * 0.25));
    let points: Vec<(f64, f64)> = [1.0, 2.0, 4.0, 5.0, 9.0, 14.0].map(|x| (x, cubic(x))).to_vec();
    for x in [1.0, 1.5, 2.0, 3.0, 4.5, 7.0, 9.0, 12.0, 14.0] {
        assert!((interpolate(&points, x) - cubic(x)).abs() < 1e-9, "{x}");
    }
    // The four around it: of another number far away nothing is seen.
    let mut points = points;
    points[0].1 = 1e9;
    points[5].1 = 1e9;
    assert!((interpolate(&points, 4.5) - cubic(4.5)).abs() < 1e-9);
    assert!((interpolate(&points, 7.0) - cubic(7.0)).abs() > 1.0);
    assert!((interpolate(&points, 1.5) - cubic(1.5)).abs() > 1.0);
    assert_eq!(interpolate(&[(1.0, 3.0)], 1.0), 3.0);
    assert_eq!(interpolate(&[(1.0, 3.0), (2.0, 5.0)], 1.5), 4.0);
}
