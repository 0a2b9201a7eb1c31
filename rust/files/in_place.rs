//! Writing over a file that keeps its place.
//!
//! The new bytes first go to a copy beside the file. Then the file is emptied and filled, its first bytes last, so that
//! until all of it is durable it begins with zeros, which no file of ours does: whoever reads it then is told that it is
//! damaged, and the next [`sweep`](super::sweep) fills it from the copy.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::temporary::{PREFIX, Temporary, is_locked};
use super::{Operation, Watch, folder_of, same_owner, write_chunks};

/// How many bytes are written last.
const HEAD: usize = 8;
/// Follows [`PREFIX`] in the name of a copy; then comes the name of the file.
const REDO: &str = "redo-";
/// Between two looks whether another process has done writing.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes over `file`, which is open for writing; with a copy beside `target`, its own name, if it has one.
pub(super) fn write(
    path: &Path,
    target: Option<&Path>,
    file: &File,
    bytes: &[u8],
    watch: &mut Watch<'_>,
) -> io::Result<()> {
    while !is_locked(file) {
        watch(Operation::Wait, path)?;
        sleep(PAUSE);
    }
    let copy = match target.map(|target| copy(target, bytes, watch)).transpose() {
        // A folder that takes no new files, or a name that leaves no room for ours: it has to do without.
        Err(error) if cannot_be_made(&error) => None,
        copy => copy?,
    };
    fill(path, file, bytes, watch)?;
    if let Some((path, _lock)) = copy {
        watch(Operation::Remove, &path)?;
        fs::remove_file(path)?;
    }
    Ok(())
}

fn cannot_be_made(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), InvalidFilename | PermissionDenied | ReadOnlyFilesystem)
}

/// Returns a durable copy of the bytes beside `target`, found by its name, and locked while the file is open.
fn copy(target: &Path, bytes: &[u8], watch: &mut Watch<'_>) -> io::Result<(PathBuf, Temporary)> {
    let mut name = OsString::from(format!("{PREFIX}{REDO}"));
    name.push(target.file_name().unwrap_or_default());
    let path = folder_of(target).join(name);
    let mut temporary = Temporary::create(folder_of(target), true, watch)?;
    write_chunks(&mut temporary.file, &path, bytes, watch)?;
    watch(Operation::Sync, &path)?;
    temporary.file.sync_all()?;
    temporary.persist(&path, watch)?;
    Ok((path, temporary))
}

fn fill(target: &Path, mut file: &File, bytes: &[u8], watch: &mut Watch<'_>) -> io::Result<()> {
    let (head, rest) = bytes.split_at(HEAD.min(bytes.len()));
    watch(Operation::Truncate, target)?;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(head.len() as u64))?;
    write_chunks(&mut file, target, rest, watch)?;
    watch(Operation::Sync, target)?;
    file.sync_all()?;
    file.rewind()?;
    write_chunks(&mut file, target, head, watch)?;
    watch(Operation::Sync, target)?;
    file.sync_all()
}

/// Whether a left-over file may go: one that is no copy, or whose file is whole, if need be now.
pub(super) fn is_settled(path: &Path, mut copy: &File, watch: &mut Watch<'_>) -> io::Result<bool> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(name) = name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix(REDO)) else { return Ok(true) };
    let target = folder_of(path).join(name);
    let Ok(file) = OpenOptions::new().read(true).write(true).open(&target) else { return Ok(true) };
    if file.try_lock().is_err() {
        return Ok(false);
    }
    let mut head = Vec::new();
    (&file).take(HEAD as u64).read_to_end(&mut head)?;
    if head.iter().any(|&byte| byte != 0) || !same_owner(&file.metadata()?, &copy.metadata()?) {
        return Ok(true);
    }
    let mut bytes = Vec::new();
    copy.read_to_end(&mut bytes)?;
    fill(&target, &file, &bytes, watch)?;
    Ok(true)
}
