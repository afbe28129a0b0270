//! What a response of another program than Vault shows of that program: an API gateway, a proxy or
//! a load balancer, which answers in Vault's place.

use std::fmt;

use http::header;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::network::{ForeignText, HttpResponse, RequestSecrets};

/// The fields that hold a message, the best one first: `message` of AWS, Kong, Azure and
/// Cloudflare (there in `errors`), `error` of Spring and Google, `detail` and `title` of RFC 9457,
/// `fault` of Apigee.
const MESSAGE_FIELDS: [&str; 9] = [
    "message",
    "error_description",
    "error",
    "errors",
    "detail",
    "title",
    "faultstring",
    "fault",
    "reason",
];

/// The most characters of the program's message and of its name: with the rest of the error, the
/// client shows 400.
const MAX_MESSAGE: usize = 60;
const MAX_NAME: usize = 30;

/// The headers that show who has written a response.
#[derive(Default)]
pub(super) struct AuthorHeaders {
    is_plain_text: bool,
    server: ForeignText,
    via: ForeignText,
}

/// Another program than Vault, as far as its response shows. Cleaned of the request's secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Author {
    has_body: bool,
    message: String,
    /// The header `Server`.
    server: String,
    /// The header `Via`.
    via: String,
}

impl AuthorHeaders {
    pub(super) fn of(response: &HttpResponse) -> Self {
        let text = |name| response.header(name).unwrap_or_default();
        Self::new(
            text(header::CONTENT_TYPE),
            text(header::SERVER),
            text(header::VIA),
        )
    }

    pub(super) fn new(content_type: &str, server: &str, via: &str) -> Self {
        Self {
            is_plain_text: content_type.to_ascii_lowercase().starts_with("text/plain"),
            server: ForeignText::new(server),
            via: ForeignText::new(via),
        }
    }
}

impl Author {
    /// The author of a response with this body and these headers to a request with `secrets`.
    pub(super) fn new(body: &[u8], headers: &AuthorHeaders, secrets: &RequestSecrets) -> Self {
        let cleaned = |text: &ForeignText, limit| shorten(&text.clean(secrets), limit);
        Self {
            has_body: !body.trim_ascii().is_empty(),
            message: cleaned(&message(body, headers.is_plain_text), MAX_MESSAGE),
            server: cleaned(&headers.server, MAX_NAME),
            via: cleaned(&headers.via, MAX_NAME),
        }
    }

    /// `server 'kong/3.6'`, or the header `Via`; `None` without both.
    pub(super) fn name(&self) -> Option<String> {
        match (self.server.as_str(), self.via.as_str()) {
            ("", "") => None,
            ("", via) => Some(format!("via '{via}'")),
            (server, _) => Some(format!("server '{server}'")),
        }
    }

    /// ` ('no Route matched with those values', server 'kong/3.6')`, or nothing.
    pub(super) fn details(&self) -> String {
        let message = match (self.has_body, self.message.as_str()) {
            (false, _) => Some("no body".to_owned()),
            (true, "") => None,
            (true, message) => Some(format!("'{message}'")),
        };
        let parts: Vec<_> = message.into_iter().chain(self.name()).collect();
        match parts.is_empty() {
            true => String::new(),
            false => format!(" ({})", parts.join(", ")),
        }
    }
}

/// The first `limit` characters of `text`, which is one line.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some(_) => text.chars().take(limit - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The message in a body; empty if there is none for people to read.
fn message(body: &[u8], is_plain_text: bool) -> ForeignText {
    if let Ok(found) = serde_json::from_slice::<Message>(body) {
        return found.0.unwrap_or_default();
    }
    match std::str::from_utf8(body) {
        // Not the JSON or the page that has a wrong content type.
        Ok(text) if is_plain_text && !text.trim_start().starts_with(['{', '[', '<']) => {
            ForeignText::new(text)
        }
        _ => ForeignText::default(),
    }
}

