//! What the integration tests share: real servers, and a developer's machine for each test.

pub(crate) mod answers;
pub(crate) mod bao;
pub(crate) mod canary;
pub(crate) mod chromium;
pub(crate) mod claude;
pub(crate) mod desktop;
pub(crate) mod file_server;
pub(crate) mod fingerprint;
pub(crate) mod front;
pub(crate) mod gateway;
pub(crate) mod glewlwyd;
pub(crate) mod holder;
pub(crate) mod identity_provider;
pub(crate) mod jwt;
pub(crate) mod key_fixture;
pub(crate) mod litellm;
pub(crate) mod lock;
pub(crate) mod login_command;
pub(crate) mod memory;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod oidc_provider;
pub(crate) mod poll;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod program_file;
pub(crate) mod proxy;
pub(crate) mod secret_service;
pub(crate) mod test_env;
pub(crate) mod tls;
pub(crate) mod tls_front;
pub(crate) mod tools;
pub(crate) mod upstream;
pub(crate) mod user_manager;
pub(crate) mod vault_config;
pub(crate) mod wine;

pub(crate) use self::{
    bao::Bao,
    poll::until,
    test_env::{KEY, TestEnv},
    upstream::Upstream,
};
