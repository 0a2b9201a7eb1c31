//! Panics, which are bugs of this crate, as errors that say so.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Does `work`; if it panics, that is an error of the kind [`Error::Bug`].
///
/// What `work` changes may be left half changed.
///
/// # Errors
/// Those of `work`; [`Error::Bug`].
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let detail = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Bug { detail: detail.unwrap_or_else(|| "a panic without a message".to_owned()) })
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{panic_any, resume_unwind};

    use rayon::prelude::*;

    use super::*;

    fn message(work: impl FnOnce() -> Result<()>) -> String {
        guarded(work).unwrap_err().to_string()
    }

    #[test]
    fn panics_are_told_as_bugs() {
        let said = |detail: &str| format!("a bug of strsbp_rs, please report it: {detail}");
        assert_eq!(message(|| panic!("no such row")), said("no such row"));
        assert_eq!(message(|| panic!("row {} of {}", 3, 2)), said("row 3 of 2"));
        assert_eq!(message(|| panic_any(7)), said("a panic without a message"));
        assert_eq!(message(|| resume_unwind(Box::new("of a thread"))), said("of a thread"));
    }

    #[test]
    fn panics_of_other_threads_are_told_too() {
        let text =
            message(|| (0..64).into_par_iter().try_for_each(|i| if i == 63 { panic!("at {i}") } else { Ok(()) }));
        assert_eq!(text, "a bug of strsbp_rs, please report it: at 63");
    }

    #[test]
    fn results_and_errors_pass() {
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
        assert_eq!(message(|| Err(Error::Interrupted)), "interrupted");
    }
}
