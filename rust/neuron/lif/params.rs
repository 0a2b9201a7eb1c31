//! What the user says of a neuron.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_non_negative, check_positive};

/// Logarithm of the longest refractory time, in steps: the clocked engine counts them in `f32`, exact up to here (4.6 h at
/// 1 ms). Delays end there too.
pub(crate) const LOG2_MAX_T_REF_STEPS: u32 = 24;

/// How far a time over `dt` may be from a whole number, relative to it where it is above 1.
pub(crate) const STEP_TOLERANCE: f64 = 1e-9;

/// Says how the neuron's differential equations are brought onto the time grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discretisation {
    /// Forward Euler, the choice of the ST-RSBP paper: decays are `1 - dt/tau`.
    #[default]
    Euler,
    /// Exact between spikes: decays are `exp(-dt/tau)`.
    Exact,
}

/// A LIF neuron with first-order synapses. Potentials are relative to rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifParams {
    /// Membrane time constant, in ms.
    pub tau_m: f64,
    /// Synaptic time constant, in ms.
    pub tau_s: f64,
    /// Threshold, relative to rest.
    pub v_th: f64,
    /// Refractory time after a spike, in ms, a whole number of steps.
    pub t_ref: f64,
    /// Time step, in ms.
    pub dt: f64,
    /// How the neuron is brought onto the time grid.
    #[serde(default)]
    pub discretisation: Discretisation,
}

impl LifParams {
    /// Checks what does not depend on the time step.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn check_alone(&self) -> Result<()> {
        check_positive("tau_m", "ms", self.tau_m)?;
        check_positive("tau_s", "ms", self.tau_s)?;
        check_positive("v_th", "", self.v_th)?;
        check_non_negative("t_ref", "ms", self.t_ref)
    }

    /// Checks every field.
    ///
    /// Forward Euler needs `tau_m >= dt` and `tau_s >= dt`, as its decay factors `1 - dt/tau` turn negative below.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("dt", "ms", self.dt)?;
        self.check_alone()?;
        if self.discretisation == Discretisation::Euler {
            for (name, tau) in [("tau_m", self.tau_m), ("tau_s", self.tau_s)] {
                if tau < self.dt {
                    let expected = format!(
                        ">= dt = {} ms with the euler discretisation, as its decay 1 - dt/{name} is negative below",
                        self.dt
                    );
                    return Err(Error::value(name, expected, tau));
                }
            }
        }
        self.t_ref_steps().map(drop)
    }

    /// Returns the refractory time, in steps.
    ///
    /// # Errors
    /// [`Error::Value`] if `t_ref` is negative, not finite, not a whole number of steps (to 1e-9) or above 2^24 steps.
    pub fn t_ref_steps(&self) -> Result<u32> {
        let steps = whole_steps(self.t_ref, self.dt, LOG2_MAX_T_REF_STEPS);
        steps.map_err(|expected| Error::value("t_ref", expected, self.t_ref))
    }
}

/// Returns a time in steps, both in ms; `Err` says what was expected of it: to be finite, >= 0, a whole number of steps (to 1e-9)
/// and at most 2^`log2_max` steps.
pub(crate) fn whole_steps(time: f64, dt: f64, log2_max: u32) -> std::result::Result<u32, String> {
    if !(time.is_finite() && time >= 0.0) {
        return Err("finite and >= 0 ms".into());
    }
    let steps = time / dt;
    let whole = steps.round();
    if whole > f64::from(1u32 << log2_max) {
        return Err(format!("at most 2^{log2_max} steps of dt = {dt} ms"));
    }
    if (steps - whole).abs() > STEP_TOLERANCE * whole.max(1.0) {
        return Err(format!("a whole number of steps of dt = {dt} ms"));
    }
    Ok(whole as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: LifParams =
        LifParams { tau_m: 64.0, tau_s: 8.0, v_th: 20.0, t_ref: 2.0, dt: 1.0, discretisation: Discretisation::Euler };

    fn message(params: LifParams) -> String {
        params.validate().unwrap_err().to_string()
    }

    #[test]
    fn accepts_the_papers_neuron() {
        PAPER.validate().unwrap();
        assert_eq!(PAPER.t_ref_steps().unwrap(), 2);
    }

    #[test]
    fn names_the_field_outside_its_domain() {
        for bad in [0.0, -2.0, f64::NAN, f64::INFINITY] {
            assert!(message(LifParams { tau_m: bad, ..PAPER }).starts_with("tau_m must be finite and > 0 ms, got"));
            assert!(message(LifParams { tau_s: bad, ..PAPER }).starts_with("tau_s must be finite and > 0 ms, got"));
            assert!(message(LifParams { v_th: bad, ..PAPER }).starts_with("v_th must be finite and > 0, got"));
            assert!(message(LifParams { dt: bad, ..PAPER }).starts_with("dt must be finite and > 0 ms, got"));
        }
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(message(LifParams { t_ref: bad, ..PAPER }).starts_with("t_ref must be finite and >= 0 ms, got"));
        }
    }

    #[test]
    fn euler_needs_time_constants_of_a_step() {
        let short = LifParams { tau_s: 0.5, ..PAPER };
        let expected = "tau_s must be >= dt = 1 ms with the euler discretisation, as its decay 1 - dt/tau_s is \
                        negative below, got 0.5";
        assert_eq!(message(short), expected);
        LifParams { discretisation: Discretisation::Exact, ..short }.validate().unwrap();
        LifParams { tau_s: 1.0, ..PAPER }.validate().unwrap();
    }

    #[test]
    fn refractory_time_is_whole_steps() {
        let params = LifParams { dt: 0.1, t_ref: 0.3, ..PAPER };
        assert_eq!(params.t_ref_steps().unwrap(), 3);
        assert_eq!(
            message(LifParams { t_ref: 0.25, ..params }),
            "t_ref must be a whole number of steps of dt = 0.1 ms, got 0.25"
        );
        let longest = f64::from(1 << 24);
        assert_eq!(LifParams { t_ref: longest, ..PAPER }.t_ref_steps().unwrap(), 1 << 24);
        assert!(message(LifParams { t_ref: longest + 1.0, ..PAPER }).contains("at most 2^24 steps"));
        assert!(message(LifParams { t_ref: 1e12, ..PAPER }).contains("at most 2^24 steps"));
        // A tiny time step must not overflow into a wrapped number of steps.
        assert!(message(LifParams { dt: 1e-300, t_ref: 1e300, ..PAPER }).contains("at most 2^24 steps"));
    }

    #[test]
    fn unknown_fields_are_refused() {
        let text = r#"{"tau_m": 64, "tau_s": 8, "v_th": 20, "t_ref": 2, "dt": 1}"#;
        assert_eq!(serde_json::from_str::<LifParams>(text).unwrap(), PAPER);
        let typo = text.replace("tau_s", "tau_syn");
        assert!(serde_json::from_str::<LifParams>(&typo).unwrap_err().to_string().contains("tau_syn"));
    }
}
