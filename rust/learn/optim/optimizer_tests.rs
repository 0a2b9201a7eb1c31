//! Tests of `optimizer.rs`: against plain scalar code in the words of PyTorch's documentation.

use proptest::prelude::*;

use super::*;

const ADAM: OptimizerConfig = OptimizerConfig::Adam { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8 };
const ADAMW: OptimizerConfig =
    OptimizerConfig::AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1 };
const SGD: OptimizerConfig = OptimizerConfig::Sgd { lr: 1e-2, momentum: 0.9, nesterov: false };
const NESTEROV: OptimizerConfig = OptimizerConfig::Sgd { lr: 1e-2, momentum: 0.9, nesterov: true };

/// Weight after the gradients `grads`, as PyTorch's documentation writes the algorithms.
fn reference(config: OptimizerConfig, mut w: f64, grads: &[f64], factor: impl Fn(usize) -> f64) -> f64 {
    let (mut m, mut v, mut buffer) = (0.0, 0.0, None);
    for (at, &g) in grads.iter().enumerate() {
        let (t, gamma) = (at as i32 + 1, config.lr() * factor(at));
        match config {
            OptimizerConfig::Adam { beta1, beta2, eps, .. } | OptimizerConfig::AdamW { beta1, beta2, eps, .. } => {
                if let OptimizerConfig::AdamW { weight_decay, .. } = config {
                    w -= gamma * weight_decay * w;
                }
                m = beta1 * m + (1.0 - beta1) * g;
                v = beta2 * v + (1.0 - beta2) * g * g;
                let (m_hat, v_hat) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
                w -= gamma * m_hat / (v_hat.sqrt() + eps);
            }
            OptimizerConfig::Sgd { momentum, nesterov, .. } => {
                let b = buffer.map_or(g, |b: f64| momentum * b + g);
                buffer = Some(b);
                w -= gamma * if nesterov { g + momentum * b } else { b };
            }
        }
    }
    w
}

/// One weight through [`update`].
fn run<F: Real>(config: OptimizerConfig, w: f64, grads: &[f64], factor: impl Fn(usize) -> f64) -> f64 {
    let (mut w, mut m, mut v) = ([F::from_f64(w)], [F::zero()], [F::zero()]);
    for (at, &g) in grads.iter().enumerate() {
        let constants = StepConstants::new(&config, at as u64 + 1, config.lr() * factor(at), 1.0, None);
        update(&constants, &mut w, &[F::from_f64(g)], &mut m, &mut v, None);
    }
    w[0].widen()
}

#[test]
fn adam_starts_with_a_step_of_the_learning_rate() {
    for g in [1e-3, 1.0, 1e3] {
        assert!((run::<f64>(ADAM, 0.5, &[g], |_| 1.0) - 0.49).abs() < 1e-6);
        assert!((run::<f64>(ADAM, 0.5, &[-g], |_| 1.0) - 0.51).abs() < 1e-6);
    }
}

#[test]
fn weight_decay_is_decoupled() {
    // Without a gradient only the decay acts, and it does not enter the moments.
    let expected = 2.0 * (1.0 - 1e-2 * 0.1f64).powi(3);
    assert!((run::<f64>(ADAMW, 2.0, &[0.0; 3], |_| 1.0) - expected).abs() < 1e-15);
    // The schedule's factor scales it.
    assert!((run::<f64>(ADAMW, 2.0, &[0.0], |_| 0.5) - 2.0 * (1.0 - 0.5e-3)).abs() < 1e-15);
}

#[test]
fn masked_weights_stay_and_others_do_not_notice() {
    for config in [ADAM, ADAMW, SGD, NESTEROV] {
        let constants = StepConstants::<f32>::new(&config, 1, 1e-2, 1.0, None);
        let grad = [0.3, f32::INFINITY, -2.0, 5.0];
        let (mut w, mut m, mut v) = ([1.0, 0.0, -1.0, 0.0], [0.0; 4], [0.0; 4]);
        update(&constants, &mut w, &grad, &mut m, &mut v, Some(&[1.0, 0.0, 1.0, 0.0]));
        assert_eq!((w[1], w[3], m[1], v[3]), (0.0, 0.0, 0.0, 0.0));
        for i in [0, 2] {
            let (mut alone, mut m, mut v) = ([[1.0, 0.0, -1.0, 0.0][i]], [0.0], [0.0]);
            update(&constants, &mut alone, &grad[i..=i], &mut m, &mut v, None);
            assert_eq!(alone[0], w[i]);
        }
    }
}

#[test]
fn gradient_scale_acts_before_all_else() {
    for config in [ADAM, ADAMW, SGD, NESTEROV] {
        let [mut whole, mut scaled] = [[0.7f64]; 2];
        let (mut m, mut v) = ([0.0], [0.0]);
        update(&StepConstants::new(&config, 1, 1e-2, 1.0, None), &mut whole, &[0.5], &mut m, &mut v, None);
        let (mut m, mut v) = ([0.0], [0.0]);
        update(&StepConstants::new(&config, 1, 1e-2, 0.25, None), &mut scaled, &[2.0], &mut m, &mut v, None);
        assert_eq!(whole, scaled);
    }
}

