//! Logging in, by each method. See <https://developer.hashicorp.com/vault/api-docs/auth>.

use std::sync::Arc;

use serde::{Deserialize, de::IgnoredAny};
use vaultrs::api::{sys::requests::UnwrapRequest, token::requests::LookupTokenSelfRequest};

use super::{
    answer::{self, Failure},
    post::Post,
    token::{Token, seconds},
    transport::Transport,
};
use crate::{
    clock::Now,
    config::{self, Assertion, AuthMethod, Principal, SecretRef},
    secret::Secret,
    source::{self, Source, SourceError, sanitize, secret_file},
};

/// How to log in, with every placeholder filled in.
pub(super) struct Login {
    mount: String,
    method: Method,
}

enum Method {
    Token(SecretRef),
    AppRole {
        role_id: String,
        secret_id: Option<SecretRef>,
        wrapped: bool,
    },
    UserPass {
        username: String,
        password: SecretRef,
    },
    Jwt {
        role: Option<String>,
        jwt: JwtFrom,
    },
    Cert {
        role: Option<String>,
    },
}

enum JwtFrom {
    Secret(SecretRef),
    Source(Arc<dyn Source>),
}

/// A secret-id and the wrapping token that it came out of, which is good for one unwrapping.
pub(super) struct Unwrapped {
    wrapping: Secret,
    secret_id: Secret,
}

impl Login {
    /// # Errors
    ///
    /// [`SourceError::Configuration`]: a placeholder without a value, a user name that no path can hold.
    pub(super) fn new(
        name: &str,
        auth: &config::AuthConfig,
        principal: &Principal,
        jwt_source: Option<Arc<dyn Source>>,
    ) -> Result<Self, SourceError> {
        let method = match auth.method.clone() {
            AuthMethod::Token(from) => Method::Token(from),
            AuthMethod::AppRole {
                role_id,
                secret_id,
                wrapped,
            } => Method::AppRole {
                role_id,
                secret_id,
                wrapped,
            },
            AuthMethod::UserPass { username, password } => {
                let username = source::resolve(name, "auth.username", &username, principal)?;
                super::check_segment(name, "auth.username", &username)?;
                Method::UserPass { username, password }
            }
            AuthMethod::Jwt { role, jwt } => Method::Jwt {
                role,
                jwt: match (jwt, jwt_source) {
                    (Assertion::Secret(from), _) => JwtFrom::Secret(from),
                    (Assertion::Source(_), Some(source)) => JwtFrom::Source(source),
                    (Assertion::Source(of), None) => {
                        return Err(SourceError::Configuration {
                            reason: format!(
                                "'source.{name}.auth.jwt_source': source '{of}' not found"
                            ),
                            hint: format!("add [source.{of}]"),
                        });
                    }
                },
            },
            AuthMethod::Cert { role, .. } => Method::Cert { role },
        };
        super::check_path(name, "auth.mount", &auth.mount)?;
        Ok(Self {
            mount: auth.mount.clone(),
            method,
        })
    }

    /// Whether the token is made by us, and so is ours to revoke.
    pub(super) fn owns_token(&self) -> bool {
        !matches!(self.method, Method::Token(_))
    }

    /// Logs in: one request, and one more for a wrapped secret-id that is new. `login` is the count for [`Token::login`].
    pub(super) async fn log_in(
        &self,
        transport: &Transport,
        unwrapped: &mut Option<Unwrapped>,
        now: Now,
        login: u64,
    ) -> Result<Token, SourceError> {
        let mount = &self.mount;
        let at_login = format!("auth/{mount}/login");
        let (post, sent, hint) = match &self.method {
            Method::Token(from) => return look_up(transport, from, now, login).await,
            Method::AppRole {
                role_id,
                secret_id,
                wrapped,
            } => {
                let secret_id = match secret_id {
                    None => None,
                    Some(from) if *wrapped => Some(unwrap(transport, from, unwrapped, now).await?),
                    Some(from) => Some(secret_file::read(from)?),
                };
                let mut fields = vec![("role_id", role_id.as_str())];
                fields.extend(secret_id.iter().map(|id| ("secret_id", id.expose())));
                let post = Post::new(at_login, &fields);
                (post, secret_id, self.hint())
            }
            Method::UserPass { username, password } => {
                let password = secret_file::read(password)?;
                let path = format!("{at_login}/{username}");
                (
                    Post::new(path, &[("password", password.expose())]),
                    Some(password),
                    self.hint(),
                )
            }
            Method::Jwt { role, jwt } => {
                let jwt = match jwt {
                    JwtFrom::Secret(from) => secret_file::read(from)?,
                    JwtFrom::Source(source) => source.issue().await?.secret,
                };
                let mut fields = vec![("jwt", jwt.expose())];
                fields.extend(role.iter().map(|role| ("role", role.as_str())));
                (Post::new(at_login, &fields), Some(jwt), self.hint())
            }
            Method::Cert { role } => {
                transport.forget_client();
                let fields: Vec<_> = role.iter().map(|role| ("name", role.as_str())).collect();
                (Post::new(at_login, &fields), None, self.hint())
            }
        };
        let host = &transport.address.name;
        let body = transport
            .call(None, post, now.wall)
            .await
            .map_err(|failure| {
                refused(
                    host,
                    failure,
                    sent.as_ref(),
                    hint,
                    "; check 'auth.mount' and 'namespace'",
                )
            })?;
        let auth = answer::parse::<IgnoredAny>(&body)
            .map_err(|failure| refused(host, failure, None, String::new(), ""))?
            .auth
            .filter(|auth| !auth.client_token.expose().is_empty())
            .ok_or_else(|| SourceError::LoginRefused {
                host: host.clone(),
                reason: "the response has no token (a second factor may be required)".to_owned(),
                hint: "disable the second factor for this login, or use another method".to_owned(),
            })?;
        Ok(Token::from_auth(auth, now, login))
    }

