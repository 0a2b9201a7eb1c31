use proptest::prelude::*;

use super::*;
use crate::neuron::{Discretisation, LifPropagator};

fn params(tau_m: f64, tau_s: f64, v_th: f64) -> LifParams {
    LifParams { tau_m, tau_s, v_th, t_ref: 0.25, dt: 0.1, discretisation: Discretisation::Exact }
}

fn neuron(tau_m: f64, tau_s: f64, v_th: f64) -> ContinuousLif {
    ContinuousLif::new(&params(tau_m, tau_s, v_th)).unwrap()
}

fn assert_near(got: f64, expected: f64, relative: f64, what: &dyn std::fmt::Debug) {
    assert!((got - expected).abs() <= relative * expected.abs(), "{what:?}: {got} instead of {expected}");
}

/// u after `t`, by the textbook's formula; for time constants well apart.
fn textbook(tau_m: f64, tau_s: f64, p: f64, u: f64, t: f64) -> f64 {
    let (slow, fast) = ((-t / tau_m).exp(), (-t / tau_s).exp());
    u * slow + p * tau_m / (tau_m - tau_s) * (slow - fast)
}

/// Where an increasing function passes 0, to the last bit.
fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        *(if f(middle) < 0.0 { &mut low } else { &mut high }) = middle;
    }
    0.5 * (low + high)
}

#[test]
fn a_grid_of_steps_is_the_exact_propagator() {
    for (tau_m, tau_s) in [(20.0, 2.0), (64.0, 8.0), (5.0, 30.0), (8.0, 8.0), (8.0, 8.0 + 1e-12), (0.3, 9.0)] {
        let params = LifParams { t_ref: 0.2, ..params(tau_m, tau_s, 1e6) };
        let (lif, grid) = (ContinuousLif::new(&params).unwrap(), LifPropagator::<f64>::new(&params).unwrap());
        let (mut state, mut expected) = ((0.0, 0.0), (0.0, 0.0));
        for step in 0..400 {
            let weight = if step % 7 == 0 { (step % 13) as f64 - 6.0 } else { 0.0 };
            state = lif.advance(state.0 + weight, state.1, params.dt);
            // The grid's p holds its input before it has decayed.
            let p = grid.syn_decay * expected.0 + weight;
            expected = (p, grid.mem_decay * expected.1 + grid.mem_gain * p);
            assert!((state.1 - expected.1).abs() < 1e-12, "{tau_m} {tau_s} {step}: {state:?} {expected:?}");
            assert!((state.0 - p * grid.syn_decay).abs() < 1e-12, "{tau_m} {tau_s} {step}: {state:?} {p}");
        }
    }
}

#[test]
fn crossings_to_the_last_digits() {
    // Computed with 60 decimals: (tau_m, tau_s, p, u, v_th), time.
    let cases = [
        ((20.0, 2.0, 30.0, 0.0, 15.0), 1.4719117212597124),
        ((20.0, 5.0, 100.0, 5.0, 15.0), 0.5420566844257241),
        ((20.0, 10.0, 40.0, 0.0, 15.0), 5.753641449035618),
        ((20.0, 10.0, 21.0, 14.0, 15.0), 0.7720083059220706),
        ((10.0, 10.0, 60.0, 3.0, 15.0), 2.8116954405007974),
        ((64.0, 8.0, 300.0, -50.0, 20.0), 2.110407647249764),
        ((20.0, 0.02, 17.0, 0.0, 15.0), 0.043017747950993085),
        ((0.25, 25.0, 4000.0, 1.0, 20.0), 0.16786900591773699),
        ((20.0, 20.000000001, 50.0, 0.0, 15.0), 9.788044544328246),
        ((19.999999, 20.0, 45.0, 10.0, 16.0), 4.429725272404308),
        ((20.0, 5.0, 25.0, 14.999, 15.0), 0.00023529924706298177),
        ((20.0, 5.0, 1e300, 0.0, 15.0), 7.5e-299),
        ((20.0, 2.0, 1e6, -3e5, 15.0), 0.699399769599217),
        ((10.0, 30.0, 2000.0, -1e4, 0.5), 35.99334512794556),
        ((1.0, 1e6, 1e9, 0.0, 500.0), 0.6931475668546732),
        ((1e6, 1.0, 0.75, 0.0, 0.7), 2.7080768225538927),
        ((20.0, 3.0, 20.2, 1.0, 13.0), 3.2457881090157685),
    ];
    for case in cases {
        let ((tau_m, tau_s, p, u, v_th), expected) = case;
        let lif = neuron(tau_m, tau_s, v_th);
        let got = lif.next_crossing(p, u).expect("crosses");
        // Rounding errors of what is compared with the threshold, over the slope with which it is met.
        let slope = (tau_m / tau_s * lif.decay(p, expected) - v_th) / tau_m;
        let compared = v_th.max(-u * (-expected / tau_m).exp());
        let tolerance = f64::EPSILON * (2.0 * expected + compared / slope);
        assert!((got - expected).abs() <= tolerance, "{case:?}: {got}");
    }
}

