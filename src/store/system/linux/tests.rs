//! Buses that are missing, foreign or silent. The real service is in `tests/it`.

use std::os::unix::net::UnixListener;

use super::*;
use crate::store::conformance::key;

/// What each operation returns on the bus with this socket, and the hint.
async fn errors(bus: PathBuf) -> Vec<StoreError> {
    let store = SecretService::new(bus);
    let secret = Secret::new("token".to_owned());
    vec![
        store.get(&key()).await.unwrap_err(),
        store.put(&key(), &secret).await.unwrap_err(),
        store.delete(&key()).await.unwrap_err(),
        store.round_trip().await.unwrap_err(),
    ]
}

#[tokio::test]
async fn without_a_bus_the_store_is_not_available() {
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    drop(UnixListener::bind(&closed).unwrap());
    for bus in [dir.path().join("missing"), closed] {
        for error in errors(bus.clone()).await {
            let path = format!("'{}'", bus.display());
            assert!(error.to_string().contains(&path), "{error}");
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
            assert!(error.hint().contains("store = \"file\""));
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bus = dir.path().join("bus");
    std::fs::write(&bus, "").unwrap();
    for error in errors(bus).await {
        assert!(matches!(error, StoreError::Denied { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_bus_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let bus = dir.path().join("bus");
    let _silent = UnixListener::bind(&bus).unwrap();
    for error in errors(bus).await {
        assert!(error.to_string().contains("timed out after 5s"), "{error}");
    }
}
