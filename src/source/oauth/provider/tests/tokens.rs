use super::*;

/// The verifier of a sign-in.
const VERIFIER: &str = "v+/=&ü-0123456789";

fn redirect_uri() -> Url {
    "http://127.0.0.1:4711/callback".parse().unwrap()
}

#[tokio::test]
async fn the_sign_in_page_gets_every_parameter_once() {
    let server = FakeServer::with_document(|_, _| empty(404)).await;
    let mut config = server.config();
    config.resource = Some("https://llm.test".to_owned());
    config.audience = Some("llm".to_owned());
    config.parameters = [("access_type", "offline"), ("prompt", "consent")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let redirect_uri = redirect_uri();
    let request = AuthorizationRequest {
        redirect_uri: &redirect_uri,
        state: &secret("state-1"),
        nonce: &secret("nonce-1"),
        code_challenge: "challenge-1",
    };
    let url = provider(&config).authorization_url(&request).await.unwrap();
    assert_eq!(url.path(), "/authorize");
    let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
    pairs.sort();
    let expected = [
        ("access_type", "offline"),
        ("audience", "llm"),
        ("client_id", "cli"),
        ("code_challenge", "challenge-1"),
        ("code_challenge_method", "S256"),
        ("nonce", "nonce-1"),
        ("prompt", "consent"),
        ("redirect_uri", redirect_uri.as_str()),
        ("resource", "https://llm.test"),
        ("response_type", "code"),
        ("scope", "openid offline_access"),
        ("state", "state-1"),
        ("tenant", "1"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(pairs, expected);
}

/// A certified provider refuses a `nonce` if no ID token is asked for.
#[tokio::test]
async fn only_a_request_for_an_id_token_has_a_nonce() {
    let server = FakeServer::with_document(|_, _| empty(404)).await;
    let redirect_uri = redirect_uri();
    let request = AuthorizationRequest {
        redirect_uri: &redirect_uri,
        state: &secret("state-1"),
        nonce: &secret("nonce-1"),
        code_challenge: "challenge-1",
    };
    for (scopes, expected) in [
        (&["openid", "llm"][..], Some("nonce-1")),
        (&["llm", "offline_access"], None),
        (&[], None),
    ] {
        let mut config = server.config();
        config.scopes = scopes.iter().copied().map(str::to_owned).collect();
        let url = provider(&config).authorization_url(&request).await.unwrap();
        let mut pairs = url.query_pairs();
        let nonce = pairs.find(|(name, _)| name == "nonce");
        assert_eq!(nonce.as_ref().map(|(_, value)| &**value), expected);
    }
}

#[tokio::test]
async fn each_grant_has_its_form() {
    let server = FakeServer::with_document(|_, _| json_of(200, &tokens())).await;
    let mut config = server.config();
    config.resource = Some("https://llm.test".to_owned());
    config.audience = Some("llm".to_owned());
    config.parameters = [("prompt".to_owned(), "consent".to_owned())].into();
    let provider = provider(&config);
    let (redirect_uri, code, verifier) = (redirect_uri(), secret("c+1"), secret(VERIFIER));
    let grants: [(Grant<'_>, &[(&str, &str)]); 4] = [
        (
            Grant::Code {
                code: &code,
                redirect_uri: &redirect_uri,
                verifier: &verifier,
            },
            &[
                ("code", "c+1"),
                ("code_verifier", VERIFIER),
                ("grant_type", "authorization_code"),
                ("redirect_uri", redirect_uri.as_str()),
            ],
        ),
        (
            Grant::Refresh(&code),
            &[("grant_type", "refresh_token"), ("refresh_token", "c+1")],
        ),
        (
            Grant::Device(&code),
            &[
                ("device_code", "c+1"),
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ],
        ),
        (
            Grant::ClientCredentials,
            &[
                ("audience", "llm"),
                ("grant_type", "client_credentials"),
                ("scope", "openid offline_access"),
            ],
        ),
    ];
    for (grant, fields) in grants {
        let response = provider.token(grant).await.unwrap();
        assert_eq!(response.access_token.expose(), "at-1");
        assert_eq!(response.refresh_token.unwrap().expose(), "rt-2");
        assert_eq!(response.lifetime, Some(Duration::from_secs(3600)));
        let mut expected: BTreeMap<_, _> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        expected.insert("client_id".to_owned(), "cli".to_owned());
        expected.insert("resource".to_owned(), "https://llm.test".to_owned());
        let request = server.last();
        assert_eq!(request.form(), expected);
        assert_eq!(
            request.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let length = request.body.len().to_string();
        assert_eq!(request.header("content-length"), Some(length.as_str()));
    }
}

#[tokio::test]
async fn a_refusal_is_the_servers_own_with_its_reason() {
    for (status, code) in [
        (400, "invalid_grant"),
        (401, "invalid_grant"),
        (429, "slow_down"),
    ] {
        let server = FakeServer::with_document(move |_, _| {
            let body =
                json!({ "error": code, "error_description": "the token rt-0123456789abcdef" });
            let header = "content-type: application/json\r\nretry-after: 7";
            Reply::Response(status, header, body.to_string())
        })
        .await;
        let refresh = secret("rt-0123456789abcdef");
        let error = server.provider().token(Grant::Refresh(&refresh)).await;
        let Err(TokenError::Refused {
            code: actual,
            description,
            status: sent,
            retry_after,
        }) = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((actual.as_str(), sent), (code, status));
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
        assert!(!description.unwrap().contains("0123456789"));
    }
}

#[tokio::test]
async fn an_empty_refusal_counts_only_if_the_server_itself_is_there() {
    let refused = (|| json_of(200, &document())) as fn() -> Reply;
    for (then, is_refused) in [
        (refused, true),
        (|| page(200), false),
        (|| empty(400), false),
        (|| empty(503), false),
        (|| Reply::Close, false),
        (
            || {
                let mut document = document();
                document["issuer"] = "https://other.test".into();
                json_of(200, &document)
            },
            false,
        ),
    ] {
        let server = FakeServer::start(move |request, before| match request.line.as_str() {
            OPENID if before == 0 => json_of(200, &document()),
            OPENID => then(),
            TOKEN => empty(400),
            _ => empty(404),
        })
        .await;
        let error = server.provider().token(Grant::Refresh(&secret("rt"))).await;
        match error.unwrap_err() {
            TokenError::Refused { code, .. } => assert!(is_refused && code == "invalid_grant"),
            TokenError::Other(error) => assert!(!is_refused && !error.is_final(), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_empty_refusal_at_another_host_is_not_believed() {
    let other = FakeServer::start(|_, _| empty(400)).await;
    let endpoint = format!("{}/token", other.base);
    let server = FakeServer::start(move |_, _| {
        let mut document = document();
        document["token_endpoint"] = endpoint.clone().into();
        json_of(200, &document)
    })
    .await;
    let error = server.provider().token(Grant::Refresh(&secret("rt"))).await;
    assert!(matches!(
        error,
        Err(TokenError::Other(SourceError::Malformed { .. }))
    ));
}

#[tokio::test]
async fn a_device_code_is_asked_for_with_scopes() {
    let server = FakeServer::with_document(|_, _| {
        let body = json!({
            "device_code": "dc-1", "user_code": "ABCD", "expires_in": 600,
            "verification_uri": "{base}/go", "verification_uri_complete": "{base}/go?c=ABCD",
        });
        json_of(200, &body)
    })
    .await;
    let code = server.provider().device_code().await.unwrap();
    assert_eq!(code.device_code.expose(), "dc-1");
    assert_eq!(code.user_code, "ABCD");
    assert_eq!(code.verification_uri, format!("{}/go", server.base));
    assert_eq!(code.interval, Duration::from_secs(5));
    let form = server.last().form();
    assert_eq!(form["scope"], "openid offline_access");
    assert_eq!(form["client_id"], "cli");
}

#[tokio::test]
async fn revocation_is_done_refused_or_not_offered() {
    for (reply, expected) in [
        ((|| empty(200)) as fn() -> Reply, Some(true)),
        (
            || Reply::Response(200, "x: y", "anything".to_owned()),
            Some(true),
        ),
        (
            || json_of(400, &json!({ "error": "unsupported_token_type" })),
            Some(false),
        ),
        (|| json_of(401, &json!({ "error": "invalid_client" })), None),
        (|| empty(503), None),
        (|| page(200), None),
    ] {
        let server = FakeServer::with_document(move |_, _| reply()).await;
        let revoked = server
            .provider()
            .revoke(&secret("rt+1"), TokenKind::Refresh)
            .await;
        assert_eq!(revoked.ok(), expected);
        let form = server.last().form();
        assert_eq!(form["token"], "rt+1");
        assert_eq!(form["token_type_hint"], "refresh_token");
        assert_eq!(form["client_id"], "cli");
    }
    let server = FakeServer::start(|_, _| {
        let mut document = document();
        document["revocation_endpoint"] = Value::Null;
        json_of(200, &document)
    })
    .await;
    let revoked = server
        .provider()
        .revoke(&secret("at"), TokenKind::Access)
        .await;
    assert!(matches!(revoked, Ok(false)));
}
