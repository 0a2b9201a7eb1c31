//! Writing into what is no regular file: pipes, terminals, devices.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{CHUNK, Operation, Watch};

/// How long a pipe without a reader is given to find one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes the bytes to what `path` names.
///
/// Never waits in the system, where Ctrl-C is not noticed.
pub(super) fn write(path: &Path, held: &Metadata, bytes: &[u8], watch: &mut Watch<'_>) -> io::Result<()> {
    watch(Operation::Create, path)?;
    let mut file = open(path, held, watch)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        watch(Operation::Write, path)?;
        match file.write(&rest[..rest.len().min(CHUNK)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => rest = &rest[n..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                watch(Operation::Wait, path)?;
                sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn open(path: &Path, held: &Metadata, watch: &mut Watch<'_>) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let start = Instant::now();
    loop {
        let opened = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
        let unread = matches!(&opened, Err(error) if error.raw_os_error() == Some(libc::ENXIO));
        if !unread || !held.file_type().is_fifo() || start.elapsed() > PATIENCE {
            return opened;
        }
        watch(Operation::Wait, path)?;
        sleep(PAUSE);
    }
}

#[cfg(not(unix))]
fn open(path: &Path, _: &Metadata, _: &mut Watch<'_>) -> io::Result<File> {
    let _ = (PATIENCE, Instant::now());
    OpenOptions::new().write(true).open(path)
}
