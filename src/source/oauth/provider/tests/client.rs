use std::process::Command;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

use super::*;
use crate::config::SecretRef;

fn write(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_secret_is_in_the_header_or_in_the_form_and_in_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    write(&file, b"s3cret-0123456789+/\n");
    for method in ["client_secret_basic", "client_secret_post"] {
        let server = FakeServer::start(move |request, _| match request.line.as_str() {
            OPENID => {
                let mut document = document();
                document["token_endpoint_auth_methods_supported"] = json!([method]);
                json_of(200, &document)
            }
            _ => json_of(
                401,
                &json!({ "error": "invalid_client", "error_description": "got s3cret-0123456789+/" }),
            ),
        })
        .await;
        let mut config = server.config();
        config.client_auth = config::ClientAuth::Secret(SecretRef::File(file.as_path().into()));
        let provider = provider(&config);
        let error = provider.token(Grant::ClientCredentials).await.unwrap_err();
        assert!(matches!(&error, TokenError::Refused { code, .. } if code == "invalid_client"));
        assert!(!format!("{error:?}").contains("0123456789"), "{error:?}");
        let request = server.last();
        let is_basic = method == "client_secret_basic";
        assert_eq!(request.header("authorization").is_some(), is_basic);
        let form = request.form();
        assert_eq!(form.contains_key("client_secret"), !is_basic);
        assert_eq!(form.contains_key("client_id"), !is_basic);
    }
}

#[tokio::test]
async fn an_assertion_is_signed_for_the_token_endpoint() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, certificate) = (path("key.pem"), path("cert.pem"));
    for (new_key, algorithm) in [
        ("rsa:2048", Algorithm::RS256),
        ("ec", Algorithm::ES256),
        ("ed25519", Algorithm::EdDSA),
    ] {
        let mut arguments = vec![
            "req", "-x509", "-nodes", "-subj", "/CN=cli", "-newkey", new_key,
        ];
        if new_key == "ec" {
            arguments.extend(["-pkeyopt", "ec_paramgen_curve:P-256"]);
        }
        openssl(&[&arguments[..], &["-keyout", &key, "-out", &certificate]].concat());
        write(key.as_ref(), &std::fs::read(&key).unwrap());
        let server = FakeServer::with_document(|_, _| json_of(200, &tokens())).await;
        let mut config = server.config();
        config.client_auth = config::ClientAuth::PrivateKey {
            key: SecretRef::File(std::path::Path::new(&key).into()),
            key_id: Some("k1".to_owned()),
            cert_file: Some(std::path::Path::new(&certificate).into()),
        };
        let provider = provider(&config);
        let mut ids = Vec::new();
        for _ in 0..2 {
            provider.token(Grant::ClientCredentials).await.unwrap();
            let form = server.last().form();
            assert_eq!(
                form["client_assertion_type"],
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            );
            assert_eq!(form["client_id"], "cli");
            let public = path("public.pem");
            openssl(&["pkey", "-in", &key, "-pubout", "-out", &public]);
            let public = std::fs::read(&public).unwrap();
            let decoding = match algorithm {
                Algorithm::RS256 => DecodingKey::from_rsa_pem(&public),
                Algorithm::ES256 => DecodingKey::from_ec_pem(&public),
                _ => DecodingKey::from_ed_pem(&public),
            };
            let mut validation = Validation::new(algorithm);
            validation.validate_exp = false;
            validation.set_audience(&[format!("{}/token", server.base)]);
            validation.set_issuer(&["cli"]);
            validation.sub = Some("cli".to_owned());
            let jwt = decode::<Claims>(&form["client_assertion"], &decoding.unwrap(), &validation);
            let jwt = jwt.unwrap();
            assert_eq!(jwt.header.kid.as_deref(), Some("k1"));
            let der = path("cert.der");
            openssl(&["x509", "-in", &certificate, "-outform", "DER", "-out", &der]);
            let hash = aws_lc_rs::digest::digest(
                &aws_lc_rs::digest::SHA256,
                &std::fs::read(&der).unwrap(),
            );
            assert_eq!(jwt.header.x5t_s256, Some(URL_SAFE_NO_PAD.encode(hash)));
            let time = |name: &str| jwt.claims[name].as_i64().unwrap();
            assert!((1..=300).contains(&(time("exp") - time("iat"))));
            ids.push(jwt.claims["jti"].clone());
        }
        assert_ne!(ids[0], ids[1]);
    }
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.pem");
    let server = FakeServer::with_document(|_, _| json_of(200, &tokens())).await;
    let mut config = server.config();
    config.client_auth = config::ClientAuth::PrivateKey {
        key: SecretRef::File(key.as_path().into()),
        key_id: None,
        cert_file: None,
    };
    let encrypted = dir.path().join("encrypted.pem");
    let encrypted = encrypted.to_str().unwrap();
    openssl(&[
        "genpkey",
        "-algorithm",
        "ed25519",
        "-aes256",
        "-pass",
        "pass:hunter2",
        "-out",
        encrypted,
    ]);
    for (pem, expected) in [
        (b"hunter2".to_vec(), "is not a signing key"),
        (std::fs::read(encrypted).unwrap(), "is encrypted"),
    ] {
        write(&key, &pem);
        let error = provider(&config).token(Grant::ClientCredentials).await;
        let Err(TokenError::Other(SourceError::Configuration { reason, .. })) = error else {
            panic!("{error:?}");
        };
        assert!(
            reason.contains(expected) && reason.contains("key.pem"),
            "{reason}"
        );
    }
    assert!(!server.lines().contains(&TOKEN.to_owned()));
}
