//! Files that are whole or not there, whatever ends the process, and folders that one process has for itself.
//!
//! What stands under a name decides how it is written:
//!
//! - Nothing, or a regular file of one name: the bytes go to a temporary file beside it, which is made durable and takes its
//!   place; mode and owner stay. A symbolic link is followed, and stays.
//! - A regular file of several names (hard links), or one that cannot be replaced where it is: in place, see
//!   [`in_place`], so that all its names have the new bytes.
//! - A pipe, a terminal, a device: the bytes go into it.
//!
//! Temporary files start with [`PREFIX`] and are locked as long as their writer lives, so that [`sweep`] can tell what was
//! left over.

mod claim;
pub(crate) mod container;
mod hash;
mod in_place;
mod reader;
mod rights;
mod stream;
mod sweep;
mod temporary;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

pub use claim::Claim;
pub(crate) use hash::Fnv;
pub(crate) use reader::Reader;
pub use sweep::sweep;
pub use temporary::PREFIX;

use crate::error::{Error, Result};
use rights::{n_names, same_file, same_owner, take_over};
use temporary::Temporary;

/// Bytes that are written between two looks of whoever watches.
const CHUNK: usize = 1 << 16;

/// What is about to happen to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A file is made, or opened for writing.
    Create,
    /// Bytes are written.
    Write,
    /// A file is emptied.
    Truncate,
    /// The bytes of a file are made durable.
    Sync,
    /// A file takes the place of another.
    Replace,
    /// A file is removed.
    Remove,
    /// A folder is made.
    MakeFolder,
    /// The names in a folder are made durable.
    SyncFolder,
    /// Nothing: a reader, or another writer, is waited for.
    Wait,
}

impl Operation {
    /// Returns its name, in snake_case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Write => "write",
            Self::Truncate => "truncate",
            Self::Sync => "sync",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::MakeFolder => "make_folder",
            Self::SyncFolder => "sync_folder",
            Self::Wait => "wait",
        }
    }
}

/// Is told of every operation before it happens; an error stops there.
pub type Watch<'a> = dyn FnMut(Operation, &Path) -> io::Result<()> + 'a;

/// Writes a file as the rules of this module say.
///
/// # Errors
/// [`Error::Io`]; what was there then is as it was, but for a pipe or device.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_watched(path, bytes, &mut |_, _| Ok(()))
}

/// Returns [`write`], under the eyes of `watch`.
///
/// # Errors
/// Those of [`write`] and of `watch`.
pub fn write_watched(path: &Path, bytes: &[u8], watch: &mut Watch<'_>) -> Result<()> {
    place(path, bytes, watch).map_err(|error| Error::io(path, error))
}

/// Makes a folder and those above it, durably; nothing if it is there.
///
/// # Errors
/// [`Error::Io`].
pub fn make_folder(path: &Path, watch: &mut Watch<'_>) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    make_folder(parent, watch)?;
    let io = |error| Error::io(path, error);
    watch(Operation::MakeFolder, path).map_err(io)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(parent, watch)).map_err(io),
    }
}

fn place(path: &Path, bytes: &[u8], watch: &mut Watch<'_>) -> io::Result<()> {
    let held = match fs::metadata(path) {
        Ok(held) => held,
        Err(error) if error.kind() == ErrorKind::NotFound => return replace(&link_end(path), None, bytes, watch),
        Err(error) => return Err(error),
    };
    if !held.is_file() {
        return stream::write(path, &held, bytes, watch);
    }
    // Also refuses a file that may not be written, though one could take its place.
    let file = OpenOptions::new().write(true).open(path)?;
    // Some links lead where no name does: /dev/fd/3.
    let named = |target: &PathBuf| fs::metadata(target).is_ok_and(|there| same_file(&there, &held));
    let Some(target) = fs::canonicalize(path).ok().filter(named) else {
        return in_place::write(path, None, &file, bytes, watch);
    };
    if n_names(&held) > 1 {
        return in_place::write(path, Some(&target), &file, bytes, watch);
    }
    match replace(&target, Some(&held), bytes, watch) {
        // A folder that takes no new files, or a file that is mounted by itself.
        Err(error) if cannot_be_replaced(&error) => in_place::write(path, Some(&target), &file, bytes, watch),
        result => result,
    }
}

fn cannot_be_replaced(error: &io::Error) -> bool {
    use ErrorKind::{PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

/// Puts a file of the bytes in the place of `target`, whose mode and owner are those of `held`.
fn replace(target: &Path, held: Option<&Metadata>, bytes: &[u8], watch: &mut Watch<'_>) -> io::Result<()> {
    let mut temporary = Temporary::create(folder_of(target), held.is_some(), watch)?;
    write_chunks(&mut temporary.file, target, bytes, watch)?;
    if let Some(held) = held {
        take_over(&temporary.file, held)?;
    }
    watch(Operation::Sync, target)?;
    temporary.file.sync_all()?;
    temporary.persist(target, watch)?;
    sync_folder(folder_of(target), watch)
}

fn write_chunks(file: &mut impl Write, path: &Path, bytes: &[u8], watch: &mut Watch<'_>) -> io::Result<()> {
    for chunk in bytes.chunks(CHUNK) {
        watch(Operation::Write, path)?;
        file.write_all(chunk)?;
    }
    Ok(())
}

/// Returns where a path leads that ends in a symbolic link to nothing; itself, if in none.
fn link_end(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    // A circle of them is an error of the system's before this is asked.
    while let Ok(next) = fs::read_link(&path) {
        path = folder_of(&path).join(next);
    }
    path
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes durable which names a folder has; not all file systems can.
fn sync_folder(folder: &Path, watch: &mut Watch<'_>) -> io::Result<()> {
    watch(Operation::SyncFolder, folder)?;
    let Ok(file) = File::open(folder) else { return Ok(()) };
    match file.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(all(test, unix))]
mod tests;
