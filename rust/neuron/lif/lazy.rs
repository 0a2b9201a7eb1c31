//! LIF neurons on the time grid that are touched only now and then.

mod arithmetic;
mod bounds;
mod levels;

use std::ops::RangeInclusive;

pub use arithmetic::{Arithmetic, Stepped};
pub use bounds::Bounds;
pub use levels::{EachLevel, Levels, OneLevel};

use super::{LifParams, LifPropagator};
use crate::error::Result;
use crate::simd::Real;

/// Fewest and most steps that one look at the table bridges; a power of two between them that leaves nothing of a current
/// and a potential, if there is one.
const NEAR: RangeInclusive<usize> = 256..=16384;

/// What is nothing: its neglect is far below the rounding of what it is neglected from.
const NOTHING: f64 = 1e-20;

/// No firing is looked for further ahead, in steps.
const LONGEST: u64 = 1 << 62;

/// u after k steps is `mem u + gain p`, p is `syn p`.
#[derive(Clone, Copy, Debug)]
struct Power<F> {
    syn: F,
    mem: F,
    gain: F,
}

/// Computes many steps at once, by tables of powers. `L` has the thresholds; those of what is within are the lowest.
#[derive(Clone, Debug)]
pub struct LazyLif<F, L = OneLevel<F>> {
    lif: LifPropagator<F>,
    /// Of 0, 1, ... steps; a power of two and one of them.
    near: Vec<Power<F>>,
    /// Of as many steps as the table bridges, and of every double of it up to what a step number counts; none where the
    /// table ends with nothing.
    far: Vec<Power<F>>,
    levels: L,
    /// The largest potential that a unit of current can still raise.
    peak_gain: F,
    /// (1 - b) / (g a), rounded down.
    inverse_ratio: F,
}

impl<F: Real> Power<F> {
    /// Powers are computed in double precision and rounded; what is denormal is zero.
    fn new([syn, mem, gain]: [f64; 3]) -> Self {
        let round = |value: f64| {
            let value = F::from_f64(value);
            if value.is_normal() { value } else { F::zero() }
        };
        Self { syn: round(syn), mem: round(mem), gain: round(gain) }
    }
}

/// Composes two gaps, one after the other.
fn compose([s0, m0, g0]: [f64; 3], [s1, m1, g1]: [f64; 3]) -> [f64; 3] {
    [s1 * s0, m1 * m0, m1 * g0 + g1 * s0]
}

impl<F: Real> LazyLif<F> {
    /// Makes tables for neurons with one threshold.
    ///
    /// # Errors
    /// Those of [`LifPropagator::new`].
    pub fn new(params: &LifParams, bounds: Bounds) -> Result<Self> {
        Self::with(params, OneLevel::new(params, bounds))
    }
}

impl<F: Real, L: Levels<F>> LazyLif<F, L> {
    /// Makes tables for neurons with these thresholds, the lowest of which `params` has.
    ///
    /// # Errors
    /// Those of [`LifPropagator::new`].
    pub fn with(params: &LifParams, levels: L) -> Result<Self> {
        let lif = LifPropagator::<F>::new(params)?;
        let (a, b, g) = (lif.syn_decay.widen(), lif.mem_decay.widen(), lif.mem_gain.widen());
        let step = [a, b, g * a];
        let mut at = [1.0, 1.0, 0.0];
        let mut exact = vec![at];
        for k in 1..=*NEAR.end() {
            at = compose(at, step);
            exact.push(at);
            if k >= *NEAR.start() && k.is_power_of_two() && at.iter().all(|&power| power < NOTHING) {
                break;
            }
        }
        let mut far = Vec::new();
        if at.iter().all(|&power| power < NOTHING) {
            exact.last_mut().expect("not empty").fill(0.0);
        } else {
            far.push(at);
            while far.len() < (u64::BITS - exact.len().ilog2()) as usize {
                let last = far[far.len() - 1];
                far.push(compose(last, last));
            }
        }
        // The response to a unit of current rises to its only maximum, if that is in the table; in any case it stays below
        // what the slower of the two decays leaves of one step's gain, summed up.
        let largest = exact.iter().map(|power| power[2]).fold(0.0, f64::max);
        let peak_gain = if largest > at[2] { largest } else { g * a / (1.0 - a.min(b)) };
        // 0 where a step is all that a current lasts: the bound without it.
        let ratio = (1.0 - b) / (g * a);
        let inverse_ratio = if ratio.is_finite() { F::from_f64(ratio) * (F::one() - F::epsilon()) } else { F::zero() };
        Ok(Self {
            lif,
            inverse_ratio,
            near: exact.into_iter().map(Power::new).collect(),
            far: far.into_iter().map(Power::new).collect(),
            levels,
            peak_gain: F::from_f64(peak_gain) * (F::one() + F::epsilon() * F::from_f64(4.0)),
        })
    }

