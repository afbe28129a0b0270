//! From a file to a typed configuration.

mod check;
mod document;
mod duration;
mod error;
mod gateway;
mod model;
mod parse;
mod principal;
mod raw;
mod schema;
mod suggest;
mod template;
mod validate;

pub use self::{
    error::{ConfigError, Problem},
    gateway::{GatewayUrl, GatewayUrlError},
    model::{
        Assertion, Auth, AuthMethod, Config, Daemon, Engine, Exec, Jwt, Probe, Profile, SecretRef,
        Source, Vault, VaultAddress,
    },
    parse::parse,
    principal::Principal,
    schema::schema,
    template::{Template, TemplateError},
};
