//! The certificates that a server presents, for a report about them.
//!
//! The handshake is ended when they have arrived, whatever they are: nothing is ever sent over such
//! a connection, so that a certificate may be looked at before it is trusted.

use std::sync::{Arc, Mutex};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::sync;

/// Keeps the chain that a server presents, and refuses it.
#[derive(Debug)]
pub(super) struct Recorder {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<Vec<u8>>>,
}

impl Recorder {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            provider: Arc::new(aws_lc_rs::default_provider()),
            chain: Mutex::default(),
        })
    }

    /// A configuration with which every handshake ends at the server's certificate; `None` if this
    /// build supports no version of TLS.
    pub(super) fn tls_config(self: &Arc<Self>) -> Option<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_safe_default_protocol_versions().ok()?;
        let verifier = Arc::clone(self) as Arc<dyn ServerCertVerifier>;
        let config = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Some(config.with_no_client_auth())
    }

    /// The chain in DER, the server's own certificate first; empty if none has arrived.
    pub(super) fn chain(&self) -> Vec<Vec<u8>> {
        sync::lock(&self.chain).clone()
    }

    fn refuse() -> Error {
        Error::General("only the certificate was wanted".to_owned())
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        *sync::lock(&self.chain) = chain.map(|certificate| certificate.to_vec()).collect();
        Err(Self::refuse())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::refuse())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::refuse())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
