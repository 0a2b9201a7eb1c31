//! The LIF neuron in continuous time, for engines whose spike times lie on no grid.

use std::f64::consts::LN_2;
use std::ops::RangeInclusive;

use super::LifParams;
use super::limits::{mean_decay, mean_reciprocal};
use crate::error::{Error, Result, check_non_negative};

/// Currents and potentials are no larger.
pub const LARGEST_CONTINUOUS: f64 = 1e150;

/// Time constants, in ms, and thresholds far beyond what anyone means: within them, and with states up to
/// [`LARGEST_CONTINUOUS`], no quotient below leaves the range of the numbers.
const TAU_RANGE: RangeInclusive<f64> = 1e-9..=1e9;
const V_TH_RANGE: RangeInclusive<f64> = 1e-100..=1e100;

/// Largest relative error of a crossing time that may come from stopping the iteration.
const TOLERANCE: f64 = f64::EPSILON / 2.0;

/// Closed-form evolution of one neuron between events, and the time of its next spike.
///
/// The state is the synaptic current `p` and the membrane potential `u`:
///
/// ```text
/// tau_m u' = -u + (tau_m/tau_s) p
/// tau_s p' = -p
/// ```
///
/// An input of weight w makes p jump by w. When u exceeds `v_th` the neuron fires, and u is held at 0 for `t_ref`
/// while p goes on decaying. [`LifPropagator`](super::LifPropagator) with the exact discretisation is the same neuron
/// on a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContinuousLif {
    tau_m: f64,
    v_th: f64,
    t_ref: f64,
    /// `1 / tau_m`. All below is in units of `tau_m`: there u decays at rate 1, p at rate `ratio`.
    rate: f64,
    /// `tau_m / tau_s`, and its reciprocal.
    ratio: f64,
    inverse_ratio: f64,
    /// `ratio - 1`, from the difference of the time constants, which is exact for neighbours.
    excess: f64,
    /// Highest u after a unit input to the neuron at rest.
    psp_peak: f64,
}

/// A point of the rise of u to its peak, in units of `tau_m` and of the p at its beginning.
struct Point {
    time: f64,
    /// u - v_th.
    above: f64,
    /// u'.
    slope: f64,
    /// `ratio` p.
    drive: f64,
}

/// Peak of u, in units of `tau_m` and of the p at the beginning.
struct Peak {
    time: f64,
    u: f64,
}

/// What an elapsed time does to a state: `p` and `u` are what remains of each, `psp` is the u a unit of p brings.
struct Evolution {
    p: f64,
    u: f64,
    psp: f64,
}

impl ContinuousLif {
    /// Precomputes rates. `dt` and `discretisation` mean nothing here, nor need `t_ref` be whole steps.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain: time constants lie between 1e-9 and 1e9 ms, `v_th`
    /// between 1e-100 and 1e100, `t_ref` is finite and >= 0.
    pub fn new(params: &LifParams) -> Result<Self> {
        let LifParams { tau_m, tau_s, v_th, t_ref, .. } = *params;
        for (name, tau) in [("tau_m", tau_m), ("tau_s", tau_s)] {
            if !TAU_RANGE.contains(&tau) {
                return Err(Error::value(name, "between 1e-9 and 1e9 ms", tau));
            }
        }
        if !V_TH_RANGE.contains(&v_th) {
            return Err(Error::value("v_th", "between 1e-100 and 1e100", v_th));
        }
        check_non_negative("t_ref", "ms", t_ref)?;
        let mut lif = Self {
            tau_m,
            v_th,
            t_ref,
            rate: 1.0 / tau_m,
            ratio: tau_m / tau_s,
            inverse_ratio: tau_s / tau_m,
            excess: (tau_m - tau_s) / tau_s,
            psp_peak: 0.0,
        };
        lif.psp_peak = lif.peak(0.0).expect("an input to the neuron at rest makes u rise, then fall").u;
        Ok(lif)
    }

    /// Returns the threshold, relative to rest.
    pub fn v_th(&self) -> f64 {
        self.v_th
    }

    /// Returns the neuron with another threshold, which [`new`](Self::new) takes.
    #[inline]
    pub fn with_threshold(self, v_th: f64) -> Self {
        Self { v_th, ..self }
    }

    /// Returns the refractory time after a spike, in ms.
    pub fn t_ref(&self) -> f64 {
        self.t_ref
    }

    /// Returns `p` after `elapsed` ms without input, as while the neuron is refractory.
    #[inline]
    pub fn decay(&self, p: f64, elapsed: f64) -> f64 {
        p * (-self.ratio * (self.rate * elapsed)).exp()
    }

    /// Returns `(p, u)` after `elapsed` ms without input or spike.
    #[inline]
    pub fn advance(&self, p: f64, u: f64, elapsed: f64) -> (f64, f64) {
        let after = self.evolution(self.rate * elapsed);
        (p * after.p, u * after.u + p * after.psp)
    }

    /// Returns two exponentials: the slower decay, and either the quotient of both, where that is 1/2 or more and `psp` would
    /// suffer from their difference, or the faster one.
    #[inline(always)]
    fn evolution(&self, time: f64) -> Evolution {
        let (difference, slow) = (self.excess.abs(), (-self.ratio.min(1.0) * time).exp());
        let (fast, area) = if difference * time < LN_2 {
            let area = time * mean_decay(difference * time);
            (slow * (1.0 - difference * area), slow * area)
        } else {
            let fast = (-self.ratio.max(1.0) * time).exp();
            (fast, (slow - fast) / difference)
        };
        let (p, u) = if self.excess > 0.0 { (fast, slow) } else { (slow, fast) };
        Evolution { p, u, psp: self.ratio * area }
    }

