//! oidc-provider in the ways of the usual providers, by their presets where the rules of these
//! allow an issuer on this machine.

use serde_json::{Value, json};

use super::{
    client_key::ClientKey,
    fixture::{REFRESH, Sso, config},
};
use crate::support::{
    TestEnv,
    identity_provider::{
        CLIENT_SECRET, CONFIDENTIAL_CLIENT, Fault, PASSWORD, PUBLIC_CLIENT, Person, Target, USER,
    },
    jwt::claims,
    login_command::{LoginCommand, LoginEnd, parameter, sign_in},
    oidc_provider::{OidcProvider, OidcProviderOptions, exact_client, private_key_client},
    tools::free_port,
};

const CODES: Target = Target::Grant("authorization_code");

/// The audience of the access tokens of a server that was configured for the gateway.
const GATEWAY: &str = "https://gateway.example.com";

const TENANT: &str = "/3f2504e0-4f89-41d3-9a0c-0305e82c3301/v2.0";

/// The command's stderr in one line.
fn message(end: &LoginEnd) -> String {
    let words: Vec<_> = end.stderr.split_whitespace().collect();
    words.join(" ")
}

/// Okta and Auth0 redirect to registered addresses only, port included. Their pages say so, and the
/// browser never comes back; what comes back has a remedy that names the address.
#[tokio::test]
async fn okta_and_auth0_redirect_to_the_registered_address_only() {
    let okta = "The 'redirect_uri' parameter must be a Login redirect URI in the client app";
    let auth0 = "Callback URL mismatch";
    for (preset, issuer_path, more, description) in [
        ("okta", "/oauth2/default", "", okta),
        (
            "auth0",
            "/",
            "audience = \"https://gateway.example.com\"",
            auth0,
        ),
    ] {
        let port = free_port();
        let redirect = format!("http://127.0.0.1:{port}/callback");
        let options = OidcProviderOptions {
            issuer_path,
            clients: vec![exact_client(&redirect)],
            ..OidcProviderOptions::default()
        };
        let more =
            format!("preset = \"{preset}\"\nredirect_port = {port}\nstore = \"memory\"\n{more}");
        let mut sso = Sso::start_with_tls(options, &more).await;
        sso.sign_in().await;
        let first = sso.key().await;
        sso.env.claviger(&["refresh"]).await.succeeded();
        assert_ne!(sso.key().await, first, "{preset}");

        let body = json!({"error": "invalid_request", "error_description": description});
        let fault = Fault::body(400, "application/json", &body.to_string());
        sso.provider.front.fail_next(CODES, fault);
        let (_, end) = sign_in(&sso.env, &["--force"]).await;
        assert_ne!(end.code, Some(0), "{end:?}");
        let message = message(&end);
        for part in [description, &redirect, "exactly so"] {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }

        sso.provider
            .configure(|options| {
                options.clients = vec![exact_client("http://127.0.0.1:1/callback")];
            })
            .await;
        let mut login = LoginCommand::start(&sso.env, &["--no-browser", "--force"]);
        let page = Person::new().open(&login.page().await).await;
        assert_eq!(page.status, 400, "{page:?}");
        assert!(page.body.contains("redirect_uri"), "{page:?}");
        login.interrupt();
        assert_eq!(login.end().await.code, Some(130));
        sso.key().await;
    }
}

/// Without a mapper, the audience is another one than the gateway's.
#[tokio::test]
async fn keycloak_without_an_audience_mapper_is_named() {
    let options = OidcProviderOptions {
        issuer_path: "/realms/engineering",
        audience: Some("urn:keycloak:account".to_owned()),
        access_token_ttl: 300,
        ..OidcProviderOptions::default()
    };
    let more = format!("preset = \"keycloak\"\nstore = \"memory\"\naudience = \"{GATEWAY}\"");
    let mut sso = Sso::start_with(options, &more).await;
    let (_, end) = sign_in(&sso.env, &[]).await;
    assert_ne!(end.code, Some(0), "{end:?}");
    let message = message(&end);
    for part in ["aud", "urn:keycloak:account", GATEWAY] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    sso.provider
        .configure(|options| options.audience = Some(GATEWAY.to_owned()))
        .await;
    sso.sign_in().await;
    let token = claims(&sso.key().await);
    assert_eq!(token["aud"], GATEWAY);
    let lifetime = token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 300);
}

/// Cognito's access token names the client only, and its ID token has the audience.
#[tokio::test]
async fn cognitos_id_token_has_the_audience_that_its_access_token_lacks() {
    for (token, audience) in [("id", json!(PUBLIC_CLIENT)), ("access", Value::Null)] {
        let options = OidcProviderOptions {
            audience_claim: false,
            ..OidcProviderOptions::default()
        };
        let more = format!("store = \"memory\"\ntoken = \"{token}\"");
        let sso = Sso::start_with(options, &more).await;
        sso.sign_in().await;
        for _ in 0..2 {
            let key = claims(&sso.key().await);
            assert_eq!(key["aud"], audience, "{token}: {key}");
            sso.env.claviger(&["refresh"]).await.succeeded();
        }
        assert_eq!(sso.refreshes(), 2);
    }
}

