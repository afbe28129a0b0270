//! The integration tests: real servers, real processes.

#![cfg(target_os = "linux")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod administrator;
mod all_users;
mod attacks;
mod audit;
mod audit_counts;
mod auth;
mod bad_input;
mod broken_pipe;
mod canaries;
mod client;
mod clients;
mod compatibility;
mod config;
mod config_check;
mod conformance;
mod crowd;
mod daemon;
mod demo;
mod doctor;
mod engine;
mod exec;
mod gateway_rule;
mod hardening;
mod identity_providers;
mod init;
mod jwt;
mod kill;
mod kv;
mod lease;
mod lifecycle;
mod litellm;
mod lock;
mod login;
mod logout;
mod logs;
mod logs_command;
mod managed_settings;
mod max_age;
mod metrics;
mod network;
mod network_secrets;
mod not_a_no;
mod other_clients;
mod outage;
mod packages;
mod panics;
mod places;
mod policy;
mod probe;
mod refresh;
mod retry_after;
mod scenarios;
mod services;
mod sso;
mod starting;
mod status;
mod successor;
mod support;
mod tls;
mod token;
mod two_users;
mod unproven;
mod variables;
mod vault_scripts;
mod vault_sso;
mod verdict;
mod wrappers;
