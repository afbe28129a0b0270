//! Observing files on Unix: kind, owner, mode and links, along a whole path.

#[cfg(target_os = "linux")]
mod executed;
mod managed_owner;
mod managed_program;
mod private_directory;
mod walk;

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rustix::{
    fs::{FileType, Mode, OFlags, Stat, openat},
    io::Errno,
    process::geteuid,
};

#[cfg(target_os = "linux")]
pub(crate) use self::executed::ExecutedFile;
use self::walk::{End, Walk, Way};
pub(crate) use self::{managed_owner::ManagedOwner, private_directory::PrivateDirectory};
use super::{
    ReadError, RegularFile, Ruling, TrustError, Violation,
    rule::{Facts, FileKind, Rule},
};

/// Checks a place that a variable or a flag names: every directory and link on the way to `path`,
/// and `path` itself if it is a directory, belong to the user or root and cannot be written by
/// other users. What does not exist yet is accepted.
///
/// # Errors
///
/// The [`Violation`] that is nearest to `/`, or the system's error.
pub(crate) fn place(path: &Path) -> Result<(), TrustError> {
    match Walk::new(Way::Own).to(path) {
        Err(TrustError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map(drop),
    }
}

/// Checks that `path` is a socket of the user's or root's on whose way no other user can write.
///
/// # Errors
///
/// The first [`Violation`] on the way, or the system's error.
pub(crate) fn socket(path: &Path) -> Result<(), TrustError> {
    let end = Walk::new(Way::Own).to(path)?;
    Rule::listener().judge(end.path(), end.facts(), user())?;
    if let End::Other { parent, .. } = &end {
        Rule::listener_directory().judge(&parent.path, &parent.facts, user())?;
    }
    Ok(())
}

/// Checks that `path` is a program of the user's or root's that no other user can write, nor
/// replace on its way, apart from administrators. It need not be readable.
///
/// # Errors
///
/// The first [`Violation`] on the way, or the system's error.
pub(crate) fn program(path: &Path) -> Result<(), TrustError> {
    let end = Walk::new(Way::Own).to(path)?;
    Rule::program().judge(end.path(), end.facts(), user())?;
    Ok(())
}

impl RegularFile {
    /// Opens the file `path` and judges it by `rule`. Every directory and link on the way must be
    /// the user's or root's, and no other user may be able to write them.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] on the way, [`ReadError::NotRegular`], or the system's error.
    pub(crate) fn open_judged(path: &Path, rule: &Rule) -> Result<Self, TrustError> {
        let file = Walk::new(Way::Own).to(path)?.open_file()?;
        file.judge(rule)?;
        Ok(file)
    }
}

impl End {
    fn open_file(self) -> Result<RegularFile, TrustError> {
        let Self::Other {
            parent,
            name,
            path,
            facts,
        } = self
        else {
            return Err(ReadError::NotRegular.into());
        };
        if facts.kind != FileKind::File {
            return Err(ReadError::NotRegular.into());
        }
        // A FIFO that has the name by now is not waited for.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&parent.fd, &name, flags, Mode::empty())?;
        Ok(RegularFile::new(path, File::from(file))?)
    }
}

impl From<Errno> for TrustError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl Rule {
    /// Applies the rule to `path`, of which `metadata` was observed.
    pub(super) fn judge_metadata(
        &self,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<Ruling, Violation> {
        let facts = Facts {
            kind: if metadata.is_symlink() {
                FileKind::Link
            } else if metadata.is_dir() {
                FileKind::Directory
            } else if metadata.is_file() {
                FileKind::File
            } else {
                FileKind::Special
            },
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
            links: metadata.nlink(),
            has_private_group: false,
        };
        self.judge(path, &facts, user())
    }
}

/// The facts in `found`, without those of the group.
fn observed(found: &Stat) -> Facts {
    Facts {
        kind: match FileType::from_raw_mode(found.st_mode) {
            FileType::Symlink => FileKind::Link,
            FileType::Directory => FileKind::Directory,
            FileType::RegularFile => FileKind::File,
            FileType::Socket => FileKind::Socket,
            _ => FileKind::Special,
        },
        owner: found.st_uid,
        group: found.st_gid,
        mode: widened(Mode::from_raw_mode(found.st_mode).as_raw_mode()),
        links: widened(found.st_nlink),
        has_private_group: false,
    }
}

/// Some systems have narrower types than others.
fn widened<Narrow, Wide: From<Narrow>>(number: Narrow) -> Wide {
    number.into()
}

fn user() -> u32 {
    geteuid().as_raw()
}

#[cfg(test)]
mod tests;
