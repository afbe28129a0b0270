//! The real shim against a fake daemon that speaks frames.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod answers;
mod clients;
#[cfg(target_os = "linux")]
mod disclosure;
mod harness;
mod starting;
mod trust;
mod variables;
