//! `claviger doctor`: finds what a roll-out is usually broken by.
//!
//! One folder for each [`Family`](finding::Family) of checks. In each, `observe` reads files or
//! asks servers and returns plain facts, and each check is a pure function of the facts that
//! returns a [`Finding`](finding::Finding) if something is wrong. So a check is tested by a table
//! of facts, and the observation once, with the real thing.

pub(crate) mod finding;
pub(crate) mod report;

use crate::{
    config::{Config, ConfigError, Locations},
    environment::Account,
};

/// What all families of checks start from.
pub(crate) struct Context<'a> {
    /// The user's entry in the user database.
    pub(crate) account: Option<&'a Account>,
    /// The files that may contain the configuration.
    pub(crate) locations: &'a Locations,
    /// The configuration, or why there is none.
    pub(crate) config: Result<&'a Config, &'a ConfigError>,
    /// The only profile to examine; all if absent.
    pub(crate) profile: Option<&'a str>,
    /// Called with what a check does now, such as "asking 'vault.example.com'".
    pub(crate) progress: &'a dyn Fn(&str),
}
