//! Keys and signatures of OpenSSL: P-521, and every scheme of encryption.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

/// `r` and `s` of a JWS (RFC 7518, section 3.4) in the form that OpenSSL verifies.
fn ecdsa_der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let mut bytes = bytes[zeros..].to_vec();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [&[2, u8::try_from(bytes.len()).unwrap()][..], &bytes].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let both = [integer(r), integer(s)].concat();
    [&[0x30, 0x81, u8::try_from(both.len()).unwrap()][..], &both].concat()
}

#[tokio::test]
async fn openssl_verifies_what_es512_signs() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let file = path("key");
    let curve = "ec_paramgen_curve:P-521";
    for arguments in [
        &["genpkey", "-algorithm", "EC", "-pkeyopt", curve][..],
        // SEC 1, after the curve's parameters.
        &["ecparam", "-name", "secp521r1", "-genkey"],
    ] {
        write(&file, &openssl(arguments, None));
        write(&path("public"), &openssl(&["pkey", "-pubout"], Some(&file)));
        let jwt = source(SigningAlgorithm::Es512, &file)
            .issue()
            .await
            .unwrap();
        let (message, signature) = jwt.secret.expose().rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let header: Value = serde_json::from_slice(&decode(header)).unwrap();
        let expected = serde_json::json!({ "alg": "ES512", "typ": "JWT", "kid": "k1" });
        assert_eq!(header, expected);
        let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();
        assert_eq!(claims["sub"], "ada");
        let signature = decode(signature);
        assert_eq!(signature.len(), 132);
        write(&path("signature"), &ecdsa_der(&signature));
        write(&path("message"), message.as_bytes());
        let [public, signature, message] = ["public", "signature", "message"].map(&path);
        let verified = openssl(
            &[
                "dgst",
                "-sha512",
                "-verify",
                public.to_str().unwrap(),
                "-signature",
                signature.to_str().unwrap(),
                message.to_str().unwrap(),
            ],
            None,
        );
        assert_eq!(verified, b"Verified OK\n");
    }
}

/// An encrypted key in every scheme that OpenSSL has for it, and its password.
#[tokio::test]
async fn a_key_that_openssl_has_encrypted_signs_with_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let ec = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
    ];
    write(&path("plain"), &openssl(&ec, None));
    write(&path("password"), b"correct horse 1\n");
    let pass = format!("pass:{}", "correct horse 1");
    let config = |password| JwtConfig {
        key_password: Some(SecretRef::File(path(password).as_path().into())),
        ..config(SigningAlgorithm::Es384, &path("key"))
    };
    let encrypt = |scheme: &[&str]| {
        let topk8 = ["pkcs8", "-topk8", "-passout", &pass];
        let key = openssl(&[&topk8, scheme].concat(), Some(&path("plain")));
        assert!(key.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        write(&path("key"), &key);
    };
    let public = openssl(&["pkey", "-pubout"], Some(&path("plain")));
    let public = DecodingKey::from_ec_pem(&public).unwrap();
    for scheme in [
        &[][..],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA256"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA384"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
        &["-iter", "100000"],
    ] {
        encrypt(scheme);
        let issued = source_of(&config("password")).issue().await.unwrap();
        verify(&issued.secret, Algorithm::ES384, &public);
    }

    let error = async |config: &JwtConfig| match source_of(config).issue().await.unwrap_err() {
        SourceError::Configuration { reason, hint } => (reason, hint),
        other => panic!("{other:?}"),
    };
    write(&path("wrong"), b"correct horse 2");
    let (reason, hint) = error(&config("wrong")).await;
    assert!(
        reason.contains("cannot be decrypted with the password in"),
        "{reason}"
    );
    assert!(hint.contains("/wrong'"), "{hint}");
    let without = JwtConfig {
        key_password: None,
        ..config("")
    };
    let (reason, hint) = error(&without).await;
    assert!(
        reason.contains("is encrypted, and 'source.minted' names no password"),
        "{reason}"
    );
    assert!(hint.contains("'source.minted.key_password_file'"), "{hint}");

    for scheme in [&["-scrypt"][..], &["-v2", "des3"], &["-iter", "3000000"]] {
        encrypt(scheme);
        let (reason, hint) = error(&config("password")).await;
        assert!(
            reason.ends_with("is encrypted in an unsupported way"),
            "{reason}"
        );
        assert!(
            hint.starts_with("convert it with: openssl pkcs8 -topk8"),
            "{hint}"
        );
    }
    let legacy = ["ec", "-aes128", "-passout", &pass];
    let legacy = openssl(&legacy, Some(&path("plain")));
    assert!(String::from_utf8_lossy(&legacy).contains("Proc-Type: 4,ENCRYPTED"));
    write(&path("key"), &legacy);
    let (reason, _) = error(&config("password")).await;
    assert!(
        reason.ends_with("is encrypted in an unsupported way"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_replaced_password_is_used_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let key = openssl(
        &[
            "genpkey",
            "-algorithm",
            "ed25519",
            "-aes256",
            "-pass",
            "pass:second",
        ],
        None,
    );
    write(&path("key"), &key);
    write(&path("password"), b"first");
    let config = JwtConfig {
        key_password: Some(SecretRef::File(path("password").as_path().into())),
        ..config(SigningAlgorithm::EdDsa, &path("key"))
    };
    let source = source_of(&config);
    source.issue().await.unwrap_err();
    write(&path("password"), b"second\n");
    source.issue().await.unwrap();
    write(&path("password"), b"third");
    source.issue().await.unwrap_err();
}
