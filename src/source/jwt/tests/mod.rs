mod keys;

use std::{path::Path, process::Command};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::*;
use crate::{
    client_variables::ClientVariables,
    clock::ManualClock,
    config::{SecretRef, SigningAlgorithm},
    secret::Secret,
    template::Template,
};

fn principal() -> Principal {
    Principal {
        user: "ada".to_owned(),
        host: "laptop".to_owned(),
        home: None,
        variables: ClientVariables::default(),
    }
}

fn config(algorithm: SigningAlgorithm, key: &Path) -> JwtConfig {
    JwtConfig {
        algorithm,
        key: SecretRef::File(key.into()),
        key_password: None,
        key_id: Some("k1".to_owned()),
        issuer: Some("https://claviger.example.com".to_owned()),
        subject: Some(Template::parse("ada").unwrap()),
        audience: Some(Audience::One("llm-gateway".to_owned())),
        ttl: Duration::from_secs(3600),
        leeway: Duration::from_secs(30),
        not_before: false,
        claims: serde_json::from_str(r#"{"team": "engineering"}"#).unwrap(),
    }
}

fn source_of(config: &JwtConfig) -> JwtSource {
    let clock = ManualClock::at("2026-01-01T00:00:00.25Z".parse().unwrap());
    JwtSource::new("minted", config, &principal(), Arc::new(clock)).unwrap()
}

fn source(algorithm: SigningAlgorithm, key: &Path) -> JwtSource {
    source_of(&config(algorithm, key))
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn openssl(arguments: &[&str], stdin: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments);
    if let Some(path) = stdin {
        command.arg("-in").arg(path);
    }
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    out.stdout
}

fn verify(jwt: &Secret, algorithm: Algorithm, key: &DecodingKey) -> Map<String, Value> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_audience(&["llm-gateway"]);
    let data = jsonwebtoken::decode::<Map<String, Value>>(jwt.expose(), key, &validation).unwrap();
    assert_eq!(data.header.kid.as_deref(), Some("k1"));
    data.claims
}

#[tokio::test]
async fn every_algorithm_signs_what_its_public_key_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let rsa = openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ],
        None,
    );
    write(&file, &rsa);
    let pkcs1 = openssl(&["rsa", "-traditional"], Some(&file));
    let ed = openssl(&["genpkey", "-algorithm", "ed25519"], None);
    let p256 = openssl(
        &["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
        None,
    );
    let p384 = openssl(
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-384",
        ],
        None,
    );
    assert!(p256.starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
    let keys = [
        (SigningAlgorithm::Rs256, Algorithm::RS256, &rsa),
        (SigningAlgorithm::Rs384, Algorithm::RS384, &pkcs1),
        (SigningAlgorithm::Rs512, Algorithm::RS512, &rsa),
        (SigningAlgorithm::Ps256, Algorithm::PS256, &rsa),
        (SigningAlgorithm::Ps384, Algorithm::PS384, &rsa),
        (SigningAlgorithm::Ps512, Algorithm::PS512, &pkcs1),
        (SigningAlgorithm::Es256, Algorithm::ES256, &p256),
        (SigningAlgorithm::Es384, Algorithm::ES384, &p384),
        (SigningAlgorithm::EdDsa, Algorithm::EdDSA, &ed),
    ];
    for (name, algorithm, key) in keys {
        write(&file, key);
        let credential = source(name, &file).issue().await.unwrap();
        let public = openssl(&["pkey", "-pubout"], Some(&file));
        let public = match algorithm.family() {
            jsonwebtoken::AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(&public),
            jsonwebtoken::AlgorithmFamily::Ec => DecodingKey::from_ec_pem(&public),
            _ => DecodingKey::from_ed_pem(&public),
        };
        let claims = verify(&credential.secret, algorithm, &public.unwrap());
        assert_eq!(claims["sub"], "ada", "{algorithm:?}");
    }
}

