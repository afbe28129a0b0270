//! Which sources share a login.

use std::{path::PathBuf, sync::Arc};

use super::config;
use crate::{
    config::{OauthDiscovery, StoreKind},
    secret::Secret,
    source::catalog::LoginSessions,
};

const MEMORY: &str = "store = 'memory'";

fn logins() -> LoginSessions {
    LoginSessions::new(PathBuf::from("/nonexistent"), String::new())
}

#[test]
fn a_source_of_a_later_configuration_has_the_same_login() {
    let logins = logins();
    let before = logins.session("sso", &config(MEMORY));
    let more = "\nscopes = ['openid', 'more']\ntoken = 'id'\ntimeout = '9s'";
    let after = logins.session("sso", &config(&format!("{MEMORY}{more}")));
    assert!(Arc::ptr_eq(&before, &after));
}

/// What only memory has ends; what is left to its store is read again.
#[tokio::test]
async fn a_login_in_memory_is_released_to_its_store_or_forgotten_with_it() {
    let logins = logins();
    let stored = logins.stored(StoreKind::Memory, "v", ("vault", "role"));
    let secret = Secret::new("abc".to_owned());
    stored.put(&secret).await.unwrap();
    logins.release().await;
    assert_eq!(stored.get().await.unwrap(), Some(secret));
    logins.forget().await;
    assert_eq!(stored.get().await.unwrap(), None);
}

#[test]
fn sources_issuers_clients_and_stores_do_not_share_one() {
    let logins = logins();
    let first = logins.session("sso", &config(MEMORY));
    let mut others = vec![logins.session("other", &config(MEMORY))];
    let mut other_client = config(MEMORY);
    other_client.client_id = Some("claviger2".to_owned());
    others.push(logins.session("sso", &other_client));
    let mut other_issuer = config(MEMORY);
    other_issuer.discovery = OauthDiscovery::Issuer("https://idp.test/".parse().unwrap());
    others.push(logins.session("sso", &other_issuer));
    others.push(logins.session("sso", &config("store = 'file'")));
    let mut unregistered = config(MEMORY);
    unregistered.client_id = None;
    others.push(logins.session("sso", &unregistered));
    for (at, other) in others.iter().enumerate() {
        assert!(!Arc::ptr_eq(&first, other), "{at}");
        for later in &others[at + 1..] {
            assert!(!Arc::ptr_eq(other, later), "{at}");
        }
    }
}
