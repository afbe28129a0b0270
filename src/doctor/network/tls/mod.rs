//! Certificates: the server's, that of what stands between, and the client's own.

use std::time::Duration;

use super::{
    certificate::{self, Certificate},
    checks::{
        CERTIFICATE_EXPIRED, CERTIFICATE_HOST, CERTIFICATE_INVALID, CERTIFICATE_NOT_YET_VALID,
        CLIENT_CERTIFICATE_EXPIRES, CLIENT_CERTIFICATE_INVALID, CLIENT_CERTIFICATE_REQUIRED,
        TLS_FAILED, TLS_INSPECTION, UNTRUSTED_CA, WRONG_CA_FILE,
    },
    facts::{ClientCertificate, ServerFacts},
};
use crate::{
    clock::Timestamp,
    doctor::finding::{Finding, Severity},
    network::{TlsError, TransportError},
};

/// How long before its end a client's certificate is reported: long enough for a request that an
/// administrator must grant.
const EXPIRES_SOON: Duration = Duration::from_hours(14 * 24);

/// What is wrong with TLS to a server, or stands between.
pub(super) fn check(facts: &ServerFacts) -> Option<Finding> {
    match &facts.answer {
        Err(TransportError::Tls(error)) => Some(failed(facts, error)),
        _ => inspected(facts),
    }
}

/// A handshake that failed.
fn failed(facts: &ServerFacts, error: &TlsError) -> Finding {
    let (check, remedy) = match error {
        TlsError::UntrustedIssuer => return untrusted(facts),
        TlsError::NotYetValid => (CERTIFICATE_NOT_YET_VALID, None),
        TlsError::Expired => (CERTIFICATE_EXPIRED, None),
        TlsError::WrongHost => {
            let names = facts.chain.first().map(|own| own.names.join("', '"));
            let names = names.filter(|names| !names.is_empty());
            let remedy = names.map(|names| {
                format!(
                    "set the address in {} to a name that the certificate is for: '{names}'",
                    facts.server.table()
                )
            });
            (CERTIFICATE_HOST, remedy)
        }
        TlsError::InvalidCertificate(_) => (CERTIFICATE_INVALID, None),
        TlsError::ClientCertificateRequired => (CLIENT_CERTIFICATE_REQUIRED, None),
        TlsError::Alert(_) | TlsError::NotTls => (TLS_FAILED, None),
    };
    let error = TransportError::Tls(error.clone());
    facts.found(
        &check,
        format!("{} {error}", facts.server.subject()),
        evidence(facts),
        remedy.unwrap_or_else(|| error.hint()),
    )
}

/// A chain that ends at no trusted CA: a CA that is not configured, another one than configured, or
/// a product between that replaces certificates.
fn untrusted(facts: &ServerFacts) -> Finding {
    let subject = facts.server.subject();
    let table = facts.server.table();
    let root = certificate::root_of(&facts.chain).unwrap_or("an unknown CA");
    let (check, problem, remedy) = match (certificate::inspector(&facts.chain), &facts.ca_file) {
        (Some(ca), _) => (
            TLS_INSPECTION,
            format!("the certificate of {subject} is replaced on the way, by the CA '{ca}'"),
            format!(
                "ask the network's administrator to exempt '{}' from TLS inspection, or set 'ca_file' in \
                 {table} to the PEM file of that CA",
                facts.server.host()
            ),
        ),
        (None, Some(file)) if facts.system_trusts => (
            WRONG_CA_FILE,
            format!(
                "the certificate of {subject} is issued by '{root}', which '{}' does not contain and the \
                 system trusts",
                file.display()
            ),
            format!(
                "remove 'ca_file' from {table}, or add that CA to '{}'",
                file.display()
            ),
        ),
        (None, Some(file)) => (
            UNTRUSTED_CA,
            format!(
                "the certificate of {subject} is issued by '{root}', which '{}' does not contain",
                file.display()
            ),
            format!(
                "if '{root}' is your company's, or that of a proxy that inspects TLS, add its certificate \
                 to '{}'",
                file.display()
            ),
        ),
        (None, None) => (
            UNTRUSTED_CA,
            format!(
                "the certificate of {subject} is issued by '{root}', which the system does not trust"
            ),
            format!(
                "if '{root}' is your company's, or that of a proxy that inspects TLS, set 'ca_file' in \
                 {table} to the PEM file of its certificate"
            ),
        ),
    };
    facts.found(&check, problem, evidence(facts), remedy)
}

/// TLS works, and a product between reads along.
fn inspected(facts: &ServerFacts) -> Option<Finding> {
    let ca = certificate::inspector(&facts.chain)?;
    let problem = format!(
        "TLS to the {} is inspected on the way: '{ca}' issued the certificate, and is trusted",
        facts.server.subject()
    );
    let remedy = "nothing to do if security has decided so: keys can be read there";
    Some(Finding {
        severity: Severity::Note,
        ..facts.found(&TLS_INSPECTION, problem, evidence(facts), remedy)
    })
}

fn evidence(facts: &ServerFacts) -> Vec<String> {
    let chain = facts.chain.iter().enumerate();
    chain
        .map(|(index, one)| format!("certificate {}: {}", index + 1, one.evidence()))
        .chain(facts.proxy_evidence())
        .collect()
}

/// What is wrong with the client's own certificate at `now`.
pub(super) fn of_client(
    facts: &ServerFacts,
    ClientCertificate { file, certificate }: &ClientCertificate,
    now: Timestamp,
) -> Option<Finding> {
    let Certificate {
        not_before,
        not_after,
        ..
    } = certificate;
    let soon = now.saturating_add(EXPIRES_SOON).unwrap_or(now);
    let (check, problem) = if *not_after < now {
        let problem = format!("has expired at {not_after}");
        (CLIENT_CERTIFICATE_INVALID, problem)
    } else if now < *not_before {
        let problem = format!("is not valid before {not_before}");
        (CLIENT_CERTIFICATE_INVALID, problem)
    } else if *not_after < soon {
        let problem = format!("expires at {not_after}");
        (CLIENT_CERTIFICATE_EXPIRES, problem)
    } else {
        return None;
    };
    Some(facts.found(
        &check,
        format!(
            "the client's certificate for the {} {problem}",
            facts.server.subject()
        ),
        vec![format!("'{}': {}", file.display(), certificate.evidence())],
        format!(
            "write a new certificate and its key to the files of {}",
            facts.server.table()
        ),
    ))
}

#[cfg(test)]
mod tests;
