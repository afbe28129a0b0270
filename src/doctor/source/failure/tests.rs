use std::time::Duration;

use super::*;
use crate::{
    broker::{
        AcquireError,
        slot::{CredentialUnavailable, Reason},
    },
    doctor::finding::Severity,
    error_report,
    network::TransportError,
    source::SourceError,
};

/// The finding of a client that gets no key because of `error`.
fn found(error: SourceError) -> Finding {
    let unavailable = CredentialUnavailable {
        reason: Reason::Source(error),
        next_try: Duration::from_secs(3),
    };
    let error = AcquireError::Unavailable(unavailable);
    finding(&error_report::of_acquire("work", "vault", &error, None))
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn every_error_of_a_source_has_its_check() {
    let (host, path) = (|| text("v:8200"), || text("secret/data/k"));
    let unreachable = |error| SourceError::Unreachable {
        host: host(),
        error,
    };
    let unavailable = |reason: &str| SourceError::Unavailable {
        host: host(),
        reason: text(reason),
        retry_after: None,
    };
    let refused = |reason: &str| SourceError::LoginRefused {
        host: host(),
        reason: text(reason),
        hint: text("write a new secret-id"),
        is_final: true,
    };
    let unusable = |reason: &str| SourceError::Unusable {
        host: host(),
        field: text("api_key"),
        reason: text(reason),
    };
    let configuration = |reason: &str| SourceError::Configuration {
        reason: text(reason),
        hint: text("correct it"),
    };
    for (error, id) in [
        (unreachable(TransportError::Refused), "unreachable"),
        (
            unreachable(TransportError::Program {
                reason: text("exit status: 1"),
                hint: text("run it by hand"),
            }),
            "program",
        ),
        (unavailable("is sealed (503)"), "unavailable"),
        (unavailable("is a standby (429)"), "unavailable"),
        (
            unavailable("is temporarily unavailable: bad gateway (502)"),
            "unavailable",
        ),
        (
            SourceError::Failed {
                host: host(),
                path: path(),
                reason: text("bad role"),
            },
            "failed",
        ),
        (refused("invalid role or secret ID (400)"), "login-refused"),
        (
            refused("the wrapping token was already used or has expired"),
            "wrapped-secret-id",
        ),
        (
            SourceError::LoginRequired {
                host: host(),
                reason: text("no user has signed in yet"),
                hint: None,
            },
            "login-required",
        ),
        (
            SourceError::Denied {
                host: host(),
                path: path(),
                reason: text("permission denied (403)"),
            },
            "policy",
        ),
        (
            SourceError::Missing {
                host: host(),
                path: path(),
                reason: text("404"),
            },
            "path",
        ),
        (
            unusable("is missing; the secret has the fields 'a'"),
            "field",
        ),
        (unusable("is empty"), "unusable-key"),
        (
            SourceError::UnusableClaim {
                host: host(),
                key: text("path"),
                reason: text("'email' is missing"),
                hint: text("ask for the claim"),
            },
            "claim",
        ),
        (
            SourceError::Redirected {
                host: host(),
                to: text("other:8200"),
                reason: text("which 'redirect_hosts' does not list"),
            },
            "unexpected-answer",
        ),
        (
            SourceError::WebPage {
                host: host(),
                reason: text("a web page"),
            },
            "unexpected-answer",
        ),
        (
            SourceError::Malformed {
                host: host(),
                reason: text("not JSON"),
            },
            "unexpected-answer",
        ),
        (
            SourceError::BadOutput {
                program: text("/bin/key"),
                reason: text("too long"),
            },
            "program",
        ),
        (
            configuration(
                "the mount point 'kv' on 'v' is KV version 1, but the source expects KV version 2",
            ),
            "kv-version",
        ),
        (
            configuration("the file '/etc/token' does not exist"),
            "configuration",
        ),
    ] {
        let found = found(error.clone());
        assert_eq!(found.id, format!("source.{id}"), "{error}");
        assert_eq!(found.severity, Severity::Fatal);
        assert!(found.finding.contains(&error.to_string()), "{found:?}");
    }
}

#[test]
fn every_other_exit_code_has_its_check() {
    for (code, id) in [
        (ExitCode::Usage, "source.configuration"),
        (ExitCode::LoginRequired, "source.login-required"),
        (ExitCode::KeyRejected, "source.rejected"),
        (ExitCode::SourceFailed, "source.unreachable"),
        (ExitCode::KeyUnusable, "source.unusable-key"),
        (ExitCode::Denied, "source.denied"),
        (ExitCode::DaemonUnavailable, "source.daemon"),
    ] {
        let found = finding(&Failure::new(code, "problem", "remedy"));
        assert_eq!((found.id.as_str(), found.remedy.as_str()), (id, "remedy"));
    }
}