#[tokio::test]
async fn the_claims_match_the_configuration_and_the_lifetime_the_ttl() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    write(&file, &[7; 64]);
    for (name, algorithm) in [
        (SigningAlgorithm::Hs256, Algorithm::HS256),
        (SigningAlgorithm::Hs384, Algorithm::HS384),
        (SigningAlgorithm::Hs512, Algorithm::HS512),
    ] {
        let source = source(name, &file);
        let credential = source.issue().await.unwrap();
        let claims = verify(
            &credential.secret,
            algorithm,
            &DecodingKey::from_secret(&[7; 64]),
        );
        assert_eq!(claims["iat"], 1_767_225_570);
        assert_eq!(claims.get("nbf"), None);
        assert_eq!(claims["aud"], "llm-gateway");
        assert_eq!(claims["exp"], 1_767_229_200);
        assert_eq!(claims["iss"], "https://claviger.example.com");
        assert_eq!(claims["team"], "engineering");
        assert_eq!(claims["jti"].as_str().map(str::len), Some(32));
        assert_eq!(credential.lifetime, Some(Duration::from_millis(3_599_750)));
        assert_ne!(source.issue().await.unwrap().secret, credential.secret);
    }
}

#[tokio::test]
async fn a_replaced_key_is_used_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    write(&file, &[1; 32]);
    let source = source(SigningAlgorithm::Hs256, &file);
    source.issue().await.unwrap();
    write(&file, &[2; 32]);
    let credential = source.issue().await.unwrap();
    verify(
        &credential.secret,
        Algorithm::HS256,
        &DecodingKey::from_secret(&[2; 32]),
    );
}

#[tokio::test]
async fn a_wrong_key_is_a_configuration_error_with_the_command_that_creates_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    write(&file, b"too short");
    for algorithm in [
        SigningAlgorithm::Hs256,
        SigningAlgorithm::Es256,
        SigningAlgorithm::Es512,
        SigningAlgorithm::Rs256,
        SigningAlgorithm::EdDsa,
    ] {
        match source(algorithm, &file).issue().await.unwrap_err() {
            SourceError::Configuration { hint, .. } => assert!(hint.contains("openssl"), "{hint}"),
            other => panic!("{other:?}"),
        }
    }
}

/// `openssl rand -hex 32 > key` writes a line break, which the gateway's copy of the key lacks.
#[tokio::test]
async fn the_ends_of_a_text_key_are_not_part_of_it_and_those_of_a_binary_key_are() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let text = "0123456789abcdef".repeat(4);
    let binary = [&b"\n\xff"[..], &[0x80; 60], b" \n"].concat();
    for (content, key) in [
        (format!("{text}\n").into_bytes(), text.as_bytes()),
        (format!("\u{feff}{text}\r\n").into_bytes(), text.as_bytes()),
        (binary.clone(), binary.as_slice()),
    ] {
        write(&file, &content);
        let credential = source(SigningAlgorithm::Hs256, &file)
            .issue()
            .await
            .unwrap();
        verify(
            &credential.secret,
            Algorithm::HS256,
            &DecodingKey::from_secret(key),
        );
    }
}

/// A gateway whose clock is 30 s behind accepts the token by default.
#[tokio::test]
async fn leeway_not_before_and_a_list_of_audiences() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    write(&file, &[7; 64]);
    let config = JwtConfig {
        audience: Some(Audience::List(vec!["llm-gateway".to_owned()])),
        leeway: Duration::from_secs(90),
        not_before: true,
        ..config(SigningAlgorithm::Hs256, &file)
    };
    let credential = source_of(&config).issue().await.unwrap();
    let key = DecodingKey::from_secret(&[7; 64]);
    let claims = verify(&credential.secret, Algorithm::HS256, &key);
    assert_eq!(claims["aud"], serde_json::json!(["llm-gateway"]));
    assert_eq!(claims["iat"], 1_767_225_600 - 90);
    assert_eq!(claims["nbf"], claims["iat"]);
    assert_eq!(claims["exp"], 1_767_225_600 + 3600);
    assert_eq!(credential.lifetime, Some(Duration::from_millis(3_599_750)));
}
