//! A folder that one process has for itself.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;

use super::{Operation, PREFIX, Watch, same_file};
use crate::error::{Error, Result};

/// The claim of this process on a folder: a locked file in it, which goes when the claim does.
///
/// The lock ends with the process, however that ends; a file without its lock claims nothing.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _file: File,
    /// A child that was forked does not give up what its parent holds.
    process: u32,
}

impl Claim {
    /// Returns the file that claims a folder.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(format!("{PREFIX}claim"))
    }

    /// Claims a folder; `None` if a living process has it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn take(folder: &Path, watch: &mut Watch<'_>) -> Result<Option<Self>> {
        let path = Self::file(folder);
        Self::try_take(&path, watch).map_err(|error| Error::io(path, error))
    }

    fn try_take(path: &Path, watch: &mut Watch<'_>) -> io::Result<Option<Self>> {
        loop {
            watch(Operation::Create, path)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            let (mut file, is_new) = match options.create_new(true).open(path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => match options.create_new(false).open(path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    opened => (opened?, false),
                },
                opened => (opened?, true),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                // Without locks the file itself is the claim, and stays if its process is killed.
                Err(TryLockError::Error(_)) if is_new => {}
                Err(TryLockError::Error(_)) => return Ok(None),
            }
            // The former holder may have removed it between the two calls.
            if !fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|file| same_file(&there, &file))) {
                continue;
            }
            watch(Operation::Write, path)?;
            file.set_len(0)?;
            file.write_all(format!("process {}\n", process::id()).as_bytes())?;
            return Ok(Some(Self { path: path.to_path_buf(), _file: file, process: process::id() }));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.process == process::id() {
            // Left over, it claims nothing.
            let _ = fs::remove_file(&self.path);
        }
    }
}
