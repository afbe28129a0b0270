//! TLS in front of a server that speaks none.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use super::tls::{Ca, IssuedCertificate};

/// A listener that is stopped when it is dropped.
pub(crate) struct TlsFront {
    port: u16,
    server: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// Presents `certificate` and passes what it receives on to `port`. With `client_ca`, it
    /// requires a certificate of that CA.
    pub(crate) async fn start(
        certificate: &IssuedCertificate,
        client_ca: Option<&Ca>,
        port: u16,
    ) -> Self {
        Self::start_at(0, certificate, client_ca, port).await
    }

    /// [`TlsFront::start`] with a port of its own to listen on.
    pub(crate) async fn start_at(
        own_port: u16,
        certificate: &IssuedCertificate,
        client_ca: Option<&Ca>,
        port: u16,
    ) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(certificate.cert.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        let config = match client_ca {
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                let ca = CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap();
                roots.add(ca).unwrap();
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                    .build()
                    .unwrap();
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
            None => ServerConfig::builder().with_no_client_auth(),
        };
        let config = config.with_single_cert(chain, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", own_port)).await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let server = Arc::new(AtomicU16::new(port));
        let current = Arc::clone(&server);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                let port = current.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
                    copy_bidirectional(&mut stream, &mut server).await.ok()
                });
            }
        });
        Self {
            port: own_port,
            server,
            task,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops listening, and frees the port.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        // It was aborted.
        let _ = (&mut self.task).await;
    }

    /// Passes what later connections receive on to `port`.
    pub(crate) fn forward_to(&self, port: u16) {
        self.server.store(port, Ordering::SeqCst);
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}
