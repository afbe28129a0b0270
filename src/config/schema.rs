//! The JSON Schema of the configuration, for editors and for [`super::check`].

use serde_json::Value;

use super::raw::File;

/// The JSON Schema (2020-12) of a configuration file, as `claviger config schema` prints it.
#[must_use]
pub(crate) fn schema() -> Value {
    let mut schema = Value::from(schemars::schema_for!(File));
    without_null(&mut schema);
    schema
}

/// Takes every `null` out: TOML has none, a key that may be left out is left out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_mut_slice() {
                    let only = only.take();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(mut any)) = object.remove("anyOf") {
                any.retain(|schema| schema["type"] != "null");
                match any.as_mut_slice() {
                    [Value::Object(only)] => object.append(only),
                    _ => drop(object.insert("anyOf".to_owned(), any.into())),
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(values) => values.iter_mut().for_each(without_null),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that the interface's documentation names and this version has.
    const KEYS: [(&str, &[&str]); 13] = [
        (
            "",
            &[
                "version",
                "allow_user_config",
                "daemon",
                "profile",
                "source",
            ],
        ),
        ("/$defs/Daemon", &["exit_when_idle"]),
        ("/$defs/Profile", &["gateway", "source", "probe"]),
        ("/$defs/Probe", &[]),
        (
            "/$defs/Source/oneOf/0",
            &[
                "type",
                "address",
                "namespace",
                "ca_file",
                "path",
                "mount",
                "field",
                "kv",
                "lease",
                "watch",
                "auth",
                "timeout",
            ],
        ),
        (
            "/$defs/Source/oneOf/1",
            &[
                "type",
                "algorithm",
                "key_file",
                "key_env",
                "key_id",
                "issuer",
                "subject",
                "audience",
                "ttl",
                "claims",
            ],
        ),
        (
            "/$defs/Source/oneOf/2",
            &["type", "command", "timeout", "ttl"],
        ),
        (
            "/$defs/Auth/oneOf/0",
            &["method", "token_file", "token_env"],
        ),
        (
            "/$defs/Auth/oneOf/1",
            &[
                "method",
                "mount",
                "role_id",
                "secret_id_file",
                "secret_id_env",
                "secret_id_wrapped",
            ],
        ),
        (
            "/$defs/Auth/oneOf/2",
            &[
                "method",
                "mount",
                "username",
                "password_file",
                "password_env",
            ],
        ),
        (
            "/$defs/Auth/oneOf/3",
            &[
                "method",
                "mount",
                "username",
                "password_file",
                "password_env",
            ],
        ),
        (
            "/$defs/Auth/oneOf/4",
            &[
                "method",
                "mount",
                "role",
                "jwt_file",
                "jwt_env",
                "jwt_source",
            ],
        ),
        (
            "/$defs/Auth/oneOf/5",
            &["method", "mount", "role", "cert_file", "key_file"],
        ),
    ];

    #[test]
    fn every_documented_key_is_there_and_described() {
        let schema = schema();
        for (place, keys) in KEYS {
            let table = schema.pointer(place).unwrap();
            let properties = table.get("properties").and_then(Value::as_object);
            let mut have: Vec<_> = properties.into_iter().flat_map(|map| map.keys()).collect();
            let mut want: Vec<_> = keys.iter().collect();
            have.sort();
            want.sort();
            assert_eq!(format!("{have:?}"), format!("{want:?}"), "{place}");
            for (key, property) in properties.into_iter().flatten() {
                let described =
                    property.get("description").is_some() || property.get("const").is_some();
                assert!(described, "{place} {key}");
            }
        }
    }

    #[test]
    fn tables_are_closed_and_nothing_is_null() {
        let schema = schema();
        for (place, keys) in KEYS {
            if !keys.is_empty() {
                assert_eq!(
                    schema.pointer(place).unwrap()["additionalProperties"],
                    false,
                    "{place}"
                );
            }
        }
        assert!(!schema.to_string().contains("null"), "{schema:#}");
        assert!(!schema.to_string().contains("anyOf"), "{schema:#}");
    }

    #[test]
    fn kinds_are_told_apart_by_one_key() {
        let schema = schema();
        for (place, key, kinds) in [
            ("/$defs/Source/oneOf", "type", &["vault", "jwt", "exec"][..]),
            (
                "/$defs/Auth/oneOf",
                "method",
                &["token", "approle", "userpass", "ldap", "jwt", "cert"],
            ),
        ] {
            let variants = schema.pointer(place).and_then(Value::as_array).unwrap();
            let have: Vec<_> = variants
                .iter()
                .map(|variant| &variant["properties"][key]["const"])
                .collect();
            assert_eq!(have, kinds);
        }
    }
}
