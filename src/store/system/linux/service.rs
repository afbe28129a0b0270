//! The calls of the Secret Service, as methods.

use std::{collections::HashMap, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use zbus::{Connection, DynamicType, ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant};

use super::{
    NAME,
    error::{failure, needs_prompt, no_collection, no_connection, unexpected},
    session::{ALGORITHM, Encrypted, KeyPair, SessionKey},
};
use crate::{
    secret::Secret,
    session_bus,
    store::{StoreError, StoreKey},
};

/// The service's name on the bus.
const BUS_NAME: &str = "org.freedesktop.secrets";
/// The path of the service itself.
const ROOT: &str = "/org/freedesktop/secrets";
/// The path that stands for no object, no collection or no prompt.
const NONE: &str = "/";

// Its interfaces.
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";

/// The collection that a desktop unlocks at login.
const DEFAULT: &str = "default";

/// The structure `Secret` of the specification: session, parameters, value, content type.
type WireSecret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// A connection to the service, which ends when it is dropped.
pub(super) struct Service(Connection);

/// A stored secret.
pub(super) struct Item(OwnedObjectPath);

/// A connection with an agreed key.
pub(super) struct Session<'a> {
    service: &'a Service,
    path: OwnedObjectPath,
    key: SessionKey,
}

impl Item {
    pub(super) fn path(&self) -> &ObjectPath<'static> {
        &self.0
    }
}

impl Service {
    /// Connects to the bus. The service starts with the first call, if the bus can start it.
    pub(super) async fn connect(bus: &Path) -> Result<Self, StoreError> {
        let connected = session_bus::connect(bus).await;
        connected
            .map(Self)
            .map_err(|error| no_connection(bus, error))
    }

    /// Agrees on a key for the secrets on this connection.
    pub(super) async fn open_session(&self) -> Result<Session<'_>, StoreError> {
        let keys = KeyPair::generate().ok_or_else(|| StoreError::no_randomness(NAME))?;
        let input = (ALGORITHM, Variant::from(keys.public()));
        let (output, path): (OwnedVariant, OwnedObjectPath) =
            self.call(ROOT, SERVICE, "OpenSession", &input).await?;
        let key = Vec::try_from(output).ok().and_then(|key| keys.agree(&key));
        Ok(Session {
            service: self,
            path,
            key: key.ok_or_else(|| unexpected("OpenSession"))?,
        })
    }

    /// Returns the items of `key`, locked ones included, always in the same order. There is one,
    /// unless two processes have made one at the same time.
    pub(super) async fn search(&self, key: &StoreKey) -> Result<Vec<Item>, StoreError> {
        let input = (attributes(key),);
        let (mut found, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            self.call(ROOT, SERVICE, "SearchItems", &input).await?;
        found.extend(locked);
        found.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(found.into_iter().map(Item).collect())
    }

    /// Unlocks a collection or an item, if that needs no password.
    pub(super) async fn unlock(&self, object: &ObjectPath<'_>) -> Result<(), StoreError> {
        // An array of fixed length would be a structure on the bus.
        let input = (vec![object],);
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            self.call(ROOT, SERVICE, "Unlock", &input).await?;
        no_prompt(&prompt)
    }

    /// Returns the collection that new items go to.
    pub(super) async fn default_collection(&self) -> Result<OwnedObjectPath, StoreError> {
        let collection: OwnedObjectPath =
            self.call(ROOT, SERVICE, "ReadAlias", &(DEFAULT,)).await?;
        match collection.as_str() {
            NONE => Err(no_collection()),
            _ => Ok(collection),
        }
    }

    /// Removes an item.
    pub(super) async fn delete(&self, item: &Item) -> Result<(), StoreError> {
        let prompt: OwnedObjectPath = self.call(item.0.as_str(), ITEM, "Delete", &()).await?;
        no_prompt(&prompt)
    }

    async fn call<Output: DeserializeOwned + Type>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        input: &(impl Serialize + DynamicType + Sync),
    ) -> Result<Output, StoreError> {
        let call = self
            .0
            .call_method(Some(BUS_NAME), path, Some(interface), method, input);
        let reply = call.await.map_err(failure)?;
        let output = reply.body().deserialize();
        output.map_err(|_| unexpected(method))
    }
}

impl Session<'_> {
    /// Returns an item's secret.
    pub(super) async fn secret(&self, item: &Item) -> Result<Secret, StoreError> {
        let path = item.0.as_str();
        let ((_, iv, value, _),): (WireSecret,) = self
            .service
            .call(path, ITEM, "GetSecret", &(&self.path,))
            .await?;
        let secret = self.key.decrypt(Encrypted { iv, value });
        secret.ok_or_else(|| unexpected("GetSecret"))
    }

    /// Replaces an item's secret.
    pub(super) async fn set_secret(&self, item: &Item, secret: &Secret) -> Result<(), StoreError> {
        let input = (self.encrypt(secret)?,);
        let path = item.0.as_str();
        self.service.call(path, ITEM, "SetSecret", &input).await
    }

    /// Makes an item for `key`.
    pub(super) async fn create_item(
        &self,
        collection: &ObjectPath<'_>,
        key: &StoreKey,
        secret: &Secret,
    ) -> Result<(), StoreError> {
        let properties = HashMap::from([
            (
                "org.freedesktop.Secret.Item.Label",
                Variant::from(key.label()),
            ),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Variant::from(attributes(key)),
            ),
        ]);
        // An item with these attributes that another process has just made is replaced.
        let input = (properties, self.encrypt(secret)?, true);
        let path = collection.as_str();
        let call = self.service.call(path, COLLECTION, "CreateItem", &input);
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = call.await?;
        no_prompt(&prompt)
    }

    fn encrypt(&self, secret: &Secret) -> Result<WireSecret, StoreError> {
        let encrypted = self.key.encrypt(secret);
        let Encrypted { iv, value } = encrypted.ok_or_else(|| StoreError::no_randomness(NAME))?;
        Ok((self.path.clone(), iv, value, "text/plain".to_owned()))
    }
}

/// What the service finds an item by. They are not encrypted in every implementation.
fn attributes(key: &StoreKey) -> HashMap<&'static str, &str> {
    HashMap::from([
        ("application", "claviger"),
        ("instance", &*key.instance),
        ("source", &*key.source),
        ("issuer", &*key.issuer),
        ("client_id", &*key.client_id),
    ])
}

/// Fails if the service has prepared a prompt instead of doing what it was asked. It is shown only
/// if the client calls it.
fn no_prompt(prompt: &OwnedObjectPath) -> Result<(), StoreError> {
    match prompt.as_str() {
        NONE => Ok(()),
        _ => Err(needs_prompt()),
    }
}
