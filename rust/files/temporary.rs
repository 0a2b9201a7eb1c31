//! Temporary files, and what is left of those whose writer has died.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Operation, Watch, in_place, n_names};

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

/// Removes temporary files of writers that have died from a folder, and ends what they began; how many.
///
/// Those of living processes stay, and so does what cannot be removed: this is housekeeping.
///
/// # Errors
/// Those of `watch`.
pub fn sweep(folder: &Path, watch: &mut Watch<'_>) -> io::Result<usize> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(0) };
    let mut n_removed = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        if file.try_lock().is_err() || !in_place::is_settled(&path, &file, watch)? {
            continue;
        }
        watch(Operation::Remove, &path)?;
        n_removed += usize::from(fs::remove_file(&path).is_ok());
    }
    Ok(n_removed)
}
