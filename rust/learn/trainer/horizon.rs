//! How far a schedule reaches.

use super::Trainer;
use crate::error::{Error, Result};
use crate::learn::Schedule;
use crate::simd::Real;

impl Schedule {
    /// Returns the number of epochs after which the learning rate, `lr` times the factor, is 0 for good in the type of the weights;
    /// `None` if that is not within `epochs` epochs.
    pub fn end<F: Real>(&self, lr: f64, epochs: u32) -> Option<u32> {
        let over =
            |epochs: u32| self.has_warmed_up(epochs) && F::from_f64(lr * self.factor(epochs.into())) == F::zero();
        if epochs == 0 || !over(epochs - 1) {
            return None;
        }
        // It came to 0 somewhere up to here, and never rises again.
        let (mut first, mut end) = (0, epochs - 1);
        while first < end {
            let middle = first + (end - first) / 2;
            if over(middle) { end = middle } else { first = middle + 1 }
        }
        Some(end)
    }
}

impl<F: Real> Trainer<F> {
    /// Refuses to train until `epochs` epochs are completed if the last of them would not change a weight.
    ///
    /// # Errors
    /// [`Error::Value`] that says where the schedule ends, and what helps.
    pub fn check_horizon(&self, epochs: u32) -> Result<()> {
        let schedule = &self.config().schedule;
        let Some(end) = schedule.end::<F>(self.config().optimizer.lr(), epochs) else { return Ok(()) };
        let cure = match schedule {
            Schedule::Cosine { .. } => format!("more epochs, {epochs}, or a min_factor > 0"),
            _ => "a larger factor".to_owned(),
        };
        let why = format!("where the schedule's learning rate comes to 0 for good (give the schedule {cure})");
        Err(Error::value("epochs", format!("<= {end}, {why}"), epochs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(epochs: f64, min_factor: f64, warmup_epochs: f64) -> Schedule {
        Schedule::Cosine { epochs, min_factor, warmup_epochs }
    }

    #[test]
    fn a_cosine_reaches_to_its_end() {
        let end = |schedule: Schedule, epochs| schedule.end::<f32>(0.1, epochs);
        assert_eq!([0, 1, 2].map(|epochs| end(cosine(2.0, 0.0, 0.0), epochs)), [None; 3]);
        assert_eq!([3, 6, u32::MAX].map(|epochs| end(cosine(2.0, 0.0, 0.0), epochs)), [Some(2); 3]);
        // The end is within the third epoch.
        assert_eq!(end(cosine(2.5, 0.0, 0.0), 3), None);
        assert_eq!(end(cosine(2.5, 0.0, 0.0), 4), Some(3));
        assert_eq!(end(cosine(2.0, 1e-3, 0.0), u32::MAX), None);
        // Of a warm-up only the first step has no learning rate.
        assert_eq!(end(cosine(5.0, 0.0, 1.0), 1), None);
        assert_eq!(end(cosine(5.0, 0.0, 9.0), 12), Some(9));
    }

    #[test]
    fn steps_reach_until_the_type_has_no_smaller_number() {
        let steps = Schedule::Step { every: 3, factor: 1e-10, warmup_epochs: 0.0 };
        // 0.1 * 1e-10^5 is nothing in f32, and in f64 still 1e-51.
        assert_eq!(steps.end::<f32>(0.1, 15), None);
        assert_eq!(steps.end::<f32>(0.1, 99), Some(15));
        assert_eq!(steps.end::<f64>(0.1, 96), None);
        assert_eq!(steps.end::<f64>(0.1, 200), Some(99));
    }

    #[test]
    fn others_have_no_end() {
        for schedule in [Schedule::Constant { warmup_epochs: 0.0 }, Schedule::InverseSqrt { warmup_epochs: 3.0 }] {
            assert_eq!(schedule.end::<f32>(1e-9, u32::MAX), None);
        }
    }
}
