//! Memory that may not be there.
//!
//! An allocation that fails ends the process. Whatever is as long as a caller or a file says is therefore asked for in
//! ways that can be refused: [`filled`], [`collected`] and [`reserve`] at the very place where it is needed, as nothing
//! promises that what was free a moment ago still is; [`check_room`] besides, before long work begins, or to name the
//! argument that is too large.
//!
//! Deep in the kernels and on the threads of a pool there is no way to hand an error up. Buffers there
//! [unwind](OrUnwind) with the error, and the public function that all began with [catches](catch) it.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::error::{Error, Result};

/// Returns the number of things in an array of this shape; `None` is more than can be counted.
pub fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n))
}

/// Refuses `n` things of `bytes` each, called `name`, if there is no room for them; `None` is more than can be counted.
///
/// # Errors
/// [`Error::Memory`].
pub fn check_room(name: &str, n: Option<usize>, bytes: usize) -> Result<()> {
    let mut probe = Vec::<u8>::new();
    let room = |bytes| {
        let reserved = probe.try_reserve_exact(bytes).is_ok();
        // Nothing is written there, which the compiler would take as leave to ask for nothing.
        black_box(&mut probe);
        reserved
    };
    if n.and_then(|n| n.checked_mul(bytes)).is_some_and(room) { Ok(()) } else { Err(no_room(name, n, bytes)) }
}

/// Returns more of something than there is memory for; `None` is more than can be counted.
pub fn no_room(name: &str, n: Option<usize>, bytes: usize) -> Error {
    let n = n.map_or_else(|| "2^64 or more".to_owned(), |n| n.to_string());
    Error::Memory { name: name.to_owned(), n, bytes }
}

/// Returns an empty vector with room for `n`, called `name`; `None` is more than can be counted.
///
/// # Errors
/// [`Error::Memory`].
pub fn with_room<T>(name: &str, n: Option<usize>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    match n.map(|n| values.try_reserve_exact(n)) {
        Some(Ok(())) => Ok(values),
        _ => Err(no_room(name, n, size_of::<T>())),
    }
}

/// Returns `n` times `value`, called `name`; `None` is more than can be counted.
///
/// # Errors
/// [`Error::Memory`].
pub fn filled<T: Clone>(name: &str, n: Option<usize>, value: T) -> Result<Vec<T>> {
    let mut values = with_room(name, n)?;
    values.resize(n.unwrap_or(0), value);
    Ok(values)
}

/// Returns what an iterator gives that knows how much that is, called `name`.
///
/// # Errors
/// [`Error::Memory`].
pub fn collected<T>(name: &str, all: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let mut values = with_room(name, Some(all.len()))?;
    values.extend(all);
    Ok(values)
}

/// Returns a copy, for [`Clone`]; unwinds if there is no room.
pub fn copied<T: Clone>(name: &str, values: &[T]) -> Vec<T> {
    collected(name, values.iter().cloned()).or_unwind()
}

/// Makes room for `more` values, called `name`.
///
/// # Errors
/// [`Error::Memory`]; the vector then is as it was.
pub fn reserve<T>(name: &str, values: &mut Vec<T>, more: usize) -> Result<()> {
    values.try_reserve(more).map_err(|_| no_room(name, values.len().checked_add(more), size_of::<T>()))
}

/// Resizes a buffer as [`Vec::resize`] does, and unwinds if there is no room.
pub fn resize<T: Clone>(buffer: &mut Vec<T>, n: usize, value: T) {
    let more = n.saturating_sub(buffer.len());
    reserve("the numbers of a sample in a buffer", buffer, more).or_unwind();
    buffer.resize(n, value);
}

/// An error on its way through code that returns none.
struct Unwinding(Error);

/// Where an error cannot be returned.
pub trait OrUnwind<T> {
    /// Returns the value; or unwinds with the error, to where it is [caught](catch).
    fn or_unwind(self) -> T;
}

impl<T> OrUnwind<T> for Result<T> {
    fn or_unwind(self) -> T {
        // No panic: nothing is printed, and threads of a pool hand it on.
        self.unwrap_or_else(|error| resume_unwind(Box::new(Unwinding(error))))
    }
}

/// Returns the result of `work`, or the error that it [unwinds](OrUnwind) with.
///
/// What `work` changes must be thrown away, or set anew before it is next read.
///
/// # Errors
/// Those of `work`.
pub fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(payload) => match payload.downcast::<Unwinding>() {
            Ok(unwinding) => Err(unwinding.0),
            Err(panic) => resume_unwind(panic),
        },
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn says_what_is_too_much() {
        check_room("n_synapses", Some(1000), 8).unwrap();
        check_room("n_synapses", Some(0), 8).unwrap();
        let message = |n, bytes| check_room("n_synapses", n, bytes).unwrap_err().to_string();
        assert_eq!(
            message(Some(1 << 60), 8),
            "n_synapses = 1152921504606846976 of 8 bytes each: no memory for so many"
        );
        // An address space ends long before this.
        assert!(message(Some(1 << 50), 8).starts_with("n_synapses = 1125899906842624 of"));
        assert_eq!(message(None, 8), "n_synapses = 2^64 or more of 8 bytes each: no memory for so many");
    }

    #[test]
    fn vectors_are_as_long_as_asked_for_or_refused() {
        assert_eq!(filled("n", Some(3), 7u8).unwrap(), [7; 3]);
        assert_eq!(collected("n", [1, 2, 3].iter().map(|n| n * 2)).unwrap(), [2, 4, 6]);
        let message = filled("n * m", product(&[1 << 40, 1 << 10]), 0.0f32).unwrap_err().to_string();
        assert_eq!(message, "n * m = 1125899906842624 of 4 bytes each: no memory for so many");
        assert!(filled("n", product(&[1 << 40, 1 << 40]), 0u8).is_err());
        let mut values = vec![1u64, 2];
        let message = reserve("spikes", &mut values, 1 << 50).unwrap_err().to_string();
        assert!(message.starts_with("spikes = 1125899906842626 of 8 bytes each"), "{message}");
        assert_eq!(values, [1, 2]);
    }

    #[test]
    fn errors_unwind_from_the_threads_of_a_pool_and_panics_go_on() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let work = |bad: usize| {
            catch(|| {
                pool.install(|| {
                    (0..64usize).into_par_iter().with_max_len(1).for_each(|i| {
                        resize(&mut Vec::<u64>::new(), if i == bad { 1 << 50 } else { 1 }, 0);
                    });
                });
                Ok(bad)
            })
        };
        assert!(matches!(work(40), Err(Error::Memory { bytes: 8, .. })));
        assert_eq!(work(64).unwrap(), 64);
        let panic = catch_unwind(|| catch(|| -> Result<()> { resume_unwind(Box::new("a panic")) })).unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "a panic");
    }
}
