//! The integration tests: real servers, real processes.

#![cfg(unix)]

#[path = "support/client.rs"]
mod claude_code;
mod client;
mod kv;
mod support;
