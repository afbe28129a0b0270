//! The CA certificates that servers' certificates are checked against.

use std::path::Path;

use reqwest::Certificate;
use rustls::{RootCertStore, pki_types::CertificateDer};

use super::setup_error::SetupError;
use crate::named_file;

/// The labels of a certificate in PEM (RFC 7468, section 5.1, and what OpenSSL wrote before).
const LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];

/// The most unusable entries that the log names one by one.
const MAX_NAMED: usize = 5;

/// Reads the certificates of `ca_file`. What is usable is taken; a warning names the rest.
///
/// # Errors
///
/// [`SetupError`] if the file cannot be read or has no usable certificate.
pub(super) fn of_file(file: &Path) -> Result<Vec<Certificate>, SetupError> {
    let bundle = Bundle::parse(&named_file::read_public(file)?);
    for (entry, reason) in bundle.unusable.iter().take(MAX_NAMED) {
        tracing::warn!(
            event = "ca-entry-ignored",
            file = %file.display(),
            entry,
            reason,
            "ignored an entry of 'ca_file'",
        );
    }
    if bundle.certificates.is_empty() {
        let file = file.display();
        return Err(SetupError {
            reason: match bundle.unusable.first() {
                Some((entry, reason)) => {
                    format!(
                        "the file '{file}' contains no usable certificate (entry {entry}: {reason})"
                    )
                }
                None => format!("the file '{file}' contains no PEM certificate"),
            },
            hint: "write the CA's certificates to it, or correct 'ca_file'".to_owned(),
            is_of_client: false,
        });
    }
    Ok(bundle.certificates)
}

/// The certificates of a file.
#[derive(Default)]
struct Bundle {
    certificates: Vec<Certificate>,
    /// The number of each other entry, counted from 1, and what is wrong with it.
    unusable: Vec<(usize, String)>,
}

impl Bundle {
    /// Parses certificates in PEM, with any text before, between and after them, any line ends and
    /// byte order marks; or one in DER.
    fn parse(bytes: &[u8]) -> Self {
        let mut bundle = Self::default();
        if bytes.first() == Some(&0x30) {
            bundle.add(1, bytes);
            return bundle;
        }
        let text = String::from_utf8_lossy(bytes);
        let mut entry = 0;
        let mut rest = &*text;
        while let Some((label, body, after)) = next_block(rest) {
            entry += 1;
            rest = after;
            if !LABELS.contains(&label) {
                bundle
                    .unusable
                    .push((entry, format!("it is a {}", label.to_lowercase())));
                continue;
            }
            let Some(body) = body else {
                bundle
                    .unusable
                    .push((entry, "its end is missing".to_owned()));
                continue;
            };
            let lines: String = body.split_whitespace().collect();
            let block = format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n");
            match pem::parse(block) {
                Ok(block) => bundle.add(entry, block.contents()),
                Err(_) => bundle
                    .unusable
                    .push((entry, "it is not valid base64".to_owned())),
            }
        }
        bundle
    }

    fn add(&mut self, entry: usize, der: &[u8]) {
        // reqwest refuses all certificates if one of them is not usable.
        let added = RootCertStore::empty().add(CertificateDer::from(der));
        match added.map(|()| Certificate::from_der(der)) {
            Ok(Ok(certificate)) => self.certificates.push(certificate),
            Ok(Err(_)) | Err(_) => self
                .unusable
                .push((entry, "it is not a valid certificate".to_owned())),
        }
    }
}

/// The first block of `text`: its label, its body, or `None` if the next one begins before its end,
/// and what follows.
fn next_block(text: &str) -> Option<(&str, Option<&str>, &str)> {
    const BEGIN: &str = "-----BEGIN ";
    let (_, after) = text.split_once(BEGIN)?;
    let (label, after) = after.split_once("-----")?;
    let end = format!("-----END {label}-----");
    match (after.find(&end), after.find(BEGIN)) {
        (Some(at), next) if next.is_none_or(|next| at < next) => {
            Some((label, Some(&after[..at]), &after[at + end.len()..]))
        }
        _ => Some((label, None, after)),
    }
}

