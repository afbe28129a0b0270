//! The program that a client runs: whether it is there, and whether it is this one.

use super::{
    caller::Caller,
    command::{Command, Shim, is_absolute},
    facts::{Facts, Program},
};
use crate::doctor::{
    check::Check,
    finding::{Finding, Severity},
};

/// The program does not exist.
pub(super) const NOT_FOUND: Check = super::check_of(
    Severity::Fatal,
    "client.helper-not-found",
    "a helper whose program does not exist",
);

/// The program cannot be run.
pub(super) const NOT_EXECUTABLE: Check = super::check_of(
    Severity::Fatal,
    "client.helper-not-executable",
    "a helper whose program the user may not execute",
);

/// The shell splits the path.
pub(super) const UNQUOTED: Check = super::check_of(
    Severity::Fatal,
    "client.helper-unquoted",
    "a helper whose path has blanks and no quotes",
);

/// `PATH` decides which program runs.
pub(super) const NOT_ABSOLUTE: Check = super::check_of(
    Severity::Warning,
    "client.helper-not-absolute",
    "a helper without an absolute path",
);

/// It is the shim of another installation.
pub(super) const OTHER_INSTALLATION: Check = super::check_of(
    Severity::Warning,
    "client.helper-of-other-installation",
    "a helper in another directory than this claviger",
);

/// Another user can replace it.
pub(super) const UNSAFE: Check = super::check_of(
    Severity::Warning,
    "client.helper-unsafe",
    "a helper that another user can write or replace",
);

/// It runs behind another program.
pub(super) const WRAPPED: Check = super::check_of(
    Severity::Note,
    "client.helper-wrapped",
    "claviger-helper in a script or a longer command",
);

/// A shell waits for it.
pub(super) const WITHOUT_EXEC: Check = super::check_of(
    Severity::Note,
    "client.helper-without-exec",
    "a helper that a shell waits for",
);

/// Checks the program of one client.
pub(super) fn check(facts: &Facts<'_>, caller: &Caller) -> Vec<Finding> {
    let name = caller.name;
    let found = |check, finding, fix| vec![caller.found(facts, check, finding, fix)];
    match &caller.command {
        Command::Shim(shim) => of_shim(facts, caller, shim),
        Command::Unquoted { path } => found(
            UNQUOTED,
            format!("the path '{path}', which {name} runs, has blanks and no quotes"),
            "quote the path of claviger-helper",
        ),
        Command::Inline { .. } => found(
            WRAPPED,
            format!("{name} runs claviger-helper in a longer command"),
            "run it alone, by 'exec' and its path",
        ),
        command => match facts.script(command) {
            Some(script) if !script.uses_exec => found(
                WRAPPED,
                format!("{name} runs claviger-helper in a script that waits for it"),
                "run it by 'exec' in the script's last line",
            ),
            _ => Vec::new(),
        },
    }
}

