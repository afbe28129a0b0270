//! The headers of a probe: the key, and those that the configuration adds.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    config::{FilePath, HeaderValueFrom, ProbeHeaders},
    named_file,
    network::{RequestSecrets, SetupError},
    principal::Principal,
    secret::Secret,
};

/// The value of the header `anthropic-version`, see
/// <https://docs.anthropic.com/en/api/versioning>.
const API_VERSION: &str = "2023-06-01";

/// The headers of every probe.
pub(crate) struct Headers {
    configured: ProbeHeaders,
    principal: Principal,
}

impl Headers {
    /// No file is read yet.
    pub(crate) fn new(configured: ProbeHeaders, principal: &Principal) -> Self {
        Self {
            configured,
            principal: principal.clone(),
        }
    }

    /// The headers of a probe with `key`. The values that are read from files are added to
    /// `secrets`.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a file cannot be read or a header cannot contain its value.
    pub(crate) fn with(
        &self,
        key: &Secret,
        secrets: &mut RequestSecrets,
    ) -> Result<HeaderMap, SetupError> {
        let bearer = Secret::new(format!("Bearer {}", key.expose()));
        let mut headers = HeaderMap::new();
        headers.insert("authorization", sensitive("key", &bearer)?);
        headers.insert("x-api-key", sensitive("key", key)?);
        headers.insert("anthropic-version", HeaderValue::from_static(API_VERSION));
        for (name, from) in self.configured.iter() {
            let value = match from {
                HeaderValueFrom::Text(text) => {
                    HeaderValue::from_str(text).map_err(|_| invalid(name))?
                }
                HeaderValueFrom::File(file) => {
                    let value = self.read(name, file)?;
                    secrets.add(value.clone());
                    sensitive(name, &value)?
                }
            };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(name))?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    fn read(&self, name: &str, file: &FilePath) -> Result<Secret, SetupError> {
        let path = file
            .resolve(&self.principal)
            .map_err(|error| SetupError::unresolved(&format!("headers.{name}_file"), &error))?;
        let bytes = named_file::read_private(&path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| invalid(name))?;
        Ok(Secret::trimmed(text.to_owned()))
    }
}

fn sensitive(name: &str, value: &Secret) -> Result<HeaderValue, SetupError> {
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid(name))?;
    value.set_sensitive(true);
    Ok(value)
}

fn invalid(name: &str) -> SetupError {
    SetupError {
        reason: format!("{name} is invalid in an HTTP header"),
        hint: "write only the value of the header to its file".to_owned(),
        is_of_client: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_variables::ClientVariables;

    #[test]
    fn a_key_in_a_header_is_marked_as_sensitive() {
        let headers = Headers {
            configured: std::collections::BTreeMap::from([(
                "x-tenant".parse().unwrap(),
                "eng".to_owned(),
            )])
            .into(),
            principal: Principal {
                user: String::new(),
                host: String::new(),
                home: None,
                variables: ClientVariables::default(),
            },
        };
        let key = Secret::new("sk-secret".to_owned());
        let headers = headers.with(&key, &mut RequestSecrets::default()).unwrap();
        assert!(!format!("{headers:?}").contains("sk-secret"));
        assert_eq!(headers["x-tenant"], "eng");
    }
}
