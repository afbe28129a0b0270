//! The integration tests: real servers, real processes.

#![cfg(unix)]

mod kv;
mod support;