fn of_shim(facts: &Facts<'_>, caller: &Caller, shim: &Shim) -> Vec<Finding> {
    let Shim {
        program, uses_exec, ..
    } = shim;
    let name = caller.name;
    let mut findings = Vec::new();
    let mut add = |check: Check, finding: String, evidence: Option<String>, fix: &str| {
        let mut found = caller.found(facts, check, finding, fix);
        found.evidence.extend(evidence);
        findings.push(found);
    };
    let missing = Program::default();
    let found = facts.programs.get(program).unwrap_or(&missing);
    let Some(file) = &found.file else {
        let finding = format!("'{program}', which {name} runs for its key, does not exist");
        add(
            NOT_FOUND,
            finding,
            None,
            "name the path of the installed claviger-helper",
        );
        return findings;
    };
    let shown = file.display();
    if !found.is_executable {
        let finding = format!("'{shown}', which {name} runs for its key, is not executable");
        add(
            NOT_EXECUTABLE,
            finding,
            None,
            "install claviger-helper again",
        );
    }
    if !is_absolute(program) {
        let finding = format!("{name} runs '{program}', so that PATH decides which one");
        let evidence = format!("found now: {shown}");
        add(
            NOT_ABSOLUTE,
            finding,
            Some(evidence),
            "name claviger-helper by its absolute path",
        );
    }
    if let (Some(directory), Some(own)) = (&found.directory, &facts.own_directory)
        && directory != own
    {
        let finding = format!("{name} runs the claviger-helper of another installation");
        let evidence = format!("'{}', and this program is in '{}'", shown, own.display());
        add(
            OTHER_INSTALLATION,
            finding,
            Some(evidence),
            "remove one of the installations",
        );
    }
    if let Some(violation) = &found.violation {
        let finding = format!("another user can replace the program that {name} runs");
        add(
            UNSAFE,
            finding,
            Some(violation.clone()),
            "install claviger-helper again",
        );
    }
    if !uses_exec && !cfg!(windows) {
        let finding = format!("a shell of {name} waits for claviger-helper");
        add(
            WITHOUT_EXEC,
            finding,
            None,
            "write 'exec' before the path, which saves a process",
        );
    }
    findings
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::{claude_code::settings::Scope, client_kind::ClientKind};

    const PATH: &str = "/usr/bin/claviger-helper";

    fn good() -> Program {
        Program {
            file: Some(PATH.into()),
            is_executable: true,
            directory: Some("/usr/bin".into()),
            ..Program::default()
        }
    }

    fn ids(command: &str, program: &str, found: Program) -> Vec<String> {
        let mut facts = Facts {
            own_directory: Some("/usr/bin".into()),
            ..Facts::default()
        };
        facts.programs.insert(program.to_owned(), found);
        let caller = Caller {
            kind: ClientKind::ClaudeCode,
            name: "Claude Code",
            place: "/s.json: apiKeyHelper".to_owned(),
            scope: Some(Scope::User),
            command: Command::parse(command),
        };
        let findings = check(&facts, &caller).into_iter();
        findings
            .map(|finding| finding.id.replace("client.helper-", ""))
            .collect()
    }

    #[test]
    fn the_program_is_there_and_this_ones() {
        let exec = format!("exec {PATH}");
        for (found, expected) in [
            (good(), &[][..]),
            (Program::default(), &["not-found"]),
            (
                Program {
                    is_executable: false,
                    ..good()
                },
                &["not-executable"],
            ),
            (
                Program {
                    directory: Some("/opt/old".into()),
                    ..good()
                },
                &["of-other-installation"],
            ),
            (
                Program {
                    violation: Some("'/usr/bin' is writable by others".to_owned()),
                    ..good()
                },
                &["unsafe"],
            ),
        ] {
            assert_eq!(ids(&exec, PATH, found.clone()), expected, "{found:?}");
        }
    }

    #[test]
    fn the_command_is_judged() {
        let name = "claviger-helper";
        let script = |uses_exec| Program {
            script: Some(super::super::facts::Script {
                uses_exec,
                adds_bearer: false,
            }),
            ..good()
        };
        assert_eq!(ids("exec claviger-helper", name, good()), ["not-absolute"]);
        assert_eq!(
            ids("exec claviger-helper", name, Program::default()),
            ["not-found"]
        );
        assert_eq!(ids(PATH, PATH, good()), ["without-exec"]);
        assert_eq!(
            ids("/opt/my tools/claviger-helper", PATH, good()),
            ["unquoted"]
        );
        assert_eq!(
            ids("timeout 9 /usr/bin/claviger-helper", PATH, good()),
            ["wrapped"]
        );
        assert_eq!(ids("/corp/key", "/corp/key", script(false)), ["wrapped"]);
        assert_eq!(ids("/corp/key", "/corp/key", script(true)), [""; 0]);
        assert_eq!(
            ids("/corp/key", "/corp/key", good()),
            [""; 0],
            "not the shim"
        );
    }
}
