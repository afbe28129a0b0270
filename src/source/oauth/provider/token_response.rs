//! The bodies of successful responses: tokens (RFC 6749, section 5.1), device codes (RFC 8628,
//! section 3.2).

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Url;

use super::exchange::Answer;
use crate::{
    clock::Now,
    config::is_loopback,
    secret::Secret,
    source::{
        SourceError,
        oauth::server::{DeviceCode, TokenResponse},
    },
};

/// The interval between two polls if the server does not say (RFC 8628, section 3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// The longest interval that is obeyed: with a longer one, a code expires between two polls.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct TokenBody {
    access_token: Option<Secret>,
    token_type: Option<String>,
    id_token: Option<Secret>,
    refresh_token: Option<Secret>,
    #[serde(default)]
    expires_in: Seconds,
    /// Keycloak's.
    #[serde(default)]
    refresh_expires_in: Seconds,
    /// Okta's and Entra's.
    #[serde(default)]
    refresh_token_expires_in: Seconds,
}

#[derive(Deserialize)]
struct DeviceBody {
    device_code: Secret,
    user_code: String,
    /// Google calls it `verification_url`.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    #[serde(default)]
    expires_in: Seconds,
    #[serde(default)]
    interval: Seconds,
}

/// A positive number of seconds, which some servers write as a string; `None` for anything else,
/// which says nothing about a lifetime.
#[derive(Default)]
struct Seconds(Option<Duration>);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let seconds = match &value {
            serde_json::Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let duration = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
        Ok(Self(duration.filter(|duration| !duration.is_zero())))
    }
}

/// The tokens in `answer`; `obtained` is just before the request.
///
/// # Errors
///
/// [`SourceError::Malformed`]: it quotes nothing of the body.
pub(super) fn tokens(answer: &Answer, obtained: Now) -> Result<TokenResponse, SourceError> {
    let body: TokenBody = parse(answer, "token response")?;
    let present = |token: Option<Secret>| token.filter(|token| !token.expose().trim().is_empty());
    let access_token = present(body.access_token)
        .ok_or_else(|| answer.malformed("the token response lacks 'access_token'"))?;
    match body.token_type {
        Some(kind) if kind.eq_ignore_ascii_case("bearer") => {}
        // It may repeat a token in the wrong field.
        Some(_) => return Err(answer.malformed("the token's type is not 'Bearer'")),
        None => return Err(answer.malformed("the token response lacks 'token_type'")),
    }
    Ok(TokenResponse {
        access_token,
        id_token: present(body.id_token),
        refresh_token: present(body.refresh_token),
        lifetime: body.expires_in.0,
        refresh_lifetime: body
            .refresh_expires_in
            .0
            .or(body.refresh_token_expires_in.0),
        obtained,
    })
}

/// The device code in `answer`; `obtained` is just before the request.
///
/// # Errors
///
/// [`SourceError::Malformed`].
pub(super) fn device_code(
    answer: &Answer,
    obtained: Now,
    plain_http: bool,
) -> Result<DeviceCode, SourceError> {
    let body: DeviceBody = parse(answer, "device authorization response")?;
    let page = |name: &str, text: &str| {
        let url = Url::parse(text).ok().filter(|url| {
            url.scheme() == "https" || (url.scheme() == "http" && (plain_http || is_loopback(url)))
        });
        url.map(String::from).ok_or_else(|| {
            answer.malformed(format!("'{name}' of its device code is not an https URL"))
        })
    };
    let user_code = answer.clean(&body.user_code);
    if user_code.is_empty() {
        return Err(answer.malformed("its device code has an empty 'user_code'"));
    }
    let complete = body.verification_uri_complete.filter(|uri| !uri.is_empty());
    Ok(DeviceCode {
        device_code: body.device_code,
        user_code,
        verification_uri: page("verification_uri", &body.verification_uri)?,
        verification_uri_complete: complete
            .map(|uri| page("verification_uri_complete", &uri))
            .transpose()?,
        obtained,
        lifetime: body
            .expires_in
            .0
            .ok_or_else(|| answer.malformed("its device code lacks 'expires_in'"))?,
        interval: body
            .interval
            .0
            .unwrap_or(DEFAULT_INTERVAL)
            .min(MAX_INTERVAL),
    })
}

