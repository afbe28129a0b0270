//! Sign-in at the server that a gateway names, with clients that register themselves.

use std::sync::Arc;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::fixture::REFRESH;
use crate::support::{
    TestEnv,
    identity_provider::{PASSWORD, PUBLIC_CLIENT, Person, Target},
    jwt::claims,
    litellm::{KeyCheck, LiteLlm},
    login_command::{LoginCommand, parameter, sign_in, sign_in_by_device},
    oidc_provider::{OidcProvider, OidcProviderOptions},
    upstream::{Upstream, UpstreamReply},
};

const REGISTER: Target = Target::Path("/register");
const REVOKE: Target = Target::Path("/revoke");

/// A configuration with nothing but the gateway; `more` are further lines of the source's table.
fn config(gateway: &str, more: &str) -> String {
    format!(
        "[profile.default]\nsource = \"sso\"\n\n[source.sso]\ntype = \"oauth\"\n\
         discover = \"{gateway}\"\nstore = \"file\"\n{more}\n"
    )
}

/// As of a server that is no OpenID provider: it has no key set.
const NO_ID_TOKEN: &str = "scopes = [\"llm\"]";

/// A gateway's documents by path, of its URL and the provider's.
type Documents = fn(&str, &str) -> Value;

/// oidc-provider that registers clients, the gateway that names it, and a machine.
struct Advertised {
    provider: OidcProvider,
    gateway: Upstream,
    env: TestEnv,
}

impl Advertised {
    /// `documents` are made of the gateway's and the provider's URL; `more` are further lines of
    /// the source's table.
    async fn start(
        documents: impl Fn(&str, &str) -> Value + Send + Sync + 'static,
        more: &str,
    ) -> Self {
        let options = OidcProviderOptions {
            registration: true,
            // LiteLLM's redirect has none either.
            issuer_on_redirect: false,
            ..OidcProviderOptions::default()
        };
        let provider = OidcProvider::start_with(options).await;
        let issuer = provider.issuer().to_owned();
        let reply = UpstreamReply::Answer(Arc::new(move |request| {
            let path = request.split(' ').nth(1).unwrap();
            let host = request
                .lines()
                .find_map(|line| line.strip_prefix("host: "))
                .unwrap();
            let documents = documents(&format!("http://{host}"), &issuer);
            let (status, body) = match documents.get(path) {
                Some(document) => ("200 OK", document.to_string()),
                None => ("404 Not Found", r#"{"detail":"Not Found"}"#.to_owned()),
            };
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            )
        }));
        let gateway = Upstream::start(reply).await;
        let env = TestEnv::new();
        env.add_secret(PASSWORD);
        env.write_config(&config(&gateway.url(), more));
        Self {
            provider,
            gateway,
            env,
        }
    }

    async fn key(&self) -> Value {
        let output = self.env.helper().await;
        let key = output.succeeded().trim_end().to_owned();
        self.env.add_secret(&key);
        claims(&key)
    }
}

/// Its own endpoints, as LiteLLM 1.106.2 lists them.
fn cli_auth(gateway: &str, provider: &str) -> Value {
    json!({"/.well-known/litellm-cli-auth": {
        "contract_version": 1,
        "issuer": gateway,
        "authorization_endpoint": format!("{provider}/auth"),
        "token_endpoint": format!("{provider}/token"),
        "registration_endpoint": format!("{provider}/register"),
        "revocation_endpoint": format!("{provider}/revoke"),
        "resource": gateway,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
    }})
}

