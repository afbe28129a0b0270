//! The configuration: whether there is one, and what is wrong with it.

use crate::{
    config::{Config, ConfigError},
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// There is no configuration.
pub(super) const MISSING: Check = super::check_of(
    Severity::Fatal,
    "machine.config-missing",
    "no configuration at any of the places",
);

/// Checks the configuration that is in force.
pub(super) fn check(config: Result<&Config, &ConfigError>) -> Vec<Finding> {
    match config {
        Err(error @ ConfigError::Missing { looked }) => {
            let looked = looked.iter().map(|path| path.display().to_string());
            vec![MISSING.found("no configuration was found", looked, error.hint())]
        }
        _ => Vec::new(),
    }
}
