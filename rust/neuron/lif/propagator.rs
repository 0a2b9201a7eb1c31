//! What a time step multiplies with.

use super::limits::mean_decay;
use super::{Discretisation, LifParams};
use crate::error::{Error, Result};
use crate::simd::{Real, Weight};

/// Holds the precomputed factors of one time step.
///
/// With `x[t]` the summed weights of the spikes of step t, a step is
///
/// ```text
/// p[t] = syn_decay p[t-1] + x[t-1]
/// u[t] = mem_decay u[t-1] + mem_gain p[t]
/// ```
///
/// and `u` is held at 0 for `t_ref_steps` steps after a spike. `p[t]` already holds the spikes of step t - 1, so with
/// the exact discretisation `u[t]` is the solution of `tau_m u' = -u + (tau_m/tau_s) p`, `tau_s p' = -p` at `t dt`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifPropagator<F> {
    /// What remains of the synaptic current after a step.
    pub syn_decay: F,
    /// What remains of the membrane potential after a step.
    pub mem_decay: F,
    /// Membrane potential a step for a unit of synaptic current.
    pub mem_gain: F,
    /// Threshold, relative to rest.
    pub v_th: F,
    /// Currents and potentials of at most this magnitude are zero.
    pub flush: F,
    /// Steps for which the neuron is refractory after a spike.
    pub t_ref_steps: u32,
}

impl<F: Real> LifPropagator<F> {
    /// Computes the factors in double precision, then rounds each of them.
    ///
    /// # Errors
    /// Those of [`LifParams::validate`]; [`Error::Value`] if `v_th` is 0 or infinite in type `F`.
    pub fn new(params: &LifParams) -> Result<Self> {
        params.validate()?;
        let v_th = F::from_f64(params.v_th);
        if !v_th.is_normal() {
            return Err(Error::value("v_th", format!("a normal {} number", F::DTYPE), params.v_th));
        }
        let LifParams { tau_m, tau_s, dt, .. } = *params;
        let (syn_decay, mem_decay, mem_gain) = match params.discretisation {
            Discretisation::Euler => (1.0 - dt / tau_s, 1.0 - dt / tau_m, dt / tau_s),
            Discretisation::Exact => ((-dt / tau_s).exp(), (-dt / tau_m).exp(), exact_gain(tau_m, tau_s, dt)),
        };
        Ok(Self {
            syn_decay: F::from_f64(syn_decay),
            mem_decay: F::from_f64(mem_decay),
            mem_gain: F::from_f64(mem_gain),
            v_th,
            flush: flush_level(v_th),
            t_ref_steps: params.t_ref_steps()?,
        })
    }
}

/// Returns the currents and potentials so much smaller than the threshold are zero, so that silence ends in zeros and not in
/// denormal numbers, which are slow: 2^-200 in `f64`, 2^-60 in `f32`. What they could still add to a potential is lost in its
/// rounding.
fn flush_level<F: Real>(v_th: F) -> F {
    let share = if F::DTYPE == f32::DTYPE { 2f64.powi(-60) } else { 2f64.powi(-200) };
    (v_th * F::from_f64(share)).max(F::min_positive_value())
}