    /// What to do when the login is refused.
    fn hint(&self) -> String {
        match &self.method {
            Method::Token(from) => format!("write a new token to {}", secret_file::name(from)),
            Method::AppRole {
                secret_id: Some(from),
                ..
            } => format!(
                "write a new secret-id to {}; check 'role_id'",
                secret_file::name(from)
            ),
            Method::AppRole { .. } => "check 'role_id'".to_owned(),
            Method::UserPass { username, password } => {
                format!(
                    "write the password of '{username}' to {}",
                    secret_file::name(password)
                )
            }
            Method::Jwt {
                jwt: JwtFrom::Secret(from),
                ..
            } => format!(
                "write a new token to {}; check 'role'",
                secret_file::name(from)
            ),
            Method::Jwt {
                jwt: JwtFrom::Source(source),
                ..
            } => format!(
                "check 'role', and the issuer, audience and key of '{}'",
                source.host()
            ),
            Method::Cert { .. } => "check the certificate in 'cert_file' and 'role'".to_owned(),
        }
    }
}

/// `method = "token"`: asks what is known of the token. One that is not valid any more is refused with 403.
async fn look_up(
    transport: &Transport,
    from: &SecretRef,
    now: Now,
    login: u64,
) -> Result<Token, SourceError> {
    #[derive(Deserialize)]
    struct Data {
        ttl: u64,
        #[serde(default)]
        renewable: bool,
    }
    let host = &transport.address.name;
    let token = secret_file::read(from)?;
    let hint = || {
        format!(
            "write a new token to {}; it may have expired or been revoked",
            secret_file::name(from)
        )
    };
    let parsed = transport
        .call(Some(&token), LookupTokenSelfRequest {}, now.wall)
        .await
        .and_then(|body| answer::parse::<Data>(&body))
        .map_err(|failure| refused(host, failure, Some(&token), hint(), ""))?;
    let data = parsed.data.ok_or_else(|| SourceError::Malformed {
        host: host.clone(),
        reason: "the token lookup has no data".to_owned(),
    })?;
    Ok(Token::new(
        token,
        seconds(data.ttl),
        data.renewable,
        now,
        login,
    ))
}

/// The secret-id behind a wrapping token. It is kept in memory: what is in the file is used up. See
/// <https://developer.hashicorp.com/vault/docs/concepts/response-wrapping>.
async fn unwrap(
    transport: &Transport,
    from: &SecretRef,
    known: &mut Option<Unwrapped>,
    now: Now,
) -> Result<Secret, SourceError> {
    #[derive(Deserialize)]
    struct Data {
        secret_id: Option<Secret>,
    }
    let wrapping = match (secret_file::read(from), &*known) {
        (Ok(wrapping), Some(known)) if known.wrapping == wrapping => {
            return Ok(known.secret_id.clone());
        }
        (Ok(wrapping), _) => wrapping,
        // Used up and removed, as is good practice.
        (Err(_), Some(known)) => return Ok(known.secret_id.clone()),
        (Err(error), None) => return Err(error),
    };
    let host = &transport.address.name;
    let body = transport
        .call(Some(&wrapping), UnwrapRequest { token: None }, now.wall)
        .await
        .map_err(|failure| {
            let hint = format!("write a newly wrapped secret-id to {}; find out what unwrapped the last one", secret_file::name(from));
            match failure {
                Failure::Refused(refusal) if matches!(refusal.status, 400 | 403) => SourceError::LoginRefused {
                    host: host.clone(),
                    reason: "the wrapping token was already used or has expired; another process may have unwrapped it".to_owned(),
                    hint,
                },
                other => refused(host, other, Some(&wrapping), hint, ""),
            }
        })?;
    let data = answer::parse::<Data>(&body)
        .map_err(|failure| refused(host, failure, None, String::new(), ""))?
        .data;
    let Some(secret_id) = data.and_then(|data| data.secret_id) else {
        return Err(SourceError::Unusable {
            host: host.clone(),
            field: "secret_id".to_owned(),
            reason: "is missing in the wrapped response".to_owned(),
        });
    };
    *known = Some(Unwrapped {
        wrapping,
        secret_id: secret_id.clone(),
    });
    Ok(secret_id)
}

/// What `failure` is where we logged in: wrong secrets are 400, an engine that is not mounted 403, for which the hint goes
/// on with `not_there`.
fn refused(
    host: &str,
    failure: Failure,
    sent: Option<&Secret>,
    hint: String,
    not_there: &str,
) -> SourceError {
    let refusal = match answer::common(host, failure) {
        Ok(refusal) => refusal,
        Err(error) => return error,
    };
    let words = refusal.words("no reason given");
    SourceError::LoginRefused {
        host: host.to_owned(),
        reason: sanitize::one_line_without(&words, sent.map_or("", Secret::expose)),
        hint: match refusal.status {
            403..=405 => format!("{hint}{not_there}"),
            _ => hint,
        },
    }
}
