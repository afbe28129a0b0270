//! A configuration profile of macOS, for an MDM that takes whole profiles.
//!
//! See Apple's "Device Management: Profile". An installed profile is replaced by one with the same
//! identifier, so identifiers and UUIDs are functions of the client and of Claviger's profile.
//! Those of two of Claviger's profiles differ: an MDM that takes one away from a machine would
//! otherwise remove the other.

use plist::{Dictionary, Value};
use uuid::{Uuid, uuid};

use super::plist::{dictionary, to_xml};
use crate::managed_settings::Settings;

/// The namespace of all UUIDs, chosen at random.
const NAMESPACE: Uuid = uuid!("d9b10700-8274-4d50-bf0f-a45f6ad142f1");

/// The settings as a configuration profile.
#[must_use]
pub(crate) fn mobileconfig(settings: &Settings) -> Vec<u8> {
    let client = settings.client;
    let identifier = format!("claviger.{}.{}", client.identifier(), settings.profile);
    let mut payload = common(
        &format!("{identifier}.settings"),
        client.domain(),
        client.title(),
    );
    payload.extend(dictionary(&settings.values));
    payload.sort_keys();
    let title = format!("{} with Claviger", client.title());
    let mut profile = common(&identifier, "Configuration", &title);
    let description = format!(
        "{} obtains its key from Claviger and sends it to the company's gateway only.",
        client.title()
    );
    profile.insert("PayloadDescription".to_owned(), description.into());
    profile.insert("PayloadScope".to_owned(), "System".into());
    let content = Value::Array(vec![payload.into()]);
    profile.insert("PayloadContent".to_owned(), content);
    profile.sort_keys();
    to_xml(&profile.into())
}

/// The keys that a profile and its payload have in common.
fn common(identifier: &str, kind: &str, title: &str) -> Dictionary {
    let uuid = Uuid::new_v5(&NAMESPACE, identifier.as_bytes());
    let values: [(&str, Value); 5] = [
        ("PayloadDisplayName", title.into()),
        ("PayloadIdentifier", identifier.into()),
        ("PayloadType", kind.into()),
        ("PayloadUUID", uuid.to_string().to_uppercase().into()),
        ("PayloadVersion", 1.into()),
    ];
    let values = values.into_iter();
    values.map(|(key, value)| (key.to_owned(), value)).collect()
}
