//! Which steps a frame of a time series takes.

use std::ops::Range;

use crate::error::{Error, Result};

/// Most steps of a sample.
pub(super) const MOST_STEPS: usize = 1 << 24;

/// Most steps for which a frame is held.
pub(super) const MOST_HELD: usize = 1 << 12;

/// Says how long a sample is, and which steps a frame takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Steps of values that do not change.
    pub n_steps: usize,
    /// Steps that every frame of a series takes; `None` of an encoder that takes none.
    pub hold: Option<usize>,
}

impl Timing {
    /// Checks both.
    ///
    /// # Errors
    /// [`Error::Value`] naming the one that is out of range.
    pub fn check(&self) -> Result<()> {
        if !(1..=MOST_STEPS).contains(&self.n_steps) {
            return Err(Error::value("n_steps", "in [1, 2^24]", self.n_steps));
        }
        self.hold.map_or(Ok(()), check_hold)
    }

    /// Returns the number of steps of so many frames, or of values that do not change.
    pub fn steps_of(&self, n_frames: Option<usize>) -> usize {
        match (n_frames, self.hold) {
            (Some(n_frames), Some(hold)) => n_frames * hold,
            _ => self.n_steps,
        }
    }

    /// Refuses a series if it is not said how long a frame is, and one that is too long.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        match (n_frames, self.hold) {
            (Some(_), None) => Err(Error::value("encoder.hold", "given where x is a time series", "None")),
            (Some(n), Some(hold)) => check_length(n, hold),
            (None, _) => Ok(()),
        }
    }

    /// Returns the steps of frame `f`; values that do not change are one frame of a sample that `is_series` not.
    #[inline(always)]
    pub fn steps(&self, f: usize, is_series: bool) -> Range<usize> {
        match self.hold {
            Some(hold) if is_series => f * hold..(f + 1) * hold,
            _ => 0..self.n_steps,
        }
    }
}

/// Refuses to hold a frame for no step, or too many.
pub(super) fn check_hold(hold: usize) -> Result<()> {
    if !(1..=MOST_HELD).contains(&hold) {
        return Err(Error::value("hold", format!("in [1, {MOST_HELD}]"), hold));
    }
    Ok(())
}

/// Refuses frames that take more steps than a sample may have.
pub(super) fn check_length(n_frames: usize, hold: usize) -> Result<()> {
    if n_frames.saturating_mul(hold) > MOST_STEPS {
        let expected = format!("at most {}, as a sample has at most 2^24 steps", MOST_STEPS / hold);
        return Err(Error::value("the number of frames of a sample", expected, n_frames));
    }
    Ok(())
}

/// Refuses values that do not change, of which an encoder makes nothing.
pub(super) fn check_series(encoder: &str, n_frames: Option<usize>) -> Result<usize> {
    n_frames.ok_or_else(|| {
        let expected = format!("a time series, (n_samples, n_frames, n_features), for {encoder}");
        Error::value("x", expected, "values without time")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_held_and_what_does_not_change_takes_all_steps() {
        let held = Timing { n_steps: 400, hold: Some(3) };
        assert_eq!((held.steps_of(Some(5)), held.steps_of(None)), (15, 400));
        assert_eq!((held.steps(2, true), held.steps(0, false)), (6..9, 0..400));
        held.check_frames(Some(5)).and_then(|()| held.check_frames(None)).unwrap();
    }

    #[test]
    fn errors_say_what_would_do() {
        let message = |n_steps, hold, frames| {
            let timing = Timing { n_steps, hold };
            timing.check().and_then(|()| timing.check_frames(frames)).unwrap_err().to_string()
        };
        assert_eq!(message(0, None, None), "n_steps must be in [1, 2^24], got 0");
        assert_eq!(message(9, Some(0), None), "hold must be in [1, 4096], got 0");
        assert_eq!(message(9, None, Some(10)), "encoder.hold must be given where x is a time series, got None");
        assert!(
            message(9, Some(4096), Some(1 << 20)).starts_with("the number of frames of a sample must be at most 4096")
        );
    }
}
