//! What people need to know of a certificate.

use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, pem::Pem, prelude::FromDer as _,
    x509::X509Name,
};

use crate::{clock::Timestamp, network::one_line};

/// The most host names of a certificate that are shown: a shared one has hundreds.
const MAX_NAMES: usize = 5;

/// Parts of the names of CAs with which products inspect TLS, in lower case.
const INSPECTORS: [&str; 24] = [
    "avast",
    "barracuda",
    "blue coat",
    "bluecoat",
    "charles proxy",
    "check point",
    "cisco umbrella",
    "cloudflare gateway",
    "do_not_trust_fiddler",
    "eset ssl filter",
    "forcepoint",
    "fortigate",
    "fortinet",
    "kaspersky",
    "mcafee web gateway",
    "menlo security",
    "mitmproxy",
    "netskope",
    "palo alto",
    "skyhigh",
    "sophos",
    "squid",
    "websense",
    "zscaler",
];

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The subject's distinguished name.
    pub(super) subject: String,
    /// The distinguished name of the CA that signed it.
    pub(super) issuer: String,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// The host names and addresses that it is for, the first few.
    pub(super) names: Vec<String>,
}

impl Certificate {
    /// Parses DER; `None` if it is no certificate.
    pub(super) fn of_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names
            .into_iter()
            .flat_map(|names| &names.value.general_names);
        Some(Self {
            subject: shown(certificate.subject()),
            issuer: shown(certificate.issuer()),
            not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
            names: names.filter_map(host).take(MAX_NAMES).collect(),
        })
    }

    /// Parses the first certificate in PEM, with any text before it; `None` if there is none.
    pub(super) fn of_pem(pem: &[u8]) -> Option<Self> {
        let mut blocks = Pem::iter_from_buffer(pem).filter_map(Result::ok);
        Self::of_der(&blocks.find(|block| block.label == "CERTIFICATE")?.contents)
    }

    /// One line for a report.
    pub(super) fn evidence(&self) -> String {
        let Self {
            subject,
            issuer,
            not_before,
            not_after,
            ..
        } = self;
        format!("'{subject}', issued by '{issuer}', valid from {not_before} to {not_after}")
    }
}

/// The name of the CA at the end of a chain that was presented: roots are mostly not sent.
pub(super) fn root_of(chain: &[Certificate]) -> Option<&str> {
    chain.last().map(|certificate| certificate.issuer.as_str())
}

/// The name in a chain of a CA with which a product inspects TLS.
pub(super) fn inspector(chain: &[Certificate]) -> Option<&str> {
    chain.iter().map(|one| one.issuer.as_str()).find(|issuer| {
        let issuer = issuer.to_lowercase();
        INSPECTORS.iter().any(|name| issuer.contains(name))
    })
}

fn shown(name: &X509Name<'_>) -> String {
    one_line(&name.to_string())
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(one_line(name)),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            _ => {
                let octets: [u8; 16] = (*bytes).try_into().ok()?;
                Some(std::net::Ipv6Addr::from(octets).to_string())
            }
        },
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate for these hosts, which a CA with this name has signed.
    pub(in super::super) fn certificate(ca: &str, hosts: &[&str]) -> Certificate {
        Certificate::of_der(issue(ca, hosts).der()).unwrap()
    }

    fn issue(ca: &str, hosts: &[&str]) -> rcgen::Certificate {
        let mut issuer = CertificateParams::default();
        issuer.distinguished_name.push(DnType::CommonName, ca);
        let issuer = Issuer::new(issuer, KeyPair::generate().unwrap());
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.not_before = date_time_ymd(2026, 1, 2);
        params.not_after = date_time_ymd(2027, 3, 4);
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, &issuer).unwrap()
    }

    #[test]
    fn a_certificate_shows_its_ca_its_hosts_and_its_time() {
        let der = issue("Corp Root", &["vault.test", "10.1.2.3", "::1"]);
        let parsed = Certificate::of_der(der.der()).unwrap();
        assert_eq!(parsed.names, ["vault.test", "10.1.2.3", "::1"]);
        assert!(parsed.issuer.contains("CN=Corp Root"), "{parsed:?}");
        assert_eq!(parsed.not_before.to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(parsed.not_after.to_string(), "2027-03-04T00:00:00Z");
        let pem = format!("a comment\n{}", der.pem());
        assert_eq!(Certificate::of_pem(pem.as_bytes()), Some(parsed));
        assert_eq!(Certificate::of_der(b"0"), None);
        assert_eq!(Certificate::of_pem(b"none"), None);
    }

    #[test]
    fn a_product_that_inspects_tls_is_known_by_the_name_of_its_ca() {
        for (ca, is_inspector) in [
            ("Zscaler Intermediate Root CA (zscaler.net)", true),
            ("mitmproxy", true),
            ("FortiGate CA", true),
            ("Corp Root", false),
            ("ISRG Root X1", false),
        ] {
            let chain = [certificate(ca, &["vault.test"])];
            assert_eq!(inspector(&chain).is_some(), is_inspector, "{ca}");
            assert!(root_of(&chain).is_some_and(|root| root.contains(ca)));
        }
        assert_eq!((inspector(&[]), root_of(&[])), (None, None));
    }
}
