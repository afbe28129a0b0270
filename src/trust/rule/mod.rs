//! The rules on Unix, as pure functions of kind, owner and mode.

use std::path::Path;

use super::{Ruling, Violation};

/// The mode bits that let users other than the owner write.
const WRITE: u32 = 0o022;

/// The bit of [`WRITE`] for the group.
const WRITE_BY_GROUP: u32 = 0o020;

/// The bit of a directory in which only the owner of a file can rename or remove it.
const STICKY: u32 = 0o1000;

/// The mode bits that let users other than the owner read.
const READ: u32 = 0o044;

/// The bit of [`READ`] for users outside the group.
const READ_BY_ALL: u32 = 0o004;

/// The mode bits of all users other than the owner.
const ACCESS: u32 = 0o077;

/// The group whose members are root by sudo, if the system has one: `admin` on macOS, the group of
/// Homebrew's directories, which its members can write.
const ADMINISTRATORS: Option<u32> = if cfg!(target_os = "macos") {
    Some(80)
} else {
    None
};

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
    /// Whether others may write in a sticky directory of root's, in which they can neither rename
    /// nor remove what is not theirs, and the user's private group in a directory of the user's.
    shared: bool,
    /// The group that may write as root may.
    administrators: Option<u32>,
    /// Whether the file must have one name only.
    single: bool,
    remedy: Remedy,
}

/// What was observed of a file or directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) kind: FileKind,
    /// User id.
    pub(super) owner: u32,
    /// Group id.
    pub(super) group: u32,
    /// Permission bits, with set-id and sticky bits.
    pub(super) mode: u32,
    /// The number of names.
    pub(super) links: u64,
    /// Whether a writable group is the user's private one, in which no other user is.
    pub(super) has_private_group: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    File,
    Directory,
    Link,
    Socket,
    /// A FIFO or a device.
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
    OwnLog,
    OwnLogin,
    Place,
    Listener,
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
            shared: false,
            administrators: None,
            single: false,
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
            shared: false,
            administrators: None,
            single: false,
            remedy: Remedy::OwnFile,
        }
    }

    /// A program of the user's or root's that no other user can write, apart from administrators.
    pub(super) const fn program() -> Self {
        Self {
            administrators: ADMINISTRATORS,
            ..Self::user_file()
        }
    }

    /// A program that belongs to root or `uid` and that no other user can write.
    pub(super) const fn managed_program(uid: u32) -> Self {
        Self {
            kind: Some(FileKind::File),
            ..Self::managed_file(uid)
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
            shared: false,
            administrators: None,
            single: false,
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
            shared: false,
            administrators: None,
            single: false,
            remedy: Remedy::OwnDirectory,
        }
    }

    /// A directory of the user's that no other user can write.
    pub(super) const fn readable_directory() -> Self {
        Self {
            denied: WRITE,
            ..Self::private_directory()
        }
    }

    /// A directory or link on the path of a file of the user's. It belongs to the user or root, and
    /// no other user can write it, apart from administrators, so none can replace what it contains.
    pub(super) const fn on_the_way() -> Self {
        Self {
            kind: None,
            owner: Owner::UserOrRoot,
            denied: WRITE,
            warned: 0,
            shared: true,
            administrators: ADMINISTRATORS,
            single: false,
            remedy: Remedy::Place,
        }
    }

    /// A file of the user's that is written. Its mode is corrected, but not its other names: what
    /// is written would be in those files, too.
    pub(super) const fn own_file() -> Self {
        Self {
            kind: Some(FileKind::File),
            owner: Owner::User,
            denied: 0,
            warned: 0,
            shared: false,
            administrators: None,
            single: true,
            remedy: Remedy::OwnLog,
        }
    }

    /// A file of the user's that only Claviger makes, with mode 0600, and that contains a secret.
    /// What others could read is not to be relied on any more.
    pub(super) const fn private_file() -> Self {
        Self {
            kind: Some(FileKind::File),
            owner: Owner::User,
            denied: ACCESS,
            warned: 0,
            shared: false,
            administrators: None,
            single: false,
            remedy: Remedy::OwnLogin,
        }
    }

    /// The directory of a socket: [`Self::on_the_way`], but not sticky, and not of a group. Between
    /// the check and the connection the program may end, and another user could then listen in its
    /// place.
    pub(super) const fn listener_directory() -> Self {
        Self {
            shared: false,
            administrators: None,
            ..Self::on_the_way()
        }
    }

    /// A socket on which a program of the user's or root's listens. Who may connect is its own
    /// matter.
    pub(super) const fn listener() -> Self {
        Self {
            kind: Some(FileKind::Socket),
            owner: Owner::UserOrRoot,
            denied: 0,
            warned: 0,
            shared: false,
            administrators: None,
            single: false,
            remedy: Remedy::Listener,
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
        let Facts {
            kind, owner, mode, ..
        } = *facts;
        if let Some(expected) = self.kind.filter(|expected| *expected != kind) {
            return Some(format!("is {}; expected {}", kind.name(), expected.name()));
        }
        if !self.owner.accepts(owner, user) {
            let expected = self.owner.name(user);
            return Some(format!("is owned by uid {owner}; expected {expected}"));
        }
        if self.single && facts.links != 1 {
            return Some(format!("has {} names (hard links)", facts.links));
        }
        let granted = mode & self.denied & !self.exempt(facts);
        if self.denied == ACCESS && granted != 0 {
            let expected = mode & 0o777 & !ACCESS;
            return Some(format!(
                "is accessible to others (mode {mode:04o}; expected {expected:04o})"
            ));
        }
        (granted != 0).then(|| format!("is writable by others (mode {mode:04o})"))
    }

    /// The bits that harm nothing in spite of the rule.
    fn exempt(&self, facts: &Facts) -> u32 {
        let administrators = match self.administrators == Some(facts.group) {
            true => WRITE_BY_GROUP,
            false => 0,
        };
        let others = match facts.kind {
            FileKind::Link => !0,
            FileKind::Directory if !self.shared => 0,
            FileKind::Directory if facts.owner == 0 && facts.mode & STICKY != 0 => WRITE,
            FileKind::Directory if facts.has_private_group => WRITE_BY_GROUP,
            _ => 0,
        };
        administrators | others
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
            Self::Socket => "a socket",
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
            Self::OwnLog => format!("move '{path}' away"),
            Self::OwnLogin => format!("move '{path}' away, then run claviger login"),
            Self::Place => "use a path on which only you and root can write".to_owned(),
            Self::Listener => "use the socket of a program that runs as you or as root".to_owned(),
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
