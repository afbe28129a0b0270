//! The real shim against a daemon of the tests' own that speaks frames.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod answers;
mod harness;
mod starting;
mod trust;
