//! Reading files in pieces, with a look at whether to stop before each.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::stop::check;

/// Bytes between two looks.
const CHUNK: u64 = 1 << 22;
/// How long a pipe that no one writes into is given.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// A file that is read. Never waits in the system for who writes into a pipe: Ctrl-C is not noticed there.
pub(crate) struct Reader<'a> {
    path: &'a Path,
    file: File,
    metadata: Metadata,
    opened: Instant,
    /// Whether there was a byte, or has long been none.
    begun: bool,
}

impl<'a> Reader<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn open(path: &'a Path) -> Result<Self> {
        let opened = open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| Error::io(path, error))?;
        Ok(Self { path, file, begun: metadata.is_file(), metadata, opened: Instant::now() })
    }

    /// Returns how long it is, if it is a regular file.
    pub(crate) fn len(&self) -> Option<u64> {
        self.metadata.is_file().then_some(self.metadata.len())
    }

    /// Appends up to `n` bytes more, fewer where the file ends.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Memory`]; [`Error::Interrupted`] if the work is to stop.
    pub(crate) fn more(&mut self, n: u64, bytes: &mut Vec<u8>) -> Result<()> {
        let mut left = n;
        while left > 0 {
            check()?;
            let before = bytes.len();
            // What was read before an error is in the vector.
            let result = Read::by_ref(&mut self.file).take(left.min(CHUNK)).read_to_end(bytes);
            let read = (bytes.len() - before) as u64;
            (left, self.begun) = (left - read, self.begun || read > 0);
            match result {
                // The end, unless nobody has opened the other one of a pipe yet.
                Ok(_) if read == 0 && !self.begun => self.wait(),
                Ok(_) if read == 0 => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE),
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    fn wait(&mut self) {
        self.begun = self.opened.elapsed() > PATIENCE;
        sleep(PAUSE);
    }

    fn failed(&self, error: io::Error) -> Error {
        let name = || format!("bytes of {}", self.path.display());
        match error.kind() {
            ErrorKind::OutOfMemory => Error::Memory { name: name(), n: "as many as it has".to_owned(), bytes: 1 },
            _ => Error::io(self.path, error),
        }
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::thread;

    use super::*;
    use crate::stop::Stop;

    fn pipe() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        (folder, path)
    }

    #[test]
    fn reads_what_a_slow_writer_writes_into_a_pipe() {
        let (_folder, path) = pipe();
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                sleep(PAUSE);
                let mut file = File::options().write(true).open(path).unwrap();
                for part in ["ab", "cde", "f"] {
                    file.write_all(part.as_bytes()).unwrap();
                    sleep(2 * PAUSE);
                }
            }
        });
        let (mut reader, mut bytes) = (Reader::open(&path).unwrap(), Vec::new());
        assert_eq!(reader.len(), None);
        reader.more(4, &mut bytes).unwrap();
        assert_eq!(bytes, b"abcd");
        reader.more(9, &mut bytes).unwrap();
        assert_eq!(bytes, b"abcdef");
        writer.join().unwrap();
    }

    #[test]
    fn a_pipe_that_nobody_writes_into_is_not_waited_for_once_told_to_stop() {
        let (_folder, path) = pipe();
        let (stop, mut reader) = (Stop::default(), Reader::open(&path).unwrap());
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                sleep(5 * PAUSE);
                stop.set();
            });
            stop.during(|| reader.more(1, &mut Vec::new()))
        });
        assert!(matches!(result, Err(Error::Interrupted)));
    }

    #[test]
    fn nothing_of_a_file_is_read_once_told_to_stop() {
        let (stop, mut bytes) = (Stop::default(), Vec::new());
        stop.set();
        let mut reader = Reader::open(Path::new("Cargo.toml")).unwrap();
        assert!(stop.during(|| reader.more(5, &mut bytes)).is_err() && bytes.is_empty());
        reader.more(5, &mut bytes).unwrap();
        assert_eq!(bytes.len(), 5);
    }
}
