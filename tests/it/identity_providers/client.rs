//! A minimal OAuth client.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;

use crate::support::{
    Upstream,
    identity_provider::{PUBLIC_CLIENT, Page},
    tls::Ca,
    upstream::respond,
};

/// The verifier of PKCE (RFC 7636).
const VERIFIER: &str = "a-code-verifier-of-the-tests-which-is-long-enough";

/// A client of one issuer.
pub(super) struct Client {
    pub(super) discovery: Value,
    http: reqwest::Client,
    /// The loopback listener.
    listener: Upstream,
}

impl Client {
    /// Reads the issuer's discovery document.
    pub(super) async fn new(issuer: &str) -> Self {
        Self::with(issuer, reqwest::Client::builder().no_proxy()).await
    }

    /// [`Client::new`] at an HTTPS URL.
    pub(super) async fn with_ca(issuer: &str, ca: &Ca) -> Self {
        let root = reqwest::Certificate::from_pem(ca.pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        Self::with(issuer, http).await
    }

    async fn with(issuer: &str, http: reqwest::ClientBuilder) -> Self {
        let http = http.build().unwrap();
        let url = format!("{issuer}/.well-known/openid-configuration");
        let discovery = http.get(url).send().await.unwrap().json().await.unwrap();
        let reply = respond("200 OK", "text/plain", &[], "signed in");
        let listener = Upstream::start(reply).await;
        Self {
            discovery,
            http,
            listener,
        }
    }

    pub(super) fn endpoint(&self, name: &str) -> &str {
        self.discovery[name].as_str().unwrap()
    }

    pub(super) fn redirect(&self) -> String {
        format!("{}/callback", self.listener.url())
    }

    /// All scopes, separated by spaces.
    fn scopes(&self) -> String {
        let scopes = self.discovery["scopes_supported"].as_array().unwrap();
        let scopes: Vec<_> = scopes.iter().filter_map(Value::as_str).collect();
        scopes.join(" ")
    }

    pub(super) fn authorization_url(&self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let mut url = Url::parse(self.endpoint("authorization_endpoint")).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", PUBLIC_CLIENT),
            ("redirect_uri", &self.redirect()),
            ("scope", &self.scopes()),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        url.into()
    }

    /// Exchanges the code on the redirect for tokens.
    pub(super) async fn exchange(&self, callback: &Page) -> Value {
        let (status, tokens) = self
            .token(&[
                ("grant_type", "authorization_code"),
                ("code", &parameter(callback, "code").unwrap()),
                ("redirect_uri", &self.redirect()),
                ("code_verifier", VERIFIER),
            ])
            .await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub(super) async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ])
        .await
    }

    /// Starts the device flow.
    pub(super) async fn start_device(&self) -> Value {
        let endpoint = self.endpoint("device_authorization_endpoint");
        let (status, device) = self.post(endpoint, &[("scope", "openid")]).await;
        assert_eq!(status, 200, "{device}");
        device
    }

    pub(super) async fn poll_device(&self, device: &Value) -> (u16, Value) {
        self.token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device["device_code"].as_str().unwrap()),
        ])
        .await
    }

    async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        self.token_as(PUBLIC_CLIENT, fields).await
    }

    pub(super) async fn token_as(&self, client: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let fields = [&[("client_id", client)], fields].concat();
        let request = self.request(self.endpoint("token_endpoint"), &fields);
        read(request.send().await.unwrap()).await
    }

    pub(super) async fn token_with_secret(
        &self,
        client: &str,
        secret: &str,
        fields: &[(&str, &str)],
    ) -> (u16, Value) {
        let request = self.request(self.endpoint("token_endpoint"), fields);
        let request = request.basic_auth(client, Some(secret));
        read(request.send().await.unwrap()).await
    }

    /// Sends a form as [`PUBLIC_CLIENT`].
    pub(super) async fn post(&self, url: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        read(self.try_post(url, fields).await.unwrap()).await
    }

    pub(super) async fn try_post(
        &self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Result<reqwest::Response> {
        let fields = [&[("client_id", PUBLIC_CLIENT)], fields].concat();
        self.request(url, &fields).send().await
    }

    fn request(&self, url: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish())
    }
}

/// The status and the body, which is `null` if it is not JSON.
async fn read(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// A parameter of the redirect.
pub(super) fn parameter(callback: &Page, name: &str) -> Option<String> {
    let mut parameters = callback.url.query_pairs();
    let (_, value) = parameters.find(|(own, _)| own == name)?;
    Some(value.into_owned())
}

/// The claims of a JWT, unverified.
pub(super) fn claims(jwt: &Value) -> Value {
    let payload = jwt.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
