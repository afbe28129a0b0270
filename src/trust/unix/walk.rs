//! The walk to a file or directory: every component is opened in the one before it, without
//! following links, and judged. What is used afterwards is what was judged, even if a name on the
//! way changes hands.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStringExt as _,
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, CWD, Mode, OFlags},
    io::Errno,
};

use super::{observed, user};
use crate::trust::{
    TrustError, Violation,
    rule::{Facts, FileKind, Rule},
};

/// The links that are followed in one path: as many as Linux follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Opens a directory only to open what it contains: that needs no permission to read it.
#[cfg(target_os = "linux")]
const ENTER: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ENTER: OFlags = OFlags::RDONLY;

/// The mode of a directory that Claviger makes.
const PRIVATE: Mode = Mode::RWXU;

/// By which rule the components are judged.
pub(super) enum Way<'a> {
    /// As the path of a managed file: root's, or this user's in tests.
    Managed {
        uid: u32,
        /// The directories above it are not judged.
        below: &'a Path,
    },
    /// As the path of a file of the user's.
    Own,
}

/// A walk: how its components are judged, and its end.
pub(super) struct Walk<'a> {
    way: Way<'a>,
    /// The rule of the last component, which is then not followed if it is a link; `None` if it is
    /// judged and followed as all others are.
    end: Option<Rule>,
    /// Whether missing directories are made.
    creates: bool,
}

/// An opened directory.
#[derive(Debug)]
pub(super) struct Directory {
    /// Its path, without links.
    pub(super) path: PathBuf,
    /// For opening what it contains.
    pub(super) fd: OwnedFd,
    pub(super) facts: Facts,
}

/// What a walk has led to.
#[derive(Debug)]
pub(super) enum End {
    /// A directory.
    Directory(Directory),
    /// Anything else, not opened: opening a FIFO or a device may have an effect.
    Other {
        /// The directory that contains it.
        parent: Directory,
        /// Its name there.
        name: OsString,
        /// Its path, without links.
        path: PathBuf,
        /// What was observed.
        facts: Facts,
    },
}

impl End {
    /// The path, without links.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Directory(directory) => &directory.path,
            Self::Other { path, .. } => path,
        }
    }

    pub(super) fn facts(&self) -> &Facts {
        match self {
            Self::Directory(directory) => &directory.facts,
            Self::Other { facts, .. } => facts,
        }
    }
}

impl<'a> Walk<'a> {
    /// A walk that follows links, the last component included, and makes nothing.
    pub(super) fn new(way: Way<'a>) -> Self {
        Self {
            way,
            end: None,
            creates: false,
        }
    }

    /// Judges the last component by `rule`, and does not follow it.
    pub(super) fn ending(self, rule: Rule) -> Self {
        let end = Some(rule);
        Self { end, ..self }
    }

    /// Makes missing directories, with mode 0700.
    pub(super) fn creating(self) -> Self {
        Self {
            creates: true,
            ..self
        }
    }

    /// Walks to `path`, from `/`.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] on the way, or the system's error.
    pub(super) fn to(&self, path: &Path) -> Result<End, TrustError> {
        let path = std::path::absolute(path)?;
        let mut todo: VecDeque<OsString> = names(&path).collect();
        let root = enter(CWD, OsStr::new("/"), PathBuf::from("/"))?;
        self.judge(&root.path, &root.facts, todo.is_empty())?;
        let mut way = vec![root];
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                // The root's parent is the root.
                way.truncate(way.len().saturating_sub(1).max(1));
                continue;
            }
            let is_last = todo.is_empty();
            let at = &way[way.len() - 1];
            let path = at.path.join(&name);
            match self.step(at, &name, path, is_last)? {
                Step::Directory(directory) => way.push(directory),
                Step::Other(path, facts) if is_last => {
                    let parent = way.swap_remove(way.len() - 1);
                    return Ok(End::Other {
                        parent,
                        name,
                        path,
                        facts,
                    });
                }
                Step::Other(..) => return Err(Errno::NOTDIR.into()),
                Step::Link(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(io::Error::other("too many symbolic links").into());
                    }
                    if target.is_absolute() {
                        way.truncate(1);
                    }
                    for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                        todo.push_front(name);
                    }
                }
            }
        }
        Ok(End::Directory(way.swap_remove(way.len() - 1)))
    }

    fn step(
        &self,
        at: &Directory,
        name: &OsStr,
        path: PathBuf,
        is_last: bool,
    ) -> Result<Step, TrustError> {
        let directory = match enter(&at.fd, name, path.clone()) {
            Err(Errno::NOENT) if self.creates => make(at, name, path)?,
            // A link, on some systems the one error and on some the other; or no directory.
            Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
                let found = fs::statat(&at.fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
                let facts = observed(&found);
                self.judge(&path, &facts, is_last)?;
                if facts.kind != FileKind::Link {
                    return Ok(Step::Other(path, facts));
                }
                refuse_magic(at, &path)?;
                let target = fs::readlinkat(&at.fd, name, Vec::new())?;
                let target = OsString::from_vec(target.into_bytes());
                return Ok(Step::Link(PathBuf::from(target)));
            }
            result => result?,
        };
        self.judge(&directory.path, &directory.facts, is_last)?;
        Ok(Step::Directory(directory))
    }

    fn judge(&self, path: &Path, facts: &Facts, is_last: bool) -> Result<(), Violation> {
        let rule = match (&self.end, &self.way) {
            (Some(rule), _) if is_last => *rule,
            (_, Way::Managed { below, .. }) if path != *below && below.starts_with(path) => {
                return Ok(());
            }
            (_, Way::Managed { uid, .. }) => Rule::managed_file(*uid),
            // The file at the end has a rule of its own, which knows that it is a file.
            (_, Way::Own) if matches!(facts.kind, FileKind::Directory | FileKind::Link) => {
                Rule::on_the_way()
            }
            (_, Way::Own) => return Ok(()),
        };
        rule.judge(path, facts, user()).map(drop)
    }
}

