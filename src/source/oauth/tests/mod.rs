//! The source with a fake server and a fake store, whose every call can fail, hang or be cut off.

mod crash;
mod credential;
mod device;
mod faults;
mod forget;
mod login_sessions;
mod logout;
mod refresh;
mod refused;
mod server;
mod sign_in;
mod store;
mod through_broker;

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use self::{
    server::{FakeServer, Rotation, secret},
    store::FakeStore,
};
use super::{OauthSource, client::OauthClient, record::Record, session::LoginSession};
use crate::{
    clock::{Clock, ManualClock, Timestamp},
    config::{self, OauthConfig, SourceConfig},
    source::{Login, SignIn, Source, SourceError},
    store::{SecretStore, StoreKey},
    sync,
};

/// A source's configuration with these `keys` besides.
pub(super) fn config(keys: &str) -> OauthConfig {
    let text = format!(
        "version = 1\nprofile.p.source = 'sso'\n[source.sso]\ntype = 'oauth'\n\
         issuer = 'https://idp.test'\nclient_id = 'claviger'\n{keys}\n"
    );
    let mut config = config::parse(Path::new("/c.toml"), &text).unwrap();
    match config.sources.remove("sso") {
        Some(SourceConfig::Oauth(oauth)) => *oauth,
        other => panic!("{other:?}"),
    }
}

/// A JWT with these claims and a `jti`, whose signature is none.
fn jwt(claims: &Value, number: u32) -> String {
    let mut claims = claims.clone();
    claims["jti"] = json!(number);
    let [header, claims] =
        [json!({"alg": "none"}), claims].map(|json| URL_SAFE_NO_PAD.encode(json.to_string()));
    format!("{header}.{claims}.c2ln")
}

/// A source, and what is around it.
struct World {
    clock: ManualClock,
    server: Arc<FakeServer>,
    store: Arc<FakeStore>,
    source: Arc<OauthSource>,
    keys: String,
}

impl World {
    /// No user is signed in.
    fn new(rotation: Rotation, keys: &str) -> Self {
        let clock = ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap());
        let server = Arc::new(FakeServer::new(clock.clone(), rotation));
        let store = Arc::new(FakeStore::default());
        let source = Arc::new(source(&clock, &server, &store, keys));
        Self {
            clock,
            server,
            store,
            source,
            keys: keys.to_owned(),
        }
    }

    /// A user is signed in, and the token of the sign-in was issued.
    async fn signed_in(rotation: Rotation, keys: &str) -> Self {
        let world = Self::new(rotation, keys);
        world.sign_in().await.unwrap();
        world.issue().await.unwrap();
        world
    }

    async fn sign_in(&self) -> Result<Login, SourceError> {
        sign_in(&self.source).await
    }

    async fn issue(&self) -> Result<String, SourceError> {
        issue(&self.source).await
    }

    fn entrance(&self) -> Arc<dyn SignIn> {
        self.source.sign_in().unwrap().unwrap()
    }

    /// The daemon ends without notice, and another one starts with `keys`.
    fn restart_with(&mut self, keys: &str) {
        keys.clone_into(&mut self.keys);
        self.source = Arc::new(source(&self.clock, &self.server, &self.store, keys));
        self.server.faults.clear();
        self.server.key_faults.clear();
        self.store.put_faults.clear();
        self.store.delete_faults.clear();
    }

    fn restart(&mut self) {
        self.restart_with(&self.keys.clone());
    }

    /// The record in the store.
    fn stored(&self) -> Option<Record> {
        let secrets = sync::lock(&self.store.secrets);
        let text = secrets.get(&key())?.clone();
        Some(Record::parse(&secret(text)).unwrap())
    }

    /// The refresh token in the store.
    fn stored_token(&self) -> Option<String> {
        let token = self.stored()?.refresh_token?;
        Some(token.expose().to_owned())
    }
}

fn key() -> StoreKey {
    StoreKey {
        instance: String::new(),
        source: "sso".to_owned(),
        issuer: "https://idp.test".to_owned(),
        client_id: "claviger".to_owned(),
    }
}

fn source(
    clock: &ManualClock,
    server: &Arc<FakeServer>,
    store: &Arc<FakeStore>,
    keys: &str,
) -> OauthSource {
    let config = config(keys);
    let store: Arc<dyn SecretStore> = Arc::clone(store) as Arc<dyn SecretStore>;
    let has_user = config.flow != config::OauthFlow::ClientCredentials;
    OauthSource {
        client: Arc::new(OauthClient {
            name: "sso".to_owned(),
            config,
            server: Arc::clone(server) as _,
            clock: Arc::new(clock.clone()) as Arc<dyn Clock>,
        }),
        session: has_user.then(|| Arc::new(LoginSession::new(key(), store))),
    }
}

async fn issue(source: &OauthSource) -> Result<String, SourceError> {
    let credential = source.issue().await?;
    Ok(credential.secret.expose().to_owned())
}

async fn sign_in(source: &OauthSource) -> Result<Login, SourceError> {
    let entrance = source.sign_in()?.unwrap();
    let redirect = Url::parse("http://127.0.0.1:1234/callback").unwrap();
    let authorization = entrance.authorize(&redirect).await?;
    authorization.complete(secret("the-code")).await
}

/// The reason of an error that asks for a login.
#[track_caller]
fn login_required<T: std::fmt::Debug>(result: Result<T, SourceError>) -> String {
    match result {
        Err(SourceError::LoginRequired { reason, hint, .. }) => {
            assert_eq!(hint, None);
            reason
        }
        other => panic!("{other:?}"),
    }
}
