//! How the client proves at an endpoint that it is that client (RFC 6749, section 2.3; RFC 7523).

mod assertion;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use hyper::body::Bytes;
use zeroize::Zeroizing;

use self::assertion::AssertionKey;
use super::{discovery::Metadata, form::write_encoded};
use crate::{
    clock::Clock,
    config,
    principal::Principal,
    secret::Secret,
    source::{SourceError, secret_input::SecretInput},
};

const BASIC: &str = "client_secret_basic";
const POST: &str = "client_secret_post";

/// The type of an assertion (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the configuration says about the client's credentials.
pub(super) enum ClientAuth {
    None,
    Secret(SecretInput),
    Key(AssertionKey),
}

/// The credentials in one request.
#[derive(Default)]
pub(super) struct Credentials {
    /// The header `Authorization`.
    pub(super) header: Option<HeaderValue>,
    /// Fields of the form.
    pub(super) fields: Vec<(&'static str, Secret)>,
    /// What must not be in a message.
    pub(super) secrets: Vec<Secret>,
}

impl ClientAuth {
    /// The credentials of the source `name`. No file is read yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value.
    pub(super) fn new(
        name: &str,
        auth: &config::ClientAuth,
        principal: &Principal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        Ok(match auth {
            config::ClientAuth::None => Self::None,
            config::ClientAuth::Secret(from) => {
                Self::Secret(SecretInput::new(name, "client_secret", from, principal)?)
            }
            config::ClientAuth::PrivateKey {
                key,
                key_id,
                cert_file,
            } => Self::Key(AssertionKey::new(
                name,
                (key, key_id.as_deref(), cert_file.as_ref()),
                principal,
                clock,
            )?),
        })
    }

    /// Whether the server can refuse the credentials, because there are some.
    pub(super) fn is_confidential(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The credentials of `client_id` for a request to an endpoint of `metadata`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] or [`SourceError::ClientVariable`] if the secret or the key
    /// cannot be read, or the server accepts no algorithm of the key.
    pub(super) fn credentials(
        &self,
        client_id: &str,
        metadata: &Metadata,
    ) -> Result<Credentials, SourceError> {
        match self {
            Self::None => Ok(Credentials::default()),
            Self::Secret(input) => Ok(Credentials::of_secret(client_id, input.read()?, metadata)),
            Self::Key(key) => {
                let assertion = key.sign(client_id, metadata)?;
                Ok(Credentials {
                    header: None,
                    secrets: vec![assertion.clone()],
                    fields: vec![
                        ("client_assertion_type", Secret::new(JWT_BEARER.to_owned())),
                        ("client_assertion", assertion),
                    ],
                })
            }
        }
    }
}

impl Credentials {
    /// The credentials of a client with `secret`: in the header, unless the server accepts them
    /// only in the form.
    pub(super) fn of_secret(client_id: &str, secret: Secret, metadata: &Metadata) -> Self {
        // RFC 8414, section 2: without a list, it is the header.
        let accepts = |name: &str| {
            let methods = metadata.auth_methods.as_ref();
            methods.is_some_and(|methods| methods.iter().any(|method| method == name))
        };
        if accepts(POST) && !accepts(BASIC) {
            return Self {
                header: None,
                fields: vec![("client_secret", secret.clone())],
                secrets: vec![secret],
            };
        }
        let (header, encoded) = basic(client_id, &secret);
        Self {
            header,
            fields: Vec::new(),
            secrets: vec![secret, encoded],
        }
    }
}

/// The header, in a buffer that is wiped, and its encoded part. Both parts are form-encoded first
/// (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &Secret) -> (Option<HeaderValue>, Secret) {
    let mut pair = Zeroizing::new(Vec::with_capacity(
        (client_id.len() + secret.expose().len()) * 3 + 1,
    ));
    write_encoded(&mut pair, client_id);
    pair.push(b':');
    write_encoded(&mut pair, secret.expose());
    let encoded = Secret::new(STANDARD.encode(&*pair));
    let mut value = Zeroizing::new(Vec::with_capacity(encoded.expose().len() + 6));
    value.extend_from_slice(b"Basic ");
    value.extend_from_slice(encoded.expose().as_bytes());
    // Base64 is always a valid header.
    let header = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok();
    let header = header.map(|mut header| {
        header.set_sensitive(true);
        header
    });
    (header, encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::oauth::provider::tests::metadata;

    #[test]
    fn the_method_follows_the_servers_list() {
        let credentials = |methods: Option<&[&str]>| {
            let mut metadata = metadata("https://i.test");
            metadata.auth_methods =
                methods.map(|all| all.iter().map(|&one| one.to_owned()).collect());
            Credentials::of_secret("a:b", Secret::new("s+ü /".to_owned()), &metadata)
        };
        // printf 'a%%3Ab:s%%2B%%C3%%BC+%%2F' | base64
        let header = "Basic YSUzQWI6cyUyQiVDMyVCQyslMkY=";
        for (methods, in_form) in [
            (None, false),
            (Some(&[][..]), false),
            (Some(&["none"]), false),
            (Some(&["client_secret_basic"]), false),
            (Some(&["client_secret_post", "client_secret_basic"]), false),
            (Some(&["client_secret_post"]), true),
            (Some(&["private_key_jwt", "client_secret_post"]), true),
        ] {
            let credentials = credentials(methods);
            assert_eq!(credentials.header.is_none(), in_form, "{methods:?}");
            match credentials.header {
                Some(value) => {
                    assert_eq!(value.to_str().unwrap(), header);
                    assert!(value.is_sensitive() && credentials.fields.is_empty());
                }
                None => assert_eq!(credentials.fields[0].1.expose(), "s+ü /"),
            }
        }
    }
}
