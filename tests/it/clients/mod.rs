//! Clients that `claviger configure` has configured, and tools that `claviger exec` runs: the real
//! ones, with the real daemon and the embedded gateway.

mod agent_sdks;
mod configure;
mod exec;
mod fixture;
mod headers;
mod turns;