/// The message in any JSON value.
struct Message(Option<ForeignText>);

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageVisitor).map(Self)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Option<ForeignText>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((!text.trim().is_empty()).then(|| ForeignText::new(text)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    /// The first message of a list.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Message(message)) = items.next_element()? {
            found = found.or(message);
        }
        Ok(found)
    }

    /// The message of the best field.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut best: Option<(usize, ForeignText)> = None;
        while let Some(name) = fields.next_key::<String>()? {
            let known = |field: &str| name.eq_ignore_ascii_case(field);
            let Some(rank) = MESSAGE_FIELDS.iter().position(|field| known(field)) else {
                fields.next_value::<IgnoredAny>()?;
                continue;
            };
            let Message(message) = fields.next_value()?;
            if let Some(message) = message
                && best.as_ref().is_none_or(|(other, _)| rank < *other)
            {
                best = Some((rank, message));
            }
        }
        Ok(best.map(|(_, message)| message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn details(body: &str, headers: (&str, &str, &str), secret: &str) -> String {
        let (content_type, server, via) = headers;
        let headers = AuthorHeaders::new(content_type, server, via);
        let secrets = [Secret::new(secret.to_owned())].into_iter().collect();
        Author::new(body.as_bytes(), &headers, &secrets).details()
    }

    #[test]
    fn the_message_and_the_name_of_the_program_are_shown() {
        let json = ("application/json", "", "");
        for (body, headers, expected) in [
            (r#"{"message":"Forbidden"}"#, json, " ('Forbidden')"),
            (
                r#"{"Message":"User is not authorized"}"#,
                json,
                " ('User is not authorized')",
            ),
            (
                r#"{"timestamp":1,"status":403,"error":"Forbidden","path":"/v1"}"#,
                json,
                " ('Forbidden')",
            ),
            (
                r#"{"error":{"code":7,"message":"API key expired"}}"#,
                json,
                " ('API key expired')",
            ),
            (
                r#"{"success":false,"errors":[{"code":1000,"message":"blocked"}],"result":null}"#,
                json,
                " ('blocked')",
            ),
            (
                r#"{"fault":{"detail":{"errorcode":"x"},"faultstring":"Invalid key"}}"#,
                json,
                " ('Invalid key')",
            ),
            (
                r#"{"title":"Gone","detail":"since May"}"#,
                json,
                " ('since May')",
            ),
            (r#"{"status":403,"message":null}"#, json, ""),
            ("[]", json, ""),
            ("17", json, ""),
            (
                "404 page not found\n",
                ("text/plain; charset=utf-8", "", ""),
                " ('404 page not found')",
            ),
            (
                "RBAC: access denied",
                ("text/plain", "envoy", "1.1 google"),
                " ('RBAC: access denied', server 'envoy')",
            ),
            (
                "<html>x</html>",
                ("text/html", "nginx/1.27", ""),
                " (server 'nginx/1.27')",
            ),
            (
                "",
                ("", "", "1.1 proxy (squid/6.6)"),
                " (no body, via '1.1 proxy (squid/6.6)')",
            ),
            (" \n", ("", "", ""), " (no body)"),
            ("secret data", ("", "", ""), ""),
            ("<b>x</b>", ("text/plain", "", ""), ""),
            ("{\"key\":", ("text/plain", "", ""), ""),
        ] {
            assert_eq!(details(body, headers, ""), expected, "{body}");
        }
    }

    #[test]
    fn neither_is_long_repeats_a_secret_or_controls_a_terminal() {
        const TOKEN: &str = "hvs.CAESIJ-4f+k/9";
        let body = format!(r#"{{"message":"bad token {TOKEN}"}}"#);
        let shown = details(&body, ("", TOKEN, TOKEN), TOKEN);
        assert!(
            shown.contains("(omitted") && !shown.contains("hvs"),
            "{shown}"
        );
        let body = r#"{"message":"a\u001b[2J\nb"}"#;
        assert_eq!(details(body, ("", "", ""), TOKEN), " ('a [2J b')");
        let long = "ü".repeat(500);
        let body = format!(r#"{{"message":"{long}"}}"#);
        let shown = details(&body, ("", &"x".repeat(500), ""), TOKEN);
        assert!(shown.chars().count() < 120, "{shown}");
    }
}
