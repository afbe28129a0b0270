use super::*;

const OAUTH: &str = "GET /.well-known/oauth-authorization-server";

#[tokio::test]
async fn the_document_of_either_kind_is_found_and_kept_for_a_day() {
    for found_at in [OPENID, OAUTH] {
        for absent in [404, 403, 200] {
            let server = FakeServer::start(move |request, _| match request.line.as_str() {
                line if line == found_at => json_of(200, &document()),
                // A server of web pages answers every path with one.
                _ if absent == 200 => page(200),
                _ => empty(absent),
            })
            .await;
            let clock = clock();
            let provider = provider_at(&server.config(), clock.clone());
            let offer = provider.offer().await.unwrap();
            assert_eq!(
                offer,
                Offer {
                    issuer: server.base.clone(),
                    client_id: "cli".to_owned(),
                    sends_issuer: true,
                    has_device_flow: true,
                }
            );
            let requests = server.lines().len();
            provider.offer().await.unwrap();
            assert_eq!(server.lines().len(), requests);
            clock.advance(Duration::from_secs(24 * 60 * 60));
            provider.offer().await.unwrap();
            assert_eq!(server.lines().len(), 2 * requests);
        }
    }
}

#[tokio::test]
async fn an_issuer_is_compared_as_it_is_written() {
    for (configured, actual) in [
        ("{base}", "{base}/"),
        ("{base}/", "{base}"),
        ("{base}", "https://login.test"),
        ("{base}/realms/a", "{base}/realms/A"),
    ] {
        let server = FakeServer::start(move |_, _| {
            let mut document = document();
            document["issuer"] = actual.into();
            json_of(200, &document)
        })
        .await;
        let of = |text: &str| text.replace("{base}", &server.base);
        let error = provider(&config(&of(configured)))
            .offer()
            .await
            .unwrap_err();
        let SourceError::Configuration { reason, hint } = error else {
            panic!("{error:?}");
        };
        for text in [of(configured), of(actual)] {
            assert!(reason.contains(&format!("'{text}'")), "{reason}");
        }
        let written = format!("'source.sso.issuer' to '{}'", of(actual));
        assert!(hint.contains(&written), "{hint}");
    }
    // As written is as accepted.
    let server = FakeServer::start(|_, _| {
        let mut document = document();
        document["issuer"] = "{base}/".into();
        json_of(200, &document)
    })
    .await;
    let config = config(&format!("{}/", server.base));
    assert!(provider(&config).offer().await.is_ok());
}

#[tokio::test]
async fn another_program_in_the_servers_place_is_temporary() {
    for (reply, expected) in [
        ((|| empty(503)) as fn() -> Reply, "unavailable"),
        (|| empty(429), "unavailable"),
        (|| page(502), "unavailable"),
        (|| page(200), "page"),
        (|| empty(302), "page"),
        (|| page(404), "malformed"),
        (|| empty(404), "malformed"),
        (|| json_of(200, &json!({ "message": "hello" })), "malformed"),
        (|| Reply::CutOff, "unreachable"),
        (|| Reply::Close, "unreachable"),
    ] {
        let server = FakeServer::start(move |_, _| reply()).await;
        let error = server.provider().offer().await.unwrap_err();
        let kind = match error {
            SourceError::Unavailable { .. } => "unavailable",
            SourceError::WebPage { .. } => "page",
            SourceError::Malformed { .. } => "malformed",
            SourceError::Unreachable { .. } => "unreachable",
            other => panic!("{other:?}"),
        };
        assert_eq!(kind, expected);
        assert!(!server.provider().offer().await.unwrap_err().is_final());
    }
}

#[tokio::test]
async fn an_outage_of_the_document_leaves_the_old_one_in_use() {
    for outage in [
        (|| empty(503)) as fn() -> Reply,
        || page(200),
        || empty(404),
        || Reply::Close,
    ] {
        let server = FakeServer::start(move |request, before| match request.line.as_str() {
            OPENID if before == 0 => json_of(200, &document()),
            TOKEN => json_of(200, &tokens()),
            _ => outage(),
        })
        .await;
        let clock = clock();
        let provider = provider_at(&server.config(), clock.clone());
        provider.offer().await.unwrap();
        clock.advance(Duration::from_secs(48 * 60 * 60));
        let token = provider.token(Grant::Refresh(&secret("rt"))).await;
        assert!(token.is_ok(), "{token:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_discovered_anew() {
    let server = FakeServer::start(|request, before| match request.line.as_str() {
        OPENID => {
            let mut document = document();
            if before > 0 {
                document["token_endpoint"] = "{base}/token2".into();
            }
            json_of(200, &document)
        }
        TOKEN => empty(404),
        _ => json_of(200, &tokens()),
    })
    .await;
    let provider = server.provider();
    let refresh = secret("rt");
    let error = provider.token(Grant::Refresh(&refresh)).await.unwrap_err();
    assert!(matches!(
        error,
        TokenError::Other(SourceError::Malformed { .. })
    ));
    assert!(provider.token(Grant::Refresh(&refresh)).await.is_ok());
}