/// The preset refuses a configuration whose tokens no gateway can check; without it, they are
/// served.
#[tokio::test]
async fn auth0s_token_without_an_audience_is_opaque() {
    let options = OidcProviderOptions {
        issuer_path: "/",
        audience: None,
        ..OidcProviderOptions::default()
    };
    let sso = Sso::start_with_tls(options, "preset = \"auth0\"\nstore = \"memory\"").await;
    let check = sso.env.claviger(&["config", "check"]).await;
    check.failed(2, &["'audience'", "opaque"]);
    sso.env
        .edit_config(|config| config.replace("preset = \"auth0\"\n", ""));
    sso.sign_in().await;
    let output = sso.env.helper().await;
    let key = output.succeeded().trim_end();
    sso.env.add_secret(key);
    assert!(!key.contains('.'), "it is no JWT");
}

/// A desktop client with a secret, an ID token as the key, and one refresh token for good, which a
/// refresh does not repeat.
#[tokio::test]
async fn googles_clients_have_a_secret_and_one_refresh_token() {
    let mut options = OidcProviderOptions {
        rotation: false,
        ..OidcProviderOptions::default()
    };
    options.users.get_mut(USER).unwrap()["claims"]["hd"] = "example.com".into();
    let provider = OidcProvider::start_with(options).await;
    let env = TestEnv::new();
    env.add_secret(PASSWORD);
    let secret = env.write_secret_file("client-secret", CLIENT_SECRET);
    let keys = |domain: &str| {
        format!(
            "store = \"memory\"\nclient_secret_file = \"{secret}\"\n\
             token = \"id\"\nrequired_claims = {{ hd = \"{domain}\" }}\n\
             parameters = {{ access_type = \"offline\", prompt = \"consent\" }}"
        )
    };
    let config = |domain: &str| {
        // Google has no scope 'offline_access'.
        config(provider.issuer(), &keys(domain))
            .replace(
                &format!("client_id = \"{PUBLIC_CLIENT}\""),
                &format!("client_id = \"{CONFIDENTIAL_CLIENT}\""),
            )
            .replace(", \"offline_access\"]", "]")
    };
    env.write_config(&config("other.example"));
    let (_, end) = sign_in(&env, &[]).await;
    assert_ne!(end.code, Some(0), "{end:?}");
    let message = message(&end);
    for part in ["hd", "other.example"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }

    env.write_config(&config("example.com"));
    let mut login = LoginCommand::start(&env, &["--no-browser"]);
    let url = login.page().await;
    assert_eq!(parameter(&url, "access_type").as_deref(), Some("offline"));
    Person::new().sign_in(&url).await;
    login.end().await.signed_in();
    let sso = Sso { provider, env };
    assert_eq!(claims(&sso.key().await)["aud"], CONFIDENTIAL_CLIENT);
    let omitted = Fault::Replace("\"refresh_token\"".to_owned(), "\"omitted\"".to_owned());
    sso.provider.front.fail_all(REFRESH, omitted);
    for _ in 0..3 {
        sso.env.claviger(&["refresh"]).await.succeeded();
    }
    let requests = sso.provider.front.requests_to(REFRESH);
    let tokens = requests
        .iter()
        .map(|request| &request.form["refresh_token"]);
    for token in tokens.clone() {
        sso.env.add_secret(token);
    }
    assert_eq!(requests.len(), 3);
    assert!(
        tokens
            .clone()
            .all(|token| *token == requests[0].form["refresh_token"])
    );
    sso.key().await;
}

/// A tenant that forbids public clients: the assertion names the certificate.
#[tokio::test]
async fn entra_takes_a_certificate_and_names_the_redirect_to_register() {
    let client = ClientKey::new("RS256");
    let options = OidcProviderOptions {
        issuer_path: TENANT,
        clients: vec![private_key_client(PUBLIC_CLIENT, "RS256", &client.jwks())],
        issuer_on_redirect: false,
        ..OidcProviderOptions::default()
    };
    let sso = Sso::start_with(options, "").await;
    let key = sso
        .env
        .write_secret_file("client.pem", &client.private_pem());
    let certificate = sso.env.write_file("client.crt", &client.certificate_pem());
    let more = format!(
        "preset = \"entra\"\nstore = \"memory\"\nkey_file = \"{key}\"\ncert_file = \"{certificate}\""
    );
    sso.env.write_config(&config(sso.provider.issuer(), &more));
    sso.sign_in().await;
    sso.key().await;
    let form = &sso.provider.front.requests_to(CODES)[0].form;
    let assertion = &form["client_assertion"];
    sso.env.add_secret(assertion);
    let header = jsonwebtoken::decode_header(assertion).unwrap();
    assert_eq!(header.x5t_s256, Some(client.thumbprint()));

    let mut login = LoginCommand::start(&sso.env, &["--no-browser", "--force"]);
    let url = login.page().await;
    let mut redirect: url::Url = parameter(&url, "redirect_uri").unwrap().parse().unwrap();
    redirect
        .query_pairs_mut()
        .append_pair("error", "invalid_request")
        .append_pair(
            "error_description",
            "AADSTS50011: The redirect URI specified in the request does not match.",
        )
        .append_pair("state", &parameter(&url, "state").unwrap());
    let page = Person::new().open(redirect.as_str()).await;
    assert!(page.body.contains("AADSTS50011"), "{page:?}");
    let end = login.end().await;
    assert_ne!(end.code, Some(0), "{end:?}");
    let message = message(&end);
    let remedy = "hint: register the redirect URI http://127.0.0.1/callback in Entra";
    for part in ["AADSTS50011", remedy, PUBLIC_CLIENT] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    sso.key().await;
}
