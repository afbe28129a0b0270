//! Finds a server's endpoints: once, and again after a day, or when one of them is gone.

mod document;
mod gateway;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use url::Url;

#[cfg(test)]
pub(super) use self::document::Advice;
use self::document::Document;
pub(super) use self::document::Metadata;
use super::exchange::{Answer, Exchange};
use crate::{
    clock::{Clock, Tick},
    config::{OauthConfig, OauthDiscovery, host_and_port},
    network::one_line,
    source::SourceError,
    sync,
};

/// How long a document is used. Servers keep their endpoints for years; a day bounds how long a
/// changed list of methods or algorithms goes unnoticed.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Finds the metadata of one server.
pub(super) struct Discovery {
    /// The source's name in the configuration.
    name: String,
    from: OauthDiscovery,
    plain_http: bool,
    wants_device_flow: bool,
    clock: Arc<dyn Clock>,
    /// With the time until which it is used.
    found: Mutex<Option<(Tick, Arc<Metadata>)>>,
}

/// A candidate for a server's document.
enum Lookup {
    Found(Box<Document>, Url),
    /// The server has no such document; what it answered.
    Absent(SourceError),
}

impl Discovery {
    pub(super) fn new(
        name: &str,
        config: &OauthConfig,
        wants_device_flow: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            from: config.discovery.clone(),
            plain_http: config.plain_http,
            wants_device_flow,
            clock,
            found: Mutex::default(),
        }
    }

    /// The server that the configuration names.
    pub(super) fn server(&self) -> &Url {
        match &self.from {
            OauthDiscovery::Issuer(issuer) => issuer.url(),
            OauthDiscovery::Gateway(gateway) => gateway.as_url(),
        }
    }

    /// The metadata. If it cannot be discovered again for now, the old one is still used.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if it cannot be discovered, or names another issuer.
    pub(super) async fn metadata(&self, exchange: &Exchange) -> Result<Arc<Metadata>, SourceError> {
        let now = self.clock.now().tick;
        let old = sync::lock(&self.found).clone();
        if let Some((until, metadata)) = &old
            && now < *until
        {
            return Ok(Arc::clone(metadata));
        }
        match (self.discover(exchange).await, old) {
            (Err(error), Some((_, metadata))) if is_temporary(&error) => Ok(metadata),
            (result, _) => result,
        }
    }

    /// Discovers the metadata anew.
    ///
    /// # Errors
    ///
    /// As [`Self::metadata`].
    pub(super) async fn discover(&self, exchange: &Exchange) -> Result<Arc<Metadata>, SourceError> {
        let metadata = match &self.from {
            OauthDiscovery::Issuer(issuer) => self.of_issuer(exchange, issuer.as_str()).await?,
            OauthDiscovery::Gateway(gateway) => self.of_gateway(exchange, gateway.as_url()).await?,
        };
        let metadata = Arc::new(metadata);
        let until = self.clock.now().tick + MAX_AGE;
        *sync::lock(&self.found) = Some((until, Arc::clone(&metadata)));
        Ok(metadata)
    }

    /// Has the next call discover anew, because an endpoint is gone.
    pub(super) fn expire(&self) {
        if let Some((until, _)) = &mut *sync::lock(&self.found) {
            *until = Tick::default();
        }
    }

    /// The metadata of `issuer`: by OpenID Connect Discovery, or else by RFC 8414.
    async fn of_issuer(&self, exchange: &Exchange, issuer: &str) -> Result<Metadata, SourceError> {
        let invalid = || SourceError::Configuration {
            reason: format!("'{}' is not the URL of an issuer", one_line(issuer)),
            hint: format!("correct 'issuer' of source '{}'", self.name),
        };
        let url = Url::parse(issuer).map_err(|_| invalid())?;
        let [openid, oauth] = documents_of(&url);
        let (document, url) = match self.look_up(exchange, &openid).await? {
            Lookup::Found(document, url) => (document, url),
            Lookup::Absent(first) => match self.look_up(exchange, &oauth).await? {
                Lookup::Found(document, url) => (document, url),
                Lookup::Absent(_) => return Err(first),
            },
        };
        self.accept(*document, issuer, &url)
    }

    /// The metadata of `issuer` in `document`, which was found at `url`.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if it is another issuer's document, or has an invalid endpoint.
    fn accept(&self, document: Document, issuer: &str, url: &Url) -> Result<Metadata, SourceError> {
        if document.issuer != issuer {
            return Err(self.other_issuer(issuer, &document.shown_issuer));
        }
        document.check(url, self.plain_http)
    }

    fn other_issuer(&self, expected: &str, actual: &str) -> SourceError {
        let expected = one_line(expected);
        SourceError::Configuration {
            reason: format!(
                "the document of the issuer '{expected}' is that of '{actual}', and issuers are \
                 compared as they are written"
            ),
            hint: format!(
                "if both are your identity provider, set 'source.{}.issuer' to '{actual}'",
                self.name
            ),
        }
    }

    /// Fetches the document at `url`.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if the server does not answer for now.
    async fn look_up(&self, exchange: &Exchange, url: &Url) -> Result<Lookup, SourceError> {
        let answer = exchange.get(url).await?;
        if answer.is_unavailable() {
            return Err(answer.unavailable(None));
        }
        Ok(match parse(&answer) {
            Some(document) => Lookup::Found(Box::new(document), url.clone()),
            None => Lookup::Absent(absent(&answer, url)),
        })
    }
}

