//! The integration tests: real servers, real processes.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod auth;
mod client;
mod engine;
mod kill;
mod kv;
mod outage;
mod support;
mod tls;
