//! Time steps that times are counted in.

use super::MOST_STEPS;
use crate::error::{Error, Result};

/// Bits by which a product with the [reciprocal](Steps::reciprocal) of a step is too large.
pub(super) const SHIFT: u32 = 40;

/// A time step, in the unit of the times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Steps {
    /// Of so many units.
    Whole(u64),
    /// Of any size.
    Any(f64),
}

impl Steps {
    /// Makes one.
    ///
    /// # Errors
    /// [`Error::Value`] if it is not finite, or not above 0.
    pub(super) fn new(step: f64) -> Result<Self> {
        if !(step > 0.0 && step.is_finite()) {
            return Err(Error::value("step", "finite and > 0", step));
        }
        let is_whole = (1.0..1e9).contains(&step) && (step - step.round()).abs() <= 1e-9 * step;
        Ok(if is_whole { Self::Whole(step.round() as u64) } else { Self::Any(step) })
    }

    /// Returns what a time of 23 bits is multiplied with, to be divided by a step of whole units; `None` if it is none, or too
    /// long. With m = floor(2^40 / d) + 1, t m / 2^40 exceeds t / d by at most t / 2^40, less than 1 / d for d < 2^17.
    pub(super) fn reciprocal(self) -> Option<u64> {
        match self {
            Self::Whole(step) if step < 1 << 17 => Some((1 << SHIFT) / step + 1),
            _ => None,
        }
    }

    /// Returns the step that a time is in, `None` beyond 2^24; a time within rounding of a step's begin is in that step.
    #[inline(always)]
    pub(super) fn of(self, time: u64) -> Option<u32> {
        match self {
            Self::Whole(step) => (time / step < MOST_STEPS).then_some((time / step) as u32),
            Self::Any(_) => self.of_float(time as f64),
        }
    }

    /// Returns the step that a time is in, `None` beyond 2^24, below 0 and of no number.
    #[inline(always)]
    pub(super) fn of_float(self, time: f64) -> Option<u32> {
        let step = match self {
            Self::Whole(step) => step as f64,
            Self::Any(step) => step,
        };
        let exact = time / step;
        if !(exact >= 0.0 && exact < (MOST_STEPS - 1) as f64) {
            return None;
        }
        // The next whole number, if it is within rounding; of positive numbers, those cut off are those below.
        let next = (exact + 1e-9 * exact.max(1.0)) as u32;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_divide() {
        let last = (1u64 << 23) - 1;
        for step in (1..500).chain([999, 1000, 4095, 65_537, (1 << 17) - 1]) {
            let reciprocal = Steps::Whole(step).reciprocal().unwrap();
            let multiples = (0..=last).step_by(step as usize * 37).chain([last / step * step]);
            for time in multiples.flat_map(|time| [time.saturating_sub(1), time, time + 1]).chain([last]) {
                let time = time.min(last);
                assert_eq!((time * reciprocal) >> SHIFT, time / step, "{time} / {step}");
            }
        }
        assert!(Steps::Whole(1 << 17).reciprocal().is_none() && Steps::Any(0.5).reciprocal().is_none());
    }

    #[test]
    fn times_within_rounding_of_a_step_are_in_it() {
        let steps = Steps::new(0.1).unwrap();
        let times = [0.0, 0.3, 0.299_999_999_9, 0.299_99, 0.39, 0.399_999_999_99, 1e5];
        assert_eq!(times.map(|time| steps.of_float(time)), [0, 3, 3, 2, 3, 4, 1_000_000].map(Some));
        assert_eq!([3, 10].map(|time| steps.of(time)), [Some(30), Some(100)]);
        let whole = Steps::new(4.0).unwrap();
        assert_eq!([whole.of(7), whole.of_float(7.9), whole.of_float(8.0)], [1, 1, 2].map(Some));
    }

    #[test]
    fn what_is_no_step_or_no_time() {
        for step in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Steps::new(step).unwrap_err().to_string().starts_with("step must be finite and > 0"));
        }
        let steps = Steps::new(0.5).unwrap();
        let none = [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 8_388_608.0];
        assert!(none.into_iter().all(|time| steps.of_float(time).is_none()));
        assert_eq!((Steps::Whole(1).of(1 << 24), Steps::Whole(1).of((1 << 24) - 1)), (None, Some((1 << 24) - 1)));
        assert_eq!(steps.of(u64::MAX), None);
    }
}
