//! What a store keeps of a login: one JSON object.

use std::{io, mem};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    exposed,
    server::{Claims, Registration},
};
use crate::{clock::Timestamp, config::OauthConfig, secret::Secret, source::Login};

/// The version of the format. A record of a later one is not read: it may mean something else.
const VERSION: u32 = 1;

/// A login, as it rests in a store. Fields that this version does not know are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The issuer, as its document has it. A gateway that names the issuer may name another one
    /// later, which must not get what belongs to this one.
    pub(super) issuer: String,
    #[serde(default, serialize_with = "exposed::optional")]
    pub(super) refresh_token: Option<Secret>,
    /// What the server issued, if it issued no refresh token: the login lasts as long as this.
    pub(super) tokens: Option<StoredTokens>,
    /// The claims of the ID token, else of the access token.
    pub(super) claims: Claims,
    pub(super) login: Login,
    /// What the login was made for.
    pub(super) request: Request,
    /// Whether the server has replaced the refresh token at a refresh.
    #[serde(default)]
    pub(super) rotates: bool,
    /// The registration of the client that the tokens belong to, if it is not a configured one.
    pub(super) registration: Option<Registration>,
}

/// The tokens of a login that cannot be renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredTokens {
    #[serde(serialize_with = "exposed::one")]
    pub(super) access_token: Secret,
    #[serde(default, serialize_with = "exposed::optional")]
    pub(super) id_token: Option<Secret>,
    pub(super) expires_at: Option<Timestamp>,
}

/// What tokens are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    scopes: Vec<String>,
    resource: Option<String>,
    audience: Option<String>,
}

impl Record {
    /// A new login at `issuer`, made for `request`.
    pub(super) fn new(issuer: String, request: Request, login: Login, claims: Claims) -> Self {
        Self {
            version: VERSION,
            issuer,
            refresh_token: None,
            tokens: None,
            claims,
            login,
            request,
            rotates: false,
            registration: None,
        }
    }

    /// Whether the user must sign in again at `now`.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.login.expires_at.is_some_and(|end| end <= now)
    }

    /// The JSON object.
    pub(super) fn to_secret(&self) -> Secret {
        let mut buffer = WipedBuffer(Zeroizing::default());
        // Neither the types nor a buffer in memory can fail.
        let _ = serde_json::to_writer(&mut buffer, self);
        let bytes = mem::take(&mut *buffer.0);
        Secret::new(String::from_utf8(bytes).unwrap_or_default())
    }

    /// The record in `json`.
    ///
    /// # Errors
    ///
    /// Why it is not one, without any part of it.
    pub(super) fn parse(json: &Secret) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let syntax = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            format!("expected a login, got other text (line {line}, column {column})")
        };
        let Versioned { version } = serde_json::from_str(json.expose()).map_err(syntax)?;
        match version {
            VERSION => serde_json::from_str(json.expose()).map_err(syntax),
            other => Err(format!("it has the format {other} of another version")),
        }
    }
}

impl Request {
    pub(super) fn of(config: &OauthConfig) -> Self {
        Self {
            scopes: config.scopes.clone(),
            resource: config.resource.clone(),
            audience: config.audience.clone(),
        }
    }
}

/// A buffer that wipes the memory which it outgrows.
struct WipedBuffer(Zeroizing<Vec<u8>>);

impl io::Write for WipedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.0.len() + bytes.len();
        if len > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * len));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(is_renewable: bool) -> Record {
        let secret = |text: &str| Secret::new(text.to_owned());
        let login = Login {
            subject: Some("ada".to_owned()),
            name: None,
            groups: vec!["eng".to_owned()],
            signed_in_at: Timestamp::from_second(1_800_000_000).unwrap(),
            expires_at: Some(Timestamp::from_second(1_800_003_600).unwrap()),
            is_renewable,
        };
        let request = Request {
            scopes: vec!["openid".to_owned()],
            resource: None,
            audience: Some("llm".to_owned()),
        };
        let claims = Claims::from_iter([("sub".to_owned(), json!("ada"))]);
        Record {
            refresh_token: is_renewable.then(|| secret("refresh-\"1\"")),
            tokens: (!is_renewable).then(|| StoredTokens {
                access_token: secret("access-1"),
                id_token: Some(secret("id-1")),
                expires_at: None,
            }),
            registration: Some(Registration {
                client_id: "registered".to_owned(),
                client_secret: Some(secret("client-1")),
                registration_client_uri: None,
                redirect_uris: Vec::new(),
            }),
            ..Record::new("https://idp.test".to_owned(), request, login, claims)
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in [record(true), record(false)] {
            assert_eq!(Record::parse(&record.to_secret()), Ok(record));
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_absent_ones_have_a_meaning() {
        let json = record(true).to_secret();
        let mut fields: Value = serde_json::from_str(json.expose()).unwrap();
        fields["later"] = json!({ "a": 1 });
        for optional in ["rotates", "tokens", "registration"] {
            fields.as_object_mut().unwrap().remove(optional);
        }
        let read = Record::parse(&Secret::new(fields.to_string())).unwrap();
        assert_eq!(read.refresh_token, record(true).refresh_token);
    }

    #[test]
    fn what_is_no_record_is_refused_without_a_part_of_it() {
        for json in [
            "",
            "canary",
            "{}",
            "[1]",
            r#"{"version":1,"canary":"canary"}"#,
        ] {
            let error = Record::parse(&Secret::new(json.to_owned())).unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
        let error = Record::parse(&Secret::new(r#"{"version":7}"#.to_owned())).unwrap_err();
        assert!(error.contains("format 7"), "{error}");
    }

    #[test]
    fn the_buffer_keeps_all_of_a_long_text() {
        let mut record = record(true);
        let long = "r\u{1}é".repeat(10_000);
        record.refresh_token = Some(Secret::new(long.clone()));
        let read = Record::parse(&record.to_secret()).unwrap();
        assert_eq!(read.refresh_token.unwrap().expose(), long);
    }
}
