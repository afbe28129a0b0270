//! Observing a program that a client runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::super::{
    command::{is_absolute, names_shim},
    facts::{Program, Script},
};
use crate::trust::{self, RegularFile, TrustError};

/// The longest script that is searched for the shim; what is longer is a program.
const MAX_SCRIPT_LEN: u64 = 1 << 16;

/// Observes the program that `name` means in the client's shell.
pub(super) fn observe(name: &str, home: Option<&Path>) -> Program {
    let Some(file) = find(name, home) else {
        return Program::default();
    };
    let real = fs::canonicalize(&file).ok();
    Program {
        is_executable: is_executable(&file),
        directory: real.and_then(|real| Some(real.parent()?.to_owned())),
        violation: match trust::program(&file) {
            Err(TrustError::Violation(violation)) => Some(violation.to_string()),
            Err(TrustError::Io(_)) | Ok(()) => None,
        },
        script: script(&file),
        file: Some(file),
    }
}

fn find(name: &str, home: Option<&Path>) -> Option<PathBuf> {
    let below_home = name
        .strip_prefix("~/")
        .and_then(|rest| Some(home?.join(rest)));
    if is_absolute(name) || name.contains('/') {
        let file = below_home.unwrap_or_else(|| PathBuf::from(name));
        return file.is_file().then_some(file);
    }
    let path = env::var_os("PATH")?;
    let mut found = env::split_paths(&path).map(|directory| directory.join(name));
    found.find(|file| file.is_file() && is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(windows)]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// What the file is if it is a script that runs the shim.
fn script(file: &Path) -> Option<Script> {
    let bytes = RegularFile::open(file).ok()?.read(MAX_SCRIPT_LEN).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    if !text.starts_with("#!") || !names_shim(text) {
        return None;
    }
    let mut lines = text.lines().filter(|line| names_shim(line));
    Some(Script {
        uses_exec: lines.any(|line| line.trim_start().starts_with("exec ")),
        adds_bearer: text.contains("Bearer"),
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        (directory, file)
    }

    #[test]
    fn a_program_is_found_and_its_mode_is_observed() {
        let (directory, path) = file("x", 0o755);
        let found = observe(path.to_str().unwrap(), None);
        assert!(
            found.is_executable && found.violation.is_none(),
            "{found:?}"
        );
        assert_eq!(found.file.as_ref(), Some(&path));
        assert_eq!(observe("~/key", Some(directory.path())), found);
        assert_eq!(observe("/missing/key", None), Program::default());
        let (_directory, path) = file("x", 0o666);
        let found = observe(path.to_str().unwrap(), None);
        assert!(
            !found.is_executable && found.violation.is_some(),
            "{found:?}"
        );
    }

    #[test]
    fn a_script_that_runs_the_shim_is_known() {
        let (exec, bearer) = (
            "exec /bin/claviger-helper",
            "echo Bearer $(claviger-helper)",
        );
        for (text, expected) in [
            (format!("#!/bin/sh\n{exec}\n"), Some((true, false))),
            (format!("#!/bin/sh\n{bearer}\n"), Some((false, true))),
            ("#!/bin/sh\necho key\n".to_owned(), None),
            (exec.to_owned(), None),
        ] {
            let expected = expected.map(|(uses_exec, adds_bearer)| Script {
                uses_exec,
                adds_bearer,
            });
            let (_directory, path) = file(&text, 0o700);
            assert_eq!(script(&path), expected, "{text}");
        }
    }
}
