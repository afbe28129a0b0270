//! The integration tests: real servers, real processes.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod audit_counts;
mod auth;
mod client;
mod engine;
mod bad_input;
mod compatibility;
mod config;
mod daemon;
mod exec;
mod kv;
mod lease;
mod outage;
mod status;
mod support;
mod tls;
