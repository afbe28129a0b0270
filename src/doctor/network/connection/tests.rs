use super::*;
use crate::{
    doctor::network::{
        facts::tests::{failed, healthy},
        servers::{Server, tests::server},
    },
    network::{ProxyOrigin, TlsError},
};

fn ids(facts: &ServerFacts) -> Vec<String> {
    check(facts).into_iter().map(|finding| finding.id).collect()
}

fn of_proxy(error: ProxyError) -> TransportError {
    TransportError::Proxy(ProxyFailure {
        name: "proxy.test:3128".to_owned(),
        origin: ProxyOrigin::Configuration,
        error,
    })
}

#[test]
fn every_failure_to_connect_has_its_check() {
    let limit = Duration::from_secs(5);
    for (error, id) in [
        (TransportError::Unresolved, "network.dns"),
        (TransportError::Refused, "network.refused"),
        (TransportError::TimedOut(limit), "network.timeout"),
        (
            TransportError::Unconnected("no route".to_owned()),
            "network.unreachable",
        ),
        (
            TransportError::Interrupted("reset".to_owned()),
            "network.interrupted",
        ),
        (of_proxy(ProxyError::Refused), "network.proxy-unreachable"),
        (
            of_proxy(ProxyError::AuthorizationRequired),
            "network.proxy-authorization",
        ),
        (
            of_proxy(ProxyError::NotConnected("x".to_owned())),
            "network.proxy-refused",
        ),
        (of_proxy(ProxyError::Answered(502)), "network.proxy-refused"),
        (
            of_proxy(ProxyError::Tls(TlsError::UntrustedIssuer)),
            "network.proxy-tls",
        ),
    ] {
        assert_eq!(ids(&failed(error.clone())), [id]);
        let found = check(&failed(error)).remove(0);
        assert!(
            found
                .finding
                .starts_with("Vault 'vault.test:8200' of source 'vault' ")
        );
        assert_eq!(found.profile.as_deref(), Some("work"));
    }
    assert_eq!(
        ids(&failed(TransportError::Tls(TlsError::Expired))),
        [""; 0]
    );
}

#[test]
fn the_name_and_the_resolvers_answer_are_evidence() {
    let mut facts = failed(TransportError::Unresolved);
    facts.addresses = Some(Err("Name or service not known".to_owned()));
    let evidence = check(&facts).remove(0).evidence;
    let expected = "the system's resolver about 'vault.test': Name or service not known";
    assert_eq!(evidence, [expected]);

    facts.answer = Err(TransportError::Refused);
    facts.addresses = Some(Ok(vec!["192.0.2.1".parse().unwrap()]));
    facts.connections = vec![Connection {
        address: "192.0.2.1".parse().unwrap(),
        result: Err("Connection refused".to_owned()),
    }];
    let evidence = check(&facts).remove(0).evidence;
    let expected = [
        "'vault.test' resolves to 192.0.2.1",
        "192.0.2.1: Connection refused",
    ];
    assert_eq!(evidence, expected);
}

#[test]
fn a_page_or_another_host_in_place_of_an_answer_is_a_portal() {
    let answer = |status, is_page, redirects_to: Option<&str>| ServerFacts {
        answer: Ok(HttpFacts {
            status,
            is_page,
            redirects_to: redirects_to.map(str::to_owned),
            date: None,
        }),
        ..healthy()
    };
    let portal = Some("http://login.hotel.test");
    for (facts, is_portal) in [
        (answer(200, true, None), true),
        (answer(511, false, None), true),
        (answer(302, true, portal), true),
        (answer(200, false, None), false),
        // A sealed Vault, a gateway that wants a key, a route that is missing.
        (answer(503, false, None), false),
        (answer(401, true, None), false),
        (answer(404, true, None), false),
        // To itself.
        (answer(302, true, None), false),
    ] {
        let expected: &[&str] = if is_portal {
            &["network.captive-portal"]
        } else {
            &[]
        };
        assert_eq!(ids(&facts), expected, "{:?}", facts.answer);
        let gateway = ServerFacts {
            server: Server {
                role: Role::Gateway,
                ..server("https://gw.test")
            },
            ..facts
        };
        let of_redirect = gateway
            .answer
            .as_ref()
            .is_ok_and(|a| a.redirects_to.is_some());
        assert_eq!(ids(&gateway).is_empty(), !is_portal || of_redirect);
    }
}

#[test]
fn an_ipv6_address_that_fails_beside_ipv4_is_a_note() {
    let fails = || Err("no answer within 3 s".to_owned());
    let takes = |seconds| Ok(Duration::from_secs(seconds));
    let facts = |url: &str, connections: &[(&str, Result<Duration, String>)]| ServerFacts {
        server: server(url),
        connections: connections
            .iter()
            .map(|(address, result)| Connection {
                address: address.parse().unwrap(),
                result: result.clone(),
            })
            .collect(),
        ..healthy()
    };
    let (v4, v6, other_v6) = ("192.0.2.1", "2001:db8::1", "2001:db8::2");
    for (connections, is_note) in [
        (vec![(v4, takes(0)), (v6, fails())], true),
        (vec![(v4, takes(0)), (v6, takes(2))], true),
        (vec![(v4, takes(0)), (v6, takes(0))], false),
        (
            vec![(v4, takes(0)), (v6, fails()), (other_v6, takes(0))],
            false,
        ),
        (vec![(v4, takes(0))], false),
        (vec![(v4, fails()), (v6, takes(0))], false),
        (vec![(v6, fails())], false),
    ] {
        let found = ids(&facts("https://vault.test", &connections));
        assert_eq!(found.len(), usize::from(is_note), "{connections:?}");
        assert_eq!(ids(&facts("https://localhost", &connections)), [""; 0]);
    }
}

#[test]
fn a_proxy_in_use_is_a_note_with_its_servers() {
    let through = |url: &str| ServerFacts {
        server: server(url),
        proxy: Some(UsedProxy::new((
            "proxy.test:3128".to_owned(),
            ProxyOrigin::Configuration,
        ))),
        ..healthy()
    };
    let all = [
        through("https://a.test"),
        healthy(),
        through("https://b.test"),
    ];
    let found = proxies(&all);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].evidence.len(), 2);
    assert!(
        found[0]
            .finding
            .contains("'proxy.test:3128', from the configuration")
    );
}
