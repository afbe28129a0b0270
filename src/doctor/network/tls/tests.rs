use super::*;
use crate::doctor::network::{
    certificate::tests::certificate,
    facts::tests::{failed, healthy},
};

fn tls(error: TlsError, ca: &str) -> ServerFacts {
    ServerFacts {
        chain: vec![certificate(ca, &["other.test", "10.0.0.1"])],
        ..failed(TransportError::Tls(error))
    }
}

#[test]
fn every_failed_handshake_has_its_check_and_shows_the_certificate() {
    let text = || "x".to_owned();
    for (error, id) in [
        (TlsError::NotYetValid, "network.certificate-not-yet-valid"),
        (TlsError::Expired, "network.certificate-expired"),
        (TlsError::WrongHost, "network.certificate-host"),
        (
            TlsError::InvalidCertificate(text()),
            "network.certificate-invalid",
        ),
        (
            TlsError::ClientCertificateRequired,
            "network.client-certificate-required",
        ),
        (TlsError::Alert(text()), "network.tls-failed"),
        (TlsError::NotTls, "network.tls-failed"),
        (TlsError::UntrustedIssuer, "network.untrusted-ca"),
    ] {
        let found = check(&tls(error, "Corp Root")).unwrap();
        assert_eq!((found.id.as_str(), found.severity), (id, Severity::Fatal));
        assert!(found.evidence[0].contains("CN=Corp Root"), "{found:?}");
        assert!(
            found.evidence[0].contains("2027-03-04T00:00:00Z"),
            "{found:?}"
        );
    }
    let found = check(&tls(TlsError::WrongHost, "Corp Root")).unwrap();
    assert!(
        found.remedy.contains("'other.test', '10.0.0.1'"),
        "{found:?}"
    );
}

#[test]
fn an_untrusted_ca_is_named_with_what_trusts_it() {
    for (ca, ca_file, system_trusts, id, part) in [
        (
            "Corp Root",
            None,
            false,
            "network.untrusted-ca",
            "set 'ca_file'",
        ),
        (
            "Corp Root",
            Some("/etc/corp.pem"),
            false,
            "network.untrusted-ca",
            "to '/etc/corp.pem'",
        ),
        (
            "ISRG Root X1",
            Some("/etc/corp.pem"),
            true,
            "network.wrong-ca-file",
            "remove 'ca_file' from source 'vault'",
        ),
        (
            "Zscaler Root CA",
            None,
            false,
            "network.tls-inspection",
            "exempt 'vault.test:8200'",
        ),
        (
            "Zscaler Root CA",
            Some("/etc/corp.pem"),
            false,
            "network.tls-inspection",
            "set 'ca_file'",
        ),
    ] {
        let facts = ServerFacts {
            ca_file: ca_file.map(Into::into),
            system_trusts,
            ..tls(TlsError::UntrustedIssuer, ca)
        };
        let found = check(&facts).unwrap();
        assert_eq!((found.id.as_str(), found.severity), (id, Severity::Fatal));
        assert!(found.finding.contains(ca), "{found:?}");
        assert!(found.remedy.contains(part), "{found:?}");
    }
}

#[test]
fn an_inspection_that_is_trusted_is_a_note() {
    let trusted = |ca: &str| ServerFacts {
        chain: vec![certificate(ca, &["vault.test"])],
        ..healthy()
    };
    let found = check(&trusted("Netskope CA")).unwrap();
    assert_eq!(found.id, "network.tls-inspection");
    assert_eq!(found.severity, Severity::Note);
    assert_eq!(check(&trusted("Corp Root")), None);
}

#[test]
fn the_clients_own_certificate_is_reported_before_it_ends() {
    // Valid from 2026-01-02 to 2027-03-04.
    let own = ClientCertificate {
        file: "/etc/claviger/client.pem".into(),
        certificate: certificate("Corp Root", &[]),
    };
    for (now, expected) in [
        (
            "2026-01-01T00:00:00Z",
            Some("network.client-certificate-invalid"),
        ),
        ("2026-06-01T00:00:00Z", None),
        ("2027-02-17T00:00:00Z", None),
        (
            "2027-02-19T00:00:00Z",
            Some("network.client-certificate-expires"),
        ),
        (
            "2027-03-05T00:00:00Z",
            Some("network.client-certificate-invalid"),
        ),
    ] {
        let found = of_client(&healthy(), &own, now.parse().unwrap());
        assert_eq!(found.map(|found| found.id).as_deref(), expected, "{now}");
    }
}
