//! `claviger managed-settings`: its forms, the script that installs Claviger's own configuration,
//! and what the real Claude Code makes of the settings at their real place.

mod bypasses;
mod client;
mod fleet;
mod forms;
mod install;
