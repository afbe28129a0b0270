//! The keys of a policy, from their files: PEM, as OpenSSL writes it (RFC 7468, RFC 8410).

use aws_lc_rs::{
    digest,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::config::PolicyKey;

/// What precedes the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo`: the sequence, the
/// algorithm `1.3.101.112` and the start of the bit string (RFC 8410, section 4).
const PUBLIC_KEY_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A private key that signs policies. Its memory is wiped when it is dropped.
pub(crate) struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The private key in `der`: PKCS #8, as in the file that `openssl genpkey -algorithm ed25519`
    /// writes; `None` if it is of another algorithm.
    #[must_use]
    pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .ok()
            .map(Self)
    }

    /// The public key.
    #[must_use]
    pub(crate) fn public(&self) -> PolicyKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PolicyKey::new(bytes)
    }

    /// The signature of `message` (RFC 8032, section 5.1.6).
    #[must_use]
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// The public key in `pem`, as `openssl pkey -pubout` writes it; `None` if there is none of this
/// algorithm.
#[must_use]
pub(crate) fn public_key(pem: &[u8]) -> Option<PolicyKey> {
    let blocks = pem::parse_many(pem).ok()?;
    let block = blocks.iter().find(|block| block.tag() == "PUBLIC KEY")?;
    let bytes = block.contents().strip_prefix(&PUBLIC_KEY_PREFIX)?;
    Some(PolicyKey::new(bytes.try_into().ok()?))
}

/// The name of `key` in a signed policy: its thumbprint (RFC 7638), by the members of RFC 8037.
#[must_use]
pub(crate) fn key_id(key: &PolicyKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, jwk.as_bytes()))
}

/// Whether `signature` is that of `message` by `key`.
pub(super) fn is_signed_by(key: &PolicyKey, message: &[u8], signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, key.as_bytes());
    key.verify(message, signature).is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The private key of RFC 8037, appendix A.1.
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /// The key with this seed, from PKCS #8 as OpenSSL writes it.
    pub(in super::super) fn key_of(seed: &[u8]) -> SigningKey {
        let mut der = vec![
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        der.extend(seed);
        SigningKey::from_pkcs8(&der).unwrap()
    }

    /// Appendices A.1 to A.5.
    #[test]
    fn the_examples_of_rfc_8037_hold() {
        let key = key_of(&URL_SAFE_NO_PAD.decode(D).unwrap());
        assert_eq!(key.public().to_string(), X);
        assert_eq!(
            key_id(&key.public()),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = key.sign(message);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(is_signed_by(&key.public(), message, &signature));
        assert!(!is_signed_by(&key.public(), b"other", &signature));
        assert!(!is_signed_by(&PolicyKey::new([7; 32]), message, &signature));
        assert!(!is_signed_by(&key.public(), message, &signature[1..]));
    }

    #[test]
    fn a_public_key_is_read_from_pem() {
        let block = |label: &str, der: &[u8]| {
            let body = STANDARD.encode(der);
            format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
        };
        let key: PolicyKey = X.parse().unwrap();
        let der = [&PUBLIC_KEY_PREFIX[..], key.as_bytes()].concat();
        let pem = format!(
            "{}{}",
            block("CERTIFICATE", b"x"),
            block("PUBLIC KEY", &der)
        );
        assert_eq!(public_key(pem.as_bytes()), Some(key));
        for other in [
            String::new(),
            X.to_owned(),
            block("PUBLIC KEY", &der[1..]),
            block("PUBLIC KEY", &[&der[..], b"x"].concat()),
            block("CERTIFICATE", &der),
        ] {
            assert_eq!(public_key(other.as_bytes()), None, "{other}");
        }
        assert!(SigningKey::from_pkcs8(&der).is_none());
    }
}
