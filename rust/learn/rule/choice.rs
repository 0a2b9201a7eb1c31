//! Whether the closed form of the post-side coupling serves a run, or the table is taken.

use super::coupling::PostCoupling;
use super::table::{largest_count, psps_of_counts};
use crate::error::Result;
use crate::neuron::LifParams;

/// Firing counts at which the two are compared; in between and beyond, the error is no larger (a test goes through all of them).
const PROBES: [usize; 8] = [2, 3, 4, 6, 8, 12, 16, 24];

/// Relative error of the closed form's gain from which on it does not serve.
const TOLERANCE: f64 = 0.05;

/// Steps above which no table is computed: its cost grows with their square, and is a second or two here.
pub(super) const MOST_STEPS: usize = 4_096;

impl PostCoupling {
    /// Returns what [`PostCoupling::Auto`] stands for: `ClosedForm` or `Table`. Others stand for themselves.
    ///
    /// The table, where the closed form's gain is off by more than 5 % at a firing count of 2 or more, up to a firing every
    /// four steps: in runs short against tau_m, whose ends it does not know of, and where tau_m is a few steps, as it knows
    /// of no steps. The closed form in runs of more than 4,096 steps, and where it has gains above `largest_gain`, beyond
    /// which the table does not go.
    ///
    /// # Errors
    /// Those of [`LifParams::validate`]; [`crate::error::Error::Memory`].
    pub(super) fn chosen(self, params: &LifParams, n_steps: usize, largest_gain: f64) -> Result<Self> {
        if self != Self::Auto {
            return Ok(self);
        }
        let t_ref_steps = params.t_ref_steps()?;
        let gain_of_one = 1.0 + n_steps as f64 * params.dt / params.tau_m;
        if n_steps > MOST_STEPS || gain_of_one > largest_gain {
            return Ok(Self::ClosedForm);
        }
        // A neighbour on either side is needed.
        let last = (largest_count(t_ref_steps, n_steps).max(1) - 1).min(n_steps / 4);
        let probes = PROBES.iter().copied().filter(|&count| count <= last);
        let mut counts: Vec<usize> = probes.clone().flat_map(|count| [count - 1, count, count + 1]).collect();
        counts.sort_unstable();
        counts.dedup();
        if counts.is_empty() {
            return Ok(Self::Table);
        }
        let psps = psps_of_counts(params, n_steps, &counts)?;
        let ratio = |count: usize| {
            let at = counts.binary_search(&count).expect("one of them");
            count as f64 / psps[at]
        };
        let off = |count: usize| {
            let one_minus_s = count as f64 * (ratio(count + 1) - ratio(count - 1)) / (2.0 * ratio(count));
            (one_minus_s / super::coupling::closed_form(params, f64::from(t_ref_steps), n_steps, count) - 1.0).abs()
        };
        // A run without S-PSPs has no number here, and no coupling by the table.
        let serves = probes.clone().all(|count| off(count) <= TOLERANCE);
        Ok(if serves { Self::ClosedForm } else { Self::Table })
    }
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
