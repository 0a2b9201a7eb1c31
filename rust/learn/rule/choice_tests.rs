//! Tests of `choice.rs`: what is chosen against the errors at all firing counts.

use super::*;
use crate::learn::PostCouplingModel;
use crate::neuron::Discretisation;

fn params(tau_m: f64, tau_s: f64, t_ref: f64) -> LifParams {
    LifParams { tau_m, tau_s, v_th: 20.0, t_ref, dt: 1.0, discretisation: Discretisation::Euler }
}

fn model(kind: PostCoupling, params: &LifParams, n_steps: usize) -> PostCouplingModel {
    PostCouplingModel::new(kind, params, n_steps).unwrap()
}

fn chosen(params: &LifParams, n_steps: usize) -> PostCoupling {
    PostCoupling::Auto.chosen(params, n_steps, 100.0).unwrap()
}

/// Relative error of the closed form's gain against the table's, at every count from 1 to a firing every four steps.
fn errors(params: &LifParams, n_steps: usize) -> Vec<f64> {
    let [table, closed] = [PostCoupling::Table, PostCoupling::ClosedForm].map(|kind| model(kind, params, n_steps));
    let last = (largest_count(params.t_ref_steps().unwrap(), n_steps) - 1).min(n_steps / 4) as u32;
    (1..=last).map(|count| (closed.gain(count) / table.gain(count) - 1.0).abs()).collect()
}

fn worst(errors: &[f64]) -> f64 {
    errors.iter().copied().fold(0.0, f64::max)
}

#[test]
fn auto_is_within_five_percent_of_the_table() {
    let mut taken = [0, 0];
    for n_steps in [10, 20, 50, 75, 100, 150, 200, 300, 400, 600] {
        for tau_m in [8.0, 10.0, 16.0, 20.0, 64.0, 128.0, 256.0] {
            for tau_s in [2.0, 5.0, 8.0, 32.0] {
                for t_ref in [0.0, 2.0, 5.0] {
                    let params = params(tau_m, tau_s, t_ref);
                    let errors = errors(&params, n_steps);
                    if errors.len() < 2 {
                        continue;
                    }
                    let errors = worst(&errors[1..]);
                    let kind = chosen(&params, n_steps);
                    let expected = if errors > TOLERANCE { PostCoupling::Table } else { PostCoupling::ClosedForm };
                    assert_eq!(kind, expected, "{params:?}, {n_steps} steps: {errors}");
                    assert_eq!(model(PostCoupling::Auto, &params, n_steps), model(kind, &params, n_steps));
                    taken[usize::from(kind == PostCoupling::Table)] += 1;
                }
            }
        }
    }
    assert!(taken.iter().all(|&n| n > 100), "{taken:?}");
}

#[test]
fn auto_is_the_closed_form_in_the_papers_run_and_the_table_in_shorter_ones() {
    let fashion_mnist = params(64.0, 8.0, 2.0);
    assert_eq!([50, 100, 400, 800].map(|n_steps| chosen(&fashion_mnist, n_steps)), {
        use PostCoupling::{ClosedForm, Table};
        [Table, Table, ClosedForm, ClosedForm]
    });
    // The rule is one of the run and not of its unit of time.
    let fine = LifParams { dt: 0.5, tau_m: 32.0, tau_s: 4.0, t_ref: 1.0, ..fashion_mnist };
    assert_eq!([100, 400].map(|n_steps| chosen(&fine, n_steps)), [100, 400].map(|n| chosen(&fashion_mnist, n)));
}

#[test]
fn tables_that_cost_too_much_or_end_too_early_are_not_taken() {
    let slow = params(1_000.0, 10.0, 2.0);
    assert_eq!(chosen(&slow, 800), PostCoupling::Table);
    assert_eq!(chosen(&slow, MOST_STEPS + 1), PostCoupling::ClosedForm);
    // The closed form's gain of one firing, 1 + T / tau_m, is above what a table goes to.
    let fast = params(8.0, 2.0, 2.0);
    assert_eq!([400, 800].map(|n_steps| chosen(&fast, n_steps)), [PostCoupling::Table, PostCoupling::ClosedForm]);
}

#[test]
fn runs_of_few_steps_have_a_table() {
    for n_steps in 1..12 {
        assert_eq!(chosen(&params(64.0, 8.0, 2.0), n_steps), PostCoupling::Table);
    }
}

#[test]
fn named_couplings_stay_what_they_are() {
    for kind in [PostCoupling::ClosedForm, PostCoupling::Table, PostCoupling::None] {
        assert_eq!(kind.chosen(&params(64.0, 8.0, 2.0), 50, 100.0).unwrap(), kind);
    }
}

/// The figures of `learn/README.md`: `cargo test --lib learn::choice -- --nocapture --include-ignored figures`.
#[test]
#[ignore = "prints figures"]
fn figures() {
    println!("| T | tau_m, tau_s | t_ref | closed form: worst, mean | one firing | auto |");
    for (tau_m, tau_s) in [(8.0, 2.0), (16.0, 4.0), (20.0, 5.0), (64.0, 8.0), (128.0, 8.0)] {
        for n_steps in [50, 100, 200, 400, 800] {
            for t_ref in [0.0, 2.0] {
                let params = params(tau_m, tau_s, t_ref);
                let errors = errors(&params, n_steps);
                let (one, rest) = errors.split_first().unwrap();
                let mean = rest.iter().sum::<f64>() / rest.len() as f64;
                let [one, worst, mean] = [*one, worst(rest), mean].map(|error| 100.0 * error);
                let kind = chosen(&params, n_steps);
                println!(
                    "| {n_steps} | {tau_m}, {tau_s} | {t_ref} | {worst:.1} %, {mean:.1} % | {one:.1} % | {kind:?} |"
                );
            }
        }
    }
}
