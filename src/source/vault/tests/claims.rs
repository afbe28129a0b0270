//! `{claim:NAME}` in a path, and the source of the JWT that they come from.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::*;

const PATH: &str = "llm/{claim:name}";
const KV2: Engine = Engine::Kv2 { watch: None };
const LOG_IN: &str = "POST /v1/auth/m/login";
const REVOKE: &str = "POST /v1/auth/token/revoke-self";
const EXPIRED: &str = r#"{"errors":["error validating token: invalid expiration time (exp) claim: token is expired"]}"#;

fn jwt(claims: &Value) -> String {
    let [header, claims] = [json!({"alg": "none"}), claims.clone()]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.c2ln")
}

/// An identity provider: what it issues, and its claims.
struct FakeIdp {
    jwt: Mutex<Result<String, SourceError>>,
    claims: Mutex<Option<Arc<Map<String, Value>>>>,
    issued: Mutex<usize>,
}

impl FakeIdp {
    fn new(jwt: &Value) -> Arc<Self> {
        Arc::new(Self {
            jwt: Mutex::new(Ok(self::jwt(jwt))),
            claims: Mutex::default(),
            issued: Mutex::default(),
        })
    }

    /// Has a user with these claims sign in.
    fn sign_in(&self, claims: &Value) {
        *sync::lock(&self.claims) = Some(Arc::new(claims.as_object().unwrap().clone()));
    }

    fn vault(self: &Arc<Self>, server: &FakeVault, engine: Engine) -> VaultFixture {
        let idp = Arc::clone(self) as Arc<dyn Source>;
        VaultFixture::with_upstream(&server.address, PATH, engine, Some(idp), |_| {
            Some(AuthMethod::Jwt {
                role: None,
                jwt: config::Assertion::Source("sso".to_owned()),
            })
        })
    }
}

#[async_trait]
impl Source for FakeIdp {
    async fn issue(&self) -> Result<Credential, SourceError> {
        *sync::lock(&self.issued) += 1;
        let jwt = sync::lock(&self.jwt).clone()?;
        Ok(Credential {
            secret: Secret::new(jwt),
            obtained: SystemClock.now(),
            issued: None,
            lifetime: Some(Duration::from_secs(30)),
            version: None,
            lease: None,
        })
    }

    fn claims(&self) -> Option<Arc<Map<String, Value>>> {
        sync::lock(&self.claims).clone()
    }

    fn host(&self) -> &str {
        "idp:443"
    }
}

