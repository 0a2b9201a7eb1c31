//! What is left of temporary files whose writer has died.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::temporary::PREFIX;
use super::{Operation, Watch, in_place};

/// Removes temporary files of writers that have died from a folder, and ends what they began; returns how many.
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
