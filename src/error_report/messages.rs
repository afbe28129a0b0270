//! Every kind of failure, as the developer reads it.

use std::time::Duration;

use super::*;
use crate::{
    broker::{
        AcquireError,
        slot::{CredentialUnavailable, Evidence, Outdated, Reason, Rejected},
    },
    clock::Timestamp,
    gateway::Inconclusive,
    network::SetupError,
    secret::Secret,
    source::{ProxyError, ProxyFailure, ProxyOrigin},
};

const HOST: &str = "vault-primary.corp.example.com:8200";
const PATH: &str = "secret/data/engineering/llm-gateway";

/// One error of each kind of a source, and of what can come between.
fn errors() -> Vec<SourceError> {
    let host = || HOST.to_owned();
    let path = || PATH.to_owned();
    let text = |text: &str| text.to_owned();
    let proxy = |error| ProxyFailure {
        name: text("proxy.corp.example.com:3128"),
        origin: ProxyOrigin::Configuration,
        error,
    };
    let transport = [
        TransportError::Refused,
        TransportError::TimedOut(Duration::from_secs(5)),
        TransportError::Unresolved,
        TransportError::Unconnected(text("network unreachable")),
        TransportError::Proxy(proxy(ProxyError::Refused)),
        TransportError::Proxy(proxy(ProxyError::AuthorizationRequired)),
        TransportError::Proxy(proxy(ProxyError::Tls(TlsError::UntrustedIssuer))),
        TransportError::Tls(TlsError::UntrustedIssuer),
        TransportError::Tls(TlsError::Expired),
        TransportError::Tls(TlsError::WrongHost),
        TransportError::Tls(TlsError::ClientCertificateRequired),
        TransportError::Tls(TlsError::NotTls),
        TransportError::Interrupted(text("connection reset")),
        TransportError::Program {
            reason: text("exit status: 1: no ticket"),
            hint: text("run '/usr/local/bin/corp-key' by hand"),
        },
    ];
    let mut errors: Vec<_> = transport
        .into_iter()
        .map(|error| SourceError::Unreachable {
            host: host(),
            error,
        })
        .collect();
    errors.extend([
        SourceError::Unavailable {
            host: host(),
            reason: text("is sealed (503)"),
            retry_after: None,
        },
        SourceError::LoginRefused {
            host: host(),
            reason: text("invalid role or secret ID (400)"),
            hint: text("write a new secret-id to the file '/etc/claviger/secret-id'"),
            is_final: true,
        },
        SourceError::Failed {
            host: host(),
            path: path(),
            reason: text("cannot write to readonly storage (400)"),
        },
        SourceError::LoginRequired {
            host: text("/usr/local/bin/corp-key"),
            reason: text("exit status: 3: session expired"),
            hint: Some(text("run '/usr/local/bin/corp-key' by hand")),
        },
        SourceError::LoginRequired {
            host: text("login.corp.example.com"),
            reason: text("no user has signed in yet"),
            hint: None,
        },
        SourceError::Denied {
            host: host(),
            path: path(),
            reason: text("permission denied (403)"),
        },
        SourceError::Missing {
            host: host(),
            path: path(),
            reason: text("404"),
        },
        SourceError::Unusable {
            host: host(),
            field: text("api_key"),
            reason: text("contains whitespace at character 12"),
        },
        SourceError::UnusableClaim {
            host: host(),
            key: text("source.team-vault.path"),
            reason: text("'{claim:preferred_username}' is missing; expected a string"),
            hint: text(
                "ask the administrator to add the claim 'preferred_username' to the tokens of \
                 'sso.corp.example.com:8443'",
            ),
        },
        SourceError::Redirected {
            host: host(),
            to: HOST.replace("primary", "standby"),
            reason: text("which 'redirect_hosts' does not list"),
        },
        SourceError::WebPage {
            host: host(),
            reason: text("it is a web page (200)"),
        },
        SourceError::Malformed {
            host: host(),
            reason: text("expected a Vault response, got other JSON (line 1, column 8)"),
        },
        SourceError::Malformed {
            host: host(),
            reason: text(
                "status 403 that is not Vault's ('no Route matched with those values', server 'kong/3.6')",
            ),
        },
        SourceError::BadOutput {
            program: text("/usr/local/bin/corp-key"),
            reason: text("invalid JSON (line 1, column 8)"),
        },
        SourceError::Configuration {
            reason: text("the file '/etc/claviger/secret-id' does not exist"),
            hint: text("create it, or correct its path"),
        },
        SourceError::ClientVariable {
            reason: text("the variable 'TEAM' is not set in the client's environment"),
            hint: text("set TEAM in the client's environment"),
        },
        SourceError::Forgotten,
    ]);
    errors
}

