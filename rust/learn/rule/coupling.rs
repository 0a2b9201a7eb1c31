//! How the firing of a neuron weakens its own S-PSPs.

use serde::{Deserialize, Serialize};

use super::table::{largest_count, psp_table};
use crate::error::{Error, Result};
use crate::memory::{collected, filled};
use crate::neuron::LifParams;

/// Smallest 1 - S of a table: a gain of 100, above that of one firing a run in any practical setting.
const FLOOR: f64 = 1e-2;

/// Where the coupling S_i = (o_i/d) dd/do_i of a neuron's S-PSPs to its own firing comes from.
///
/// d(o) is the mean contribution of one presynaptic spike to the T-PSP of a neuron that fires o times. See
/// `learn/README.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostCoupling {
    /// Poisson firing with a dead time: d = rho tau_m f / (f + rho tau_m) at the rate rho = o / (T dt), f being the share
    /// of the run in which the neuron is not refractory.
    ClosedForm,
    /// The mean over random trains of the very length and refractory time, [`psp_table`].
    Table,
    /// The closed form where its gain is within 5 % of the table's, else the table: `choice.rs`.
    #[default]
    Auto,
    /// No coupling, S = 0.
    None,
}

/// 1 - S by firing count, precomputed for one neuron type and run length.
#[derive(Clone, Debug, PartialEq)]
pub struct PostCouplingModel {
    one_minus_s: Vec<f64>,
}

impl PostCouplingModel {
    /// Computes the model for counts 0 ..= n_steps.
    ///
    /// # Errors
    /// Those of [`LifParams::validate`]; [`Error::Value`] if `n_steps` is 0 or 2^32 - 1 or more; [`Error::Memory`].
    pub fn new(kind: PostCoupling, params: &LifParams, n_steps: usize) -> Result<Self> {
        params.validate()?;
        check_steps(n_steps)?;
        let one_minus_s = match kind.chosen(params, n_steps, 1.0 / FLOOR)? {
            PostCoupling::Table => from_table(params, n_steps)?,
            PostCoupling::None => filled("n_steps + 1", Some(n_steps + 1), 1.0)?,
            PostCoupling::ClosedForm | PostCoupling::Auto => {
                let t_ref_steps = f64::from(params.t_ref_steps()?);
                let value = |count| closed_form(params, t_ref_steps, n_steps, count);
                collected("n_steps + 1", (0..n_steps + 1).map(value))?
            }
        };
        Ok(Self { one_minus_s })
    }

    /// Returns 1 - S of a neuron that fired `count` times, above 0; 1 for silent neurons.
    #[inline(always)]
    pub fn one_minus_s(&self, count: u32) -> f64 {
        of_count(&self.one_minus_s, count)
    }

    /// Returns 1 / (1 - S) of a neuron that fired `count` times.
    #[cfg(test)]
    pub(crate) fn gain(&self, count: u32) -> f64 {
        1.0 / self.one_minus_s(count)
    }
}

/// Refuses a number of steps that is 0, or above which a neuron's firings would not be counted.
pub(super) fn check_steps(n_steps: usize) -> Result<()> {
    match n_steps {
        0 => Err(Error::value("n_steps", ">= 1", n_steps)),
        n if n >= u32::MAX as usize => Err(Error::value("n_steps", "< 2^32 - 1", n_steps)),
        _ => Ok(()),
    }
}

/// Returns the entry of a table by firing count. Counts above the number of steps, of neurons that fire several times in a step,
/// have the last one: a neuron that fires at every step leaves no interval that more spikes could shorten.
#[inline(always)]
pub fn of_count<F: Copy>(table: &[F], count: u32) -> F {
    table[(count as usize).min(table.len() - 1)]
}

/// Returns `1 - S = d ln r / d ln o` of `r = o / d(o) = T / tau_m + o / f`; 1 for silent neurons.
///
/// The dead time after the last firing may outlast the run, so `f = 1 - (o - 1) t_ref / T`, which is above
/// `1 / (1 + t_ref)` (in steps) for every train that keeps the refractory time, and taken as that for others.
pub(super) fn closed_form(params: &LifParams, t_ref_steps: f64, n_steps: usize, count: usize) -> f64 {
    if count == 0 {
        return 1.0;
    }
    let (o, n_steps) = (count as f64, n_steps as f64);
    let (f, least) = (1.0 - (o - 1.0) * t_ref_steps / n_steps, 1.0 / (1.0 + t_ref_steps));
    let rho_tau_m = o * params.tau_m / (n_steps * params.dt);
    if f < least {
        return rho_tau_m / (rho_tau_m + least);
    }
    (1.0 + t_ref_steps / n_steps) / (f * (1.0 + f / rho_tau_m))
}

