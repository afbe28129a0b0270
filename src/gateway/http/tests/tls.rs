//! Probes of a gateway with a private CA that requires a client certificate and a header.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use super::*;

/// The value of the header that the gateway requires.
const PASS: &str = "pass-canary-41f7";

/// A CA that signs the gateway's certificate and the client's.
struct Ca {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate and its key in PEM.
    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Starts a gateway that accepts [`good`] from a client of this CA that sends [`PASS`]; returns
    /// its URL.
    async fn start_gateway(&self) -> String {
        let (certificate, key) = self.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .build()
            .unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.ok()? == 0 {
                            return None;
                        }
                    }
                    let head = String::from_utf8(head).ok()?;
                    let has = |line: &str| head.lines().any(|header| header == line);
                    let status = match (has(&format!("x-pass: {PASS}")), has("x-tenant: eng")) {
                        (true, true) if has("x-api-key: sk-good") => "200 OK",
                        (true, true) => "401 Unauthorized",
                        _ => "500 Header Missing",
                    };
                    let response = format!(
                        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
                         content-length: 2\r\nconnection: close\r\n\r\n{{}}"
                    );
                    stream.write_all(response.as_bytes()).await.ok()?;
                    stream.shutdown().await.ok()
                });
            }
        });
        format!("https://localhost:{port}")
    }
}

/// Writes a file that only the user can read; returns its path.
fn put(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_certificate_and_headers_are_sent_with_the_probe() {
    let ca = Ca::new();
    let url = ca.start_gateway().await;
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(directory.path(), name, text);
    let (certificate, key) = ca.sign("laptop", ExtendedKeyUsagePurpose::ClientAuth);
    let trust = format!("ca_file = '{}'", put("ca.pem", &ca.pem));
    let identity = format!(
        "cert_file = '{}'\nkey_file = '{}'",
        put("client.pem", &certificate),
        put("client.key", &key)
    );
    let pass = put("pass", &format!("{PASS}\n"));
    let headers = format!("headers = {{ X-Tenant = 'eng', x-pass_file = '{pass}' }}");
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let gateway =
        |more: &[&str]| gateway_with(&url, Probe::Models, &more.join("\n"), &clock).unwrap();

    let complete = gateway(&[&trust, &identity, &headers]);
    assert_eq!(complete.probe(&good()).await, ProbeResult::Accepted);
    assert_eq!(complete.probe(&bad()).await, ProbeResult::Rejected);

    let reason = async |more: &[&str]| match gateway(more).probe(&good()).await {
        ProbeResult::Inconclusive(reason) => reason.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason(&[&identity, &headers]).await,
        "the gateway failed the TLS handshake: its certificate is signed by an untrusted CA"
    );
    assert_eq!(
        reason(&[&trust, &headers]).await,
        "the gateway failed the TLS handshake: it requires a client certificate"
    );
    assert_eq!(reason(&[&trust, &identity]).await, "internal error (500)");
    fs::remove_file(&pass).unwrap();
    assert_eq!(
        reason(&[&trust, &identity, &headers]).await,
        format!("the file '{pass}' does not exist")
    );
}
