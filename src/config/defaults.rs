//! The defaults of the program.

/// A table for each table that they apply to, as TOML.
pub(super) const DEFAULTS: &str = include_str!("defaults.toml");