/// Its own endpoints of RFC 8414, with those of RFC 8628.
fn authorization_server(gateway: &str, provider: &str) -> Value {
    json!({"/.well-known/oauth-authorization-server": {
        "issuer": gateway,
        "authorization_endpoint": format!("{provider}/auth"),
        "token_endpoint": format!("{provider}/token"),
        "device_authorization_endpoint": format!("{provider}/device_authorization"),
        "registration_endpoint": format!("{provider}/register"),
        "revocation_endpoint": format!("{provider}/revoke"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
    }})
}

/// RFC 9728.
fn protected_resource(gateway: &str, provider: &str) -> Value {
    json!({"/.well-known/oauth-protected-resource": {
        "resource": gateway,
        "authorization_servers": [provider],
        "scopes_supported": [],
    }})
}

/// A client registers once, whatever ends the daemon, and its login is refreshed and revoked as
/// that of any other client.
#[tokio::test]
async fn each_document_leads_to_a_login_of_a_client_that_registers_once() {
    for (name, documents, more) in [
        ("litellm-cli-auth", cli_auth as Documents, NO_ID_TOKEN),
        (
            "oauth-authorization-server",
            authorization_server,
            NO_ID_TOKEN,
        ),
        ("oauth-protected-resource", protected_resource, ""),
    ] {
        let advertised = Advertised::start(documents, more).await;
        let Advertised { provider, env, .. } = &advertised;
        let (_, end) = sign_in(env, &[]).await;
        end.signed_in();
        let first = advertised.key().await;
        let client = first["client_id"].as_str().unwrap().to_owned();
        assert_ne!(client, PUBLIC_CLIENT, "{name}");
        if name != "oauth-authorization-server" {
            assert_eq!(first["aud"], advertised.gateway.url(), "{name}");
        }
        for signal in [Signal::TERM, Signal::KILL] {
            env.kill_daemon(signal);
            assert_eq!(advertised.key().await["client_id"], *client, "{name}");
        }
        assert_eq!(provider.front.count(REGISTER), 1, "{name}");
        assert_eq!(provider.front.count(REFRESH), 2, "{name}");
        env.claviger(&["logout"]).await.succeeded();
        let revoked = provider.front.requests_to(REVOKE);
        assert_eq!(revoked.len(), 1, "{name}");
        assert_eq!(revoked[0].form["client_id"], client);
        env.helper().await.failed(3, &["claviger login default"]);
    }
}

/// The gateway names the issuer, the client and what to ask for.
#[tokio::test]
async fn a_gateway_can_name_a_registered_client() {
    let documents: Documents = |_, provider| {
        json!({"/.well-known/litellm-ui-config": {
            "server_root_path": "",
            "proxy_base_url": null,
            "sso_configured": true,
            "workers": [],
            "native_oidc": {
                "issuer": provider,
                "client_id": PUBLIC_CLIENT,
                "scopes": ["openid", "groups"],
            },
        }})
    };
    let advertised = Advertised::start(documents, "").await;
    let (_, end) = sign_in(&advertised.env, &[]).await;
    assert_eq!(end.signed_in()["login"]["subject"], "ana");
    assert_eq!(advertised.key().await["client_id"], PUBLIC_CLIENT);
    assert_eq!(advertised.provider.front.count(REGISTER), 0);
}

#[tokio::test]
async fn a_registered_client_can_use_a_code() {
    let more = format!("flow = \"device\"\n{NO_ID_TOKEN}");
    let advertised = Advertised::start(authorization_server, &more).await;
    sign_in_by_device(&advertised.env).await.signed_in();
    advertised.key().await;
    assert_eq!(advertised.provider.front.count(REGISTER), 1);
}

#[tokio::test]
async fn a_gateway_without_a_document_is_named() {
    let advertised = Advertised::start(|_, _| json!({}), "").await;
    let end = LoginCommand::start(&advertised.env, &["--no-browser"])
        .end()
        .await;
    let host = advertised.gateway.host();
    end.failed(2, &[&host, "'issuer' and 'client_id'"]);
}

/// A gateway that does not register the client says what the administrator must do.
#[tokio::test]
async fn a_server_that_registers_no_clients_is_named() {
    let mut advertised = Advertised::start(protected_resource, "").await;
    advertised
        .provider
        .configure(|options| options.registration = false)
        .await;
    let end = LoginCommand::start(&advertised.env, &["--no-browser"])
        .end()
        .await;
    end.failed(2, &["registers no clients", "'source.sso.client_id'"]);
}

/// LiteLLM itself, as far as it goes without a database: it registers the client, and its page is
/// the one of its own sign-in.
#[tokio::test]
async fn litellm_registers_the_client_and_asks_for_a_login() {
    let gateway = LiteLlm::start(KeyCheck::NoDatabase, &[]).await;
    let env = TestEnv::with_config(&config(gateway.upstream(), ""));
    let mut login = LoginCommand::start(&env, &["--no-browser"]);
    let url = login.page().await;
    assert!(
        url.starts_with(&format!("{}/authorize?", gateway.upstream())),
        "{url}"
    );
    assert!(!parameter(&url, "client_id").unwrap().is_empty());
    assert_eq!(
        parameter(&url, "resource").as_deref(),
        Some(gateway.upstream())
    );
    let page = Person::new().open(&url).await;
    assert_ne!(page.status, 400, "{page:?}");
    assert!(page.url.path().contains("/sso/key/generate"), "{page:?}");
    login.interrupt();
    login.end().await;
}

/// Below its path for Claude Code, it offers a code only.
#[tokio::test]
async fn litellm_offers_a_code_for_claude_code() {
    let gateway = LiteLlm::start(KeyCheck::NoDatabase, &[]).await;
    let base = format!("{}/claude_code_gateway", gateway.upstream());
    let env = TestEnv::with_config(&config(
        &base,
        "flow = \"device\"\nclient_id = \"claude_code\"",
    ));
    let mut login = LoginCommand::start(&env, &[]);
    let device = login.event("device").await;
    let page = device["verification_uri"].as_str().unwrap();
    assert!(page.starts_with(gateway.upstream()), "{device}");
    assert!(!device["user_code"].as_str().unwrap().is_empty());
    login.interrupt();
    login.end().await;
}
