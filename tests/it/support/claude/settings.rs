//! The contents of the client's settings files.

use std::path::Path;

use serde_json::{Map, Value, json};

/// The user's settings: the shim at `helper`, run without a shell in between; the base URL
/// `gateway`; and `variables` for the client and its helper.
pub(super) fn user(gateway: &str, helper: &Path, variables: &[(&str, &str)]) -> Value {
    let own = [
        ("ANTHROPIC_BASE_URL", gateway),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        // Other tests keep the machine busy.
        ("CLAVIGER_TIMEOUT_MS", "30000"),
    ];
    let mut settings = with_variables(&[&own[..], variables].concat());
    settings["apiKeyHelper"] = json!(format!("exec '{}'", helper.display()));
    settings
}

/// Settings that set these variables for the client and its helper.
pub(super) fn with_variables(variables: &[(&str, &str)]) -> Value {
    let variables: Map<_, _> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({ "env": variables })
}

/// Adds the keys of the object `more` to `settings`; objects are merged, other values replaced.
pub(super) fn merge(settings: &mut Value, more: &Value) {
    match (settings, more) {
        (Value::Object(settings), Value::Object(more)) => {
            for (key, value) in more {
                merge(settings.entry(key).or_insert(Value::Null), value);
            }
        }
        (value, more) => *value = more.clone(),
    }
}