#[cfg(feature = "test-util")]
impl Discovery {
    /// What is made of `answer`, for the fuzz target: the metadata of `issuer`; `None` if it is no
    /// document.
    pub(super) fn of_answer(
        &self,
        answer: &Answer,
        issuer: &str,
    ) -> Option<Result<Metadata, SourceError>> {
        let url = Url::parse(issuer).ok()?;
        let [url, _] = documents_of(&url);
        Some(self.accept(parse(answer)?, issuer, &url))
    }
}

/// Whether `error` is one of the network, or of a program in the server's place.
fn is_temporary(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::Unreachable { .. }
            | SourceError::Unavailable { .. }
            | SourceError::WebPage { .. }
            | SourceError::Malformed { .. }
    )
}

fn parse(answer: &Answer) -> Option<Document> {
    if answer.status != 200 || answer.is_page {
        return None;
    }
    let mut document: Document = serde_json::from_slice(&answer.body).ok()?;
    document.shown_issuer = answer.clean(&document.issuer);
    Some(document)
}

/// The error of an answer that is no document.
fn absent(answer: &Answer, url: &Url) -> SourceError {
    let is_missing = (400..500).contains(&answer.status);
    if !is_missing && (answer.is_page || (300..400).contains(&answer.status)) {
        return answer.page();
    }
    SourceError::Malformed {
        host: host_and_port(url),
        reason: format!(
            "no discovery document at '{}' ({})",
            url.path(),
            answer.status
        ),
    }
}

/// The addresses of the documents of `issuer`: OpenID Connect appends the well-known path, RFC 8414
/// inserts it before the issuer's own.
fn documents_of(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    [
        with_path(issuer, &format!("{path}/.well-known/openid-configuration")),
        with_path(
            issuer,
            &format!("/.well-known/oauth-authorization-server{path}"),
        ),
    ]
}

fn with_path(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_is_appended_or_inserted() {
        for (issuer, openid, oauth) in [
            (
                "https://a.test",
                "https://a.test/.well-known/openid-configuration",
                "https://a.test/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.test/",
                "https://a.test/.well-known/openid-configuration",
                "https://a.test/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.test:8443/realms/x/",
                "https://a.test:8443/realms/x/.well-known/openid-configuration",
                "https://a.test:8443/.well-known/oauth-authorization-server/realms/x",
            ),
        ] {
            let documents = documents_of(&issuer.parse().unwrap());
            assert_eq!(documents.map(String::from), [openid, oauth], "{issuer}");
        }
    }
}
