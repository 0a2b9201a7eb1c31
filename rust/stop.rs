//! Long computations that can be stopped.
//!
//! The thread that asked for the work waits, and asks its caller now and then whether to go on. The threads that do the work look,
//! now and then, whether they are to stop. That is a property of the work, as the number of its threads is: functions deep below
//! ask with [`is_stopped`], and nothing has to be handed down to them. Whoever splits work among threads hands it on with
//! [`Stop::during`].

use std::cell::RefCell;
use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rayon::ThreadPool;

use crate::error::{Error, Result};
use crate::memory::OrUnwind;

/// How often the caller is asked.
const PERIOD: Duration = Duration::from_millis(50);

thread_local! {
    static CURRENT: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// Whether some work is to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Makes that of the work of this thread; one that nobody sets outside of any.
    pub fn current() -> Self {
        CURRENT.with_borrow(Clone::clone).unwrap_or_default()
    }

    /// Tells the work to stop.
    pub fn set(&self) {
        self.0.store(true, Relaxed);
    }

    /// Whether the work is to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Does a part of the work on this thread.
    pub fn during<R>(&self, part: impl FnOnce() -> R) -> R {
        /// Puts back what was there, whether `part` panics or not.
        struct Restore(Option<Stop>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        part()
    }
}

/// Whether the work of this thread is to stop. Its result is not used then, but must be one that does no harm.
pub fn is_stopped() -> bool {
    CURRENT.with_borrow(|stop| stop.as_ref().is_some_and(Stop::is_set))
}

/// Ends work that is to stop.
///
/// # Errors
/// [`Error::Interrupted`] if it is.
pub fn check() -> Result<()> {
    if is_stopped() { Err(Error::Interrupted) } else { Ok(()) }
}

/// Returns a comparison for sorting, which looks now and then and unwinds if the work is to stop.
pub fn looking<T>(mut compare: impl FnMut(&T, &T) -> Ordering) -> impl FnMut(&T, &T) -> Ordering {
    let mut n = 0u16;
    move |a, b| {
        n = n.wrapping_add(1);
        if n == 0 {
            check().or_unwind();
        }
        compare(a, b)
    }
}

/// Does `work` on a thread of `pool`, while this one, of no pool, asks `keep_going` twenty times a second.
///
/// # Errors
/// [`Error::Interrupted`] if `keep_going` has said no.
pub fn watched<R: Send>(
    pool: &ThreadPool,
    keep_going: &mut dyn FnMut() -> bool,
    work: impl FnOnce() -> R + Send,
) -> Result<R> {
    let (stop, is_done) = (Stop::default(), Done::default());
    let mut result = None;
    pool.in_place_scope(|scope| {
        scope.spawn(|_| {
            // Told whether the work panics or not; the panic comes out where the scope ends.
            let _told = Tell(&is_done);
            result = Some(stop.during(work));
        });
        while !is_done.wait(PERIOD) {
            if !stop.is_set() && !keep_going() {
                stop.set();
            }
        }
    });
    if stop.is_set() { Err(Error::Interrupted) } else { Ok(result.expect("the scope waits for it")) }
}

#[derive(Default)]
struct Done {
    is_done: Mutex<bool>,
    told: Condvar,
}

impl Done {
    /// Waits until it is done, at most so long; whether it is.
    fn wait(&self, most: Duration) -> bool {
        let is_done = self.is_done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(is_done, most, |is_done| !*is_done);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Tell<'a>(&'a Done);

impl Drop for Tell<'_> {
    fn drop(&mut self) {
        *self.0.is_done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;
    use crate::memory::catch;
    use crate::threads::start;

    #[test]
    fn work_that_is_not_stopped_gives_its_result() {
        let pool = start(2).unwrap();
        assert_eq!(watched(&pool, &mut || true, rayon::current_num_threads).unwrap(), 2);
        assert!(!is_stopped() && check().is_ok());
    }

    #[test]
    fn all_threads_of_stopped_work_see_it() {
        let pool = start(2).unwrap();
        let mut asked = 0;
        let keep_going = &mut || {
            asked += 1;
            asked < 3
        };
        let forever = || {
            let stop = Stop::current();
            (0..2).into_par_iter().for_each(|_| stop.during(|| while check().is_ok() {}));
        };
        assert!(matches!(watched(&pool, keep_going, forever), Err(Error::Interrupted)));
        // Nobody is asked again once the work is told.
        assert_eq!(asked, 3);
        assert!(!pool.install(is_stopped));
    }

    #[test]
    fn a_long_sort_ends_once_it_is_told_to() {
        let sorted = |n: u32| {
            let mut numbers: Vec<u32> = (0..n).map(|i| i.wrapping_mul(2_654_435_761)).collect();
            catch(|| {
                numbers.sort_by(looking(u32::cmp));
                Ok(numbers.is_sorted())
            })
        };
        assert!(sorted(100_000).unwrap());
        let stop = Stop::default();
        stop.set();
        assert!(matches!(stop.during(|| sorted(100_000)), Err(Error::Interrupted)));
    }

    #[test]
    #[should_panic(expected = "of the work")]
    fn a_panic_of_the_work_comes_out() {
        let _ = watched(&start(1).unwrap(), &mut || true, || panic!("of the work"));
    }
}
