//! The defaults in the JSON Schema.

use serde_json::{Map, Value};

use super::super::{check::constants, defaults::DEFAULTS};

/// Puts the program's defaults into `schema`. A default that another key decides about is left to
/// the description.
pub(super) fn put_defaults(schema: &mut Value) {
    let Ok(defaults) = toml::from_str::<Value>(DEFAULTS) else {
        return;
    };
    for (key, value) in entries(&defaults["root"]) {
        match value.as_object() {
            Some(values) => {
                let table = schema["properties"][key]["$ref"].as_str();
                let table = table.map(|target| target.trim_start_matches('#').to_owned());
                let table = table.and_then(|target| schema.pointer_mut(&target));
                put(table, values.clone());
            }
            None => put(Some(schema), Map::from_iter([(key.clone(), value.clone())])),
        }
    }
    let profile = schema.pointer_mut("/$defs/Profile");
    put(profile, agreed(&defaults["profile"]));
    let sources = schema.pointer_mut("/$defs/Source/oneOf");
    for source in sources.and_then(Value::as_array_mut).into_iter().flatten() {
        let kind = constants(source).next().map(|(_, kind)| kind.to_owned());
        let defaults = kind.map(|kind| agreed(&defaults["source"][kind]));
        put(Some(source), defaults.unwrap_or_default());
    }
}

/// The defaults of all `layers` of a table, without those that have another value in another layer.
fn agreed(layers: &Value) -> Map<String, Value> {
    let all = || entries(layers).flat_map(|(_, layer)| entries(layer));
    let is_agreed =
        |key: &str, value: &Value| all().all(|(other, another)| other != key || another == value);
    all()
        .filter(|(key, value)| is_agreed(key, value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn entries(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table.as_object().into_iter().flatten()
}

fn put(table: Option<&mut Value>, defaults: Map<String, Value>) {
    let properties = table.and_then(|table| table["properties"].as_object_mut());
    let Some(properties) = properties else {
        return;
    };
    for (key, default) in defaults {
        if let Some(property) = properties.get_mut(&key) {
            property["default"] = default;
        }
    }
}
