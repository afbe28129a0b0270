//! Certificates: the server's, that of what stands between, and the client's own.

use std::time::Duration;

use super::{
    certificate::{self, Certificate},
    connection::finding,
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
    let (id, remedy) = match error {
        TlsError::UntrustedIssuer => return untrusted(facts),
        TlsError::NotYetValid => ("certificate-not-yet-valid", None),
        TlsError::Expired => ("certificate-expired", None),
        TlsError::WrongHost => {
            let names = facts.chain.first().map(|own| own.names.join("', '"));
            let names = names.filter(|names| !names.is_empty());
            let remedy = names.map(|names| {
                format!(
                    "set the address in {} to a name that the certificate is for: '{names}'",
                    facts.server.table()
                )
            });
            ("certificate-host", remedy)
        }
        TlsError::InvalidCertificate(_) => ("certificate-invalid", None),
        TlsError::ClientCertificateRequired => ("client-certificate-required", None),
        TlsError::Alert(_) => ("tls-alert", None),
        TlsError::NotTls => ("not-tls", None),
    };
    let error = TransportError::Tls(error.clone());
    finding(
        facts,
        id,
        Severity::Fatal,
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
    let (id, problem, remedy) = match (certificate::inspector(&facts.chain), &facts.ca_file) {
        (Some(ca), _) => (
            "tls-inspection",
            format!("the certificate of {subject} is replaced on the way, by the CA '{ca}'"),
            format!(
                "ask the network's administrator to exempt '{}' from TLS inspection, or set 'ca_file' in \
                 {table} to the PEM file of that CA",
                facts.server.host()
            ),
        ),
        (None, Some(file)) if facts.system_trusts => (
            "wrong-ca-file",
            format!(
                "the certificate of {subject} is issued by '{root}', which '{}' does not contain and the \
                 system trusts",
                file.display()
            ),
            format!("remove 'ca_file' from {table}, or add that CA to '{}'", file.display()),
        ),
        (None, Some(file)) => (
            "untrusted-ca",
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
            "untrusted-ca",
            format!("the certificate of {subject} is issued by '{root}', which the system does not trust"),
            format!(
                "if '{root}' is your company's, or that of a proxy that inspects TLS, set 'ca_file' in \
                 {table} to the PEM file of its certificate"
            ),
        ),
    };
    finding(facts, id, Severity::Fatal, problem, evidence(facts), remedy)
}

/// TLS works, and a product between reads along.
fn inspected(facts: &ServerFacts) -> Option<Finding> {
    let ca = certificate::inspector(&facts.chain)?;
    Some(finding(
        facts,
        "tls-inspection",
        Severity::Note,
        format!(
            "TLS to the {} is inspected on the way: '{ca}' issued the certificate, and is trusted",
            facts.server.subject()
        ),
        evidence(facts),
        "nothing to do if security has decided so: keys can be read there".to_owned(),
    ))
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
    let (id, severity, problem) = if *not_after < now {
        let problem = format!("has expired at {not_after}");
        ("client-certificate-expired", Severity::Fatal, problem)
    } else if now < *not_before {
        let problem = format!("is not valid before {not_before}");
        ("client-certificate-not-yet-valid", Severity::Fatal, problem)
    } else if *not_after < soon {
        let problem = format!("expires at {not_after}");
        ("client-certificate-expires", Severity::Warning, problem)
    } else {
        return None;
    };
    Some(finding(
        facts,
        id,
        severity,
        format!(
            "the client's certificate for the {} {problem}",
            facts.server.subject()
        ),
        vec![format!("'{}': {}", file.display(), certificate.evidence())],
        format!("write a new certificate and its key to the files of {}", facts.server.table()),
    ))
}

#[cfg(test)]
mod tests;