/// A Vault with a key in each path, the tokens `hvs.0`, `hvs.1` and so on.
fn keys(line: &str, before: usize, _: &str) -> Reply {
    match line {
        LOG_IN => respond(200, &LOGIN.replace("hvs.T", &format!("hvs.{before}"))),
        _ if line.starts_with("GET /v1/kv/data/llm/") => {
            let user = line.rsplit('/').next().unwrap();
            respond(200, &SECRET.replace("sk-1", &format!("sk-{user}")))
        }
        _ if line.starts_with("GET /v1/kv/metadata/llm/") => {
            respond(200, r#"{"data":{"current_version":7,"versions":{}}}"#)
        }
        _ if line.starts_with("GET /v1/kv/llm/") => {
            let user = line.rsplit('/').next().unwrap();
            respond(200, &format!(r#"{{"data":{{"api_key":"sk-{user}"}}}}"#))
        }
        _ => normal(line, before, ""),
    }
}

fn with_jwt_file(server: &FakeVault, path: &str, claims: &Value) -> VaultFixture {
    let vault = VaultFixture::at(&server.address, path, KV2, |file| {
        Some(AuthMethod::Jwt {
            role: None,
            jwt: config::Assertion::Secret(SecretRef::File((&*file).into())),
        })
    });
    vault.put(&jwt(claims));
    vault
}

async fn key(vault: &VaultFixture) -> String {
    let credential = vault.source.issue().await.unwrap();
    credential.secret.expose().to_owned()
}

#[tokio::test]
async fn a_claim_of_the_jwt_is_a_segment_of_the_path() {
    for (path, line) in [
        (PATH, "GET /v1/kv/data/llm/ana@example.com"),
        ("x-{claim:sub}/{user}", "GET /v1/kv/data/x-7/ada"),
    ] {
        let server = FakeVault::start(|line, _, _| match line {
            LOG_IN => respond(200, LOGIN),
            _ => respond(200, SECRET),
        })
        .await;
        let claims = json!({"sub": "7", "name": "ana@example.com"});
        key(&with_jwt_file(&server, path, &claims)).await;
        assert_eq!(server.requests(), [LOG_IN, line]);
    }
}

#[tokio::test]
async fn a_claim_that_is_no_segment_is_named_and_nothing_is_read() {
    for (claims, problem) in [
        (json!({"sub": "7"}), "is missing; expected a string"),
        (json!({"name": ["ana"]}), "is a list; expected a string"),
        (json!({"name": "ana/../bob"}), "contains '/' at character 4"),
        (json!({"name": ".."}), "is '.' or '..'"),
        (json!({"name": ""}), "is empty"),
        (json!({"name": "a\nb"}), "contains '\\n' at character 2"),
    ] {
        let server = FakeVault::start(keys).await;
        let vault = with_jwt_file(&server, PATH, &claims);
        match vault.source.issue().await.unwrap_err() {
            error @ SourceError::UnusableClaim { .. } => {
                let message = error.to_string();
                for text in ["'source.v.path'", "'{claim:name}' ", problem] {
                    assert!(message.contains(text), "{message}");
                }
                assert!(!error.is_final(), "the key in memory is as good as it was");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.requests(), [LOG_IN]);
    }
}

#[tokio::test]
async fn a_jwt_that_cannot_be_read_has_no_claims() {
    let server = FakeVault::start(keys).await;
    let vault = with_jwt_file(&server, PATH, &json!({}));
    vault.put("opaque");
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::UnusableClaim { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_claims_of_the_source_count_before_those_of_its_token() {
    let idp = FakeIdp::new(&json!({"sub": "pairwise", "name": "token"}));
    let server = FakeVault::start(keys).await;
    let vault = idp.vault(&server, KV2);
    assert_eq!(key(&vault).await, "sk-token");
    idp.sign_in(&json!({"sub": "1", "name": "ana"}));
    assert_eq!(key(&vault).await, "sk-ana");
    let issued = *sync::lock(&idp.issued);
    assert_eq!(key(&vault).await, "sk-ana");
    assert_eq!(*sync::lock(&idp.issued), issued, "the login is kept");

    idp.sign_in(&json!({"sub": "1"}));
    assert_eq!(
        key(&vault).await,
        "sk-ana",
        "a refreshed token of the same user"
    );
    idp.sign_in(&json!({"sub": "2"}));
    match vault.source.issue().await.unwrap_err() {
        SourceError::UnusableClaim { host, hint, .. } => {
            assert_eq!(host, "idp:443");
            assert!(
                hint.contains("the claim 'name' to the tokens of 'idp:443'"),
                "{hint}"
            );
        }
        other => panic!("{other:?}"),
    }
}

/// Neither its token nor its path is used after another user has signed in.
#[tokio::test]
async fn another_user_gets_another_login_and_another_key() {
    for engine in [KV2, Engine::Kv1, Engine::Lease] {
        let idp = FakeIdp::new(&json!({}));
        let server = FakeVault::start(keys).await;
        let vault = idp.vault(&server, engine);
        idp.sign_in(&json!({"sub": "1", "name": "ana"}));
        let of_ana = vault.source.issue().await.unwrap();
        let before = vault.source.revalidate(&of_ana).await.unwrap();
        assert_ne!(before, Freshness::Stale, "{engine:?}");
        let seen = server.requests().len();

        idp.sign_in(&json!({"sub": "2", "name": "bob"}));
        // The version of the secret is the same number.
        assert_eq!(vault.source.revalidate(&of_ana).await, Ok(Freshness::Stale));
        assert_eq!(key(&vault).await, "sk-bob", "{engine:?}");
        let requests = server.requests();
        let later = &requests[seen..];
        let first = later.iter().position(|line| line == LOG_IN).unwrap();
        assert!(
            later[..first].iter().any(|line| line == REVOKE),
            "{later:?}"
        );
        assert!(
            !later[first..].iter().any(|line| line.ends_with("/ana")),
            "{later:?}"
        );
        let of_bob = vault.source.issue().await.unwrap();
        let after = vault.source.revalidate(&of_bob).await.unwrap();
        assert_ne!(after, Freshness::Stale, "{engine:?}");
    }
}

#[tokio::test]
async fn a_login_that_the_idp_requires_is_reported_as_such() {
    let required = SourceError::LoginRequired {
        host: "idp:443".to_owned(),
        reason: "the session has ended".to_owned(),
        hint: None,
    };
    let idp = FakeIdp::new(&json!({}));
    idp.sign_in(&json!({"sub": "1", "name": "ana"}));
    let server = FakeVault::start(|line, before, token| match line {
        "POST /v1/auth/token/renew-self" => respond(400, r#"{"errors":["not renewable"]}"#),
        _ => keys(line, before, token),
    })
    .await;
    let vault = idp.vault(&server, KV2);
    key(&vault).await;
    *sync::lock(&idp.jwt) = Err(required.clone());
    vault.clock.advance(Duration::from_secs(59));
    assert_eq!(key(&vault).await, "sk-ana", "the token is still valid");
    vault.clock.advance(Duration::from_secs(1));
    let error = vault.source.issue().await.unwrap_err();
    assert!(!error.is_final());
    assert_eq!(error, required);
}

/// How long the JWT is valid says nothing about the key.
#[tokio::test]
async fn the_end_of_the_jwt_is_not_that_of_the_key() {
    let idp = FakeIdp::new(&json!({"sub": "1", "name": "ana", "exp": 1_767_225_630}));
    let server = FakeVault::start(keys).await;
    for engine in [KV2, Engine::Kv1] {
        let vault = idp.vault(&server, engine);
        assert_eq!(
            vault.source.issue().await.unwrap().lifetime,
            None,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_expired_jwt_is_replaced_once() {
    for (refusals, logins) in [(1, 2), (9, 2)] {
        let idp = FakeIdp::new(&json!({"sub": "1", "name": "ana"}));
        let server = FakeVault::start(move |line, before, token| match line {
            LOG_IN if before < refusals => respond(400, EXPIRED),
            _ => keys(line, before, token),
        })
        .await;
        let issued = idp.vault(&server, KV2).source.issue().await;
        assert_eq!(issued.is_ok(), refusals == 1, "{issued:?}");
        let sent = server
            .requests()
            .iter()
            .filter(|line| *line == LOG_IN)
            .count();
        assert_eq!((sent, *sync::lock(&idp.issued)), (logins, 2));
    }
    // Another reason is not mended by a new one.
    let idp = FakeIdp::new(&json!({"sub": "1", "name": "ana"}));
    let refusal = EXPIRED.replace(
        "invalid expiration time (exp) claim: token is expired",
        "invalid audience (aud)",
    );
    let server = FakeVault::start(move |_, _, _| respond(400, &refusal)).await;
    let error = idp.vault(&server, KV2).source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRefused { .. }),
        "{error:?}"
    );
    assert_eq!(server.requests().len(), 1);
}
