//! Checkpoints, read.

use std::path::Path;
use std::sync::Arc;

use pyo3::prelude::*;

use super::super::arrays::to_python;
use super::super::calls::long;
use super::super::net::Net;
use super::super::network::NetworkCore;
use super::{AnyTrainer, TrainerCore};
use crate::error::Error;
use crate::learn::{Checkpoint, checkpoint_from_bytes};
use crate::network::io;

/// Reads network, trainer and what the writer added, in either precision.
pub fn read<'py, B: AsRef<[u8]>>(
    py: Python<'py>,
    path: &Path,
    n_threads: Option<usize>,
    read: impl FnOnce() -> Result<B, Error> + Send,
) -> PyResult<(NetworkCore, TrainerCore, Bound<'py, PyAny>)> {
    let (net, trainer, user) = long(py, None, usize::MAX, || {
        let bytes = read()?;
        let bytes = bytes.as_ref();
        Ok(match io::dtype_of(path, bytes)?.as_str() {
            "float64" => {
                let Checkpoint { network, trainer, user } = checkpoint_from_bytes(path, bytes, n_threads)?;
                (Net::F64(Arc::new(network)), AnyTrainer::F64(trainer), user)
            }
            _ => {
                let Checkpoint { network, trainer, user } = checkpoint_from_bytes(path, bytes, n_threads)?;
                (Net::F32(Arc::new(network)), AnyTrainer::F32(trainer), user)
            }
        })
    })?;
    Ok((NetworkCore::new(net), TrainerCore::of(trainer), to_python(py, &user)?))
}
