//! From a file to a typed configuration.

mod check;
mod document;
mod duration;
mod error;
mod gateway;
mod load;
mod locate;
mod model;
mod parse;
mod principal;
mod raw;
mod schema;
mod select;
mod stamp;
mod suggest;
mod template;
mod trust;
mod validate;

pub use self::{
    error::{ConfigError, Problem},
    gateway::{GatewayUrl, GatewayUrlError},
    load::load,
    locate::Locations,
    model::{
        Assertion, AuthConfig, AuthMethod, Config, DaemonConfig, Engine, ExecConfig, JwtConfig,
        Probe, ProfileConfig, SecretRef, SourceConfig, VaultAddress, VaultConfig,
    },
    parse::parse,
    principal::Principal,
    schema::schema,
    select::SelectError,
    stamp::Stamp,
    template::{Template, TemplateError},
    trust::Trust,
};