#[test]
fn twice_the_synaptic_time_constant_is_a_quadratic_equation() {
    // With z = exp(-t/tau_m), u(t) = (u + 2p) z - 2p z^2.
    for (p, u, v_th) in [(40.0, 0.0, 15.0), (100.0, 14.0, 15.0), (70.0, -20.0, 12.0), (30.5, 0.0, 15.0)] {
        let lif = neuron(20.0, 10.0, v_th);
        let b: f64 = u + 2.0 * p;
        let z = (b + (b * b - 8.0 * p * v_th).sqrt()) / (4.0 * p);
        assert_near(lif.next_crossing(p, u).unwrap(), -20.0 * z.ln(), 1e-14, &(p, u, v_th));
        // (u + 2p)^2 / (8p) is the peak.
        let peak = b * b / (8.0 * p);
        assert_eq!(neuron(20.0, 10.0, peak * (1.0 + 1e-15)).next_crossing(p, u), None);
        assert!(neuron(20.0, 10.0, peak * (1.0 - 1e-15)).next_crossing(p, u).is_some());
    }
}

#[test]
fn equal_time_constants_are_the_limit_of_unequal_ones() {
    // For equal ones u(t) = (u + p t/tau) exp(-t/tau), a Lambert W function.
    for (tau, p, u, v_th) in [(8.0, 60.0, 0.0, 15.0), (20.0, 45.0, 10.0, 16.0), (5.0, 80.0, -12.0, 20.0f64)] {
        let peak_time = tau * (1.0 - u / p);
        let limit = bisect(0.0, peak_time, |t| (u + p * t / tau) * (-t / tau).exp() - v_th);
        assert_near(neuron(tau, tau, v_th).next_crossing(p, u).unwrap(), limit, 4e-15, &(tau, p, u));
        for power in -17..=-10 {
            for difference in [10f64.powi(power), -10f64.powi(power)] {
                for (tau_m, tau_s) in [(tau + difference, tau), (tau, tau + difference)] {
                    let lif = neuron(tau_m, tau_s, v_th);
                    // Times change by less than the relative change of the time constants, scaled by 1/u'.
                    let tolerance = 4e-15 + 4.0 * (difference / tau).abs();
                    assert_near(lif.next_crossing(p, u).unwrap(), limit, tolerance, &(tau, difference));
                    let expected = (u + p * 0.7) * (-0.7f64).exp();
                    assert_near(lif.advance(p, u, 0.7 * tau).1, expected, tolerance, &(tau, difference));
                }
            }
        }
    }
}

#[test]
fn a_peak_at_the_threshold_decides() {
    // From the peak (p, u = ratio p) back in time, so that the peak is known; equal time constants among them.
    for (tau_m, tau_s) in [(20.0, 2.0), (20.0, 5.0), (20.0, 10.0), (9.0, 9.0), (9.0, 9.0 + 1e-9), (4.0, 12.0)] {
        let ratio: f64 = tau_m / tau_s;
        for back in [0.02, 0.3, 1.0, 1.8].map(|back| back / ratio.max(1.0)) {
            let p = (ratio * back).exp();
            let integral = if ratio == 1.0 { back } else { ((ratio - 1.0) * back).exp_m1() / (ratio - 1.0) };
            let u = back.exp() * ratio * (1.0 - integral);
            for scale in [1.0, 1e-9, 3e12] {
                let crossing = |v_th: f64| neuron(tau_m, tau_s, v_th).next_crossing(p * scale, u * scale);
                assert_eq!(crossing(ratio * scale * (1.0 + 1e-12)), None, "{tau_m} {tau_s} {back}");
                let time = crossing(ratio * scale * (1.0 - 1e-12)).expect("crosses");
                // sqrt(2e-12 / ratio) before the peak.
                let before = tau_m * (2e-12 / ratio).sqrt();
                assert!((time - back * tau_m + before).abs() < 0.05 * before, "{tau_m} {tau_s} {back}: {time}");
            }
        }
    }
}