/// One component.
enum Step {
    Directory(Directory),
    /// A link, with its target.
    Link(PathBuf),
    /// Its path, and what was observed.
    Other(PathBuf, Facts),
}

/// Opens the directory `name` in `at`; fails if it is a link or no directory.
fn enter(at: impl AsFd, name: &OsStr, path: PathBuf) -> Result<Directory, Errno> {
    let flags = ENTER | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(at, name, flags, Mode::empty())?;
    let mut facts = observed(&fs::fstat(&fd)?);
    facts.has_private_group = has_private_group(&fd, &facts);
    Ok(Directory { path, fd, facts })
}

/// Makes the directory `name` in `at`, or enters the one that another process has just made.
fn make(at: &Directory, name: &OsStr, path: PathBuf) -> Result<Directory, Errno> {
    let is_made = match fs::mkdirat(&at.fd, name, PRIVATE) {
        Err(Errno::EXIST) => false,
        result => result.map(|()| true)?,
    };
    let directory = enter(&at.fd, name, path.clone())?;
    let is_private = directory.facts.mode & 0o777 == 0o700;
    if !is_made || directory.facts.owner != user() || is_private {
        return Ok(directory);
    }
    // A umask has taken bits away. By its name: a descriptor like this one cannot change it, and
    // only the user or root could have replaced it since.
    fs::chmodat(&at.fd, name, PRIVATE, AtFlags::empty())?;
    enter(&at.fd, name, path)
}

/// Refuses a link below `/proc`: what it leads to is not what its text names.
fn refuse_magic(at: &Directory, path: &Path) -> Result<(), TrustError> {
    #[cfg(target_os = "linux")]
    if fs::fstatfs(&at.fd)?.f_type == fs::PROC_SUPER_MAGIC {
        return Err(Violation {
            path: path.to_owned(),
            problem: "is a link to a file of a process".to_owned(),
            hint: "use the file's own path".to_owned(),
        }
        .into());
    }
    let _ = (at, path);
    Ok(())
}

/// Whether the directory's group is the user's private group, in which no other user is: on Linux
/// such a group has the user's number, and is the one that the user logs in with. Where users have
/// one, their umask is usually 0002, so directories are writable by it.
fn has_private_group(fd: &OwnedFd, facts: &Facts) -> bool {
    let user = rustix::process::getuid().as_raw();
    let is_private = cfg!(target_os = "linux")
        && user != 0
        && facts.owner == user
        && facts.mode & 0o020 != 0
        && facts.group == user
        && rustix::process::getgid().as_raw() == user;
    // With an access list, the group's bits are those of every entry.
    is_private && has_no_access_list(fd)
}

#[cfg(target_os = "linux")]
fn has_no_access_list(fd: &OwnedFd) -> bool {
    use std::os::fd::AsRawFd as _;

    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let mut empty: [u8; 0] = [];
    let list = fs::getxattr(path, "system.posix_acl_access", &mut empty);
    matches!(list, Err(Errno::NODATA | Errno::OPNOTSUPP))
}

#[cfg(not(target_os = "linux"))]
fn has_no_access_list(_: &OwnedFd) -> bool {
    false
}

/// The path's components without its root and `.`.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    let component = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(component)
}
