//! From a file to a typed configuration.

mod duration;
mod gateway;
mod model;
mod principal;
mod raw;
mod schema;
mod template;

pub use self::{
    gateway::{GatewayUrl, GatewayUrlError},
    model::{
        Assertion, Auth, AuthMethod, Config, Daemon, Engine, Exec, Jwt, Probe, Profile, SecretRef,
        Source, Vault, VaultAddress,
    },
    principal::Principal,
    schema::schema,
    template::{Template, TemplateError},
};
