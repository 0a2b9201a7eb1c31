//! Gaps in one go against step by step, and predictions against what stepping finds.

use proptest::prelude::*;

use super::*;
use crate::neuron::Discretisation;

fn params() -> impl Strategy<Value = LifParams> {
    let tau = prop_oneof![Just(1.0), Just(2.0), Just(64.0), Just(1e5), Just(1e12), 1.0..300.0f64];
    (tau.clone(), tau, any::<bool>()).prop_map(|(tau_m, tau_s, exact)| LifParams {
        tau_m,
        tau_s,
        v_th: 1.0,
        t_ref: 2.0,
        dt: 1.0,
        discretisation: if exact { Discretisation::Exact } else { Discretisation::Euler },
    })
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        -3.0..3.0f64,
        -1e6..1e6f64,
        Just(-1e100),
        Just(1e-300),
        Just(1.0),
        Just(1.0 - f64::EPSILON),
        // Of the size at which a slow current only just fires.
        (-6..6i32).prop_map(|e| 10f64.powi(e)),
    ]
}

/// A step without input.
fn step(lif: &LazyLif<f64>, p: f64, u: f64) -> Stepped<f64> {
    lif.step(0, p, u, 0.0)
}

fn near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-12 * scale
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn gaps_are_repeated_steps(params in params(), p in -9.0..9.0f64, u in -9.0..0.9f64, steps in prop_oneof![0..5u64, 0..3000u64]) {
        let lif = LazyLif::<f64>::new(&LifParams { v_th: 1e9, ..params }, Bounds::none(0.0)).unwrap();
        let (mut by_step, mut largest) = ((p, u), p.abs().max(u.abs()));
        for _ in 0..steps {
            let Stepped { current: p, potential: u, .. } = step(&lif, by_step.0, by_step.1);
            largest = largest.max(u.abs());
            by_step = (p, u);
        }
        let (by_p, by_u) = lif.skip(p, u, steps);
        prop_assert!(near(by_p, by_step.0, largest) && near(by_u, by_step.1, largest), "{by_p} {by_u} {by_step:?}");
        prop_assert_eq!(lif.skip_refractory(p, steps), lif.skip(p, 0.0, steps).0);
    }

    /// Two gaps are one: also where no one can step through them.
    #[test]
    fn gaps_add_up(params in params(), p in -9.0..9.0f64, u in -9.0..0.9f64, first in 0..1u64 << 41, second in 0..1u64 << 41) {
        let lif = LazyLif::<f64>::new(&LifParams { v_th: 1e9, ..params }, Bounds::none(0.0)).unwrap();
        let (by_p, by_u) = lif.skip(p, u, first + second);
        let between = lif.skip(p, u, first);
        let (twice_p, twice_u) = lif.skip(between.0, between.1, second);
        // Of 2^41 steps each with a rounding error of its factor; nothing of that size is left of short time constants.
        let largest = p.abs() * (1.0 + lif.bound()[0].min(1e12)) + u.abs();
        prop_assert!((by_p - twice_p).abs() <= 1e-9 * largest && (by_u - twice_u).abs() <= 1e-9 * largest);
    }

    /// The rough prediction is never later than the precise one, nor missing where that is not.
    #[test]
    fn a_rough_prediction_comes_no_later(params in params(), p in values(), u in values()) {
        let u = u.min(1.0);
        let lif = LazyLif::<f64>::new(&params, Bounds::none(1e-9)).unwrap();
        if let Some(precise) = lif.next_firing(0, p, u) {
            let rough = lif.soonest_firing(0, p, u);
            prop_assert!(rough.is_some_and(|rough| (1..=precise).contains(&rough)), "{rough:?} {precise}");
        }
    }

    /// Never later than stepping finds; and where it says never, there is none in 20,000 steps.
    #[test]
    fn no_firing_is_predicted_too_late(params in params(), p in values(), u in values(), margin in prop_oneof![Just(0.0), Just(1e-9), Just(1e-3)]) {
        let u = u.min(1.0 - margin);
        let lif = LazyLif::<f64>::new(&params, Bounds::none(margin)).unwrap();
        let predicted = lif.next_firing(0, p, u);
        prop_assert!(predicted != Some(0));
        let (mut at_p, mut at_u) = (p, u);
        for k in 1..=20_000u64 {
            let stepped = step(&lif, at_p, at_u);
            if stepped.fires {
                // Without a margin, rounding may decide otherwise.
                let sharp = margin == 0.0 && (lif.skip(p, u, k).1 - 1.0).abs() < 1e-9;
                prop_assert!(sharp || predicted.is_some_and(|predicted| predicted <= k), "{predicted:?}, fires at {k}");
                return Ok(());
            }
            if stepped.current == at_p && stepped.potential == at_u {
                break;
            }
            (at_p, at_u) = (stepped.current, stepped.potential);
        }
    }

    /// Nor is it early, where it is not for the margin: else neurons would be touched for nothing.
    #[test]
    fn predictions_are_of_the_first_step_above(params in params(), p in values(), u in values()) {
        let lif = LazyLif::<f64>::new(&params, Bounds::none(1e-6)).unwrap();
        let u = u.min(0.999);
        if let Some(k) = lif.next_firing(0, p, u) {
            prop_assert!(lif.skip(p, u, k).1 > 1.0 - 1e-6);
            prop_assert!(k == 1 || lif.skip(p, u, k - 1).1 <= 1.0 - 1e-6 + 1e-9);
        }
    }
}