#[test]
fn a_peak_equal_to_the_threshold_does_not_fire() {
    // (2p)^2 / (8p) = p/2, without any rounding.
    assert_eq!(neuron(20.0, 10.0, 15.0).next_crossing(30.0, 0.0), None);
    // At the threshold: rising, level, falling.
    let lif = neuron(20.0, 5.0, 15.0);
    assert_eq!(lif.next_crossing(4.0, 15.0), Some(0.0));
    assert_eq!(lif.next_crossing(3.75, 15.0), None);
    assert_eq!(lif.next_crossing(3.5, 15.0), None);
    // Rounding may leave u just above.
    assert_eq!(lif.next_crossing(-1.0, 15.0f64.next_up()), Some(0.0));
}

#[test]
fn just_below_the_threshold() {
    let lif = neuron(20.0, 5.0, 15.0);
    for gap in [1e-3, 1e-8, 15.0 - 15.0f64.next_down()] {
        let u = 15.0 - gap;
        // tau_m u' = -u + 4 p; the curvature's part is below gap/2.
        let expected = 20.0 * (15.0 - u) / (4.0 * 25.0 - u);
        assert_near(lif.next_crossing(25.0, u).unwrap(), expected, 1e-15 + gap, &gap);
    }
}

#[test]
fn extremes_stay_numbers() {
    let lif = neuron(20.0, 5.0, 15.0);
    assert_eq!(lif.advance(3.0, -7.0, 0.0), (3.0, -7.0));
    assert_eq!(lif.decay(3.0, 0.0), 3.0);
    for elapsed in [1e6, 1e300, f64::MAX] {
        assert_eq!(lif.advance(1e300, -1e300, elapsed), (0.0, 0.0));
        assert_eq!(lif.decay(1e300, elapsed), 0.0);
        assert_eq!(neuron(7.0, 7.0, 1.0).advance(1e300, 1e300, elapsed), (0.0, 0.0));
    }
    let tiny = f64::from_bits(3);
    assert_eq!(lif.advance(tiny, tiny, 1e-3), (tiny, tiny));
    assert_eq!(lif.next_crossing(tiny, tiny), None);
    for (p, u) in [(0.0, 0.0), (-1e150, 15.0), (1e-150, -1e150), (1e150, -1e150), (16.0, -1e150), (1e150, 15.0)] {
        for (tau_m, tau_s) in [(20.0, 5.0), (5.0, 20.0), (7.0, 7.0), (1e9, 1e-9), (1e-9, 1e9), (3.0, 3.0 + 1e-15)] {
            for v_th in [1e-100, 15.0, 1e100] {
                let lif = neuron(tau_m, tau_s, v_th);
                if u > v_th {
                    continue;
                }
                if let Some(time) = lif.next_crossing(p, u) {
                    let after = lif.advance(p, u, time).1;
                    assert!(time >= 0.0 && time.is_finite(), "{tau_m} {tau_s} {v_th} {p} {u}: {time}");
                    assert!(
                        (after - v_th).abs() <= 1e-13 * v_th.max(v_th - u),
                        "{tau_m} {tau_s} {v_th} {p} {u}: {after}"
                    );
                }
            }
        }
    }
    // Within 5e-250 ms.
    assert_near(neuron(20.0, 5.0, 1e-100).next_crossing(1e150, 0.0).unwrap(), 5e-250, 1e-15, &"huge input");
}

#[test]
fn names_the_field_outside_its_domain() {
    let valid = params(20.0, 5.0, 15.0);
    let message = |params: LifParams| ContinuousLif::new(&params).unwrap_err().to_string();
    for bad in [0.0, -2.0, 1e-10, 1e10, f64::NAN, f64::INFINITY] {
        let expected = format!("must be between 1e-9 and 1e9 ms, got {bad}");
        assert_eq!(message(LifParams { tau_m: bad, ..valid }), format!("tau_m {expected}"));
        assert_eq!(message(LifParams { tau_s: bad, ..valid }), format!("tau_s {expected}"));
    }
    for bad in [0.0, -2.0, 1e-101, 1e101, f64::NAN] {
        let expected = format!("v_th must be between 1e-100 and 1e100, got {bad}");
        assert_eq!(message(LifParams { v_th: bad, ..valid }), expected);
    }
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(message(LifParams { t_ref: bad, ..valid }).starts_with("t_ref must be finite and >= 0 ms, got"));
    }
    // What only a grid needs: whole steps of t_ref, time constants above a step of forward Euler.
    let off_grid = LifParams { tau_s: 0.05, dt: f64::NAN, discretisation: Discretisation::Euler, ..valid };
    let lif = ContinuousLif::new(&off_grid).unwrap();
    assert_eq!((lif.v_th(), lif.t_ref()), (15.0, 0.25));
}