#[test]
fn limit_clamps_but_shows_nan() {
    let constants = StepConstants::<f32>::new(&SGD, 1, 1.0, 1.0, Some(1.5));
    let (mut w, mut m) = ([1.0, -1.0, 0.0, 0.0], [0.0; 4]);
    update(&constants, &mut w, &[-9.0, 9.0, 0.5, f32::NAN], &mut m, &mut [], None);
    assert_eq!(w[..3], [1.5, -1.5, -0.5]);
    assert!(w[3].is_nan());
}

#[test]
fn padding_without_gradient_stays_zero() {
    // Even with an eps that single precision cannot hold.
    let config = OptimizerConfig::Adam { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-300 };
    assert_eq!(run::<f32>(config, 0.0, &[0.0; 5], |_| 1.0), 0.0);
}

#[test]
fn errors_name_the_field() {
    let message = |config: OptimizerConfig| config.validate().unwrap_err().to_string();
    let adam = |lr, beta1, beta2, eps| OptimizerConfig::Adam { lr, beta1, beta2, eps };
    let sgd = |momentum, nesterov| OptimizerConfig::Sgd { lr: 0.1, momentum, nesterov };
    assert_eq!(message(adam(0.0, 0.9, 0.999, 1e-8)), "lr must be finite and > 0, got 0");
    assert_eq!(message(adam(0.1, 1.0, 0.999, 1e-8)), "beta1 must be in [0, 1), got 1");
    assert_eq!(message(adam(0.1, 0.9, f64::NAN, 1e-8)), "beta2 must be in [0, 1), got NaN");
    assert_eq!(message(adam(0.1, 0.9, 0.999, 0.0)), "eps must be finite and > 0, got 0");
    assert_eq!(message(sgd(-0.1, false)), "momentum must be in [0, 1), got -0.1");
    assert_eq!(message(sgd(0.0, true)), "momentum must be > 0 with nesterov, got 0");
    let decay = OptimizerConfig::AdamW { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 11.0 };
    assert_eq!(message(decay), "weight_decay must be <= 1/lr = 10, as weights change sign above, got 11");
    for config in [ADAM, ADAMW, SGD, NESTEROV] {
        config.validate().unwrap();
    }
}

#[test]
fn round_trips_through_json_and_refuses_unknown_fields() {
    for (config, kind) in [(ADAM, "adam"), (ADAMW, "adamw"), (NESTEROV, "sgd")] {
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.starts_with(&format!(r#"{{"kind":"{kind}","lr":0.01"#)), "{text}");
        assert_eq!(serde_json::from_str::<OptimizerConfig>(&text).unwrap(), config);
        assert!(serde_json::from_str::<OptimizerConfig>(&text.replace("lr", "learning_rate")).is_err());
    }
}

proptest! {
    #[test]
    fn follows_the_documented_algorithms(
        w in -2.0..2.0f64, grads in prop::collection::vec(-3.0..3.0f64, 1..40), halve in 1usize..20,
    ) {
        let factor = |at: usize| 0.5f64.powi((at / halve) as i32);
        for config in [ADAM, ADAMW, SGD, NESTEROV] {
            let expected = reference(config, w, &grads, factor);
            prop_assert!((run::<f64>(config, w, &grads, factor) - expected).abs() < 1e-11);
            prop_assert!((run::<f32>(config, w, &grads, factor) - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn slices_of_any_length_give_the_bits_of_single_weights(
        values in prop::collection::vec((-2.0..2.0f32, -3.0..3.0f32, -1.0..1.0f32, 0.0..1.0f32), 1..67),
    ) {
        // Vectorised loops and their tails must agree, or bits would depend on how work is cut up.
        for config in [ADAMW, NESTEROV] {
            let constants = StepConstants::new(&config, 7, 3e-3, 0.9, Some(1.0));
            let column = |pick: fn(&(f32, f32, f32, f32)) -> f32| values.iter().map(pick).collect::<Vec<_>>();
            let (mut w, g, mut m, mut v) = (column(|x| x.0), column(|x| x.1), column(|x| x.2), column(|x| x.3));
            update(&constants, &mut w, &g, &mut m, &mut v, None);
            for (i, &(w0, g0, m0, v0)) in values.iter().enumerate() {
                let (mut w1, mut m1, mut v1) = ([w0], [m0], [v0]);
                update(&constants, &mut w1, &[g0], &mut m1, &mut v1, None);
                prop_assert_eq!((w1[0], m1[0], v1[0]), (w[i], m[i], v[i]));
            }
        }
    }
}

#[test]
fn learning_rates_are_numbers_of_the_weights_type() {
    let sgd = |lr| OptimizerConfig::Sgd { lr, momentum: 0.0, nesterov: false };
    for (lr, in_f32) in [(1e38, true), (1e39, false), (1e-44, true), (1e-46, false)] {
        assert_eq!(sgd(lr).validate_in::<f32>().is_ok(), in_f32, "{lr}");
        sgd(lr).validate_in::<f64>().unwrap();
    }
    let adam = |eps| OptimizerConfig::Adam { lr: 0.1, beta1: 0.9, beta2: 0.999, eps };
    // A tiny eps counts as the type's smallest number, an infinite one would stop all learning.
    adam(1e-300).validate_in::<f32>().unwrap();
    let message = adam(1e300).validate_in::<f32>().unwrap_err().to_string();
    assert!(message.starts_with("eps must be finite and > 0 in float32, got 1000"), "{message}");
}
