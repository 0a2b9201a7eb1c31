//! Threads that belong to the process that uses them.
//!
//! A process made by `fork` has none of its parent's threads, but all of its memory: a pool made before waits there for threads
//! that do not exist, and a lock that another thread held is never given back. So what threads and their locks are part of is
//! made anew by every process that uses it.

use std::process;

use once_cell::race::OnceBox;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::stop::watched;

/// Most threads of a pool, unless there are more cores.
///
/// A thread of a pool that finds no work looks some thirty times into the queues of all others before it sleeps: 2,000 threads
/// take more than ten seconds to do nothing, 256 a few hundredths of one.
pub const MOST_THREADS: usize = 256;

/// Something that every process has its own of, made when it is first asked for.
#[derive(Debug)]
pub struct PerProcess<T> {
    first: OnceBox<Node<T>>,
}

#[derive(Debug)]
struct Node<T> {
    process: u32,
    /// `None` only while it is dropped.
    value: Option<T>,
    /// That of a child, or of a child's child.
    next: OnceBox<Node<T>>,
}

impl<T> PerProcess<T> {
    /// Makes nothing made yet.
    pub const fn new() -> Self {
        Self { first: OnceBox::new() }
    }

    /// Returns that of this process; `make` makes it, and is asked by several threads if they come first together.
    ///
    /// # Errors
    /// That of `make`.
    pub fn get_or_try_make(&self, mut make: impl FnMut() -> Result<T>) -> Result<&T> {
        let process = process::id();
        let mut link = &self.first;
        loop {
            let node =
                link.get_or_try_init(|| Ok(Box::new(Node { process, value: Some(make()?), next: OnceBox::new() })))?;
            if node.process == process {
                return Ok(node.value.as_ref().expect("taken by drop only"));
            }
            link = &node.next;
        }
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Node<T> {
    fn drop(&mut self) {
        if self.process != process::id() {
            // To end the threads of another process is not ours, and may wait for its locks.
            std::mem::forget(self.value.take());
        }
    }
}

/// Does `work` on `n_threads` threads, or on those, one for each core, that all such calls of a process share, while
/// `keep_going` is asked, see [`watched`].
///
/// rayon has a pool of its own for work outside of any: it would not outlive a fork.
///
/// # Errors
/// [`Error::Value`] if `n_threads` is out of range or the threads cannot be started, [`Error::Interrupted`] if `keep_going` has
/// said no, and those of the work.
pub fn run<R: Send>(
    n_threads: Option<usize>,
    keep_going: &mut dyn FnMut() -> bool,
    work: impl FnOnce() -> Result<R> + Send,
) -> Result<R> {
    static SHARED: PerProcess<ThreadPool> = PerProcess::new();
    let n = check_threads(n_threads)?;
    match n_threads {
        None => watched(SHARED.get_or_try_make(|| start(n))?, keep_going, work)?,
        Some(_) => watched(&start(n)?, keep_going, work)?,
    }
}

/// Returns the number of threads that is meant; without one as many as there are cores, or as rayon's variable says.
///
/// # Errors
/// [`Error::Value`] if it is out of range.
pub fn check_threads(n_threads: Option<usize>) -> Result<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = cores.max(MOST_THREADS);
    match n_threads {
        None => {
            let said = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok());
            Ok(said.filter(|n| (1..=most).contains(n)).unwrap_or(cores))
        }
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(Error::value("n_threads", format!("in [1, {most}]"), n)),
    }
}

/// Starts a pool of `n` threads.
///
/// # Errors
/// [`Error::Value`] if they cannot be started.
pub fn start(n: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(n)
        .thread_name(|i| format!("strsbp-{i}"))
        .build()
        .map_err(|error| Error::value("n_threads", "a number of threads that can be started", error))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_number_out_of_range_is_refused() {
        let message = |n| check_threads(Some(n)).unwrap_err().to_string();
        let most = MOST_THREADS.max(std::thread::available_parallelism().unwrap().into());
        for n in [0, most + 1, 2_000_000, usize::MAX] {
            assert_eq!(message(n), format!("n_threads must be in [1, {most}], got {n}"));
        }
        assert_eq!(check_threads(Some(MOST_THREADS)).unwrap(), MOST_THREADS);
    }

    #[test]
    fn work_runs_on_as_many_threads() {
        let all = check_threads(None).unwrap();
        for (n_threads, expected) in [(None, all), (Some(1), 1), (Some(3), 3)] {
            let found = run(n_threads, &mut || true, || Ok(rayon::current_num_threads()));
            assert_eq!(found.unwrap(), expected);
        }
        assert!(run(Some(0), &mut || true, || Ok(())).is_err());
    }

    #[test]
    fn a_process_makes_its_own_once() {
        let made = AtomicUsize::new(0);
        let per_process = PerProcess::new();
        let make = || Ok(made.fetch_add(1, Ordering::Relaxed));
        assert_eq!(*per_process.get_or_try_make(make).unwrap(), 0);
        assert_eq!(*per_process.get_or_try_make(make).unwrap(), 0);
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn that_of_another_process_is_neither_used_nor_dropped() {
        struct Watched<'a>(&'a AtomicUsize, u32);
        impl Drop for Watched<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let dropped = AtomicUsize::new(0);
        let per_process = PerProcess::new();
        // As a fork finds it: made by a process of another number.
        let foreign = Node { process: 0, value: Some(Watched(&dropped, 0)), next: OnceBox::new() };
        per_process.first.set(Box::new(foreign)).ok().unwrap();
        let own = process::id();
        assert_eq!(per_process.get_or_try_make(|| Ok(Watched(&dropped, own))).unwrap().1, own);
        drop(per_process);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}