/// One reason of each kind why a probe proves nothing.
fn inconclusive() -> Vec<Inconclusive> {
    let unreached = errors().into_iter().filter_map(|error| match error {
        SourceError::Unreachable { error, .. } => Some(Inconclusive::NoResponse(error)),
        _ => None,
    });
    let mut reasons: Vec<_> = unreached.collect();
    reasons.extend([
        Inconclusive::NotSent(SetupError::new(
            "the file '/etc/claviger/gateway-ca.pem' does not exist",
            "create it, or correct its path",
        )),
        Inconclusive::AcceptsAnyKey,
        Inconclusive::Uncalibrated,
        Inconclusive::Unproven { status: 401 },
        Inconclusive::NotAllowed,
        Inconclusive::NoRoute { status: 404 },
        Inconclusive::NotJson {
            status: 200,
            is_page: true,
        },
        Inconclusive::NotTheKey {
            status: 402,
            cause: "budget exceeded".to_owned(),
        },
    ]);
    reasons
}

/// Every reason to have no key: of each kind, with the shortest and the longest of its parts.
fn reasons() -> Vec<Reason> {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let mut reasons: Vec<_> = errors().into_iter().map(Reason::Source).collect();
    let ages = errors()
        .into_iter()
        .map(|error| Some(Box::new(error)))
        .chain([None]);
    reasons.extend(ages.map(|error| Reason::TooOld {
        seen_current: now,
        error,
    }));
    reasons.push(Reason::Outdated(Outdated {
        rotate_after: now,
        fingerprint: Secret::new("abc".to_owned()).fingerprint(),
        version: Some(12),
        issued: now,
    }));
    let retries = inconclusive()
        .into_iter()
        .map(|reason| Some(Box::new(reason)))
        .chain([None]);
    let evidence = retries
        .map(Evidence::ClientRetries)
        .chain([Evidence::Probe]);
    reasons.extend(evidence.map(|evidence| {
        Reason::Rejected(Rejected {
            since: now,
            fingerprint: Secret::new("abc".to_owned()).fingerprint(),
            version: Some(12),
            age: Duration::from_secs(86_400),
            evidence,
        })
    }));
    reasons
}

/// What went wrong, for which profile and source, and what to do: whole, within the client's 400
/// characters, and in one sentence each.
#[test]
fn every_kind_of_failure_names_the_profile_the_source_and_what_to_do() {
    for reason in reasons() {
        let unavailable = AcquireError::Unavailable(CredentialUnavailable {
            reason: reason.clone(),
            next_try: Duration::from_secs(300),
        });
        let error = match &reason {
            Reason::Source(error) => Some(error),
            Reason::TooOld { error, .. } => error.as_deref(),
            Reason::Rejected(_) | Reason::Outdated(_) => None,
        };
        for administrator in [
            None,
            Some("ask your administrator: https://it.example.com".to_owned()),
        ] {
            let failure = of_acquire("engineering", "team-vault", &unavailable, administrator);
            let text = failure.to_text();
            assert!(!text.contains('…'), "it is cut: {text}");
            let failed = matches!(failure.code, ExitCode::SourceFailed | ExitCode::KeyRejected);
            assert_eq!(text.contains("; next try in 300 s"), failed, "{text}");
            assert!(text.contains("'engineering'"), "{text}");
            assert!(text.contains("'team-vault'"), "{text}");
            assert!(
                error.is_none_or(|error| text.contains(&error.to_string())),
                "{text}"
            );
            let (problem, hint) = text.split_once("\nhint: ").unwrap();
            assert!(problem.ends_with('.') && !problem.ends_with(".."), "{text}");
            assert!(
                hint.trim_end().len() > 8 && !hint.trim_end().ends_with('.'),
                "{text}"
            );
            // Never the client's network for what another one has to mend.
            let is_of_network = hint.contains("check the network");
            let may_be = matches!(
                error,
                Some(SourceError::Unreachable {
                    error: TransportError::TimedOut(_)
                        | TransportError::Unconnected(_)
                        | TransportError::Interrupted(_)
                        | TransportError::Unresolved,
                    ..
                })
            );
            assert!(!is_of_network || may_be, "{text}");
        }
    }
}
