//! The audit log: whether it is written, and whether it is as it was written.

use std::path::PathBuf;

use crate::{
    audit::{Expected, Names, read},
    composition::audit_settings,
    doctor::{
        Context,
        check::Check,
        finding::{Finding, Severity},
    },
};

/// The chain is broken.
pub(super) const BROKEN: Check = super::check_of(
    Severity::Warning,
    "machine.audit-broken",
    "the audit log was edited, or a part of it is missing",
);

/// How many breaks are shown.
const MAX_BREAKS: usize = 3;

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The directory of the log.
    pub(super) directory: PathBuf,
    /// The lines that are wrong, each with what is wrong about it.
    pub(super) breaks: Vec<String>,
}

/// Verifies the log. A missing one, or one that cannot be read, has no breaks: the daemon reports
/// why it writes none.
pub(super) fn observe(context: &Context<'_>) -> Facts {
    let (Ok(config), Ok(places)) = (context.config, context.places) else {
        return Facts::default();
    };
    let Some(state_dir) = places.state_dir() else {
        return Facts::default();
    };
    let socket = places.daemon.socket.as_deref();
    let names = Names::new(socket.filter(|_| !places.is_usual_socket));
    let Ok(Some(settings)) = audit_settings(config, &state_dir, names) else {
        return Facts::default();
    };
    // Before the files: what is written meanwhile does not look as if it were missing.
    let head = read::noted_head(&settings.directory, &settings.names);
    let files = read::files(&settings.directory, &settings.names).unwrap_or_default();
    let expected = Expected {
        is_part: false,
        heads: head.as_slice(),
    };
    let verdict = read::verify(&files, expected).unwrap_or_default();
    let breaks = verdict.problems.iter().map(|problem| {
        let file = files.get(problem.place.file);
        let file = file.map_or(String::new(), |file| file.display().to_string());
        format!("{file}:{}: {}", problem.place.line, problem.kind)
    });
    Facts {
        directory: settings.directory,
        breaks: breaks.collect(),
    }
}

/// Checks the audit log.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if facts.breaks.is_empty() {
        return Vec::new();
    }
    let directory = facts.directory.display();
    let problem = format!("the audit log in '{directory}' is not as it was written");
    let evidence = facts.breaks.iter().take(MAX_BREAKS).cloned();
    let remedy = "keep the files, and compare them with the collected copy: claviger audit verify";
    vec![BROKEN.found(problem, evidence, remedy)]
}
