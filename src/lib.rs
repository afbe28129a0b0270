//! Claviger, the key-bearer: a per-user daemon that obtains gateway credentials and a tiny shim that prints the current
//! one. This is the daemon's library; `src/main.rs` composes it.

pub mod broker;
pub mod cli;
mod client_process;
mod client_session;
pub mod clock;
mod composition;
pub mod config;
pub mod credential;
pub mod demo;
mod error_report;
mod gateway;
mod listener;
mod logging;
mod paths;
mod process;
pub mod secret;
mod server;
pub mod source;
mod sync;
