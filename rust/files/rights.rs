//! Which file it is, whose, and who may read it.

#[cfg(unix)]
pub(super) use unix::*;

#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    pub fn same_file(a: &Metadata, b: &Metadata) -> bool {
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }

    pub fn same_owner(a: &Metadata, b: &Metadata) -> bool {
        a.uid() == b.uid()
    }

    /// Returns under how many names a file is found.
    pub fn n_names(file: &Metadata) -> u64 {
        file.nlink()
    }

    /// Gives a new file the mode and, where the system allows it, the owner of another.
    pub fn take_over(file: &File, held: &Metadata) -> io::Result<()> {
        let made = file.metadata()?;
        let mut mode = held.mode() & 0o7777;
        let is_other = (made.uid(), made.gid()) != (held.uid(), held.gid());
        if is_other && fchown(file, Some(held.uid()), Some(held.gid())).is_err() {
            mode &= 0o777;
            if made.gid() != held.gid() && fchown(file, None, Some(held.gid())).is_err() {
                // What the old group was allowed is not for the new one.
                mode &= 0o707 | (mode & 0o007) << 3;
            }
        }
        // Not every file system has modes to set.
        if made.mode() & 0o7777 == mode { Ok(()) } else { file.set_permissions(Permissions::from_mode(mode)) }
    }
}

/// Elsewhere a file has one name, and the rights of its folder.
#[cfg(not(unix))]
mod elsewhere {
    use std::fs::{File, Metadata};
    use std::io;

    pub fn same_file(_: &Metadata, _: &Metadata) -> bool {
        true
    }

    pub fn same_owner(_: &Metadata, _: &Metadata) -> bool {
        true
    }

    pub fn n_names(_: &Metadata) -> u64 {
        1
    }

    pub fn take_over(_: &File, _: &Metadata) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::*;
