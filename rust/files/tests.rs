use std::ffi::CString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

/// More than a chunk, and than a pipe holds.
const N_BYTES: usize = 150_000;

fn bytes(first: u8) -> Vec<u8> {
    (0..N_BYTES).map(|at| first.wrapping_add(at as u8) | 1).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The operations of writing `bytes`, all of them.
fn operations(path: &Path, bytes: &[u8]) -> Vec<Operation> {
    let mut seen = Vec::new();
    write_watched(path, bytes, &mut |operation, _| {
        seen.push(operation);
        Ok(())
    })
    .unwrap();
    seen
}

/// Writes, but for the operations from number `n` on.
fn stopped(path: &Path, bytes: &[u8], n: usize) -> Result<()> {
    let mut left = n;
    write_watched(path, bytes, &mut |_, _| {
        left = left.checked_sub(1).ok_or_else(|| io::Error::other("stopped"))?;
        Ok(())
    })
}

#[test]
fn the_bytes_are_durable_before_they_count() {
    use Operation::{Create, Replace, Sync, SyncFolder, Write};
    let folder = folder();
    let path = folder.path().join("file");
    for first in [0, 7] {
        assert_eq!(
            operations(&path, &bytes(first)),
            [Create, Write, Write, Write, Sync, Replace, SyncFolder],
            "file number {first}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes(first));
        assert_eq!(names(folder.path()), ["file"]);
    }
}

#[test]
fn a_failure_leaves_the_old_file_or_the_new_one() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, bytes(1)).unwrap();
    for n in 0..7 {
        assert!(stopped(&path, &bytes(9), n).is_err());
        let expected = if n == 6 { bytes(9) } else { bytes(1) };
        assert_eq!(fs::read(&path).unwrap(), expected, "stopped after {n} operations");
        assert_eq!(names(folder.path()), ["file"]);
    }
}

