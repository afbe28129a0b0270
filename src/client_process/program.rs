//! What the name of a program tells about its place between a client and the shim.
//!
//! The name of the executable counts before the process's own name: a script that is run by its
//! path has the script's name, and its shell or interpreter as the executable. The own name counts
//! if the executable is hidden or tells nothing: `coreutils` or an emulator runs as `timeout`. A
//! client that is a script of Node.js names its process.

use std::path::Path;

use super::Process;

/// What a program does between a client and the shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It runs commands for another process, and may wait as long as it likes before it does.
    Launcher,
    /// It needs time to start, before its script runs a command.
    Interpreter,
    /// It is known to be a client.
    Client,
    /// Nothing is known about it.
    Other,
}

/// Shells, and programs that only prepare the start of another. `flock` waits for a lock, `sudo`
/// for a password.
const LAUNCHERS: &[&str] = &[
    "ash",
    "bash",
    "busybox",
    "cmd",
    "csh",
    "dash",
    "doas",
    "elvish",
    "env",
    "fish",
    "flock",
    "gtimeout",
    "ionice",
    "ksh",
    "mksh",
    "nice",
    "nohup",
    "nu",
    "oksh",
    "powershell",
    "pwsh",
    "rbash",
    "setsid",
    "sh",
    "stdbuf",
    "su",
    "sudo",
    "tcsh",
    "time",
    "timeout",
    "toybox",
    "xargs",
    "yash",
    "zsh",
];

/// Interpreters and virtual machines, and programs that prepare a script's environment: `uv run`
/// may install packages, `go run` compiles, `op run` asks for a fingerprint.
const INTERPRETERS: &[&str] = &[
    "awk",
    "beam.smp",
    "bun",
    "cscript",
    "deno",
    "dotnet",
    "expect",
    "gawk",
    "go",
    "guile",
    "java",
    "julia",
    "just",
    "lua",
    "luajit",
    "make",
    "mawk",
    "mise",
    "mono",
    "node",
    "nodejs",
    "op",
    "osascript",
    "perl",
    "php",
    "py",
    "pypy",
    "python",
    "pythonw",
    "qjs",
    "raku",
    "ruby",
    "tclsh",
    "uv",
    "uvx",
    "wscript",
];

/// Clients. Some run the shim as soon after their start as a wrapper would.
const CLIENTS: &[&str] = &[
    "claude",
    "claude-desktop",
    // The demo runs the shim as its client would.
    "claviger",
    "codex",
    "copilot",
    "crush",
    "hermes",
    "pi",
];

impl Kind {
    pub(super) fn of(process: &Process) -> Self {
        let executable = process.executable.as_deref().and_then(name_of);
        let by_executable = executable.as_deref().and_then(Self::named);
        let by_name = Self::named(&process.name);
        match (by_executable, by_name) {
            // Node.js executes a client that is a script.
            (Some(Self::Interpreter), Some(Self::Client)) => Self::Client,
            (Some(kind), _) | (None, Some(kind)) => kind,
            (None, None) => Self::Other,
        }
    }

    fn named(name: &str) -> Option<Self> {
        let name = normalized(name);
        [
            (Self::Launcher, LAUNCHERS),
            (Self::Interpreter, INTERPRETERS),
            (Self::Client, CLIENTS),
        ]
        .into_iter()
        .find(|(_, names)| names.contains(&name.as_str()))
        .map(|(kind, _)| kind)
    }
}

/// The name of the program at `path`: its file name, or the directory's for
/// `claude/versions/2.1.329`, as Claude Code installs itself.
fn name_of(path: &Path) -> Option<String> {
    let versions = path.parent().filter(|parent| parent.ends_with("versions"));
    let name = versions
        .and_then(Path::parent)
        .unwrap_or(path)
        .file_name()?;
    let name = name.to_string_lossy();
    // Linux marks a file that was deleted or replaced since it was started.
    Some(name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned())
}

/// `name` without the dash of a login shell, the ending of Windows's programs and a version:
/// `python3.12`, `ksh93`, `lua5.4`, `luajit-2.1`.
fn normalized(name: &str) -> String {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let end = name.find(|c: char| c.is_ascii_digit());
    let name = end.map_or(name, |end| &name[..end]);
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(executable: Option<&str>, name: &str) -> Kind {
        Kind::of(&Process {
            pid: 2,
            parent: 1,
            name: name.to_owned(),
            executable: executable.map(Into::into),
            started: 0,
        })
    }

    #[test]
    fn names_are_known_in_any_version_and_on_any_system() {
        for (name, expected) in [
            ("sh", Kind::Launcher),
            ("-zsh", Kind::Launcher),
            ("bash-5.2", Kind::Launcher),
            ("ksh93", Kind::Launcher),
            ("PowerShell.EXE", Kind::Launcher),
            ("python", Kind::Interpreter),
            ("python3.12", Kind::Interpreter),
            ("python3.13t", Kind::Interpreter),
            ("Python", Kind::Interpreter),
            ("python.exe", Kind::Interpreter),
            ("pypy3.10", Kind::Interpreter),
            ("perl5.36.0", Kind::Interpreter),
            ("luajit-2.1.0-beta3", Kind::Interpreter),
            ("node", Kind::Interpreter),
            ("claude.exe", Kind::Client),
            ("Claude", Kind::Client),
            ("2.1.329", Kind::Other),
            ("shfmt", Kind::Other),
            ("environ", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(Some(name), name), expected, "{name}");
            assert_eq!(kind(None, name), expected, "{name}");
        }
    }

    #[test]
    fn the_executable_counts_before_the_name() {
        for (executable, name, expected) in [
            ("dash", "corp-key", Kind::Launcher),
            ("bash", "claude", Kind::Launcher),
            ("python3.12", "corp-key.py", Kind::Interpreter),
            ("python3.12", "env", Kind::Interpreter),
            ("busybox", "timeout", Kind::Launcher),
        ] {
            assert_eq!(kind(Some(executable), name), expected, "{executable}");
        }
    }

    #[test]
    fn the_name_counts_if_the_executable_tells_nothing() {
        for (executable, name, expected) in [
            ("coreutils", "timeout", Kind::Launcher),
            ("qemu-aarch64", "python3", Kind::Interpreter),
            ("node", "claude", Kind::Client),
            ("node", "MainThread", Kind::Interpreter),
            ("corp-key", "corp-key", Kind::Other),
        ] {
            assert_eq!(kind(Some(executable), name), expected, "{executable}");
        }
    }

    #[test]
    fn a_path_names_the_program() {
        for (path, expected) in [
            ("/usr/bin/python3.12", "python3.12"),
            ("/usr/bin/python3.12 (deleted)", "python3.12"),
            ("/home/ana/.local/share/claude/versions/2.1.329", "claude"),
            (
                "/home/ana/.local/share/claude/versions/2.1.329 (deleted)",
                "claude",
            ),
            (
                "/home/ana/.pyenv/versions/3.12.1/bin/python3.12",
                "python3.12",
            ),
            ("/memfd:program (deleted)", "memfd:program"),
        ] {
            assert_eq!(name_of(Path::new(path)).as_deref(), Some(expected));
        }
        assert_eq!(name_of(Path::new("/")), None);
    }

    #[test]
    fn a_program_is_of_one_kind_and_its_name_is_normal() {
        let all = [LAUNCHERS, INTERPRETERS, CLIENTS].concat();
        for name in &all {
            assert_eq!(normalized(name), *name);
            assert_eq!(all.iter().filter(|other| *other == name).count(), 1);
        }
    }
}
