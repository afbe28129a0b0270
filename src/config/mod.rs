//! From a file to a typed configuration.
//!
//! A file is found ([`locate`]), read and trusted or not ([`mod@load`]), parsed into a document
//! that knows the place of every key ([`document`]), put above the presets that it names
//! ([`presets`]), checked against the schema, which finds every
//! mistake of a single key ([`check`]), deserialized ([`table`]) and validated: what keys say about
//! each other. Each key stands in one table and each kind of value in one [`field`].

mod caller_rule;
mod check;
mod checklist;
mod defaults;
mod document;
mod error;
mod facts;
mod field;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod gateway_rule;
mod layer;
mod load;
mod locate;
mod origin;
mod overrides;
mod parse;
mod presets;
mod review;
mod schema;
mod select;
mod show;
mod stamp;
mod suggest;
mod table;
mod toml_text;
mod typed_document;

pub(crate) use self::{
    caller_rule::{CallerRefusal, permits},
    checklist::{ChecklistEntry, checklist},
    error::Problem,
    field::{
        Audience, CallerPattern, DateTime, FilePath, GatewayUrl, IdpName, Mount, Name, NoProxy,
        PolicyKey, PolicyMaxAge, PolicyUrl, PolicyWatch, ProgramVersion, ProxySetting, ProxyUrl,
        RedirectHost, Ttl, VaultAddress, check as check_format, host_and_port, is_loopback,
        is_loopback_name, origin_of,
    },
    gateway_rule::BaseUrl,
    layer::Layer,
    load::{load, load_beside, load_file, load_managed},
    locate::Locations,
    origin::Origin,
    overrides::forbids_overrides,
    review::{Finding, Named, NamedThing, Review, Severity, text},
    schema::published as schema,
    select::SelectError,
    show::{ShownValue, ValueOrigin, show},
    stamp::Stamp,
    table::{
        Assertion, AuthConfig, AuthMethod, ClientAuth, Engine, ExecConfig, HeaderValueFrom,
        JwtConfig, NetworkConfig, Notifications, OauthConfig, OauthDiscovery, OauthFlow,
        OauthPrompt, OauthToken, PolicyConfig, PolicyPlace, Probe, ProbeHeaders, ProfileConfig,
        Reveal, SecretRef, SigningAlgorithm, SourceConfig, StoreKind, VaultConfig,
    },
    toml_text::{Entry, to_toml},
    typed_document::{Mistake, TypedDocument},
};
pub use self::{error::ConfigError, parse::parse, table::Config};
