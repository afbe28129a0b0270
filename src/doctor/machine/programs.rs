//! The installed programs: this one, and the shim beside it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use claviger_wire::client::{Deadline, Pending};

use super::system;
use crate::{
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
    trust::{self, TrustError},
};

/// The shim is missing.
pub(super) const MISSING: Check = super::check_of(
    Severity::Fatal,
    "machine.helper-missing",
    "claviger-helper is not beside this program",
);

/// The file system runs no programs.
pub(super) const NOEXEC: Check = super::check_of(
    Severity::Fatal,
    "machine.program-noexec",
    "a program is in a file system that is mounted with noexec",
);

/// A program is not executable.
pub(super) const NOT_EXECUTABLE: Check = super::check_of(
    Severity::Fatal,
    "machine.program-not-executable",
    "this user may not run a program",
);

/// Other users can write a program.
pub(super) const UNSAFE: Check = super::check_of(
    Severity::Fatal,
    "machine.program-unsafe",
    "another user can write or replace a program",
);

/// The shim is of another version.
pub(super) const HELPER_VERSION: Check = super::check_of(
    Severity::Warning,
    "machine.helper-version",
    "claviger-helper is of another version than this program",
);

/// There are further copies of the programs.
pub(super) const COPIES: Check = super::check_of(
    Severity::Warning,
    "machine.program-copies",
    "a second copy of the programs is installed or on PATH",
);

/// The longest wait for a program that prints its version.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The names of the programs.
const NAMES: [&str; 2] = ["claviger", "claviger-helper"];

/// The directories that programs are installed in.
const PLACES: &[&str] = if cfg!(windows) {
    &[r"C:\Program Files\Claviger"]
} else {
    &["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
};

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// This program and the shim beside it.
    pub(super) programs: Vec<Program>,
    /// The version that the shim prints.
    pub(super) helper_version: Option<String>,
    /// Other files with these names.
    pub(super) copies: Vec<PathBuf>,
}

/// One program.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) exists: bool,
    pub(super) is_executable: bool,
    pub(super) is_noexec: bool,
    /// The rule that it breaks, and what to do.
    pub(super) violation: Option<(String, String)>,
}

/// Looks at the programs.
pub(super) fn observe() -> Facts {
    let Ok(own) = env::current_exe() else {
        return Facts::default();
    };
    let beside = |name: &str| own.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
    let helper = beside(NAMES[1]);
    let search = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&search).chain(PLACES.iter().map(PathBuf::from));
    Facts {
        programs: [&own, &helper].map(|path| look(path)).into(),
        helper_version: version(&helper),
        copies: copies(directories, &NAMES.map(beside)),
    }
}

fn look(path: &Path) -> Program {
    Program {
        path: path.to_owned(),
        exists: path.exists(),
        is_executable: system::is_executable(path),
        is_noexec: system::is_noexec(path),
        violation: match trust::program(path) {
            Err(TrustError::Violation(violation)) => Some((violation.to_string(), violation.hint)),
            _ => None,
        },
    }
}

/// The version that the shim prints, after its name.
fn version(helper: &Path) -> Option<String> {
    let mut command = Command::new(helper);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = Pending::start(move || command.output());
    let output = output.wait(Deadline::after(TIMEOUT))?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().next_back().map(str::to_owned)
}

/// The files with the names of `installed` in `directories` that are other files.
fn copies(directories: impl Iterator<Item = PathBuf>, installed: &[PathBuf]) -> Vec<PathBuf> {
    let real: Vec<_> = installed
        .iter()
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    let mut copies = Vec::new();
    let mut seen = Vec::new();
    for directory in directories {
        for name in installed.iter().filter_map(|path| path.file_name()) {
            let path = directory.join(name);
            let Ok(found) = fs::canonicalize(&path) else {
                continue;
            };
            if !real.contains(&found) && !seen.contains(&found) {
                copies.push(path);
                seen.push(found);
            }
        }
    }
    copies
}

/// Checks the programs.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let of_programs = facts.programs.iter().filter_map(check_program);
    of_programs
        .chain(check_version(facts))
        .chain(check_copies(facts))
        .collect()
}

fn check_program(program: &Program) -> Option<Finding> {
    let path = program.path.display();
    if !program.exists {
        let problem = format!("'{path}' is missing");
        let remedy = "install both programs in one directory";
        return Some(MISSING.found(problem, [], remedy));
    }
    if program.is_noexec {
        let problem = format!("'{path}' is in a file system that is mounted with noexec");
        let remedy = "install both programs in another file system";
        return Some(NOEXEC.found(problem, [], remedy));
    }
    if !program.is_executable {
        let problem = format!("this user may not run '{path}'");
        let remedy = "install it with mode 0755";
        return Some(NOT_EXECUTABLE.found(problem, [], remedy));
    }
    let (violation, hint) = program.violation.as_ref()?;
    let problem = format!("another user can replace '{path}'");
    Some(UNSAFE.found(problem, [violation.clone()], hint))
}

fn check_version(facts: &Facts) -> Option<Finding> {
    let version = facts.helper_version.as_ref()?;
    let own = env!("CARGO_PKG_VERSION");
    let problem = format!("claviger-helper is version {version}, and this program {own}");
    let helper = facts.programs.last().map(|program| &program.path);
    let evidence = helper.map(|path| path.display().to_string());
    let remedy = "install both programs of one version";
    (version != own).then(|| HELPER_VERSION.found(problem, evidence, remedy))
}

fn check_copies(facts: &Facts) -> Option<Finding> {
    let copies = facts.copies.iter().map(|path| path.display().to_string());
    let own = facts.programs.first().map(|program| program.path.display());
    let problem = "the programs are installed more than once";
    let this = own.map(|path| format!("this one is '{path}'"));
    let remedy = "remove the copies, or check that the client's settings name the one you mean";
    let evidence = this.into_iter().chain(copies);
    (!facts.copies.is_empty()).then(|| COPIES.found(problem, evidence, remedy))
}
