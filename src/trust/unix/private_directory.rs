//! A directory that is the user's alone.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, Gid, Mode, OFlags},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{
    observed, user,
    walk::{Directory, End, Walk, Way},
};
use crate::trust::{RegularFile, TrustError, Violation, rule::Rule};

/// The mode of a file that Claviger makes.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The mode of a file that a group may read.
const READABLE: Mode = PRIVATE.union(Mode::RGRP);

/// The mode of a directory that Claviger makes for such files, which then have its group.
const READABLE_DIRECTORY: Mode = Mode::RWXU
    .union(Mode::RGRP)
    .union(Mode::XGRP)
    .union(Mode::SGID);

/// An open directory that belongs to the user and that no other user can enter, read or write,
/// apart from a group that may read. No other user can replace it or a directory above it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    directory: Directory,
    /// The group that may read.
    readers: Option<u32>,
}

impl PrivateDirectory {
    /// Opens the directory `path`, which must not be a link. If it or one above it does not exist,
    /// it is made with mode 0700.
    ///
    /// # Errors
    ///
    /// The first violation on the way, or the system's error.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, TrustError> {
        let walk = Walk::new(Way::Own).creating();
        match walk.ending(Rule::private_directory()).to(path)? {
            End::Directory(directory) => Ok(Self {
                directory,
                readers: None,
            }),
            End::Other { .. } => Err(Errno::NOTDIR.into()),
        }
    }

    /// Opens the directory `path`, in which the members of the group `readers` may read. If it does
    /// not exist, it is made with mode 2750 and that group.
    ///
    /// # Errors
    ///
    /// The first violation on the way, or the system's error: only a member of a group can give it
    /// a directory.
    pub(crate) fn open_or_create_for(path: &Path, readers: u32) -> Result<Self, TrustError> {
        let is_new = !path.exists();
        let walk = Walk::new(Way::Own).creating();
        let end = walk.ending(Rule::readable_directory()).to(path)?;
        let End::Directory(directory) = end else {
            return Err(Errno::NOTDIR.into());
        };
        if is_new {
            let group = Gid::from_raw(readers);
            fs::chownat(&directory.fd, ".", None, Some(group), AtFlags::empty())?;
            // Only after the change of the group, which takes the bit away.
            fs::chmodat(&directory.fd, ".", READABLE_DIRECTORY, AtFlags::empty())?;
        } else {
            readable(&directory, readers)?;
        }
        Ok(Self {
            directory,
            readers: Some(readers),
        })
    }

    /// Opens the file `name` for appending; makes it, with mode 0600, if it does not exist. It must
    /// be a regular file of the user's with no other name. If other users can read or write it, its
    /// mode is changed to 0600; to 0640 if a group may read in the directory.
    ///
    /// # Errors
    ///
    /// The violation, or the system's error.
    pub(crate) fn append(&self, name: &str) -> Result<File, TrustError> {
        self.open_own(name, OFlags::WRONLY | OFlags::APPEND)
    }

    /// As [`Self::append`], but for reading and for writing anywhere.
    ///
    /// # Errors
    ///
    /// The violation, or the system's error.
    pub(crate) fn update(&self, name: &str) -> Result<File, TrustError> {
        self.open_own(name, OFlags::RDWR)
    }

    /// Whether there is a file `name`, of any kind.
    pub(crate) fn has(&self, name: &str) -> bool {
        fs::statat(&self.directory.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Whether the file `name` is `file`, and not another one that has its name by now.
    pub(crate) fn is_current(&self, name: &str, file: &File) -> bool {
        let named = fs::statat(&self.directory.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        let (Ok(named), Ok(open)) = (named, fs::fstat(file)) else {
            return false;
        };
        (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino)
    }

    fn open_own(&self, name: &str, access: OFlags) -> Result<File, TrustError> {
        let path = self.directory.path.join(name);
        let judge = |found: &fs::Stat| Rule::own_file().judge(&path, &observed(found), user());
        match fs::statat(&self.directory.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            // Before it is opened: opening a device may have an effect.
            Ok(found) => drop(judge(&found)?),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = access
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            // A FIFO that has the name by now: opening it fails instead of blocking.
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let file = fs::openat(&self.directory.fd, name, flags, PRIVATE)?;
        let found = fs::fstat(&file)?;
        judge(&found)?;
        let mode = match self.readers {
            Some(_) => READABLE,
            None => PRIVATE,
        };
        if let Some(readers) = self.readers.filter(|readers| *readers != found.st_gid) {
            fs::fchown(&file, None, Some(Gid::from_raw(readers)))?;
        }
        if Mode::from_raw_mode(found.st_mode) != mode {
            fs::fchmod(&file, mode)?;
        }
        Ok(File::from(file))
    }

    /// Renames the file `from` to `to`, which is replaced.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(
            &self.directory.fd,
            from,
            &self.directory.fd,
            to,
        )?)
    }

    /// Reads the file `name`, which has at most `limit` bytes. It must be a regular file of the
    /// user's that no other user can read or write.
    ///
    /// # Errors
    ///
    /// The violation, or the system's error.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, TrustError> {
        // A FIFO that has the name is not waited for.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = fs::openat(&self.directory.fd, name, flags, Mode::empty())?;
        let file = RegularFile::new(self.directory.path.join(name), File::from(file))?;
        file.judge(&Rule::private_file())?;
        Ok(file.read(limit)?)
    }

    /// Writes `bytes` to the file `name`, which has mode 0600 and is replaced as a whole: after a
    /// crash it has its old content or its new one. The caller excludes other writers.
    ///
    /// # Errors
    ///
    /// The system's error. The file is as it was, unless only its durability is in question.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = replacement(name);
        // A crash may have left one.
        self.unlink(&new)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(fs::openat(&self.directory.fd, &new, flags, PRIVATE)?);
        file.write_all(bytes)?;
        file.sync_all()?;
        self.rename(&new, name)?;
        self.sync()
    }

    /// Removes the file `name`, if it exists, and what a crash in [`Self::replace`] has left of it.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.unlink(name)?;
        self.unlink(&replacement(name))?;
        self.sync()
    }

    fn unlink(&self, name: &str) -> Result<(), Errno> {
        match fs::unlinkat(&self.directory.fd, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            result => result,
        }
    }

    /// Makes the names durable.
    fn sync(&self) -> io::Result<()> {
        // The directory's own descriptor can only be used to open what it contains.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = fs::openat(&self.directory.fd, ".", flags, Mode::empty())?;
        Ok(fs::fsync(directory)?)
    }
}

/// Checks that the members of the group `readers` can read in `directory`.
fn readable(directory: &Directory, readers: u32) -> Result<(), Violation> {
    let (mode, group) = (directory.facts.mode, directory.facts.group);
    let is_readable = mode & 0o005 == 0o005 || (mode & 0o050 == 0o050 && group == readers);
    if is_readable {
        return Ok(());
    }
    Err(Violation {
        path: directory.path.clone(),
        problem: format!(
            "cannot be read by the group {readers} (group {group}, mode {mode:04o}; expected 2750)"
        ),
        hint: "let the administrator give it that group and mode 2750".to_owned(),
    })
}

/// The name of a file's new content until it is complete.
fn replacement(name: &str) -> String {
    format!("{name}.new")
}
