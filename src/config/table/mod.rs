//! The tables of the file, one module each: the keys as they are written, the configuration that is
//! made of them, and the rules between them.
//!
//! A table whose keys have rules of their own only is its own configuration ([`ExecConfig`], say).
//! Each of the others has a `…Keys` type that is deserialized and then validated. The comments on
//! keys are the descriptions in the JSON Schema.

mod audit;
mod auth;
mod chain;
mod daemon;
mod exec;
mod headers;
mod jwt;
mod network;
mod oauth;
mod policy;
mod profile;
mod root;
mod secret_ref;
mod source;
mod store;
mod validator;
mod variables;
mod vault;

pub use self::root::Config;
pub(super) use self::root::File;
pub(crate) use self::{
    auth::{Assertion, AuthConfig, AuthMethod},
    daemon::Notifications,
    exec::ExecConfig,
    headers::{HeaderValueFrom, ProbeHeaders},
    jwt::{JwtConfig, SigningAlgorithm},
    network::NetworkConfig,
    oauth::{ClientAuth, OauthConfig, OauthDiscovery, OauthFlow, OauthPrompt, OauthToken},
    policy::{PolicyConfig, PolicyPlace},
    profile::{Probe, ProfileConfig},
    root::Reveal,
    secret_ref::SecretRef,
    source::SourceConfig,
    store::StoreKind,
    vault::{Engine, VaultConfig},
};