#[test]
fn the_mode_stays() {
    let folder = folder();
    let path = folder.path().join("file");
    for mode in [0o600, 0o644, 0o660, 0o755] {
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn symbolic_links_are_followed_and_stay() {
    let folder = folder();
    let [file, link, to_link] = ["file", "link", "to_link"].map(|name| folder.path().join(name));
    symlink("file", &link).unwrap();
    symlink(&link, &to_link).unwrap();
    for first in [0, 7] {
        // The first time they lead to nothing.
        write(&to_link, &bytes(first)).unwrap();
        assert_eq!(fs::read(&file).unwrap(), bytes(first));
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["file", "link", "to_link"]);
    }
    symlink("circle", folder.path().join("circle")).unwrap();
    let Error::Io { source, .. } = write(&folder.path().join("circle"), b"").unwrap_err() else { panic!() };
    assert_eq!(source.raw_os_error(), Some(libc::ELOOP));
}

#[test]
fn hard_links_stay_one_file() {
    let folder = folder();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    fs::write(&a, "short").unwrap();
    fs::hard_link(&a, &b).unwrap();
    let inode = fs::metadata(&a).unwrap().ino();
    for new in [bytes(1), bytes(9), b"1".to_vec(), Vec::new(), bytes(5)] {
        write(&a, &new).unwrap();
        assert_eq!(fs::read(&b).unwrap(), new);
        assert_eq!(fs::metadata(&a).unwrap().ino(), inode);
        assert_eq!(names(folder.path()), ["a", "b"]);
    }
}

#[test]
fn what_was_begun_in_place_is_ended() {
    let folder = folder();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    fs::write(&a, bytes(1)).unwrap();
    fs::hard_link(&a, &b).unwrap();
    let n_operations = operations(&a, &bytes(1)).len();
    let mut torn = 0;
    for n in 0..n_operations {
        fs::write(&a, bytes(1)).unwrap();
        assert!(stopped(&a, &bytes(9), n).is_err());
        let now = fs::read(&b).unwrap();
        let whole = now == bytes(1) || now == bytes(9);
        assert!(whole || now.iter().take(8).all(|&byte| byte == 0), "after {n} operations");
        torn += usize::from(!whole);
        sweep(folder.path(), &mut |_, _| Ok(())).unwrap();
        let now = fs::read(&b).unwrap();
        assert!(now == bytes(1) || now == bytes(9), "after {n} operations, and a sweep");
        assert_eq!(names(folder.path()), ["a", "b"]);
    }
    assert!(torn >= 5);
}

#[test]
fn a_pipe_takes_the_bytes_and_stays() {
    let folder = folder();
    let path = folder.path().join("pipe");
    make_pipe(&path);
    let reader = {
        let path = path.clone();
        std::thread::spawn(move || {
            let mut read = Vec::new();
            File::open(path).unwrap().read_to_end(&mut read).unwrap();
            read
        })
    };
    write(&path, &bytes(3)).unwrap();
    assert_eq!(reader.join().unwrap(), bytes(3));
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn a_pipe_without_a_reader_can_be_given_up() {
    let folder = folder();
    let path = folder.path().join("pipe");
    make_pipe(&path);
    let mut waited = 0;
    let result = write_watched(&path, b"new", &mut |operation, _| {
        waited += usize::from(operation == Operation::Wait);
        if waited == 3 { Err(io::Error::other("enough")) } else { Ok(()) }
    });
    assert!(result.unwrap_err().to_string().ends_with("enough"));
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
}

fn make_pipe(path: &Path) {
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name ends in a zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

#[test]
fn errors_are_those_of_the_system() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    let number = |name: &str| match write(&folder.path().join(name), b"new") {
        Err(Error::Io { source, .. }) => source.raw_os_error().unwrap(),
        result => panic!("{result:?}"),
    };
    assert_eq!(number("absent/file"), libc::ENOENT);
    assert_eq!(number("file/below"), libc::ENOTDIR);
    assert_eq!(number(""), libc::EISDIR);
    assert_eq!(number(&"n".repeat(300)), libc::ENAMETOOLONG);
}

#[test]
fn only_what_nobody_holds_is_swept() {
    let folder = folder();
    for name in ["kept", ".kept", ".strsbp-dead", ".strsbp-dead.png"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    fs::create_dir(folder.path().join(".strsbp-folder")).unwrap();
    let alive = Temporary::create(folder.path(), false, &mut |_, _| Ok(())).unwrap();
    assert_eq!(sweep(folder.path(), &mut |_, _| Ok(())).unwrap(), 2);
    assert_eq!(names(folder.path()).len(), 4);
    drop(alive);
    assert_eq!(names(folder.path()), [".kept", ".strsbp-folder", "kept"]);
    assert_eq!(sweep(&folder.path().join("absent"), &mut |_, _| Ok(())).unwrap(), 0);
}

#[test]
fn a_folder_has_one_claim_at_a_time() {
    let folder = folder();
    let take = || Claim::take(folder.path(), &mut |_, _| Ok(())).unwrap();
    // What a killed process leaves claims nothing.
    fs::write(Claim::file(folder.path()), "process 1, of long ago").unwrap();
    let claim = take().unwrap();
    assert!(take().is_none());
    assert_eq!(sweep(folder.path(), &mut |_, _| Ok(())).unwrap(), 0);
    assert_eq!(fs::read_to_string(Claim::file(folder.path())).unwrap(), format!("process {}\n", std::process::id()));
    drop(claim);
    assert!(names(folder.path()).is_empty());
    take().unwrap();
}

#[test]
fn folders_are_made_with_those_above() {
    let folder = folder();
    let deep = folder.path().join("a/b/c");
    for expected in [6, 0] {
        let mut n = 0;
        let mut watch = |_, _: &Path| {
            n += 1;
            Ok(())
        };
        make_folder(&deep, &mut watch).unwrap();
        assert_eq!(n, expected);
    }
    assert!(deep.is_dir());
    fs::write(folder.path().join("file"), "").unwrap();
    let error = make_folder(&folder.path().join("file/x"), &mut |_, _| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Io { source, .. } if source.raw_os_error() == Some(libc::EEXIST)));
}
