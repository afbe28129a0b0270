//! Keys and certificates for a test: a CA, servers, clients.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::canary::issued;

/// A certificate authority.
pub(crate) struct Ca {
    /// The CA's own certificate.
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, both in PEM.
pub(crate) struct IssuedCertificate {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// Issues a certificate for a server with these host names or addresses.
    pub(crate) fn server(&self, names: &[&str]) -> IssuedCertificate {
        self.sign("server", params(names), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a certificate for a server, which is valid from the one day (year, month, day) to the
    /// other.
    pub(crate) fn server_valid(
        &self,
        names: &[&str],
        (y1, m1, d1): (i32, u8, u8),
        (y2, m2, d2): (i32, u8, u8),
    ) -> IssuedCertificate {
        let mut params = params(names);
        params.not_before = date_time_ymd(y1, m1, d1);
        params.not_after = date_time_ymd(y2, m2, d2);
        self.sign("server", params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a certificate for a client with this common name.
    pub(crate) fn client(&self, name: &str) -> IssuedCertificate {
        self.sign(name, params(&[]), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        name: &str,
        mut params: CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
    ) -> IssuedCertificate {
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        issued::add(&key.serialize_pem());
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        IssuedCertificate {
            cert: cert.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

/// Generates a key pair for JWTs signed with EdDSA: the private and the public key, both in PEM.
pub(crate) fn signing_key() -> (String, String) {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    issued::add(&key.serialize_pem());
    (key.serialize_pem(), key.public_key_pem())
}
