//! The key of a client that signs assertions, with its certificate, made by OpenSSL.

use std::{fs, process::Command};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A key for `ES256` or `RS256`, which both have the size that OpenSSL prints.
pub(super) struct ClientKey {
    directory: TempDir,
    algorithm: String,
}

impl ClientKey {
    pub(super) fn new(algorithm: &str) -> Self {
        let key = Self {
            directory: TempDir::new().unwrap(),
            algorithm: algorithm.to_owned(),
        };
        let kind: &[&str] = match algorithm {
            "ES256" => &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "RS256" => &["rsa:2048"],
            other => panic!("{other}"),
        };
        let (pem, certificate) = (key.path("key"), key.path("crt"));
        let mut arguments = vec!["req", "-x509", "-nodes", "-subj", "/CN=ci", "-newkey"];
        arguments.extend(kind);
        arguments.extend(["-keyout", &pem, "-out", &certificate]);
        openssl(&arguments);
        key
    }

    pub(super) fn key_id(&self) -> &str {
        "the-client-key"
    }

    pub(super) fn private_pem(&self) -> String {
        fs::read_to_string(self.path("key")).unwrap()
    }

    pub(super) fn certificate_pem(&self) -> String {
        fs::read_to_string(self.path("crt")).unwrap()
    }

    /// SHA-256 of the certificate, as in a JWT's header.
    pub(super) fn thumbprint(&self) -> String {
        let der = openssl(&["x509", "-outform", "DER", "-in", &self.path("crt")]);
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &der))
    }

    /// The public key as a key set (RFC 7517).
    pub(super) fn jwks(&self) -> Value {
        let mut key = match self.algorithm.as_str() {
            "ES256" => self.ec(),
            _ => self.rsa(),
        };
        key["kid"] = self.key_id().into();
        key["use"] = "sig".into();
        json!({ "keys": [key] })
    }

    /// The point is the end of the SPKI: 32 bytes each.
    fn ec(&self) -> Value {
        let spki = openssl(&[
            "pkey",
            "-pubout",
            "-outform",
            "DER",
            "-in",
            &self.path("key"),
        ]);
        let point = &spki[spki.len() - 64..];
        let (x, y) = point.split_at(32);
        json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
    }

    fn rsa(&self) -> Value {
        let printed = openssl(&["rsa", "-noout", "-modulus", "-in", &self.path("key")]);
        let printed = String::from_utf8(printed).unwrap();
        let hex = printed.trim().strip_prefix("Modulus=").unwrap();
        let modulus: Vec<_> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        json!({"kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(modulus)})
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    output.stdout
}
