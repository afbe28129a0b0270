//! The fuzz target of Vault's responses.

use serde::de::IgnoredAny;

use super::{
    auth::refused_login,
    error::RequestError,
    error_response::ErrorResponse,
    field::{self, SecretFields},
    foreign::AuthorHeaders,
    kv::{SecretMetadata, VersionedData},
    response, status,
    token::{TokenLookup, VaultToken},
};
use crate::{
    hostile_input::{self, canary},
    network::RequestSecrets,
    source::{
        SourceError,
        fuzzing::{assert_reported, assert_usable, now},
    },
};

const HOST: &str = "vault.test:8200";

/// A status, and the body of a response to a request with a token.
pub fn vault_response(data: &[u8]) {
    let (status, body) = hostile_input::response(data);
    if (200..=208).contains(&status) {
        success(body);
    } else {
        refusal(status, body);
    }
}

fn success(body: &[u8]) {
    let secrets = RequestSecrets::from_iter([canary()]);
    for field in ["api_key", "/result/key"] {
        let extract =
            |fields: &SecretFields| match field::extract_field(HOST, fields, field, &secrets) {
                Ok(key) => assert_usable(&key),
                Err(error) => assert_reported(&error),
            };
        // KV v1 and leases, KV v2.
        if let Some(fields) = parsed::<SecretFields>(body) {
            extract(&fields);
        }
        if let Some(VersionedData {
            data: Some(fields), ..
        }) = parsed(body)
        {
            extract(&fields);
        }
    }
    if let Some(metadata) = parsed::<SecretMetadata>(body)
        && let Ok(version) = metadata.current(now().wall)
    {
        assert!(version > 0);
    }
    let login = response::parse::<IgnoredAny>(body).ok();
    if let Some(auth) = login.and_then(|login| login.auth) {
        let token = VaultToken::new(auth, now(), 1);
        assert!(token.remaining(now()).is_none_or(|left| !left.is_zero()));
        hostile_input::assert_silent(&format!("{token:?}"));
        if let Some(lookup) = parsed::<TokenLookup>(body) {
            token.looked_up(&lookup, now());
        }
    }
}

/// The data of a response.
fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    match response::parse::<T>(body) {
        Ok(response) => response.data,
        Err(error) => {
            assert_reported(&status::malformed(HOST, &error));
            None
        }
    }
}

fn refusal(status: u16, body: &[u8]) {
    let secrets = RequestSecrets::from_iter([canary()]);
    // What a server writes is also in its headers.
    let header = str::from_utf8(body).unwrap_or_default();
    let headers = AuthorHeaders::new("application/json", header, header);
    let response = ErrorResponse::new(status, body, &headers, &secrets);
    for error in [
        RequestError::Status(response.clone()),
        RequestError::WebPage(response.clone()),
    ] {
        let read = status::read_error(HOST, "secret/data/team", error.clone());
        assert_reported(&read);
        let login = refused_login(HOST, error);
        assert_reported(&login);
        // Only Vault's own word ends a login or drops a key.
        let is_final = |error: &SourceError| error.is_final();
        assert!(response.is_vaults() || !(is_final(&read) || is_final(&login)));
    }
}