    /// Returns the time in ms until u first exceeds `v_th` without further input, `None` if it never does.
    ///
    /// `p` and `u` are at most [`LARGEST_CONTINUOUS`] in size and u <= v_th; a u above it, as rounding may leave it after [`Self::advance`], crosses at
    /// once. The time is that of a neuron whose `p`, `u` and `v_th` differ from those given by a few rounding errors:
    /// exact to a few of these where u meets the threshold steeply, less so where it only just reaches it.
    ///
    /// # Why no crossing is missed
    ///
    /// In units of `tau_m` and with `r = tau_m/tau_s`, `u' = -u + r p` and `p' = -r p`.
    ///
    /// *One peak.* `(exp(t) u')' = exp(t) (u'' + u') = -exp(t) r^2 p` has the sign of -p throughout. For p > 0, u' can
    /// therefore only go from positive to negative, and once. So u rises up to a peak (which may be at time 0, or at
    /// infinity with u < 0 throughout) and falls after it: it crosses if and only if the peak exceeds v_th, once on
    /// the rise, where u is strictly increasing. For p <= 0, u never exceeds what it would be without p, which is at
    /// most the larger of u and 0.
    ///
    /// *Most states are turned away* by a bound of the peak M. As the largest of functions linear in (u, p), M is
    /// convex, and M(k u, k p) = k M(u, p) for k > 0. It is the peak c of the unit PSP at (0, 1), and r at (r, 1),
    /// where u' = 0. So for 0 <= u <= r p, with (u, p) = (p - u/r) (0, 1) + u/r (r, 1), it is at most
    /// c (p - u/r) + u; elsewhere it is at most c p (u < 0) or u (u > r p, where u falls).
    #[inline]
    pub fn next_crossing(&self, p: f64, u: f64) -> Option<f64> {
        let above_rest = u.max(0.0);
        let bound = above_rest + self.psp_peak * (p - above_rest * self.inverse_ratio).max(0.0);
        if bound <= self.v_th { None } else { self.crossing(p, u) }
    }

    /// Returns the peak of u after (p, u) = (1, `u`), `None` if u falls or stays below 0.
    ///
    /// From `u' = 0`, `exp(-(r - 1) t) = (r + (r - 1) u) / r^2`, written so that no terms of opposite sign meet unless
    /// u is negative.
    fn peak(&self, u: f64) -> Option<Peak> {
        let slope = self.ratio - u;
        let divisor = if self.excess > 0.0 { self.ratio + self.excess * u } else { self.ratio * self.ratio };
        if slope <= 0.0 || divisor <= 0.0 {
            return None;
        }
        let at_equal_rates = slope / divisor;
        let time = at_equal_rates * mean_reciprocal(self.excess.abs() * at_equal_rates);
        Some(Peak { time, u: self.ratio * (-self.ratio * time).exp() })
    }

    /// Returns [`Self::next_crossing`] where the bound does not exclude it.
    ///
    /// Solved by parabolas, not in t but in `w = (1 - exp(-g t)) / g` with `g = (1 + r)/3`. There, the third derivative
    /// of u is `(2r - 1)(r - 2)/9 exp(3 g t) u'`: none for r = 2 and r = 1/2, where one step is the closed form, and
    /// little near the peak, where Newton's method would be slow. Elsewhere each step triples the number of correct
    /// digits. It begins at time 0 or at the peak, whose derivatives are known, and is confined to the bracket of the
    /// signs so far: should a parabola lead out of it, as for ratios of a thousand, the bracket is halved.
    #[inline(never)]
    fn crossing(&self, p: f64, u: f64) -> Option<f64> {
        if u > self.v_th {
            return Some(0.0);
        }
        let (r, target, begin) = (self.ratio, self.v_th / p, u / p);
        let peak = self.peak(begin)?;
        if peak.u <= target {
            return None;
        }
        let gap = (self.v_th - u) / p;
        let mut at = if 2.0 * (peak.u - target) < gap {
            Point { time: peak.time, above: peak.u - target, slope: 0.0, drive: peak.u }
        } else {
            Point { time: 0.0, above: -gap, slope: r - begin, drive: r }
        };
        let (mut low, mut high) = (0.0, peak.time);
        let g = (1.0 + r) / 3.0;
        let third = ((2.0 * r - 1.0) * (r - 2.0)).abs() / 9.0;
        loop {
            let second = (r - 2.0) / 3.0 * at.slope - r * at.drive;
            let root_slope = (at.slope * at.slope - 2.0 * at.above * second).max(0.0).sqrt();
            let step = -2.0 * at.above / (at.slope + root_slope);
            let decay = 1.0 - g * step;
            let next = if decay > 0.0 { at.time - (-g * step).ln_1p() / g } else { f64::INFINITY };
            // Lagrange's remainder: u' is largest at the left end of the step, exp(g t) at its right end.
            let reach = step.abs() / decay.min(1.0);
            let remainder = third / 6.0 * at.slope.max(root_slope) * reach * reach * reach;
            if remainder <= TOLERANCE * root_slope * next {
                return Some(self.tau_m * next.clamp(low, high));
            }
            *(if at.above < 0.0 { &mut low } else { &mut high }) = at.time;
            let time = if low < next && next < high { next } else { 0.5 * (low + high) };
            if !(low < time && time < high) {
                return Some(self.tau_m * time);
            }
            let after = self.evolution(time);
            let (u, drive) = (begin * after.u + after.psp, r * after.p);
            at = Point { time, above: u - target, slope: (drive - u).max(0.0), drive };
        }
    }
}

#[cfg(test)]
mod tests;
