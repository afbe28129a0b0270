//! Every kind of failure, as the developer reads it.

use std::time::Duration;

use super::*;
use crate::{
    broker::slot::CredentialUnavailable,
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
            hint: text("run '/usr/local/bin/corp-key' by hand"),
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

/// What went wrong, for which profile and source, and what to do: whole, within the client's 400
/// characters, and in one sentence each.
#[test]
fn every_kind_of_failure_names_the_profile_the_source_and_what_to_do() {
    for error in errors() {
        let unavailable = AcquireError::Unavailable(CredentialUnavailable {
            reason: Reason::Source(error.clone()),
            next_try: Duration::from_secs(300),
        });
        for administrator in [
            None,
            Some("ask your administrator: https://it.example.com".to_owned()),
        ] {
            let failure = of_acquire("engineering", "team-vault", &unavailable, administrator);
            let text = failure.to_text();
            assert!(!text.contains('…'), "it is cut: {text}");
            assert!(text.contains("'engineering'"), "{text}");
            assert!(text.contains("'team-vault'"), "{text}");
            assert!(text.contains(&error.to_string()), "{text}");
            let (problem, hint) = text.split_once("\nhint: ").unwrap();
            assert!(problem.ends_with('.') && !problem.ends_with(".."), "{text}");
            assert!(
                hint.trim_end().len() > 8 && !hint.trim_end().ends_with('.'),
                "{text}"
            );
            // Never the client's network for what another one has to mend.
            let is_of_network = hint.contains("check the network");
            let may_be = matches!(
                &error,
                SourceError::Unreachable {
                    error: TransportError::TimedOut(_)
                        | TransportError::Unconnected(_)
                        | TransportError::Interrupted(_)
                        | TransportError::Unresolved,
                    ..
                }
            );
            assert!(!is_of_network || may_be, "{text}");
        }
    }
}
