//! `headers` of a profile.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    super::field::{FilePath, HeaderKey},
    validator::Validator,
};
use crate::template::Template;

/// The headers that are sent with a probe, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<HeaderKey, String>")]
pub(crate) struct ProbeHeaders(BTreeMap<HeaderKey, Result<HeaderValueFrom, String>>);

/// Where the value of a header comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderValueFrom {
    /// The configuration.
    Text(String),
    /// A file, whose content is a secret.
    File(FilePath),
}

impl ProbeHeaders {
    /// The name of each header and where its value comes from.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &HeaderValueFrom)> {
        let valid = |(key, value)| -> Option<(&str, &HeaderValueFrom)> {
            let (key, value): (&HeaderKey, &Result<_, _>) = (key, value);
            Some((key.name(), value.as_ref().ok()?))
        };
        self.0.iter().filter_map(valid)
    }

    /// The variables of the client's environment in the paths of files, possibly more than once.
    pub(super) fn env_names(&self) -> impl Iterator<Item = &str> {
        self.iter()
            .filter_map(|(_, from)| match from {
                HeaderValueFrom::File(file) => Some(file.template()),
                HeaderValueFrom::Text(_) => None,
            })
            .flat_map(Template::env_names)
    }

    /// Checks each value by its kind. The validator is in the table of the profile.
    pub(super) fn validate(&self, validator: &mut Validator) {
        validator.within("headers", |validator| {
            for (key, value) in &self.0 {
                if let Err(problem) = value {
                    validator.error(&key.key(), problem);
                }
            }
        });
    }
}

impl From<BTreeMap<HeaderKey, String>> for ProbeHeaders {
    fn from(headers: BTreeMap<HeaderKey, String>) -> Self {
        let value = |key: &HeaderKey, text: String| match key.is_file() {
            true => text.parse().map(HeaderValueFrom::File),
            false if http::HeaderValue::from_str(&text).is_ok() => Ok(HeaderValueFrom::Text(text)),
            false => Err("contains characters that are invalid in a header".to_owned()),
        };
        let parsed = headers.into_iter().map(|(key, text)| {
            let value = value(&key, text);
            (key, value)
        });
        Self(parsed.collect())
    }
}
