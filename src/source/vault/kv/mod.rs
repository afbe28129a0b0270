//! The key-value engines. See <https://developer.hashicorp.com/vault/api-docs/secret/kv>.

mod metadata;
mod v1;
mod v2;

#[cfg(feature = "test-util")]
pub(super) use self::metadata::{SecretMetadata, VersionedData};
pub(super) use self::{v1::Kv1, v2::Kv2};
