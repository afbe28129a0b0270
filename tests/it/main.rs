//! The integration tests: real servers, real processes.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod client;
mod engine;
mod kv;
mod scenarios;
mod support;
