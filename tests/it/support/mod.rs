//! What the integration tests stand on: real servers and a developer's machine of their own.

pub(crate) mod bao;
pub(crate) mod client;
pub(crate) mod machine;
pub(crate) mod poll;
pub(crate) mod postgres;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod upstream;

pub(crate) use self::{
    bao::Bao,
    machine::{KEY, Machine},
    poll::until,
    upstream::Upstream,
};
