//! What the reason of a refused login is about. Vault has one status for a wrong secret and for
//! its own failure to check it.
//!
//! The texts are those of the login methods of OpenBao 2.7 and Vault 1.8 to 1.19, of the libraries
//! that they use for JWTs (`hashicorp/cap`, `go-oidc`), and of Go's network errors.

/// What the reason for a refused login is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Subject {
    /// The secret: it is wrong, expired or used up.
    Secret,
    /// Vault, or a server that it asks: the secret was not checked.
    Vault,
    /// Something else, or it does not tell: the role, the mount point, the address of the client.
    #[default]
    Unclear,
}

/// Vault could not check the secret. These are searched for first: the texts of other servers
/// follow them.
const OF_VAULT: [&str; 27] = [
    // Its storage.
    "readonly storage",
    "read-only",
    // jwt, oidc: the issuer's keys cannot be fetched.
    "fetching keys",
    "get keys failed",
    "error searching for key set",
    "error configuring token validator",
    "keyset configuration error",
    "error checking oidc discovery",
    "failed to fetch groups",
    // ldap: the directory, or Vault's own account there.
    "failed to connect to ldap",
    "error connecting to host",
    "failed to re-bind with the binddn user",
    "ldap result code 200",
    // cert: OCSP.
    "additionally got errors during verification",
    // Go's network errors.
    "dial tcp",
    "connection refused",
    "connection reset",
    "no route to host",
    "network is unreachable",
    "no such host",
    "server misbehaving",
    "i/o timeout",
    "client.timeout exceeded",
    "tls handshake timeout",
    "context deadline exceeded",
    "context canceled",
    "broken pipe",
];

/// The secret is wrong, expired or used up.
///
/// Not among them: "failed to bind as user" (ldap), which is also the text for a directory that
/// cannot be searched; "failed to verify id token signature" (jwt), which is also that for a key
/// set that lacks the newest key; "permission denied", which is also that for a locked user and for
/// an address that is not allowed.
const OF_SECRET: [&str; 23] = [
    // approle
    "invalid role or secret id",
    "invalid secret id",
    "invalid secret_id",
    "invalid role id",
    "missing secret_id",
    "missing role_id",
    // userpass, ldap
    "invalid username or password",
    "missing password",
    "password cannot be of zero length",
    // jwt
    "token is expired",
    "invalid expiration time (exp)",
    "invalid audience (aud)",
    "invalid issuer (iss)",
    "invalid subject (sub)",
    "error validating claims",
    "malformed jwt",
    "error parsing token",
    "missing token",
    // cert
    "invalid certificate",
    "no chain matching all constraints",
    // token
    "invalid token",
    "bad token",
    // The token around a wrapped secret-id.
    "wrapping token is not valid or does not exist",
];

/// A JWT has expired. These are in [`OF_SECRET`], too.
const EXPIRY: [&str; 2] = ["token is expired", "invalid expiration time (exp)"];

impl Subject {
    /// What `reason`, Vault's own text, is about.
    pub(super) fn of(reason: &str) -> Self {
        let reason = reason.to_lowercase();
        let has = |texts: &[&str]| texts.iter().any(|text| reason.contains(text));
        if has(&OF_VAULT) {
            Self::Vault
        } else if has(&OF_SECRET) {
            Self::Secret
        } else {
            Self::Unclear
        }
    }
}

/// Whether `reason`, Vault's own text, is that a JWT has expired.
pub(super) fn is_expiry(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    EXPIRY.iter().any(|text| reason.contains(text))
}

#[cfg(test)]
mod tests {
    use super::{Subject::*, *};

    /// As OpenBao 2.7.2 and Vault 1.19 send them.
    #[test]
    fn the_reason_tells_what_it_is_about() {
        let of_jwt = |text: &str| format!("error validating token: {text}");
        let signature = |text: &str| of_jwt(&format!("error verifying token signature: {text}"));
        for (reason, subject) in [
            ("invalid role or secret ID".to_owned(), Secret),
            ("invalid secret id".to_owned(), Secret),
            ("invalid secret_id \"5d11\"".to_owned(), Secret),
            ("invalid username or password".to_owned(), Secret),
            ("missing password".to_owned(), Secret),
            (of_jwt("invalid expiration time (exp) claim: token is expired"), Secret),
            (
                of_jwt("invalid audience (aud) claim: audience claim does not match any expected audience"),
                Secret,
            ),
            (of_jwt("invalid issuer (iss) claim"), Secret),
            (
                "error validating claims: claim \"team\" does not match any associated bound claim values"
                    .to_owned(),
                Secret,
            ),
            (
                signature("oidc: malformed jwt: go-jose/go-jose: compact JWS format must have three parts"),
                Secret,
            ),
            (
                signature(
                    "fetching keys oidc: get keys failed Get \"http://127.0.0.1:1/jwks.json\": dial tcp \
                     127.0.0.1:1: connect: connection refused",
                ),
                Vault,
            ),
            (
                signature(
                    "fetching keys oidc: get keys failed: 503 Service Unavailable <html>invalid token</html>",
                ),
                Vault,
            ),
            (
                signature("fetching keys oidc: failed to decode keys: expected Content-Type = application/json"),
                Vault,
            ),
            (
                "error configuring token validator: keyset configuration error: Get \"https://idp/.well-known\": \
                 tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
                    .to_owned(),
                Vault,
            ),
            ("cannot write to readonly storage".to_owned(), Vault),
            (
                "ldap operation failed: failed to connect to LDAP server".to_owned(),
                Vault,
            ),
            (
                "LDAP Result Code 200 \"Network Error\": dial tcp: lookup ldap: no such host".to_owned(),
                Vault,
            ),
            ("context deadline exceeded".to_owned(), Vault),
            (
                "invalid certificate or no client certificate supplied".to_owned(),
                Secret,
            ),
            (
                "no chain matching all constraints could be found for this login certificate; additionally got \
                 errors during verification: 1 error occurred: * OCSP"
                    .to_owned(),
                Vault,
            ),
            (
                "2 errors occurred: * permission denied * invalid token".to_owned(),
                Secret,
            ),
            ("bad token".to_owned(), Secret),
            (
                "wrapping token is not valid or does not exist".to_owned(),
                Secret,
            ),
            (signature("failed to verify id token signature"), Unclear),
            (
                of_jwt("invalid not before (nbf) claim: token not yet valid"),
                Unclear,
            ),
            ("role \"dev\" could not be found".to_owned(), Unclear),
            (
                "source address \"10.0.0.1\" unauthorized by CIDR restrictions on the role".to_owned(),
                Unclear,
            ),
            (
                "ldap operation failed: failed to bind as user".to_owned(),
                Unclear,
            ),
            ("permission denied".to_owned(), Unclear),
            ("client certificate must be supplied".to_owned(), Unclear),
            (String::new(), Unclear),
        ] {
            assert_eq!(Subject::of(&reason), subject, "{reason}");
        }
    }
}
