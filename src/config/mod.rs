//! From a file to a typed configuration.

mod gateway;
mod model;
mod template;

pub use self::{
    gateway::GatewayUrl,
    model::{
        Assertion, Auth, AuthMethod, Config, Daemon, Engine, Exec, Jwt, Probe, Profile, SecretRef,
        Source, Vault, VaultAddress,
    },
    template::{Principal, Template, TemplateError},
};
