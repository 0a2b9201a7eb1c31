//! The end of the interpreter, while daemon threads compute.
//!
//! Until Python 3.13 a thread that asks for the GIL of an interpreter that ends is ended there and then, by unwinding: through
//! frames of Rust, which drop references to Python's objects on the way. So at exit, before the end begins, threads that
//! compute are told never to ask for the GIL again, and those that already have are waited for.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;
use pyo3::prelude::*;

use crate::threads::PerProcess;

/// How long the end waits for callbacks to return.
const PATIENCE: Duration = Duration::from_secs(5);

/// Visits of all threads, in this process.
#[derive(Default)]
struct Visits {
    n: AtomicUsize,
    ending: AtomicBool,
}

static VISITS: PerProcess<Visits> = PerProcess::new();

/// The thread in which the interpreter ends.
static LAST: OnceBox<ThreadId> = OnceBox::new();

thread_local! {
    /// Visits of this thread: a callback may call what visits again.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

fn visits() -> &'static Visits {
    VISITS.get_or_try_make(|| Ok(Visits::default())).expect("making it does not fail")
}

/// A thread that computed is in Python again, or about to be.
pub struct Visit(());

impl Visit {
    /// Announces it; if the interpreter ends, this never returns.
    pub fn new() -> Self {
        let visits = visits();
        visits.n.fetch_add(1, SeqCst);
        OWN.set(OWN.get() + 1);
        if visits.ending.load(SeqCst) && LAST.get() != Some(&thread::current().id()) {
            visits.n.fetch_sub(OWN.get(), SeqCst);
            loop {
                thread::park();
            }
        }
        Self(())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        OWN.set(OWN.get() - 1);
        visits().n.fetch_sub(1, SeqCst);
    }
}

/// Is called at exit, before the interpreter ends.
#[pyfunction]
fn _end(py: Python<'_>) {
    let visits = visits();
    let _ = LAST.set(Box::new(thread::current().id()));
    visits.ending.store(true, SeqCst);
    let (begin, own) = (Instant::now(), OWN.get());
    py.detach(|| {
        while visits.n.load(SeqCst) > own && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// Has Python call [`_end`] at exit.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let end = pyo3::wrap_pyfunction!(_end, module)?;
    module.py().import("atexit")?.call_method1("register", (end,))?;
    Ok(())
}
