//! A JWT from a file, a variable or another source. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login>.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use vaultrs::api::auth::oidc::requests::JWTLoginRequest;

use super::{
    method::{self, Login, LoginMethod},
    proven::ProvenSecret,
};
use crate::{
    clock::Timestamp,
    config::Assertion,
    jwt_claims,
    principal::Principal,
    secret::Secret,
    source::{
        Source, SourceError,
        secret_input::SecretInput,
        vault::{
            claims::{self, LoginClaims},
            request::SecretRequest,
            response::AuthResponse,
            subject,
            transport::Transport,
        },
    },
};

/// `method = "jwt"`.
pub(super) struct JwtLogin {
    mount: String,
    /// `None`: the default role of the mount point.
    role: Option<String>,
    jwt: JwtOrigin,
    proven: ProvenSecret,
}

enum JwtOrigin {
    Secret(SecretInput),
    Source(Arc<dyn Source>),
}

impl JwtLogin {
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value, or `jwt` names a source and
    /// `jwt_source` is `None`.
    pub(super) fn new(
        name: &str,
        mount: String,
        role: Option<String>,
        jwt: &Assertion,
        principal: &Principal,
        jwt_source: Option<Arc<dyn Source>>,
    ) -> Result<Self, SourceError> {
        let jwt = match (jwt, jwt_source) {
            (Assertion::Secret(secret), _) => {
                JwtOrigin::Secret(SecretInput::new(name, "auth.jwt", secret, principal)?)
            }
            (Assertion::Source(_), Some(source)) => JwtOrigin::Source(source),
            (Assertion::Source(other), None) => {
                return Err(SourceError::Configuration {
                    reason: format!("'source.{name}.auth.jwt_source': source '{other}' not found"),
                    hint: format!("add [source.{other}]"),
                });
            }
        };
        let proven = ProvenSecret::default();
        Ok(Self {
            mount,
            role,
            jwt,
            proven,
        })
    }

    fn hint(&self) -> String {
        match &self.jwt {
            JwtOrigin::Secret(secret) => {
                format!("write a new token to {secret}; check 'role'")
            }
            JwtOrigin::Source(source) => format!(
                "check 'role', and the issuer, audience and key of '{}'",
                source.host()
            ),
        }
    }
}

#[async_trait]
impl LoginMethod for JwtLogin {
    async fn log_in(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        let host = &transport.address.name;
        let refused = match self
            .submit(transport, self.assertion(host).await?, now)
            .await
        {
            Err(SourceError::LoginRefused { reason, .. }) if subject::is_expiry(&reason) => reason,
            other => return other,
        };
        // A new one may be valid for longer.
        tracing::debug!(%host, %refused, "the JWT has expired: presenting a new one");
        self.submit(transport, self.assertion(host).await?, now)
            .await
    }

    fn is_current(&self, claims: &LoginClaims) -> bool {
        let now = match &self.jwt {
            JwtOrigin::Secret(_) => None,
            JwtOrigin::Source(source) => source.claims(),
        };
        now.is_none_or(|now| claims::subject(&now) == claims.user.as_deref())
    }
}

impl JwtLogin {
    /// The JWT to present to Vault at `host`, and the claims of the login that it is from: those of
    /// the source, or else its own, which Vault verifies.
    async fn assertion(&self, host: &str) -> Result<(Secret, LoginClaims), SourceError> {
        let (jwt, known, host, place) = match &self.jwt {
            JwtOrigin::Secret(secret) => {
                (secret.read()?, None, host, format!("the JWT in {secret}"))
            }
            JwtOrigin::Source(source) => {
                let (jwt, known) = issue(&**source).await?;
                let host = source.host();
                (jwt, known, host, format!("the tokens of '{host}'"))
            }
        };
        let values = match known {
            Some(known) => (*known).clone(),
            None => jwt_claims::of(&jwt).unwrap_or_default(),
        };
        let claims = LoginClaims {
            user: claims::subject(&values).map(str::to_owned),
            values,
            host: host.to_owned(),
            place,
        };
        Ok((jwt, claims))
    }

    async fn submit(
        &self,
        transport: &Transport,
        (jwt, claims): (Secret, LoginClaims),
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        let request = JWTLoginRequest {
            mount: self.mount.clone(),
            jwt: String::new(),
            role: None,
        };
        let mut fields = vec![("jwt", jwt.expose())];
        fields.extend(self.role.iter().map(|role| ("role", role.as_str())));
        let login = Login {
            request: SecretRequest::new(&request, &fields),
            secret: Some(&jwt),
            // Every JWT is another one: what has worked is the place that they come from.
            identity: "",
            proven: &self.proven,
            hint: self.hint(),
        };
        let mut auth = method::submit(transport, login, now).await?;
        auth.claims = Some(Arc::new(claims));
        Ok(auth)
    }
}

/// The credential of `source` and the claims of the login that it is from, if that has any.
async fn issue(
    source: &dyn Source,
) -> Result<(Secret, Option<Arc<Map<String, Value>>>), SourceError> {
    let issue = async || {
        let issued = source.issue().await.map(|issued| issued.secret);
        issued.map_err(|error| no_jwt(source.host(), error))
    };
    let before = source.claims();
    let jwt = issue().await?;
    let claims = source.claims();
    let user = |claims: &Option<Arc<Map<String, Value>>>| {
        let claims = claims.as_ref()?;
        claims::subject(claims).map(str::to_owned)
    };
    if before.is_some() && user(&before) != user(&claims) {
        // Another user has signed in meanwhile: the JWT may be that of the former one.
        return Ok((issue().await?, claims));
    }
    Ok((jwt, claims))
}

/// The error of the source of the JWT, which is not an answer about the key: it is never final.
fn no_jwt(source: &str, error: SourceError) -> SourceError {
    match error {
        SourceError::LoginRefused {
            host, reason, hint, ..
        } => SourceError::LoginRefused {
            host,
            reason,
            hint,
            is_final: false,
        },
        error if error.is_final() => SourceError::LoginRefused {
            host: source.to_owned(),
            reason: format!("it needs a JWT: {error}"),
            hint: format!("ask the administrator of '{source}' for the JWT of this login"),
            is_final: false,
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key is Vault's; what another source refuses is the way to it.
    #[test]
    fn no_error_of_the_jwts_source_is_final() {
        let text = || "x".to_owned();
        for error in [
            SourceError::Denied {
                host: text(),
                path: text(),
                reason: text(),
            },
            SourceError::Missing {
                host: text(),
                path: text(),
                reason: text(),
            },
            SourceError::LoginRefused {
                host: text(),
                reason: text(),
                hint: text(),
                is_final: true,
            },
        ] {
            assert!(error.is_final());
            match no_jwt("sso", error) {
                SourceError::LoginRefused { is_final, .. } => assert!(!is_final),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(
            no_jwt("sso", SourceError::Forgotten),
            SourceError::Forgotten
        );
    }
}
