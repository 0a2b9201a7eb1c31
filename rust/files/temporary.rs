//! Temporary files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Operation, Watch, n_names};

/// What the names of all files start with that are of no use once their writer has ended.
pub const PREFIX: &str = ".strsbp-";

/// A new file, locked, that is removed unless it takes another's place.
#[derive(Debug)]
pub(super) struct Temporary {
    pub file: File,
    path: Option<PathBuf>,
}

impl Temporary {
    /// Makes one in `folder`; for nobody else's eyes if `private`, else as the user's umask says.
    pub fn create(folder: &Path, private: bool, watch: &mut Watch<'_>) -> io::Result<Self> {
        loop {
            let name = format!("{PREFIX}{:016x}", RandomState::new().hash_one(std::process::id()));
            let path = folder.join(name);
            watch(Operation::Create, &path)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, if private { 0o600 } else { 0o666 });
            #[cfg(not(unix))]
            let _ = private;
            let file = match options.open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            // Somebody may have taken it for left over, between the two calls.
            if is_locked(&file) && n_names(&file.metadata()?) > 0 {
                return Ok(Self { file, path: Some(path) });
            }
        }
    }

    /// Gives the file the name `target`.
    pub fn persist(&mut self, target: &Path, watch: &mut Watch<'_>) -> io::Result<()> {
        watch(Operation::Replace, target)?;
        if let Some(path) = &self.path {
            fs::rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // There is nobody left to tell; the next sweep tries again.
            let _ = fs::remove_file(path);
        }
    }
}

/// Locks a file; `false` if another has it. Where there are no locks, nobody can say that a file is left over.
pub(super) fn is_locked(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}
