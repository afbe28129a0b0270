//! What the integration tests stand on: real servers and a developer's machine of their own.

pub(crate) mod bao;
pub(crate) mod client;
pub(crate) mod poll;
pub(crate) mod postgres;
pub(crate) mod test_env;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod upstream;

pub(crate) use self::{
    bao::Bao,
    poll::until,
    test_env::{KEY, TestEnv},
    upstream::Upstream,
};
