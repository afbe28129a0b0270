//! Claviger, the key-bearer: a per-user daemon that obtains gateway credentials and a tiny shim that prints the current
//! one. This is the daemon's library; `src/main.rs` composes it.

pub mod broker;
pub mod cli;
pub mod client_process;
pub mod client_session;
pub mod clock;
pub mod config;
pub mod credential;
pub mod demo;
pub mod error_report;
pub mod gateway;
pub mod listener;
pub mod logging;
pub mod paths;
pub mod process;
pub mod secret;
pub mod server;
pub mod source;
mod sync;
