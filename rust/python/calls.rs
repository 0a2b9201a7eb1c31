//! Long calls: without the GIL, yet stopped by Ctrl-C and by callbacks.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::ending;
use crate::bugs::guarded;
use crate::error::Error;
use crate::threads::run;

/// How often a long call looks for Ctrl-C and reports progress.
const PERIOD: Duration = Duration::from_millis(100);

/// Numbers that are worked through in less time than it takes to notice Ctrl-C.
const LITTLE: usize = 1 << 16;

/// Runs `work` without the GIL. If the interpreter ends meanwhile, the calling thread, a daemon's, never returns. A panic is an
/// error that says it is a bug.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    let (result, visit) = py.detach(|| {
        let result = guarded(work);
        (result, ending::Visit::new())
    });
    drop(visit);
    result
}

/// Does `work` without the GIL, stopped by Ctrl-C, on `n_threads` threads (all cores if `None`). Little work, of `size` numbers,
/// is done at once.
pub fn long<T: Send>(
    py: Python<'_>,
    n_threads: Option<usize>,
    size: usize,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    if size <= LITTLE && n_threads.is_none() {
        return Ok(detached(py, work)?);
    }
    let mut watch = Watch::new(None);
    let result = detached(py, || run(n_threads, &mut || watch.keep_going(false, |py| Ok(py.None())), work));
    watch.finish(result)
}

/// Asks Python, now and then, whether a long call goes on.
pub struct Watch<'a> {
    callback: Option<&'a Py<PyAny>>,
    last: Instant,
    raised: Option<PyErr>,
}

impl<'a> Watch<'a> {
    /// Makes a watch that reports to `callback`, if there is one.
    pub fn new(callback: Option<&'a Py<PyAny>>) -> Self {
        Self { callback, last: Instant::now(), raised: None }
    }

    /// Checks signals and calls the callback with what `report` makes, at most every 100 ms unless `now`.
    pub fn keep_going(&mut self, now: bool, report: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>>) -> bool {
        if !now && self.last.elapsed() < PERIOD {
            return true;
        }
        self.last = Instant::now();
        let _visit = ending::Visit::new();
        let result = Python::attach(|py| {
            py.check_signals()?;
            if let Some(callback) = self.callback {
                callback.call1(py, (report(py)?,))?;
            }
            Ok(())
        });
        self.raised = result.err();
        self.raised.is_none()
    }

    /// Returns the result of the call, or what Python raised meanwhile.
    pub fn finish<T>(self, result: Result<T, Error>) -> PyResult<T> {
        match self.raised {
            Some(error) => Err(error),
            None => Ok(result?),
        }
    }
}
