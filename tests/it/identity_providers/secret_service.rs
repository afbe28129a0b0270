//! gnome-keyring.

use tempfile::TempDir;

use crate::support::secret_service::{KEYRING_PASSWORD, SecretService};

const ITEM: [&str; 2] = ["profile", "default"];
const SECRET: &str = "a-canary-refresh-token";

#[tokio::test]
async fn a_round_trip() {
    let directory = TempDir::new().unwrap();
    let mut service = SecretService::start(directory.path()).await;
    assert!(directory.path().join("bus").exists());
    assert!(service.store(ITEM, SECRET));
    assert_eq!(service.lookup(ITEM).as_deref(), Some(SECRET));
    let items = service.items();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["profile"], "default");

    service.stop_keyring();
    assert_eq!(service.lookup(ITEM), None);
    service.start_keyring(KEYRING_PASSWORD).await;
    assert_eq!(service.lookup(ITEM).as_deref(), Some(SECRET));
    service.clear(ITEM);
    assert!(service.items().is_empty());
}

#[tokio::test]
async fn locked() {
    let directory = TempDir::new().unwrap();
    let mut service = SecretService::start_bus(directory.path()).await;
    assert!(!service.store(ITEM, SECRET), "no service");
    service.start_keyring("right").await;
    assert!(service.store(ITEM, SECRET));
    service.lock();
    assert_eq!(service.lookup(ITEM), None);
    service.stop_keyring();
    service.start_keyring("wrong").await;
    assert_eq!(service.lookup(ITEM), None);
    service.stop_keyring();
    service.start_keyring("right").await;
    assert_eq!(service.lookup(ITEM).as_deref(), Some(SECRET));
}