fn lif(tau_m: f64, tau_s: f64) -> LazyLif<f64> {
    let params = LifParams { tau_m, tau_s, v_th: 1.0, t_ref: 2.0, dt: 1.0, discretisation: Discretisation::Euler };
    LazyLif::new(&params, Bounds::none(1e-12)).unwrap()
}

#[test]
fn nothing_fires_without_a_current() {
    for lif in [lif(64.0, 8.0), lif(1.0, 1.0), lif(1e15, 1e15), lif(1.0, 1e15)] {
        for p in [0.0, -1.0, -1e100] {
            for u in [0.0, -1.0, -1e100, 0.999] {
                assert_eq!(lif.next_firing(0, p, u), None, "p {p}, u {u}");
            }
        }
    }
}

#[test]
fn decays_of_zero_end_everything_at_once() {
    let lif = lif(1.0, 1.0);
    assert_eq!(lif.skip(5.0, 0.9, 1), (0.0, 0.0));
    assert_eq!(lif.next_firing(0, 1e9, 0.9), None);
    // The input of a step acts in it alone.
    assert_eq!(lif.step(0, 0.0, 0.0, 1.5), Stepped { current: 1.5, potential: 0.0, fires: true, near: false });
    assert_eq!(lif.step(0, 0.0, 0.0, 1.0), Stepped { current: 1.0, potential: 1.0, fires: false, near: true });
}

/// With time constants of 10^13 steps, p hardly decays and u grows by p / tau_s a step.
#[test]
fn a_crossing_billions_of_steps_ahead() {
    let lif = lif(1e13, 1e13);
    let k = lif.next_firing(0, 1e3, 0.0).unwrap();
    // u_k = g p (a + ... + a^k) with all else 1 - k 1e-13: 10^10 steps, and about 1 in 1000 for the decays of both.
    assert!((k as f64 / 1e10 - 1.0).abs() < 2.1e-3 && k > 10_000_000_000, "{k}");
    assert!(lif.skip(1e3, 0.0, k).1 > 1.0 - 2e-12 && lif.skip(1e3, 0.0, k - 1).1 <= 1.0);
}

#[test]
fn a_gap_of_2_to_the_40_steps() {
    let n = 1u64 << 40;
    assert_eq!(lif(64.0, 8.0).skip(1e9, 1e9, n), (0.0, 0.0));
    let slow = lif(1e13, 2e13);
    let (p, _) = slow.skip(1.0, 0.0, n);
    let expected = (n as f64 * slow.lif().syn_decay.ln()).exp();
    assert!((p - expected).abs() < 1e-9, "{p} {expected}");
    assert_eq!(slow.skip(1.0, 1.0, u64::MAX), (0.0, 0.0));
}
