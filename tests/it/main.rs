//! The integration tests: real servers, real processes.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod audit_counts;
mod auth;
mod bad_input;
mod client;
mod compatibility;
mod config;
mod daemon;
mod engine;
mod exec;
mod kill;
mod kv;
mod lease;
mod logs;
mod outage;
mod places;
mod scenarios;
mod starting;
mod status;
mod support;
mod tls;