/// The system's certificates, in the one of these files that exists: where the libraries of the
/// distributions look for them. The library that would do so reads `SSL_CERT_FILE` first, which
/// could make a server trusted that is not.
#[cfg(all(unix, not(target_vendor = "apple")))]
const SYSTEM_BUNDLES: [&str; 6] = [
    // Debian, Ubuntu, Arch, Gentoo
    "/etc/ssl/certs/ca-certificates.crt",
    // Fedora, RHEL 7 and later
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    // RHEL 6
    "/etc/pki/tls/certs/ca-bundle.crt",
    // SUSE
    "/etc/ssl/ca-bundle.pem",
    // Alpine
    "/etc/ssl/cert.pem",
    // FreeBSD
    "/usr/local/etc/ssl/cert.pem",
];

/// Reads the system's certificates.
///
/// # Errors
///
/// [`SetupError`] if there are none.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) fn of_system() -> Result<Option<Vec<Certificate>>, SetupError> {
    let found = SYSTEM_BUNDLES
        .iter()
        .filter_map(|file| named_file::read_public(Path::new(file)).ok())
        .map(|bytes| Bundle::parse(&bytes).certificates)
        .find(|certificates| !certificates.is_empty());
    match found {
        Some(certificates) => Ok(Some(certificates)),
        None => Err(SetupError {
            reason: "the system has no CA certificates in the usual places".to_owned(),
            hint: "install the package 'ca-certificates', or set 'ca_file'".to_owned(),
            is_of_client: false,
        }),
    }
}

/// The system checks certificates itself there, without the environment: `None`.
///
/// # Errors
///
/// None.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(super) fn of_system() -> Result<Option<Vec<Certificate>>, SetupError> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate() -> rcgen::Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["ca.test".to_owned()]).unwrap();
        params.self_signed(&key).unwrap()
    }

    /// How many certificates are usable, and the problems of the other entries.
    fn parsed(text: impl AsRef<[u8]>) -> (usize, Vec<(usize, String)>) {
        let bundle = Bundle::parse(text.as_ref());
        (bundle.certificates.len(), bundle.unusable)
    }

    #[test]
    fn what_is_around_the_certificates_makes_no_difference() {
        let (a, b) = (certificate().pem(), certificate().pem());
        for text in [
            format!("{a}{b}"),
            format!("\u{feff}{a}\u{feff}{b}"),
            format!("{a}{b}").replace('\n', "\r\n"),
            format!("{a}{b}").replace('\n', "\r"),
            format!("# Corp Root\n{a}\nSubject: CN=é\n  -----\n{b}\nthe end"),
            format!("{a}{b}").replace('\n', "\n   "),
            format!("{}{b}", a.trim_end()),
        ] {
            assert_eq!(parsed(&text), (2, Vec::new()), "{text}");
        }
        assert_eq!(parsed(certificate().der()), (1, Vec::new()));
        assert_eq!(parsed("no certificate"), (0, Vec::new()));
        assert_eq!(parsed(""), (0, Vec::new()));
    }

    #[test]
    fn an_unusable_entry_is_named_and_the_others_are_taken() {
        let (a, b) = (certificate().pem(), certificate().pem());
        let key = KeyPair::generate().unwrap().serialize_pem();
        let cut = a.replace("-----END CERTIFICATE-----", "");
        let mut damaged = a.clone();
        damaged.replace_range(40..44, "!!!!");
        let text = format!(
            "{a}{key}{cut}{damaged}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{b}"
        );
        let (usable, unusable) = parsed(text);
        assert_eq!(usable, 2);
        let reasons: Vec<_> = unusable
            .iter()
            .map(|(entry, reason)| (*entry, reason.as_str()))
            .collect();
        assert_eq!(
            reasons,
            [
                (2, "it is a private key"),
                (3, "its end is missing"),
                (4, "it is not valid base64"),
                (5, "it is not a valid certificate"),
            ]
        );
    }

    #[test]
    fn a_large_bundle_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        let comment = "#".repeat(200 * 1024);
        std::fs::write(&file, format!("{comment}\n{}", certificate().pem())).unwrap();
        assert_eq!(of_file(&file).unwrap().len(), 1);
        std::fs::write(&file, "#".repeat(5 * 1024 * 1024)).unwrap();
        let error = of_file(&file).unwrap_err();
        assert!(
            error.reason.ends_with("is larger than 4096 KiB"),
            "{error:?}"
        );
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n").unwrap();
        let error = of_file(&file).unwrap_err();
        assert!(
            error.reason.ends_with("(entry 1: its end is missing)"),
            "{error:?}"
        );
    }
}
