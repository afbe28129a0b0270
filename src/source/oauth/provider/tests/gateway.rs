use super::*;

fn gateway_config(base: &str, flow: OauthFlow) -> OauthConfig {
    let mut config = config(base);
    config.discovery = OauthDiscovery::Gateway(base.parse().unwrap());
    config.client_id = None;
    config.flow = flow;
    config
}

#[tokio::test]
async fn a_gateway_names_an_issuer_with_client_and_scopes() {
    let server = FakeServer::start(|request, _| match request.line.as_str() {
        "GET /.well-known/litellm-ui-config" => json_of(
            200,
            &json!({
                "server_root_path": "/", "proxy_base_url": null,
                "native_oidc": {
                    "issuer": "{base}/realms/a", "client_id": "native", "scopes": ["openid", "email"],
                },
            }),
        ),
        "GET /realms/a/.well-known/openid-configuration" => {
            let mut document = document();
            document["issuer"] = "{base}/realms/a".into();
            json_of(200, &document)
        }
        _ => json_of(200, &json!({ "device_code": "d", "user_code": "u", "expires_in": 60, "verification_uri": "{base}" })),
    })
    .await;
    let provider = provider(&gateway_config(&server.base, OauthFlow::Browser));
    let offer = provider.offer().await.unwrap();
    assert_eq!(offer.issuer, format!("{}/realms/a", server.base));
    assert_eq!(offer.client_id, "native");
    provider.device_code().await.unwrap();
    assert_eq!(server.last().form()["scope"], "openid offline_access email");
}

#[tokio::test]
async fn the_document_with_the_configured_flow_is_used() {
    // As LiteLLM has them below its path for Claude Code.
    let server = FakeServer::start(|request, _| {
        let mut document = document();
        document["issuer"] = "{base}/gw".into();
        match request.line.as_str() {
            "GET /gw/.well-known/litellm-ui-config" => json_of(200, &json!({ "workers": [] })),
            "GET /gw/.well-known/litellm-cli-auth" => {
                document["contract_version"] = 1.into();
                document["device_authorization_endpoint"] = Value::Null;
                json_of(200, &document)
            }
            "GET /gw/.well-known/oauth-authorization-server" => {
                document["authorization_endpoint"] = Value::Null;
                document["authorization_response_iss_parameter_supported"] = false.into();
                json_of(200, &document)
            }
            _ => empty(404),
        }
    })
    .await;
    let base = format!("{}/gw", server.base);
    for (flow, has_device_flow) in [(OauthFlow::Browser, false), (OauthFlow::Device, true)] {
        let offer = provider(&gateway_config(&base, flow))
            .offer()
            .await
            .unwrap();
        assert_eq!(offer.has_device_flow, has_device_flow, "{flow:?}");
        assert_eq!(offer.sends_issuer, !has_device_flow);
    }
}

#[tokio::test]
async fn a_protected_resource_names_its_authorization_server() {
    let server = FakeServer::start(|request, _| match request.line.as_str() {
        "GET /.well-known/oauth-protected-resource" => json_of(
            200,
            &json!({ "resource": "https://llm.test", "authorization_servers": ["{base}/idp"] }),
        ),
        "GET /idp/.well-known/openid-configuration" => {
            let mut document = document();
            document["issuer"] = "{base}/idp".into();
            json_of(200, &document)
        }
        TOKEN => json_of(200, &tokens()),
        _ => empty(404),
    })
    .await;
    let mut config = gateway_config(&server.base, OauthFlow::Browser);
    config.client_id = Some("cli".to_owned());
    provider(&config)
        .token(Grant::Refresh(&secret("rt")))
        .await
        .unwrap();
    assert_eq!(server.last().form()["resource"], "https://llm.test");
}

#[tokio::test]
async fn a_gateway_without_a_document_or_with_anothers_is_an_error_of_the_configuration() {
    for (answers, expected) in [
        (false, "has no document that says how to sign in"),
        (true, "calls itself 'https://other.test'"),
    ] {
        let server = FakeServer::start(move |request, _| match request.line.as_str() {
            "GET /.well-known/litellm-cli-auth" if answers => {
                let mut document = document();
                document["contract_version"] = 1.into();
                document["issuer"] = "https://other.test".into();
                json_of(200, &document)
            }
            _ => empty(404),
        })
        .await;
        let provider = provider(&gateway_config(&server.base, OauthFlow::Browser));
        let error = provider.offer().await.unwrap_err();
        assert!(matches!(error, SourceError::Configuration { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    }
    let server = FakeServer::start(|_, _| page(200)).await;
    let provider = provider(&gateway_config(&server.base, OauthFlow::Browser));
    assert!(matches!(
        provider.offer().await,
        Err(SourceError::WebPage { .. })
    ));
}