/// Returns `tau_m (exp(-dt/tau_m) - exp(-dt/tau_s)) / (tau_m - tau_s)`, without its cancellation.
///
/// With `a = dt/tau_m`, `b = dt/tau_s` it is `b (exp(-a) - exp(-b)) / (b - a)`, symmetric in a and b but for the first
/// factor; taking the larger exponential out leaves `(1 - exp(-x)) / x` at `x = |b - a|`. The difference of the two
/// time constants is taken before any division, where it is exact for neighbours.
fn exact_gain(tau_m: f64, tau_s: f64, dt: f64) -> f64 {
    let x = dt * ((tau_m - tau_s).abs() / tau_m / tau_s);
    dt / tau_s * (-dt / tau_m.max(tau_s)).exp() * mean_decay(x)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(tau_m: f64, tau_s: f64, dt: f64, discretisation: Discretisation) -> LifParams {
        LifParams { tau_m, tau_s, v_th: 20.0, t_ref: 2.0 * dt, dt, discretisation }
    }

    /// Response of `u` at steps 1..=n to one unit spike at step 0.
    fn response(lif: &LifPropagator<f64>, n: usize) -> Vec<f64> {
        let (mut p, mut u) = (0.0, 0.0);
        (0..n)
            .map(|t| {
                p = lif.syn_decay * p + if t == 0 { 1.0 } else { 0.0 };
                u = lif.mem_decay * u + lif.mem_gain * p;
                u
            })
            .collect()
    }

    /// PSP of the continuous neuron: the integral of exp(-s/tau_s)/tau_s exp(-(t-s)/tau_m) over s in [0, t], by
    /// composite Gauss-Legendre of three points, which knows nothing of the closed form.
    fn psp_by_quadrature(t: f64, tau_m: f64, tau_s: f64) -> f64 {
        const N: usize = 1600;
        let h = t / N as f64;
        let node = 0.6f64.sqrt() * 0.5;
        let f = |s: f64| (-s / tau_s - (t - s) / tau_m).exp() / tau_s;
        let cell = |k: usize| {
            let mid = (k as f64 + 0.5) * h;
            h * (5.0 * f(mid - node * h) + 8.0 * f(mid) + 5.0 * f(mid + node * h)) / 18.0
        };
        (0..N).map(cell).sum()
    }

    #[test]
    fn euler_factors_of_the_paper() {
        let lif = LifPropagator::<f64>::new(&params(64.0, 8.0, 1.0, Discretisation::Euler)).unwrap();
        assert_eq!((lif.syn_decay, lif.mem_decay, lif.mem_gain), (0.875, 0.984375, 0.125));
        assert_eq!((lif.v_th, lif.t_ref_steps), (20.0, 2));
    }

    #[test]
    fn exact_psp_is_the_continuous_one_over_a_sweep() {
        for tau_m in [1.5, 8.0, 64.0, 128.0] {
            for tau_s in [0.7, 4.0, 8.0, 90.0] {
                for dt in [0.1, 1.0, 2.0] {
                    let lif = LifPropagator::<f64>::new(&params(tau_m, tau_s, dt, Discretisation::Exact)).unwrap();
                    for (k, u) in response(&lif, 60).into_iter().enumerate() {
                        let expected = psp_by_quadrature((k + 1) as f64 * dt, tau_m, tau_s);
                        assert!((u - expected).abs() < 1e-10, "{tau_m} {tau_s} {dt} {k}: {u} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn equal_time_constants_are_no_special_case() {
        // NEST's habit: sweep the difference down to nothing, from both sides.
        for tau in [0.3f64, 8.0, 64.0] {
            let limit = 1.0 / tau * (-1.0 / tau).exp();
            let near = std::iter::once(0.0).chain((-16..=-10).map(|power| 10f64.powi(power)));
            for difference in near.flat_map(|d| [d, -d]) {
                let gain = exact_gain(tau + difference, tau, 1.0);
                // d ln gain / d tau_m = 1/(2 tau^2) (dt = 1): the change over the difference itself is below 1e-8.
                let expected = limit * (1.0 + difference / (2.0 * tau * tau));
                assert!((gain / expected - 1.0).abs() < 1e-14, "{tau} {difference:e}: {gain} {expected}");
            }
            assert_eq!(exact_gain(tau, tau, 1.0), limit);
        }
    }

    #[test]
    fn extreme_ratios_stay_finite() {
        for (tau_m, tau_s) in [(1e-4, 1e4), (1e4, 1e-4), (1e-300, 1.0), (1.0, 1e-300)] {
            let lif = LifPropagator::<f64>::new(&params(tau_m, tau_s, 1.0, Discretisation::Exact)).unwrap();
            assert!(lif.mem_gain.is_finite() && lif.mem_gain >= 0.0, "{tau_m} {tau_s}: {lif:?}");
        }
    }

    #[test]
    fn threshold_must_exist_in_the_type() {
        let tiny = LifParams { v_th: 1e-60, ..params(64.0, 8.0, 1.0, Discretisation::Euler) };
        LifPropagator::<f64>::new(&tiny).unwrap();
        let message = LifPropagator::<f32>::new(&tiny).unwrap_err().to_string();
        assert!(message.starts_with("v_th must be a normal float32 number, got"), "{message}");
    }

    proptest! {
        #[test]
        fn gain_is_the_textbook_formula(tau_m in 0.2..200.0f64, tau_s in 0.2..200.0f64, dt in 0.01..2.0f64) {
            prop_assume!((tau_m - tau_s).abs() > 0.01 * tau_m);
            let textbook = tau_m * ((-dt / tau_m).exp() - (-dt / tau_s).exp()) / (tau_m - tau_s);
            prop_assert!((exact_gain(tau_m, tau_s, dt) - textbook).abs() < 1e-11 * textbook.abs().max(1e-3));
        }

        #[test]
        fn euler_meets_exact_for_small_steps(tau_m in 1.0..200.0f64, tau_s in 1.0..200.0f64) {
            let [euler, exact] = [Discretisation::Euler, Discretisation::Exact]
                .map(|d| LifPropagator::<f64>::new(&params(tau_m, tau_s, 1e-4, d)).unwrap());
            prop_assert!((euler.syn_decay - exact.syn_decay).abs() < 1e-8);
            prop_assert!((euler.mem_decay - exact.mem_decay).abs() < 1e-8);
            prop_assert!((euler.mem_gain / exact.mem_gain - 1.0).abs() < 1e-3);
        }
    }
}
