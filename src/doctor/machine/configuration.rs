//! The configuration: whether there is one, which one is read, and what is wrong with it.

use std::{env, path::PathBuf};

use crate::{
    config::{ConfigError, Severity as ReviewSeverity},
    doctor::{
        Context,
        check::Check,
        finding::{Finding, Severity},
    },
    source::{self, READABLE_BY_OTHERS},
};

/// There is no configuration.
pub(super) const MISSING: Check = super::check_of(
    Severity::Fatal,
    "machine.config-missing",
    "there is no configuration",
);

/// The file cannot be read.
pub(super) const UNREADABLE: Check = super::check_of(
    Severity::Fatal,
    "machine.config-unreadable",
    "the configuration cannot be read",
);

/// Other users can write the file or its way.
pub(super) const UNTRUSTED: Check = super::check_of(
    Severity::Fatal,
    "machine.config-untrusted",
    "another user can write the configuration, a directory above it or a link to it",
);

/// The file has mistakes.
pub(super) const INVALID: Check = super::check_of(
    Severity::Fatal,
    "machine.config-invalid",
    "the configuration has a mistake: its line, column and key",
);

/// A file or program that the configuration names cannot be used.
pub(super) const NAMED: Check = super::check_of(
    Severity::Fatal,
    "machine.config-names-unusable",
    "a file or program that the configuration names is missing, unsafe or of another kind",
);

/// Other users can read a secret.
pub(super) const READABLE_SECRET: Check = super::check_of(
    Severity::Warning,
    "machine.secret-readable",
    "other users can read the file of a secret",
);

/// The configuration says what its author probably did not mean.
pub(super) const QUESTIONABLE: Check = super::check_of(
    Severity::Warning,
    "machine.config-questionable",
    "the configuration has a warning of config check",
);

/// A managed configuration hides the user's own.
pub(super) const USER_IGNORED: Check = super::check_of(
    Severity::Note,
    "machine.user-config-ignored",
    "the user's own configuration is not read, because a managed one is there",
);

/// The user's own configuration is in force beside a managed one.
pub(super) const USER_ALLOWED: Check = super::check_of(
    Severity::Note,
    "machine.user-config-allowed",
    "the managed configuration lets the user's own replace it, which is there",
);

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Why no configuration is in force.
    pub(super) error: Option<ConfigError>,
    /// The file in force.
    pub(super) file: Option<PathBuf>,
    /// The managed file, if it exists.
    pub(super) managed: Option<PathBuf>,
    /// The user's own files that exist.
    pub(super) own: Vec<PathBuf>,
    /// What the daemon refuses in the file: `FILE:LINE:COLUMN: MESSAGE`.
    pub(super) errors: Vec<String>,
    /// What it does not refuse.
    pub(super) warnings: Vec<String>,
}

/// Reads the configuration, and the files that it names, as the daemon does.
pub(super) fn observe(context: &Context<'_>) -> Facts {
    let locations = context.locations;
    let exists = |path: &&PathBuf| path.symlink_metadata().is_ok();
    let own = locations.explicit.iter().chain(&locations.user);
    let mut facts = Facts {
        managed: Some(&locations.managed).filter(exists).cloned(),
        own: own.filter(exists).cloned().collect(),
        ..Facts::default()
    };
    let config = match context.config {
        Ok(config) => config,
        Err(error) => {
            facts.error = Some(error.clone());
            return facts;
        }
    };
    facts.file = Some(config.file.clone());
    match source::findings(config, |name| env::var(name).ok()) {
        Ok(found) => {
            for finding in found {
                let text = finding.problem.at(&config.file);
                match finding.severity {
                    ReviewSeverity::Error => facts.errors.push(text),
                    ReviewSeverity::Warning => facts.warnings.push(text),
                }
            }
        }
        Err(error) => facts.error = Some(error),
    }
    facts
}

/// Checks the configuration.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let error = facts.error.as_ref().map(of_error);
    let (readable, other): (Vec<_>, Vec<_>) = facts
        .warnings
        .iter()
        .cloned()
        .partition(|warning| warning.contains(READABLE_BY_OTHERS));
    error
        .into_iter()
        .chain(of_errors(facts))
        .chain((!readable.is_empty()).then(|| {
            let remedy = "remove the permissions of others, and replace the secret if it was seen";
            READABLE_SECRET.found(
                "other users can read the file of a secret",
                readable,
                remedy,
            )
        }))
        .chain((!other.is_empty()).then(|| {
            let remedy = "correct these places, and run claviger config check";
            QUESTIONABLE.found("the configuration is questionable", other, remedy)
        }))
        .chain(of_place(facts))
        .collect()
}

fn of_error(error: &ConfigError) -> Finding {
    let inner = match error {
        ConfigError::Managed(inner) => inner,
        error => error,
    };
    match inner {
        ConfigError::Missing { looked } => {
            let looked = looked.iter().map(|path| path.display().to_string());
            MISSING.found("there is no configuration", looked, error.hint())
        }
        ConfigError::Unreadable { file, reason } => {
            let problem = format!("the configuration '{}' cannot be read", file.display());
            UNREADABLE.found(problem, [reason.clone()], error.hint())
        }
        ConfigError::Untrusted { file, reason, .. } => {
            let problem = format!("the configuration '{}' is not trusted", file.display());
            UNTRUSTED.found(problem, [reason.clone()], error.hint())
        }
        ConfigError::Invalid { file, .. } => {
            let problem = format!("the configuration '{}' has mistakes", file.display());
            let all = error.problems().map(|problem| problem.at(file));
            INVALID.found(problem, all, error.hint())
        }
        ConfigError::Managed(inner) => of_error(inner),
    }
}

fn of_errors(facts: &Facts) -> Option<Finding> {
    let problem = "the configuration names what the daemon cannot use";
    let remedy = "correct these files and programs, or the keys that name them";
    (!facts.errors.is_empty()).then(|| NAMED.found(problem, facts.errors.clone(), remedy))
}

/// Whether the user has files beside the managed one.
fn of_place(facts: &Facts) -> Option<Finding> {
    let managed = facts.managed.as_ref()?;
    let own = facts.own.iter().filter(|own| *own != managed);
    let own: Vec<_> = own.map(|path| path.display().to_string()).collect();
    if own.is_empty() {
        return None;
    }
    let managed_file = managed.display();
    Some(
        match facts.file.as_ref().is_some_and(|file| file != managed) {
            true => USER_ALLOWED.found(
                format!("'{managed_file}' lets the user's own configuration replace it"),
                own,
                "remove 'allow_user_config' from it if that is not intended",
            ),
            false => USER_IGNORED.found(
                format!("'{managed_file}' is in force, and not the user's own configuration"),
                own,
                "remove the user's own, or ask the administrator to allow it",
            ),
        },
    )
}
