//! A property list: the payload "Custom Settings" of Jamf and others, or the file
//! `/Library/Managed Preferences/DOMAIN.plist`.

use plist::{Dictionary, Value};

use crate::managed_settings::Settings;

/// The settings as a property list, for the client's preference domain.
#[must_use]
pub(crate) fn plist(settings: &Settings) -> Vec<u8> {
    to_xml(&Value::Dictionary(dictionary(&settings.values)))
}

/// The values of a JSON object.
pub(super) fn dictionary(values: &serde_json::Map<String, serde_json::Value>) -> Dictionary {
    let entries = values.iter();
    let entries = entries.filter_map(|(key, value)| Some((key.clone(), to_plist(value)?)));
    entries.collect()
}

/// A JSON value; `None` for null, which property lists lack.
fn to_plist(value: &serde_json::Value) -> Option<Value> {
    Some(match value {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(value) => Value::Boolean(*value),
        serde_json::Value::Number(value) => match value.as_i64() {
            Some(integer) => Value::Integer(integer.into()),
            None => Value::Real(value.as_f64()?),
        },
        serde_json::Value::String(value) => Value::String(value.clone()),
        serde_json::Value::Array(values) => {
            Value::Array(values.iter().filter_map(to_plist).collect())
        }
        serde_json::Value::Object(values) => Value::Dictionary(dictionary(values)),
    })
}

/// The document, which ends in a line break.
pub(super) fn to_xml(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    // Only a writer can fail, and memory does not.
    let _ = value.to_writer_xml(&mut text);
    text.push(b'\n');
    text
}
