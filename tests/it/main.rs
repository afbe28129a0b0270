//! The integration tests: real servers, real processes.

#![cfg(unix)]

mod engine;
mod kv;
mod support;
