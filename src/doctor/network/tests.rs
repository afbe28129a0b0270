//! Facts with the cause of each check.

use std::time::Duration;

use super::{
    CHECKS,
    certificate::tests::certificate,
    checks,
    facts::{
        ClientCertificate, Connection, HttpFacts, ServerFacts, UsedProxy,
        tests::{failed, healthy},
    },
    judge, setup,
};
use crate::{
    clock::Timestamp,
    doctor::{check::Check, tests::Case},
    network::{ProxyError, ProxyFailure, ProxyOrigin, SetupError, TlsError, TransportError},
};

/// The cases of this family.
pub(in crate::doctor) fn cases() -> Vec<Case> {
    CHECKS.iter().map(case).collect()
}

fn case(check: &Check) -> Case {
    let broken = match cause(check) {
        Some(all) => judge(&all),
        None => {
            let error = SetupError::new("the file '/etc/corp.pem' does not exist", "write it");
            vec![setup(&healthy().server, error)]
        }
    };
    Case {
        check: *check,
        broken,
        sound: judge(&[healthy()]),
    }
}

/// What is observed if there is a cause of `check`; `None` if nothing can be.
fn cause(check: &Check) -> Option<Vec<ServerFacts>> {
    let one = |error| vec![failed(error)];
    let text = || "a reason".to_owned();
    let of_proxy = |error| {
        one(TransportError::Proxy(ProxyFailure {
            name: "proxy.test:3128".to_owned(),
            origin: ProxyOrigin::Configuration,
            error,
        }))
    };
    let tls = |error, ca: &str| {
        vec![ServerFacts {
            chain: vec![certificate(ca, &["vault.test"])],
            ..failed(TransportError::Tls(error))
        }]
    };
    let corp = |error| tls(error, "Corp Root");
    let untrusted = TlsError::UntrustedIssuer;
    Some(match *check {
        checks::SETUP => return None,
        checks::DNS => one(TransportError::Unresolved),
        checks::REFUSED => one(TransportError::Refused),
        checks::TIMEOUT => one(TransportError::TimedOut(Duration::from_secs(5))),
        checks::UNREACHABLE => one(TransportError::Unconnected(text())),
        checks::INTERRUPTED => one(TransportError::Interrupted(text())),
        checks::PROXY_UNREACHABLE => of_proxy(ProxyError::Refused),
        checks::PROXY_AUTHORIZATION => of_proxy(ProxyError::AuthorizationRequired),
        checks::PROXY_REFUSED => of_proxy(ProxyError::Answered(502)),
        checks::PROXY_TLS => of_proxy(ProxyError::Tls(untrusted)),
        checks::CAPTIVE_PORTAL => vec![answered(511)],
        checks::TLS_INSPECTION => tls(untrusted, "Zscaler Root CA"),
        checks::UNTRUSTED_CA => corp(untrusted),
        checks::WRONG_CA_FILE => {
            let mut all = corp(untrusted);
            all[0].ca_file = Some("/etc/corp.pem".into());
            all[0].system_trusts = true;
            all
        }
        checks::CERTIFICATE_EXPIRED => corp(TlsError::Expired),
        checks::CERTIFICATE_NOT_YET_VALID => corp(TlsError::NotYetValid),
        checks::CERTIFICATE_HOST => corp(TlsError::WrongHost),
        checks::CERTIFICATE_INVALID => corp(TlsError::InvalidCertificate(text())),
        checks::CLIENT_CERTIFICATE_REQUIRED => corp(TlsError::ClientCertificateRequired),
        checks::TLS_FAILED => one(TransportError::Tls(TlsError::NotTls)),
        checks::CLIENT_CERTIFICATE_INVALID => vec![with_certificate("2027-03-05T00:00:00Z")],
        checks::CLIENT_CERTIFICATE_EXPIRES => vec![with_certificate("2027-03-01T00:00:00Z")],
        checks::CLOCK_SKEW => vec![behind(100)],
        checks::SERVER_CLOCK => vec![healthy(), behind(100)],
        checks::IPV6 => vec![ServerFacts {
            connections: vec![
                connection("192.0.2.1", Ok(Duration::ZERO)),
                connection("2001:db8::1", Err(text())),
            ],
            ..healthy()
        }],
        checks::PROXY_IN_USE => vec![ServerFacts {
            proxy: Some(UsedProxy::new((
                "proxy.test:3128".to_owned(),
                ProxyOrigin::System,
            ))),
            ..healthy()
        }],
        other => panic!("no cause of {other:?}"),
    })
}

fn answered(status: u16) -> ServerFacts {
    ServerFacts {
        answer: Ok(HttpFacts {
            status,
            ..HttpFacts::default()
        }),
        ..healthy()
    }
}

/// A server whose clock shows this many seconds less than this machine's.
fn behind(seconds: i64) -> ServerFacts {
    let mut facts = answered(200);
    let date = Timestamp::from_second(facts.at.as_second() - seconds);
    facts.answer = Ok(HttpFacts {
        date: date.ok(),
        ..HttpFacts::default()
    });
    facts
}

/// A client with a certificate that is valid until 2027-03-04.
fn with_certificate(now: &str) -> ServerFacts {
    ServerFacts {
        at: now.parse().unwrap(),
        certificate_of_client: Some(ClientCertificate {
            file: "/etc/claviger/client.pem".into(),
            certificate: certificate("Corp Root", &[]),
        }),
        ..answered(200)
    }
}

fn connection(address: &str, result: Result<Duration, String>) -> Connection {
    Connection {
        address: address.parse().unwrap(),
        result,
    }
}
