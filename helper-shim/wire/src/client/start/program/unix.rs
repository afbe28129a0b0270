//! Owner and mode of the program that is started.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::{ExitCode, Failure};

/// Checks that `program`, links followed, and the directories that contain it and its target are
/// root's or the user's, and that no other user can write them.
///
/// # Errors
///
/// [`ExitCode::Denied`], which names the file or directory and the rule.
pub(super) fn check(program: &Path) -> Result<(), Failure> {
    let target = program
        .canonicalize()
        .map_err(|error| unreadable(program, &error))?;
    let parents = [program, &target].map(|file| file.parent().map(Path::to_owned));
    let mut paths: Vec<PathBuf> = parents.into_iter().flatten().collect();
    paths.push(target);
    paths.dedup();
    for path in paths {
        let found = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
        let facts = Facts {
            owner: found.uid(),
            mode: found.permissions().mode() & 0o7777,
            is_directory: found.is_dir(),
        };
        if let Some(problem) = facts.problem(geteuid()) {
            let what = if facts.is_directory {
                "the directory of claviger, "
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

struct Facts {
    owner: u32,
    mode: u32,
    is_directory: bool,
}

impl Facts {
    fn problem(&self, user: u32) -> Option<String> {
        const WRITE: u32 = 0o022;
        const STICKY: u32 = 0o1000;
        let Self {
            owner,
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
        (mode & WRITE != 0 && !is_shared)
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
            mode,
            is_directory,
        };
        facts.problem(1000)
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
    fn only_roots_sticky_directory_may_be_shared() {
        assert_eq!(problem(0, 0o1777, true), None);
        assert!(problem(1000, 0o1777, true).is_some());
        assert!(problem(0, 0o777, true).is_some());
    }
}