    /// Returns what a step multiplies with.
    pub fn lif(&self) -> &LifPropagator<F> {
        &self.lif
    }

    /// Returns the thresholds.
    #[inline(always)]
    pub fn levels(&self) -> &L {
        &self.levels
    }

    /// Returns the largest potential that a unit of current can still raise, and what a unit of potential takes from the current
    /// that counts for it: `u + gain (p - ratio u)`, where positive, is what the potential will not exceed.
    pub fn bound(&self) -> [F; 2] {
        [self.peak_gain, self.inverse_ratio]
    }

    /// Returns the factors of a gap, if the table bridges it: of the current, of the potential, and of the current onto the potential.
    #[inline(always)]
    pub fn near(&self, steps: u64) -> Option<[F; 3]> {
        let end = self.near.len() as u64 - 1;
        // In this order: whether a gap is longer than the table nobody can guess, whether that matters everybody.
        if !self.far.is_empty() && steps > end {
            return None;
        }
        let power = self.near[steps.min(end) as usize];
        Some([power.syn, power.mem, power.gain])
    }

    /// Potentials up to here are certainly not above the threshold.
    #[inline(always)]
    fn level(&self, i: usize) -> F {
        let [v_th, margin] = self.levels.of(i);
        v_th - margin
    }

    /// Returns what the potential will not exceed without input.
    ///
    /// The highest potential M(u, p), as the largest of functions linear in both, is convex, and M(s u, s p) = s M(u, p) for
    /// s > 0. It is the peak c of the response to a unit of current at (0, 1), and r at (r, 1) with r = g a / (1 - b), where
    /// the next step does not raise it any more. So for 0 <= u <= r p it is at most c (p - u/r) + u, elsewhere at most c p
    /// (u < 0) or u (u > r p).
    #[inline(always)]
    fn highest(&self, p: F, u: F) -> F {
        let u = u.max(F::zero());
        u + self.peak_gain * (p - u * self.inverse_ratio).max(F::zero())
    }

    #[inline(always)]
    fn flushed(&self, value: F) -> F {
        if value.abs() > self.lif.flush { value } else { F::zero() }
    }

    #[cold]
    fn skip_far(&self, mut p: F, mut u: F, steps: u64) -> (F, F) {
        let bridged = self.near.len() as u64 - 1;
        let (mut high, mut i) = (steps / bridged, 0);
        while high > 0 && (p != F::zero() || u != F::zero()) {
            if high & 1 == 1 {
                let power = self.far[i];
                (p, u) = (self.flushed(p * power.syn), self.flushed(power.mem * u + power.gain * p));
            }
            high >>= 1;
            i += 1;
        }
        self.skip(p, u, steps % bridged)
    }

    /// Says whether, at step `k` from now, the level has been passed, or never will be afterwards; monotone in k.
    fn decided(&self, p: F, u: F, level: F, k: u64) -> Option<bool> {
        let (later, potential) = self.skip(p, u, k);
        if potential > level {
            return Some(true);
        }
        let next = self.lif.mem_decay * potential + self.lif.mem_gain * (self.lif.syn_decay * later);
        // Past its only maximum, or what is left of the current cannot do it.
        let falls = next <= potential && potential >= F::zero();
        let exhausted = potential.max(F::zero()) + self.peak_gain * later <= level;
        (falls || exhausted).then_some(false)
    }
}

impl<F: Real, L: Levels<F>> Arithmetic for LazyLif<F, L> {
    type Weight = F;
    type Value = F;

    fn t_ref_steps(&self) -> u32 {
        self.lif.t_ref_steps
    }

    #[inline(always)]
    fn accumulate(&self, input: F, weight: F) -> F {
        input + weight
    }

    fn covers(&self, i: usize, p: F, u: F) -> bool {
        let [current, potential] = self.levels.limits(i);
        p.abs().widen() <= current && u.abs().widen() <= potential
    }

