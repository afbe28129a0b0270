//! What every store does, as one check for all of them.

use super::{SecretStore, StoreKey};
use crate::secret::Secret;

/// A key of a login.
pub(super) fn key() -> StoreKey {
    StoreKey {
        instance: String::new(),
        source: "sso".to_owned(),
        issuer: "https://idp.example.com/realms/corp".to_owned(),
        client_id: "claviger".to_owned(),
    }
}

/// `key` with another value in each of its fields in turn.
fn neighbours(key: &StoreKey) -> [StoreKey; 4] {
    let changed = |change: fn(&mut StoreKey)| {
        let mut key = key.clone();
        change(&mut key);
        key
    };
    [
        changed(|key| key.instance.push_str("/run/other.sock")),
        changed(|key| key.source.push('2')),
        changed(|key| key.issuer.push('/')),
        changed(|key| key.client_id = key.client_id.to_uppercase()),
    ]
}

/// Values of every length and character that a login may have.
fn values() -> Vec<String> {
    let printable: String = (' '..='~').collect();
    let long: String = printable.chars().cycle().take(20_000).collect();
    vec![
        "x".to_owned(),
        printable,
        long,
        "naïve ключ 鍵\n\t".to_owned(),
    ]
}

/// Checks that `store` does what [`SecretStore`] promises. It is empty before and after.
pub(super) async fn check(store: &dyn SecretStore) {
    let get = async |key: &StoreKey| {
        let secret = store.get(key).await.unwrap();
        secret.map(|secret| secret.expose().to_owned())
    };
    let put = async |key: &StoreKey, text: &str| {
        let secret = Secret::new(text.to_owned());
        store.put(key, &secret).await.unwrap();
    };
    let key = key();
    assert_eq!(get(&key).await, None, "absent");
    for value in values() {
        put(&key, &value).await;
        assert_eq!(get(&key).await.as_deref(), Some(&*value), "replaced");
    }
    for (number, neighbour) in neighbours(&key).iter().enumerate() {
        assert_eq!(get(neighbour).await, None, "{neighbour:?}");
        put(neighbour, &number.to_string()).await;
    }
    for (number, neighbour) in neighbours(&key).iter().enumerate() {
        assert_eq!(get(neighbour).await, Some(number.to_string()));
        store.delete(neighbour).await.unwrap();
        assert_eq!(get(neighbour).await, None, "deleted");
    }
    assert_eq!(get(&key).await, values().pop(), "untouched by the others");
    store.round_trip().await.unwrap();
    for _ in 0..2 {
        store.delete(&key).await.unwrap();
        assert_eq!(get(&key).await, None, "deleted");
    }
    let too_long = Secret::new("x".repeat(super::MAX_LEN + 1));
    store.put(&key, &too_long).await.unwrap_err();
    assert_eq!(get(&key).await, None, "too long");
}