/// Returns `1 - S = d ln r / d ln o` of `r = o / d(o)`, by differences to the neighbouring counts, at least FLOOR.
///
/// r is a straight line without refractory time and nearly so with it, so differences are as good as derivatives.
fn from_table(params: &LifParams, n_steps: usize) -> Result<Vec<f64>> {
    let table = psp_table(params, n_steps)?;
    let largest = largest_count(params.t_ref_steps()?, n_steps);
    let r = |o: usize| o as f64 / table[o];
    let slope = |o: usize| match (o, largest) {
        // A single reachable count has no neighbours; r = o/d with d constant.
        (_, 1) => r(1),
        (1, 2) | (2, 2) => r(2) - r(1),
        (1, _) => (4.0 * r(2) - 3.0 * r(1) - r(3)) / 2.0,
        _ if o == largest => (3.0 * r(o) - 4.0 * r(o - 1) + r(o - 2)) / 2.0,
        _ => (r(o + 1) - r(o - 1)) / 2.0,
    };
    let value = |count: usize| {
        let o = count.min(largest);
        // Without an S-PSP at any count nearby (r infinite: runs of two steps, say) there is nothing to weaken.
        let one_minus_s = if o == 0 { 1.0 } else { o as f64 * slope(o) / r(o) };
        if one_minus_s.is_finite() { one_minus_s.max(FLOOR) } else { 1.0 }
    };
    collected("n_steps + 1", (0..n_steps + 1).map(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::neuron::Discretisation;

    fn params(tau_m: f64, tau_s: f64, t_ref: f64) -> LifParams {
        LifParams { tau_m, tau_s, v_th: 20.0, t_ref, dt: 1.0, discretisation: Discretisation::Euler }
    }

    fn model(kind: PostCoupling, params: &LifParams, n_steps: usize) -> PostCouplingModel {
        PostCouplingModel::new(kind, params, n_steps).unwrap()
    }

    #[test]
    fn closed_form_is_the_gain_of_the_derivation() {
        let params = params(64.0, 8.0, 2.0);
        let model = model(PostCoupling::ClosedForm, &params, 400);
        let free = PostCouplingModel::new(PostCoupling::ClosedForm, &LifParams { t_ref: 0.0, ..params }, 400).unwrap();
        for count in [1u32, 5, 35, 133] {
            assert!((free.gain(count) - (1.0 + 400.0 / (64.0 * f64::from(count)))).abs() < 1e-12);
            let slope_of_r = |o: f64| {
                let r = |o: f64| 400.0 / 64.0 + o / (1.0 - (o - 1.0) * 2.0 / 400.0);
                o * (r(o + 1e-4) - r(o - 1e-4)) / 2e-4 / r(o)
            };
            assert!((model.one_minus_s(count) / slope_of_r(f64::from(count)) - 1.0).abs() < 1e-7);
        }
        // Time enters as T dt: half the step, twice the steps.
        let fine = LifParams { dt: 0.5, ..params };
        let halved = PostCouplingModel::new(PostCoupling::ClosedForm, &fine, 800).unwrap();
        assert_eq!(halved.one_minus_s(35), model.one_minus_s(35));
    }

    /// Largest relative error of the closed form's 1 - S, and of its d, against the table, over counts 1..=100.
    fn errors_of_closed_form(params: &LifParams, n_steps: usize) -> (f64, f64) {
        let [table, closed] = [PostCoupling::Table, PostCoupling::ClosedForm].map(|kind| model(kind, params, n_steps));
        let psps = psp_table(params, n_steps).unwrap();
        (1..=100).fold((0.0, 0.0), |(worst_s, worst_d): (f64, f64), count| {
            let duration = n_steps as f64 * params.dt;
            let (rho, f) = (f64::from(count) / duration, 1.0 - (f64::from(count) - 1.0) * params.t_ref / duration);
            let d = rho * params.tau_m * f / (f + rho * params.tau_m);
            let error_s = closed.one_minus_s(count) / table.one_minus_s(count) - 1.0;
            (worst_s.max(error_s.abs()), worst_d.max((d / psps[count as usize] - 1.0).abs()))
        })
    }

    #[test]
    fn closed_form_against_the_table() {
        // The paper's run: what is left is that a run of 400 steps is not long against tau_m.
        for t_ref in [0.0, 2.0] {
            let (s, d) = errors_of_closed_form(&params(64.0, 8.0, t_ref), 400);
            assert!(s < 0.08 && d < 0.06, "{t_ref}: {s} {d}");
        }
        // Long runs: trains of a fixed count tend to Poisson trains.
        let (s, d) = errors_of_closed_form(&params(64.0, 8.0, 0.0), 2_000);
        assert!(s < 0.025 && d < 0.02, "{s} {d}");
    }

    #[test]
    fn no_coupling_and_silence_are_one() {
        let params = params(64.0, 8.0, 2.0);
        for kind in [PostCoupling::ClosedForm, PostCoupling::Table, PostCoupling::Auto, PostCoupling::None] {
            assert_eq!(model(kind, &params, 400).one_minus_s(0), 1.0);
        }
        assert!((0..=400).all(|count| model(PostCoupling::None, &params, 400).one_minus_s(count) == 1.0));
    }

    #[test]
    fn ends_with_the_slope_of_the_last_parabola() {
        // With refractory times o/d(o) is curved: a difference to one neighbour alone is another number.
        for (t_ref, n_steps) in [(3.0, 40), (5.0, 100), (2.0, 31)] {
            let params = params(20.0, 5.0, t_ref);
            let table = psp_table(&params, n_steps).unwrap();
            let largest = largest_count(t_ref as u32, n_steps);
            let r = |o: usize| o as f64 / table[o];
            let (a, b, c) = (r(largest - 2), r(largest - 1), r(largest));
            // The parabola through the three points, Newton's form, and its derivative at the last.
            let slope = (b - a) + (c - 2.0 * b + a) * 1.5;
            let one_sided = c - b;
            assert!((slope / one_sided - 1.0).abs() > 1e-4, "the curvature matters: {slope}, {one_sided}");
            let expected = largest as f64 * slope / c;
            let got = model(PostCoupling::Table, &params, n_steps).one_minus_s(largest as u32);
            assert!((got - expected).abs() < 1e-9 * expected.abs(), "{got}, expected {expected}");
        }
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |params: LifParams, n_steps| {
            PostCouplingModel::new(PostCoupling::ClosedForm, &params, n_steps).unwrap_err().to_string()
        };
        assert_eq!(message(params(64.0, 8.0, 2.0), 0), "n_steps must be >= 1, got 0");
        assert!(message(params(-1.0, 8.0, 2.0), 400).starts_with("tau_m must be"));
    }

    #[test]
    fn has_the_names_of_the_configuration() {
        let names = [PostCoupling::ClosedForm, PostCoupling::Table, PostCoupling::Auto, PostCoupling::None];
        assert_eq!(serde_json::to_string(&names).unwrap(), r#"["closed_form","table","auto","none"]"#);
    }

    #[test]
    fn runs_too_short_for_s_psps_have_no_coupling() {
        let model = model(PostCoupling::Table, &params(1.0, 1.0, 0.0), 2);
        assert_eq!([0, 1, 2].map(|count| model.one_minus_s(count)), [1.0; 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn is_positive_and_finite(tau_m in 1.0..200.0f64, tau_s in 1.0..200.0f64, t_ref in 0u32..6, n_steps in 1usize..150) {
            let params = params(tau_m, tau_s, f64::from(t_ref));
            for kind in [PostCoupling::ClosedForm, PostCoupling::Table, PostCoupling::Auto] {
                let model = model(kind, &params, n_steps);
                for count in 0..=n_steps as u32 {
                    let value = model.one_minus_s(count);
                    prop_assert!(value > 0.0 && value.is_finite(), "{kind:?} {count}: {value}");
                }
            }
        }
    }
}
