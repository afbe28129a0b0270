//! Owner and mode of the program that is started.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use crate::{ExitCode, Failure};

/// Checks that `program`, links followed, and every directory above it and its target are root's or
/// the user's, and that no other user can write them, apart from administrators. The path of
/// `program` contains no links but perhaps the last.
///
/// # Errors
///
/// [`ExitCode::Denied`], which names the file or directory and the rule.
pub(super) fn check(program: &Path) -> Result<(), Failure> {
    let target = program
        .canonicalize()
        .map_err(|error| unreadable(program, &error))?;
    let above = [program, &target].map(|file| file.ancestors().skip(1));
    let paths: BTreeSet<&Path> = above.into_iter().flatten().chain([&*target]).collect();
    for path in paths {
        let found = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        let facts = Facts {
            owner: found.uid(),
            group: found.gid(),
            mode: found.permissions().mode() & 0o7777,
            is_directory: found.is_dir(),
        };
        if let Some(problem) = facts.problem(geteuid(), ADMINISTRATORS) {
            let what = if facts.is_directory {
                "the directory above claviger, "
            } else {
                ""
            };
            let problem = format!("not started: {what}'{}' {problem}", path.display());
            let hint = "install claviger in a directory that only root or you can write";
            return Err(Failure::new(ExitCode::Denied, problem, hint));
        }
    }
    Ok(())
}

/// The group whose members are root by sudo, if the system has one: `admin` on macOS, the group of
/// Homebrew's directories, which its members can write.
const ADMINISTRATORS: Option<u32> = if cfg!(target_os = "macos") {
    Some(80)
} else {
    None
};

struct Facts {
    owner: u32,
    group: u32,
    mode: u32,
    is_directory: bool,
}

impl Facts {
    fn problem(&self, user: u32, administrators: Option<u32>) -> Option<String> {
        const WRITE: u32 = 0o022;
        const WRITE_BY_GROUP: u32 = 0o020;
        const STICKY: u32 = 0o1000;
        let Self {
            owner,
            group,
            mode,
            is_directory,
        } = *self;
        if owner != 0 && owner != user {
            return Some(format!(
                "is owned by uid {owner}; expected your uid {user} or root"
            ));
        }
        // Others can add files to root's sticky directory, but not replace those of other users.
        let is_shared = is_directory && owner == 0 && mode & STICKY != 0;
        let denied = match administrators == Some(group) {
            true => WRITE & !WRITE_BY_GROUP,
            false => WRITE,
        };
        (mode & denied != 0 && !is_shared)
            .then(|| format!("is writable by others (mode {mode:04o})"))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let problem = format!("cannot read the metadata of '{}': {error}", path.display());
    let hint = "install claviger in the directory of claviger-helper";
    Failure::new(ExitCode::DaemonUnavailable, problem, hint)
}

// SAFETY: the declaration is that of POSIX, <unistd.h>; geteuid has no preconditions and cannot
// fail.
#[expect(unsafe_code, reason = "std does not offer this call")]
unsafe extern "C" {
    safe fn geteuid() -> u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(owner: u32, mode: u32, is_directory: bool) -> Option<String> {
        let facts = Facts {
            owner,
            group: 100,
            mode,
            is_directory,
        };
        facts.problem(1000, Some(80))
    }

    #[test]
    fn only_root_and_the_user_may_write_the_program() {
        for owner in [0, 1000] {
            for mode in [0o755, 0o700, 0o555, 0o4755] {
                assert_eq!(problem(owner, mode, false), None);
                assert_eq!(problem(owner, mode, true), None);
            }
            for mode in [0o775, 0o757, 0o777, 0o1777] {
                assert!(problem(owner, mode, false).is_some(), "{mode:o}");
            }
            assert!(problem(owner, 0o775, true).is_some());
        }
        let foreign = problem(1001, 0o755, false).unwrap();
        assert_eq!(
            foreign,
            "is owned by uid 1001; expected your uid 1000 or root"
        );
    }

    #[test]
    fn administrators_may_write_it_too() {
        let facts = |group, mode| Facts {
            owner: 1000,
            group,
            mode,
            is_directory: mode & 0o100 != 0,
        };
        for mode in [0o775, 0o664] {
            assert_eq!(facts(80, mode).problem(1000, Some(80)), None);
            assert!(facts(20, mode).problem(1000, Some(80)).is_some());
            assert!(facts(80, mode).problem(1000, None).is_some());
            let by_all = facts(80, mode | 0o002);
            assert!(by_all.problem(1000, Some(80)).is_some());
        }
        assert_eq!(ADMINISTRATORS, cfg!(target_os = "macos").then_some(80));
    }

    #[test]
    fn only_roots_sticky_directory_may_be_shared() {
        assert_eq!(problem(0, 0o1777, true), None);
        assert!(problem(1000, 0o1777, true).is_some());
        assert!(problem(0, 0o777, true).is_some());
    }
}