prop_compose! {
    /// Time constants a neuron may have, and a state whose peak is somewhere around the threshold.
    fn states()(
        tau_m in 0.5..80.0f64, ratio in 0.05..40.0f64, v_th in 0.1..50.0f64, p in -0.5..6.0f64, u in -4.0..1.0f64,
    ) -> (ContinuousLif, f64, f64, f64, f64) {
        let tau_s = tau_m / ratio;
        (neuron(tau_m, tau_s, v_th), tau_m, tau_s, p * v_th, u * v_th)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn crosses_when_fine_steps_do((lif, tau_m, tau_s, p, u) in states()) {
        prop_assume!((tau_m / tau_s - 1.0).abs() > 1e-3);
        let u_at = |t: f64| textbook(tau_m, tau_s, p, u, t);
        // The rise ends within tau_s (1 + tau_s/tau_m) + ..; 20 of the slower one are far beyond what can rise.
        let end = 20.0 * tau_m.max(tau_s);
        const STEPS: u32 = 4000;
        // Steps grow with time, as does what u varies over.
        let times = |k: u32| end * (f64::from(k) / f64::from(STEPS)).powi(3);
        let seen = (1..=STEPS).find(|&k| u_at(times(k)) > lif.v_th());
        match (lif.next_crossing(p, u), seen) {
            (Some(time), Some(k)) => {
                let expected = bisect(times(k - 1), times(k), |t| u_at(t) - lif.v_th());
                // The textbook's cancellation, over the slope at the crossing.
                let slope = (tau_m / tau_s * lif.decay(p, time) - lif.v_th()) / tau_m;
                let error = 4e-15 * (u.abs() + p + lif.v_th()) / (tau_m / tau_s - 1.0).abs().min(1.0) / slope;
                prop_assert!((time - expected).abs() <= error + 4e-15 * expected, "{time} {expected} {error}");
            }
            (None, None) => {}
            (Some(time), None) => {
                // Between two steps; the formula itself says so.
                let k = (0..STEPS).find(|&k| times(k + 1) > time).unwrap();
                let peak = (0..=1000).map(|i| u_at(times(k) + (times(k + 1) - times(k)) * f64::from(i) / 1000.0));
                prop_assert!(peak.fold(0.0, f64::max) > lif.v_th() * (1.0 - 1e-7), "{time} is no crossing");
            }
            (None, Some(k)) => {
                let peak = (0..=1000).map(|i| u_at(times(k) + (times(k + 1) - times(k)) * f64::from(i) / 1000.0));
                prop_assert!(peak.fold(0.0, f64::max) < lif.v_th() * (1.0 + 1e-12), "missed at {}", times(k));
            }
        }
    }

    #[test]
    fn u_meets_the_threshold_and_rises_to_it((lif, _, _, p, u) in states()) {
        if let Some(time) = lif.next_crossing(p, u) {
            let scale = lif.v_th().max(lif.v_th() - u) * f64::EPSILON;
            let after = lif.advance(p, u, time).1;
            prop_assert!((after - lif.v_th()).abs() <= 4.0 * scale, "{after} at {time}");
            let before = (0..50).map(|k| lif.advance(p, u, time * f64::from(k) / 50.0).1);
            let rise: Vec<f64> = before.chain([after]).collect();
            prop_assert!(rise.iter().all(|&u| u <= lif.v_th() + 4.0 * scale));
            prop_assert!(rise.windows(2).all(|pair| pair[0] <= pair[1] + 4.0 * scale), "{rise:?}");
        }
    }

    #[test]
    fn two_advances_are_one((lif, tau_m, _, p, u) in states(), first in 0.0..3.0f64, second in 0.0..3.0f64) {
        let (first, second) = (first * tau_m, second * tau_m);
        let half = lif.advance(p, u, first);
        let (twice, once) = (lif.advance(half.0, half.1, second), lif.advance(p, u, first + second));
        prop_assert!((twice.0 - once.0).abs() <= 1e-13 * once.0.abs(), "{twice:?} {once:?}");
        prop_assert!((twice.1 - once.1).abs() <= 1e-14 * (p.abs() + u.abs()), "{twice:?} {once:?}");
        prop_assert!((lif.decay(p, first) - half.0).abs() <= 1e-14 * half.0.abs());
    }

    #[test]
    fn a_later_look_sees_the_same_crossing((lif, _, _, p, u) in states(), share in 0.0..1.0f64) {
        if let Some(time) = lif.next_crossing(p, u) {
            let (p_later, u_later) = lif.advance(p, u, share * time);
            let rest = lif.next_crossing(p_later, u_later.min(lif.v_th())).expect("still crosses");
            let slope = lif.advance(p, u, time).0;
            prop_assume!(slope > 0.05 * p);
            prop_assert!((share * time + rest - time).abs() <= 1e-10 * time, "{time} {share} {rest}");
        }
    }
}