    #[inline(always)]
    fn skip(&self, p: F, u: F, steps: u64) -> (F, F) {
        match self.near(steps) {
            Some([syn, mem, gain]) => (self.flushed(p * syn), self.flushed(mem * u + gain * p)),
            None => self.skip_far(p, u, steps),
        }
    }

    #[inline(always)]
    fn skip_refractory(&self, p: F, steps: u64) -> F {
        self.skip(p, F::zero(), steps).0
    }

    #[inline(always)]
    fn step(&self, i: usize, p: F, u: F, input: F) -> Stepped<F> {
        let p = self.lif.syn_decay * p + input;
        self.stepped(i, p, self.lif.mem_decay * u + self.lif.mem_gain * p)
    }

    /// A gap and the step after it are one look at the table; a single step is that of the clocked engine, bit for bit.
    #[inline(always)]
    fn leap(&self, i: usize, p: F, u: F, steps: u64, input: F) -> Stepped<F> {
        match self.near(steps) {
            Some([syn, mem, gain]) if steps > 1 => {
                self.stepped(i, syn * p + input, mem * u + (gain * p + self.lif.mem_gain * input))
            }
            _ => {
                let (p, u) = self.skip(p, u, steps - 1);
                self.step(i, p, u, input)
            }
        }
    }

    /// Returns one level for all three: whoever fires is above it, and whoever nearly does is not below it.
    #[inline(always)]
    fn leap_quietly(&self, i: usize, p: F, u: F, steps: u64, input: F) -> Option<[F; 2]> {
        let [syn, mem, gain] = self.near(steps)?;
        let (p, u) = if steps > 1 {
            (syn * p + input, mem * u + (gain * p + self.lif.mem_gain * input))
        } else {
            let p = self.lif.syn_decay * self.flushed(p) + input;
            (p, self.lif.mem_decay * self.flushed(u) + self.lif.mem_gain * p)
        };
        let (p, u) = (self.flushed(p), self.flushed(u));
        (self.highest(p, u) < self.level(i)).then_some([p, u])
    }

    #[inline(always)]
    fn step_refractory(&self, p: F, input: F) -> F {
        self.flushed(self.lif.syn_decay * p + input)
    }

    /// Returns when it fires next: between inputs `u_k = A b^k + B a^k` has one extremum at most, which is a maximum if p > 0: it
    /// rises to it and falls ever after. So "passed the level, or past the maximum" is monotone in k, and bisection finds the first
    /// such k. The level lies under the threshold by the margin of ties, which no rounding here exceeds.
    #[inline(always)]
    fn next_firing(&self, i: usize, p: F, u: F) -> Option<u64> {
        let level = self.level(i);
        if self.highest(p, u) <= level { None } else { self.search(p, u, level) }
    }

    /// Returns no step raises the potential by more than the first one would from rest.
    #[inline(always)]
    fn soonest_firing(&self, i: usize, p: F, u: F) -> Option<u64> {
        let level = self.level(i);
        if self.highest(p, u) <= level {
            return None;
        }
        let missing = (level - u.max(F::zero())).max(F::zero());
        let steps = (missing / (self.lif.mem_gain * self.lif.syn_decay * p)).to_u64();
        Some(1 + steps.unwrap_or(0).min(LONGEST))
    }
}

impl<F: Real, L: Levels<F>> LazyLif<F, L> {
    #[inline(always)]
    fn stepped(&self, i: usize, p: F, u: F) -> Stepped<F> {
        let (p, u) = (self.flushed(p), self.flushed(u));
        let [v_th, margin] = self.levels.of(i);
        let fires = u > v_th;
        let near = (u - v_th).abs() <= margin;
        Stepped { current: p, potential: if fires { F::zero() } else { u }, fires, near }
    }

    #[inline(never)]
    fn search(&self, p: F, u: F, level: F) -> Option<u64> {
        if p <= F::zero() {
            // It falls: either the next step is above, or none.
            return self.decided(p, u, level, 1)?.then_some(1);
        }
        let (mut low, mut high) = (0, 1);
        while self.decided(p, u, level, high).is_none() {
            if high == LONGEST {
                return None;
            }
            low = high;
            high *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.decided(p, u, level, middle).is_none() { low = middle } else { high = middle }
        }
        self.decided(p, u, level, high)?.then_some(high)
    }
}

#[cfg(test)]
mod tests;
