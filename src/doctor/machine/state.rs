//! The directory of what the daemon keeps: its log and the logins.

use std::path::{Path, PathBuf};

use super::system;
use crate::{
    doctor::{
        Context,
        check::Check,
        finding::{Finding, Severity},
    },
    trust::{self, TrustError},
};

/// Other users can write the directory.
pub(super) const UNSAFE: Check = super::check_of(
    Severity::Warning,
    "machine.state-unsafe",
    "another user can write the state directory or one above it",
);

/// The daemon cannot write there.
pub(super) const UNWRITABLE: Check = super::check_of(
    Severity::Warning,
    "machine.state-unwritable",
    "the state directory cannot be made or written: no log, and no stored login",
);

/// Nothing more can be written.
pub(super) const DISK_FULL: Check = super::check_of(
    Severity::Warning,
    "machine.disk-full",
    "the file system of the state directory is full",
);

/// Several hosts may have the home directory.
pub(super) const NETWORK_HOME: Check = super::check_of(
    Severity::Note,
    "machine.home-on-network",
    "the state directory is on a file system of the network",
);

/// The free space in bytes below which a file system is full: the log and the one before it.
const LEAST_FREE: u64 = 2 << 20;

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The state directory.
    pub(super) directory: PathBuf,
    /// The innermost directory on its way that exists.
    pub(super) existing: PathBuf,
    /// Whether this user can write in that one.
    pub(super) is_writable: bool,
    /// The rule that the way breaks, and what to do.
    pub(super) violation: Option<(String, String)>,
    /// The free space in bytes.
    pub(super) free: Option<u64>,
    /// The name of a network's file system.
    pub(super) network: Option<&'static str>,
}

/// Looks at the state directory; `None` if it is not known. Nothing is made.
pub(super) fn observe(context: &Context<'_>) -> Option<Facts> {
    let directory = context.places.ok()?.state_dir()?;
    let existing = directory.ancestors().find(|above| above.exists());
    let existing = existing.unwrap_or(Path::new("/")).to_owned();
    Some(Facts {
        is_writable: existing.is_dir() && system::is_writable(&existing),
        violation: match trust::place(&directory) {
            Err(TrustError::Violation(violation)) => Some((violation.to_string(), violation.hint)),
            _ => None,
        },
        free: system::free_space(&existing),
        network: system::network_file_system(&existing),
        directory,
        existing,
    })
}

/// Checks the state directory.
pub(super) fn check(facts: &Option<Facts>) -> Vec<Finding> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let directory = facts.directory.display();
    let existing = facts.existing.display();
    let violation = facts.violation.as_ref().map(|(violation, hint)| {
        let problem = format!("another user can write on the way to '{directory}'");
        UNSAFE.found(problem, [violation.clone()], hint)
    });
    let unwritable = (!facts.is_writable).then(|| {
        let problem = format!("the state directory '{directory}' cannot be written");
        let seen = format!("this user cannot write in '{existing}'");
        let remedy = "make this user its owner: without it there is no log and no stored login";
        UNWRITABLE.found(problem, [seen], remedy)
    });
    let full = facts.free.filter(|free| *free < LEAST_FREE).map(|free| {
        let problem = format!("the file system of '{directory}' is full");
        let seen = format!("{} KiB are free", free / 1024);
        DISK_FULL.found(problem, [seen], "free some space: logins cannot be stored")
    });
    let network = facts.network.map(|name| {
        let problem = format!("'{directory}' is on a file system of the network");
        let remedy = "nothing while it is reliable; several hosts share the log and the logins";
        NETWORK_HOME.found(problem, [format!("'{existing}' is on {name}")], remedy)
    });
    [violation, unwritable, full, network]
        .into_iter()
        .flatten()
        .collect()
}
