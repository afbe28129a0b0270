use super::*;

fn uri(port: u16) -> Url {
    format!("http://127.0.0.1:{port}/callback").parse().unwrap()
}

/// Starts a sign-in that is redirected to `uri`, and returns the client's identifier.
async fn start(provider: &Provider, uri: &Url) -> Result<String, SourceError> {
    let request = AuthorizationRequest {
        redirect_uri: uri,
        state: &secret("s"),
        nonce: &secret("n"),
        code_challenge: "c",
    };
    let url = provider.authorization_url(&request).await?;
    let client = url.query_pairs().find(|(name, _)| name == "client_id");
    Ok(client.unwrap().1.into_owned())
}

async fn finish(provider: &Provider, uri: &Url) -> TokenResponse {
    let grant = Grant::Code {
        code: &secret("c"),
        redirect_uri: uri,
        verifier: &secret("v"),
    };
    provider.token(grant).await.unwrap()
}

/// A server that registers the client `dyn-1`, then `dyn-2`; it is a gateway's if `is_gateway`.
async fn server(is_gateway: bool) -> FakeServer {
    FakeServer::start(move |request, before| match request.line.as_str() {
        OPENID if !is_gateway => json_of(200, &document()),
        "GET /.well-known/litellm-cli-auth" if is_gateway => {
            let mut document = document();
            document["contract_version"] = 1.into();
            document["resource"] = "{base}".into();
            json_of(200, &document)
        }
        "POST /register" => {
            let body = json!({ "client_id": format!("dyn-{}", before + 1), "client_secret": "" });
            json_of(201, &body)
        }
        TOKEN => json_of(200, &tokens()),
        _ => empty(404),
    })
    .await
}

#[tokio::test]
async fn a_client_is_registered_once_and_for_any_port() {
    let server = server(false).await;
    let mut config = server.config();
    config.client_id = None;
    let provider = provider(&config);
    assert_eq!(provider.offer().await.unwrap().client_id, "");
    assert_eq!(provider.registration(), None);
    assert_eq!(start(&provider, &uri(1)).await.unwrap(), "dyn-1");
    let body: Value = serde_json::from_str(&server.last().body).unwrap();
    assert_eq!(body["redirect_uris"], json!(["http://127.0.0.1/callback"]));
    assert_eq!(body["token_endpoint_auth_method"], "none");
    assert_eq!(body["client_name"], "Claviger");
    assert_eq!(body["application_type"], "native");
    // Abandoned, and started again on another port.
    assert_eq!(start(&provider, &uri(2)).await.unwrap(), "dyn-1");
    finish(&provider, &uri(2)).await;
    assert_eq!(server.last().form()["client_id"], "dyn-1");
    let registration = provider.registration().unwrap();
    assert_eq!(registration.client_id, "dyn-1");
    assert_eq!(registration.client_secret, None);

    // The next daemon gets it from the caller.
    let next = super::provider(&config);
    next.set_registration(Some(registration));
    assert_eq!(next.offer().await.unwrap().client_id, "dyn-1");
    next.token(Grant::Refresh(&secret("rt"))).await.unwrap();
    assert_eq!(start(&next, &uri(3)).await.unwrap(), "dyn-1");
    let registered = server
        .lines()
        .into_iter()
        .filter(|line| line == "POST /register");
    assert_eq!(registered.count(), 1);
}

#[tokio::test]
async fn a_sign_in_that_registers_anew_leaves_the_login_its_client() {
    let server = server(true).await;
    let mut config = server.config();
    config.client_id = None;
    config.discovery = OauthDiscovery::Gateway(server.base.parse().unwrap());
    let provider = provider(&config);
    assert_eq!(start(&provider, &uri(1)).await.unwrap(), "dyn-1");
    let body: Value = serde_json::from_str(&server.last().body).unwrap();
    // LiteLLM compares the port, too.
    assert_eq!(body["redirect_uris"], json!([uri(1)]));
    finish(&provider, &uri(1)).await;
    assert_eq!(server.last().form()["resource"], server.base);
    assert_eq!(start(&provider, &uri(2)).await.unwrap(), "dyn-2");
    // Meanwhile, and if the second sign-in is abandoned:
    provider.token(Grant::Refresh(&secret("rt"))).await.unwrap();
    assert_eq!(server.last().form()["client_id"], "dyn-1");
    assert_eq!(provider.registration().unwrap().client_id, "dyn-1");
    finish(&provider, &uri(2)).await;
    assert_eq!(provider.registration().unwrap().client_id, "dyn-2");
}

#[tokio::test]
async fn a_refresh_never_registers_a_client() {
    let server = server(false).await;
    let mut config = server.config();
    config.client_id = None;
    let error = provider(&config).token(Grant::Refresh(&secret("rt"))).await;
    assert!(matches!(
        error,
        Err(TokenError::Other(SourceError::LoginRequired { .. }))
    ));
    assert_eq!(server.lines(), [OPENID]);
}

#[tokio::test]
async fn a_server_that_registers_no_client_is_an_error_of_the_configuration() {
    let refused = || json_of(400, &json!({ "error": "invalid_redirect_uri" }));
    for (has_endpoint, expected) in [
        (true, "(invalid_redirect_uri)"),
        (false, "registers no clients"),
    ] {
        let server = FakeServer::start(move |request, _| match request.line.as_str() {
            OPENID => {
                let mut document = document();
                if !has_endpoint {
                    document["registration_endpoint"] = Value::Null;
                }
                json_of(200, &document)
            }
            _ => refused(),
        })
        .await;
        let mut config = server.config();
        config.client_id = None;
        let error = start(&provider(&config), &uri(1)).await.unwrap_err();
        let SourceError::Configuration { reason, hint } = error else {
            panic!("{error:?}");
        };
        assert!(reason.contains(expected), "{reason}");
        assert!(hint.contains("'source.sso.client_id'"), "{hint}");
    }
}
