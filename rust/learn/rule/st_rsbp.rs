//! Options of the backward pass.

use serde::{Deserialize, Serialize};

use super::PostCoupling;
use crate::error::{Error, Result, check_non_negative};

/// Options of ST-RSBP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StRsbp {
    /// How the firing of a neuron weakens its own S-PSPs.
    pub post_coupling: PostCoupling,
    /// de_ij/do_j where either neuron is silent and e_ij / o_j is undefined. 0 is the exact gradient (a silent neuron
    /// has no S-PSPs to weigh) and the fastest; the authors use 0.5.
    pub silent_ratio: f64,
    /// Whether evenly spaced spikes stand in for a silent target neuron in the backward pass.
    pub teacher_spikes: bool,
    /// Number of those spikes.
    pub teacher_count: u32,
    /// Relative residual at which the adjoint system of a recurrent layer counts as solved.
    pub solver_tolerance: f64,
}

impl Default for StRsbp {
    fn default() -> Self {
        Self {
            post_coupling: PostCoupling::default(),
            silent_ratio: 0.0,
            teacher_spikes: true,
            teacher_count: 35,
            solver_tolerance: 1e-4,
        }
    }
}

impl StRsbp {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_non_negative("silent_ratio", "", self.silent_ratio)?;
        if self.teacher_count == 0 {
            return Err(Error::value("teacher_count", ">= 1", 0));
        }
        if !(self.solver_tolerance > 0.0 && self.solver_tolerance < 1.0) {
            return Err(Error::value("solver_tolerance", "in (0, 1)", self.solver_tolerance));
        }
        Ok(())
    }

    /// Steps at which a silent target neuron is made to fire: the middles of `teacher_count` equal parts.
    pub fn teacher_times(&self, n_steps: usize) -> impl Iterator<Item = usize> + use<> {
        // More than there are steps fill all of them.
        let count = (self.teacher_count as usize).min(n_steps);
        let mut last = 0;
        (0..count).map(move |k| (2 * k + 1) * n_steps / (2 * count)).filter(move |&t| {
            let fresh = t > last;
            last = t;
            fresh
        })
    }
}
