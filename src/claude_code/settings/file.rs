//! One file of settings: those keys of it that concern the credential.

use std::{collections::BTreeMap, io, path::Path};

use serde_json::{Map, Value};

use crate::{
    secret::Secret,
    trust::{ReadError, RegularFile},
};

/// The largest file that is read: a hundred times what a company's settings are.
const MAX_LEN: u64 = 1 << 20;

/// The byte order mark, which the client ignores.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a file contains of the keys that concern the credential.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// `apiKeyHelper`. A user may have put a key into it.
    pub(crate) helper: Option<Secret>,
    /// `otelHeadersHelper`.
    pub(crate) headers_helper: Option<Secret>,
    /// `env`: variables for the client and its helper.
    pub(crate) variables: BTreeMap<String, Secret>,
    /// The keys that demand a login at Anthropic.
    pub(crate) forced_login: Vec<&'static str>,
    /// `wslInheritsWindowsSettings`.
    pub(crate) inherits_windows: bool,
    /// The keys with a value of the wrong type, which the client ignores.
    pub(crate) ignored: Vec<&'static str>,
}

/// Why the client uses nothing of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It is not a JSON object.
    #[error("{0}")]
    Malformed(String),
    /// A key has a value of the wrong type.
    #[error("'{0}' has a value of the wrong type")]
    WrongType(&'static str),
}

/// Reads a file of settings; `None` if it does not exist.
///
/// Of a managed file the client ignores only the keys whose value has the wrong type, of another
/// one everything (measured with 2.1.329). An empty file is an empty object.
pub(super) fn read(file: &Path, is_managed: bool) -> Option<Result<Contents, FileError>> {
    let bytes = match RegularFile::open(file).and_then(|file| file.read(MAX_LEN)) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotADirectory => return None,
        Err(error) => return Some(Err(FileError::Unreadable(error.to_string()))),
    };
    Some(
        Contents::parse(&bytes).and_then(|contents| match contents.ignored.first() {
            Some(key) if !is_managed => Err(FileError::WrongType(key)),
            _ => Ok(contents),
        }),
    )
}

impl Contents {
    /// Parses the text of a file.
    ///
    /// # Errors
    ///
    /// [`FileError::Malformed`].
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // The parser's message contains no part of the text.
        let value = serde_json::from_slice(text)
            .map_err(|error| FileError::Malformed(format!("invalid JSON: {error}")))?;
        let Value::Object(mut object) = value else {
            return Err(FileError::Malformed("expected a JSON object".to_owned()));
        };
        let mut ignored = Vec::new();
        let mut text = |object: &mut Map<_, _>, key| match object.remove(key) {
            Some(Value::String(text)) => Some(Secret::new(text)),
            None | Some(Value::Null) => None,
            Some(_) => {
                ignored.push(key);
                None
            }
        };
        let helper = text(&mut object, "apiKeyHelper");
        let headers_helper = text(&mut object, "otelHeadersHelper");
        let variables = match object.remove("env") {
            Some(Value::Object(variables)) => variables.into_iter().filter_map(variable).collect(),
            None | Some(Value::Null) => BTreeMap::new(),
            Some(_) => {
                ignored.push("env");
                BTreeMap::new()
            }
        };
        let mut forced_login = vec!["forceLoginMethod", "forceLoginOrgUUID"];
        forced_login.retain(|key| object.get(*key).is_some_and(|value| !value.is_null()));
        let inherits_windows = object.get("wslInheritsWindowsSettings") == Some(&Value::Bool(true));
        Ok(Self {
            helper,
            headers_helper,
            variables,
            forced_login,
            inherits_windows,
            ignored,
        })
    }
}

/// A variable of `env`. The client converts a number or a truth value.
fn variable((name, value): (String, Value)) -> Option<(String, Secret)> {
    let value = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(is_set) => is_set.to_string(),
        _ => return None,
    };
    Some((name, Secret::new(value)))
}
