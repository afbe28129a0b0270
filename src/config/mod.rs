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
mod raw;
mod schema;
mod select;
mod stamp;
mod suggest;
mod validate;

pub use self::{error::ConfigError, model::Config, parse::parse};
pub(crate) use self::{
    gateway::GatewayUrl,
    load::load,
    locate::Locations,
    model::{
        Assertion, AuthConfig, AuthMethod, Engine, ExecConfig, JwtConfig, Probe, ProfileConfig,
        SecretRef, SourceConfig, VaultAddress, VaultConfig,
    },
    schema::schema,
    select::SelectError,
    stamp::Stamp,
};
