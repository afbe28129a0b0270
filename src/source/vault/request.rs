//! Requests that vaultrs lacks, or would leave the secrets of in memory. The module's documentation
//! says which and why.

use async_trait::async_trait;
use rustify::{
    Endpoint,
    enums::{RequestMethod, RequestType, ResponseType},
    errors::ClientError,
};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A request whose body is wiped: one JSON object of strings.
pub(super) struct SecretRequest {
    path: String,
    method: RequestMethod,
    body: Zeroizing<Vec<u8>>,
}

impl SecretRequest {
    /// The path and method of `request`, a type of vaultrs', with the body `fields`. The secret
    /// fields of `request` itself stay empty.
    pub(super) fn new(request: &impl Endpoint, fields: &[(&str, &str)]) -> Self {
        Self {
            path: request.path(),
            method: request.method(),
            body: json_object(fields),
        }
    }
}

#[async_trait]
impl Endpoint for SecretRequest {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        self.method.clone()
    }

    /// A copy, which the transport wipes.
    fn body(&self) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(Some(self.body.to_vec()))
    }
}

/// The end of a user's sign-in. See
/// <https://developer.hashicorp.com/vault/api-docs/auth/jwt#oidc-callback>.
///
/// Vault wants the code, which is good for one request, in the query.
pub(super) struct OidcCallback<'a> {
    pub(super) mount: &'a str,
    pub(super) state: &'a Secret,
    pub(super) code: &'a Secret,
    /// The same as in the request that started the sign-in.
    pub(super) client_nonce: &'a Secret,
}

#[async_trait]
impl Endpoint for OidcCallback<'_> {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        format!("auth/{}/oidc/callback", self.mount)
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::GET
    }

    fn query(&self) -> Result<Option<String>, ClientError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("state", self.state.expose())
            .append_pair("code", self.code.expose())
            .append_pair("client_nonce", self.client_nonce.expose())
            .finish();
        Ok(Some(query))
    }
}

/// A request of `sys/leases`. See
/// <https://developer.hashicorp.com/vault/api-docs/system/leases>.
pub(super) struct LeaseRequest<'a> {
    pub(super) operation: LeaseOperation,
    pub(super) lease_id: &'a str,
}

/// What to do with a lease.
#[derive(Clone, Copy)]
pub(super) enum LeaseOperation {
    Lookup,
    Renew,
    Revoke,
}

#[async_trait]
impl Endpoint for LeaseRequest<'_> {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        match self.operation {
            LeaseOperation::Lookup => "sys/leases/lookup",
            LeaseOperation::Renew => "sys/leases/renew",
            LeaseOperation::Revoke => "sys/leases/revoke",
        }
        .to_owned()
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::POST
    }

    fn body(&self) -> Result<Option<Vec<u8>>, ClientError> {
        let mut fields = vec![("lease_id", self.lease_id)];
        if matches!(self.operation, LeaseOperation::Revoke) {
            // Otherwise Vault only promises to revoke it, and reports no failure.
            fields.push(("sync", "true"));
        }
        Ok(Some(json_object(&fields).to_vec()))
    }
}

/// A request for the type of a mount point. See
/// <https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts>.
pub(super) struct MountRequest<'a> {
    pub(super) mount: &'a str,
}

#[async_trait]
impl Endpoint for MountRequest<'_> {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        format!("sys/internal/ui/mounts/{}", self.mount)
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::GET
    }
}

/// Serializes `fields` into one buffer that is never reallocated, which would leave a copy in
/// memory.
fn json_object(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::with_capacity(capacity(fields)));
    for (name, value) in fields {
        let separator = if body.is_empty() { b'{' } else { b',' };
        body.push(separator);
        write_string(name, &mut body);
        body.push(b':');
        write_string(value, &mut body);
    }
    if body.is_empty() {
        body.push(b'{');
    }
    body.push(b'}');
    body
}

/// The most bytes that `fields` take: an escaped byte becomes at most six (`\u0000`).
fn capacity(fields: &[(&str, &str)]) -> usize {
    let bytes = |(name, value): &(&str, &str)| (name.len() + value.len()) * 6 + "\"\":\"\",".len();
    fields.iter().map(bytes).sum::<usize>() + "{}".len()
}

fn write_string(text: &str, to: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(to, text);
}

#[cfg(test)]
mod tests {
    use vaultrs::api::auth::approle::requests::LoginWithApproleRequest;

    use super::*;

    #[test]
    fn the_body_is_one_json_object() {
        let body = |fields: &[_]| String::from_utf8(json_object(fields).to_vec()).unwrap();
        assert_eq!(body(&[]), "{}");
        assert_eq!(body(&[("a", "1\""), ("b", "2")]), r#"{"a":"1\"","b":"2"}"#);
    }

    #[test]
    fn the_buffer_is_never_reallocated() {
        for fields in [&[][..], &[("a", "\u{1}\u{1}\"\\é"), ("", "")]] {
            assert!(json_object(fields).len() <= capacity(fields), "{fields:?}");
        }
    }

    #[test]
    fn the_path_and_method_are_those_of_vaultrs() {
        let request = LoginWithApproleRequest {
            mount: "m".to_owned(),
            role_id: String::new(),
            secret_id: String::new(),
        };
        let request = SecretRequest::new(&request, &[("role_id", "r"), ("secret_id", "s")]);
        assert_eq!(request.path(), "/auth/m/login");
        assert!(matches!(request.method(), RequestMethod::POST));
        let body = request.body().unwrap().unwrap();
        assert_eq!(body, br#"{"role_id":"r","secret_id":"s"}"#);
    }
}
