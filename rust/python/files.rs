//! Writing files for Python: every operation raises an audit event, `strsbp_rs.write` and so on, of the path.

use std::io;
use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use super::calls::{detached, long};
use super::ending;
use crate::error::{Error, Result};
use crate::files::{self, Operation, Watch};

/// Runs what changes files without the GIL, and raises what an audit hook, or Ctrl-C, raises meanwhile.
pub fn audited<T: Send>(py: Python<'_>, act: impl FnOnce(&mut Watch<'_>) -> Result<T> + Send) -> PyResult<T> {
    let mut raised = None;
    let result = detached(py, || {
        act(&mut |operation, path| {
            let _visit = ending::Visit::new();
            Python::attach(|py| audit(py, operation, path)).map_err(|error| {
                raised = Some(error);
                io::Error::other("stopped")
            })
        })
    });
    raised.map_or_else(|| Ok(result?), Err)
}

fn audit(py: Python<'_>, operation: Operation, path: &Path) -> PyResult<()> {
    if operation == Operation::Wait {
        py.check_signals()?;
    }
    let event = format!("strsbp_rs.{}", operation.name());
    py.import("sys")?.call_method1("audit", (event, path.as_os_str())).map(|_| ())
}

/// Returns the bytes that `make` gives, written to a file; stopped by Ctrl-C in both.
pub fn save(py: Python<'_>, path: &Path, make: impl FnOnce() -> Result<Vec<u8>> + Send) -> PyResult<()> {
    let bytes = long(py, None, usize::MAX, make)?;
    audited(py, |watch| files::write_watched(path, &bytes, watch))
}

/// Returns an error of the system as the subclass of OSError that Python has for it.
pub fn os_error(path: &Path, source: &io::Error) -> PyErr {
    let path = path.as_os_str();
    match source.raw_os_error() {
        Some(number) => Python::attach(|py| {
            let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,))?.extract::<String>());
            let text = text.unwrap_or_else(|_| source.to_string());
            PyOSError::new_err((number, text, path.to_os_string()))
        }),
        // A path that no system call takes.
        None if source.kind() == io::ErrorKind::InvalidInput => {
            PyValueError::new_err(format!("{}: {source}", path.display()))
        }
        None => PyOSError::new_err((EIO, source.to_string(), path.to_os_string())),
    }
}

/// The system's number of an error of input or output.
const EIO: i32 = 5;

/// Writes a file, atomically where that is possible.
#[pyfunction]
pub fn write_file(py: Python<'_>, path: PathBuf, data: &[u8]) -> PyResult<()> {
    audited(py, |watch| files::write_watched(&path, data, watch))
}

/// Makes a folder and those above it, durably.
#[pyfunction]
pub fn make_folder(py: Python<'_>, path: PathBuf) -> PyResult<()> {
    audited(py, |watch| files::make_folder(&path, watch))
}

/// Removes what killed writers left in a folder; how many files.
#[pyfunction]
pub fn sweep_folder(py: Python<'_>, path: PathBuf) -> PyResult<usize> {
    audited(py, |watch| files::sweep(&path, watch).map_err(|error| Error::io(&path, error)))
}

/// The claim of this process on a folder.
#[pyclass(module = "strsbp_rs._strsbp_rs")]
pub struct ClaimCore {
    claim: Option<files::Claim>,
}

#[pymethods]
impl ClaimCore {
    /// Claims a folder; `None` if another process has it.
    #[staticmethod]
    fn take(py: Python<'_>, path: PathBuf) -> PyResult<Option<Self>> {
        let claim = audited(py, |watch| files::Claim::take(&path, watch))?;
        Ok(claim.map(|claim| Self { claim: Some(claim) }))
    }

    /// Gives the folder up.
    fn release(&mut self) {
        self.claim = None;
    }
}