fn parse<'a, T: Deserialize<'a>>(answer: &'a Answer, expected: &str) -> Result<T, SourceError> {
    if answer.is_page {
        return Err(answer.page());
    }
    // Only the position: serde's message quotes values.
    serde_json::from_slice(&answer.body).map_err(|e| {
        answer.malformed(format!(
            "expected a {expected}, got something else (line {}, column {})",
            e.line(),
            e.column()
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        clock::{Clock as _, ManualClock},
        network::RequestSecrets,
    };

    fn answer(body: &Value) -> Answer {
        Answer {
            host: "i.test".to_owned(),
            status: 200,
            body: Zeroizing::new(body.to_string().into_bytes()),
            is_page: false,
            retry_after: None,
            secrets: RequestSecrets::default(),
        }
    }

    fn now() -> Now {
        ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()).now()
    }

    #[test]
    fn a_lifetime_is_a_number_or_a_numeric_string() {
        for (expires_in, expected) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(3600.0), Some(3600)),
            (json!(0), None),
            (json!(-5), None),
            (json!("soon"), None),
            (json!("1e400"), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            let body = json!({
                "access_token": "at", "token_type": "bearer", "expires_in": expires_in,
            });
            let lifetime = tokens(&answer(&body), now()).unwrap().lifetime;
            assert_eq!(lifetime, expected.map(Duration::from_secs), "{expires_in}");
        }
    }

    #[test]
    fn a_token_is_a_bearer_token() {
        for (token_type, is_accepted) in [
            (json!("Bearer"), true),
            (json!("bearer"), true),
            (json!("BEARER"), true),
            (json!("DPoP"), false),
            (json!("mac"), false),
            (json!(null), false),
        ] {
            let body = json!({ "access_token": "at", "token_type": token_type });
            assert_eq!(
                tokens(&answer(&body), now()).is_ok(),
                is_accepted,
                "{token_type}"
            );
        }
        for body in [
            json!({ "token_type": "bearer" }),
            json!({ "token_type": "bearer", "access_token": "" }),
            json!({ "token_type": "bearer", "access_token": null }),
            json!({ "token_type": "bearer", "access_token": 5 }),
            json!([]),
            json!("hunter2"),
        ] {
            let error = tokens(&answer(&body), now()).unwrap_err();
            assert!(matches!(error, SourceError::Malformed { .. }), "{body}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn empty_tokens_are_absent() {
        let body = json!({
            "access_token": "at", "token_type": "bearer", "refresh_token": "", "id_token": null,
        });
        let response = tokens(&answer(&body), now()).unwrap();
        assert_eq!((response.refresh_token, response.id_token), (None, None));
    }

    #[test]
    fn a_device_code_has_a_page_and_an_interval() {
        let parse = |change: &Value| {
            let mut body = json!({
                "device_code": "dc", "user_code": "AB\n-CD", "expires_in": "300",
                "verification_uri": "https://i.test/device",
            });
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            device_code(&answer(&body), now(), false)
        };
        let code = parse(&json!({})).unwrap();
        assert_eq!(code.user_code, "AB -CD");
        assert_eq!(
            (code.interval, code.lifetime.as_secs()),
            (DEFAULT_INTERVAL, 300)
        );
        for (interval, seconds) in [
            (json!(2), 2),
            (json!("7"), 7),
            (json!(0), 5),
            (json!(9999), 60),
        ] {
            let code = parse(&json!({ "interval": interval })).unwrap();
            assert_eq!(code.interval.as_secs(), seconds);
        }
        for change in [
            json!({ "verification_uri": "javascript:alert(1)" }),
            json!({ "verification_uri": "http://i.test/device" }),
            json!({ "verification_uri_complete": "file:///etc/passwd" }),
            json!({ "user_code": "" }),
            json!({ "expires_in": 0 }),
            json!({ "device_code": null }),
        ] {
            assert!(parse(&change).is_err(), "{change}");
        }
    }
}
