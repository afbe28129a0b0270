//! Claude Code, the client: the places of its settings, and the variables that decide which
//! credential it sends and to which server. What `claviger managed-settings` writes, and what
//! `claviger doctor` looks for, follows from the same lists.

pub(crate) mod places;
pub(crate) mod variables;
