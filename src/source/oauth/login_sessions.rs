//! The logins of a daemon, which outlive its configurations.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::session::LoginSession;
use crate::{
    clock::Clock,
    config::{OauthConfig, OauthDiscovery, StoreKind},
    source::stored_secret::StoredSecret,
    store::{StoreKey, Stores},
    sync,
};

/// The longest time that the daemon's end waits for requests under way and the stores: as long as
/// one request and one write take at most by default.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// The users' logins of one daemon, each in the store that the configuration names.
pub struct LoginSessions {
    instance: String,
    stores: Stores,
    sessions: Mutex<HashMap<(StoreKind, StoreKey), Arc<LoginSession>>>,
}

impl LoginSessions {
    /// The logins of a daemon with this state directory. `instance` distinguishes it from the
    /// user's other daemons; it is empty for the usual one. No store is opened.
    #[must_use]
    pub fn new(state_dir: PathBuf, instance: String) -> Self {
        Self {
            instance,
            stores: Stores::new(state_dir),
            sessions: Mutex::default(),
        }
    }

    /// The session of the source `name`. Sources with the same login share it.
    pub(super) fn session(&self, name: &str, config: &OauthConfig) -> Arc<LoginSession> {
        let key = StoreKey {
            instance: self.instance.clone(),
            source: name.to_owned(),
            issuer: match &config.discovery {
                OauthDiscovery::Issuer(issuer) => issuer.to_string(),
                OauthDiscovery::Gateway(gateway) => gateway.to_string(),
            },
            // The record of a registered client contains its identifier.
            client_id: config.client_id.clone().unwrap_or_default(),
        };
        let mut sessions = sync::lock(&self.sessions);
        let session = sessions
            .entry((config.store, key.clone()))
            .or_insert_with(|| Arc::new(LoginSession::new(key, self.stores.open(config.store))));
        Arc::clone(session)
    }

    /// The place in a store of what the source `name` needs to log in at `server` as `client`.
    pub(in crate::source) fn stored(
        &self,
        kind: StoreKind,
        name: &str,
        (server, client): (&str, &str),
    ) -> StoredSecret {
        let key = StoreKey {
            instance: self.instance.clone(),
            source: name.to_owned(),
            issuer: server.to_owned(),
            client_id: client.to_owned(),
        };
        StoredSecret::new(self.stores.open(kind), key)
    }

    /// Drops all logins from memory. Those that are nowhere else, with `store = "memory"`, end.
    pub(crate) async fn forget(&self) {
        self.release().await;
        self.stores.forget();
    }

    /// Leaves all logins to their stores, from which they are read when they are needed.
    pub(crate) async fn release(&self) {
        let sessions: Vec<_> = sync::lock(&self.sessions).values().cloned().collect();
        for session in sessions {
            session.forget().await;
        }
    }

    /// Writes to the stores what they lack, because they failed before. For the daemon's end.
    pub(crate) async fn flush(&self, clock: &dyn Clock) {
        let sessions: Vec<_> = sync::lock(&self.sessions).values().cloned().collect();
        let flush = async {
            for session in sessions {
                session.flush().await;
            }
        };
        let until = clock.now().tick + FLUSH_TIMEOUT;
        tokio::select! {
            () = flush => {}
            () = clock.sleep_until(until) => {
                tracing::warn!(
                    event = "login-not-stored",
                    "the daemon ends before all logins are stored",
                );
            }
        }
    }
}
