//! The rules on Unix, as pure functions of kind, owner and mode.

use std::path::Path;

use super::{Ruling, Violation};

/// The mode bits that let users other than the owner write.
const WRITE: u32 = 0o022;

/// The mode bits that let users other than the owner read.
const READ: u32 = 0o044;

/// The bit of [`READ`] for users outside the group.
const READ_BY_ALL: u32 = 0o004;

/// The mode bits of all users other than the owner.
const ACCESS: u32 = 0o077;

/// What a file or directory must be before it is relied on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The one accepted kind; `None` accepts every kind, links included.
    kind: Option<FileKind>,
    owner: Owner,
    /// Mode bits that are a violation. Those of a link mean nothing and are ignored.
    denied: u32,
    /// Mode bits that are accepted with a warning.
    warned: u32,
    remedy: Remedy,
}

/// What was observed of a file or directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) kind: FileKind,
    /// User id.
    pub(super) owner: u32,
    /// Permission bits, with set-id and sticky bits.
    pub(super) mode: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    File,
    Directory,
    Link,
    /// A FIFO, a device or a socket.
    Special,
}

/// The accepted owners.
#[derive(Clone, Copy, Debug)]
enum Owner {
    /// Root or this user: another one than root in tests only.
    Managed(u32),
    /// The user or root, which can write every file anyway.
    UserOrRoot,
    /// The user alone.
    User,
}

/// The user that can correct a violation, and how. No hint changes the mode of a directory:
/// Claviger may not have made it.
#[derive(Clone, Copy, Debug)]
enum Remedy {
    Administrator,
    OwnFile,
    OwnSecret,
    OwnDirectory,
}

impl Rule {
    /// A managed file, or a directory or link on its path, that belongs to root or `uid` and that
    /// no other user can write. The sticky bit is no exception: it keeps others from replacing a
    /// file but not from making it first.
    pub(super) const fn managed_file(uid: u32) -> Self {
        Self {
            kind: None,
            owner: Owner::Managed(uid),
            denied: WRITE,
            warned: 0,
            remedy: Remedy::Administrator,
        }
    }

    /// A file of the user's or root's that no other user can write.
    pub(crate) const fn user_file() -> Self {
        Self {
            kind: Some(FileKind::File),
            owner: Owner::UserOrRoot,
            denied: WRITE,
            warned: 0,
            remedy: Remedy::OwnFile,
        }
    }

    /// A secret of the user's or root's. If other users can write it, its content may be theirs. If
    /// they can read it, that is a warning only: an administrator who hands one secret to all users
    /// of a machine has no other way, and a login that works is not worth breaking over it. A group
    /// that can read root's file was chosen by root.
    pub(crate) const fn secret_file() -> Self {
        Self {
            kind: Some(FileKind::File),
            owner: Owner::UserOrRoot,
            denied: WRITE,
            warned: READ,
            remedy: Remedy::OwnSecret,
        }
    }

    /// A directory of the user's that no other user can enter, read or write.
    pub(super) const fn private_directory() -> Self {
        Self {
            kind: Some(FileKind::Directory),
            owner: Owner::User,
            denied: ACCESS,
            warned: 0,
            remedy: Remedy::OwnDirectory,
        }
    }

    /// Applies the rule to `facts`; `user` is the effective user id.
    pub(super) fn judge(&self, path: &Path, facts: &Facts, user: u32) -> Result<Ruling, Violation> {
        match self.problem(facts, user) {
            Some(problem) => Err(Violation {
                path: path.to_owned(),
                problem,
                hint: self.remedy.hint(path, facts.owner, user),
            }),
            None if facts.mode & self.warned_bits(facts) != 0 => {
                Ok(Ruling::ReadableByOthers { mode: facts.mode })
            }
            None => Ok(Ruling::Trusted),
        }
    }

    fn problem(&self, facts: &Facts, user: u32) -> Option<String> {
        let Facts { kind, owner, mode } = *facts;
        if let Some(expected) = self.kind.filter(|expected| *expected != kind) {
            return Some(format!("is {}; expected {}", kind.name(), expected.name()));
        }
        if !self.owner.accepts(owner, user) {
            let expected = self.owner.name(user);
            return Some(format!("is owned by uid {owner}; expected {expected}"));
        }
        let granted = match kind {
            FileKind::Link => 0,
            _ => mode & self.denied,
        };
        if self.denied == ACCESS && granted != 0 {
            let expected = mode & 0o777 & !ACCESS;
            return Some(format!(
                "is accessible to others (mode {mode:04o}; expected {expected:04o})"
            ));
        }
        (granted != 0).then(|| format!("is writable by others (mode {mode:04o})"))
    }

    fn warned_bits(&self, facts: &Facts) -> u32 {
        match facts.owner {
            0 => self.warned & READ_BY_ALL,
            _ => self.warned,
        }
    }
}

impl FileKind {
    fn name(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a special file",
        }
    }
}

impl Owner {
    fn accepts(self, owner: u32, user: u32) -> bool {
        match self {
            Self::Managed(uid) => owner == 0 || owner == uid,
            Self::UserOrRoot => owner == 0 || owner == user,
            Self::User => owner == user,
        }
    }

    fn name(self, user: u32) -> String {
        match self {
            Self::Managed(_) => "root".to_owned(),
            Self::UserOrRoot => format!("your uid {user} or root"),
            Self::User => format!("your uid {user}"),
        }
    }
}

impl Remedy {
    fn hint(self, path: &Path, owner: u32, user: u32) -> String {
        let path = path.display();
        match self {
            Self::Administrator => {
                format!("ask your administrator to let only root own and write '{path}'")
            }
            Self::OwnDirectory => "use a directory of your own with mode 0700".to_owned(),
            Self::OwnFile if owner == user => format!("chmod go-w '{path}'"),
            Self::OwnSecret if owner == user => {
                format!("chmod 600 '{path}', then check that it contains your secret")
            }
            Self::OwnFile | Self::OwnSecret if owner == 0 => {
                format!("ask your administrator to let only root write '{path}'")
            }
            Self::OwnFile => format!("copy '{path}' to a file of your own"),
            Self::OwnSecret => format!("replace '{path}' by a file of your own"),
        }
    }
}

#[cfg(test)]
mod tests;
