//! `[audit]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{super::field::FilePath, validator::Validator};

/// The log of every key that was served or refused, and of every change of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Audit")]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// Whether there is one; true by default.
    #[serde(default = "enabled")]
    pub(crate) enabled: bool,
    /// The directory of its files, by default the user's state directory. Only the user may write
    /// there.
    pub(crate) directory: Option<FilePath>,
    /// The group that may read the files, which are the user's alone by default. The directory has
    /// this group and mode 2750, or the user is a member of the group.
    pub(crate) group: Option<String>,
    /// The size in MiB that a file does not exceed; 10 by default. Then it is renamed, and a new
    /// one continues its chain.
    #[schemars(range(min = 1, max = 1024))]
    #[serde(default = "max_size_mib")]
    pub(crate) max_size_mib: u32,
    /// How many older files are kept; 9 by default.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(default = "keep")]
    pub(crate) keep: u32,
    /// Whether each record also goes to the journal of systemd; false by default.
    #[serde(default)]
    pub(crate) journal: bool,
    /// Whether each record also goes to syslog, on Linux and macOS; false by default.
    #[serde(default)]
    pub(crate) syslog: bool,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            enabled: enabled(),
            directory: None,
            group: None,
            max_size_mib: max_size_mib(),
            keep: keep(),
            journal: false,
            syslog: false,
        }
    }
}

impl AuditConfig {
    /// Checks the rules between its keys.
    pub(super) fn validate(&self, validator: &mut Validator) {
        if self.group.is_some() && self.directory.is_none() {
            let problem = "requires 'directory': other users cannot enter the state directory";
            validator.error("group", problem);
        }
        let directory = self.directory.iter();
        if directory
            .flat_map(|path| path.template().env_names())
            .next()
            .is_some()
        {
            let problem = "the log is that of all clients: '{env:NAME}' is not allowed here";
            validator.error("directory", problem);
        }
    }
}

const fn enabled() -> bool {
    true
}

const fn max_size_mib() -> u32 {
    10
}

const fn keep() -> u32 {
    9
}
