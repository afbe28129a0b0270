//! Variables of the asking client's environment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use aws_lc_rs::{digest, rand};

use crate::secret::{Fingerprint, Secret};

/// Those variables of the asking client's environment that a profile needs (`{env:NAME}`, `*_env`)
/// and that are set. A value may be a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientVariables(BTreeMap<String, Secret>);

/// The most variables that a client is asked for in one request: what the wire format allows.
pub(crate) const MAX_VARIABLES: usize = 32;

/// The longest name of such a variable in characters: what the wire format allows.
pub(crate) const MAX_NAME_LEN: usize = 255;

/// The identity of names and values in this process: their salted SHA-256.
pub(crate) type VariablesHash = [u8; digest::SHA256_OUTPUT_LEN];

/// Variables without their values, for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VariablesSummary {
    /// The names of those that are set.
    pub(crate) names: Vec<String>,
    /// The start of [`ClientVariables::hash`].
    pub(crate) fingerprint: Fingerprint,
}

/// Variables that a profile needs and a client cannot send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VariablesError {
    /// The client is of a version that sends none.
    #[error(
        "the variable '{0}' of the client's environment, which this version of the client does not send"
    )]
    Unsupported(String),
    /// Its value is not UTF-8 or contains a null character.
    #[error("the variable '{0}' of the client's environment, whose value is not text")]
    NotText(String),
    /// More than a request can contain.
    #[error("{0} variables of the client's environment, which are too many for one request")]
    TooMany(usize),
}

impl ClientVariables {
    /// The value of `name`; `None` if it is not set.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// Those with these names.
    #[must_use]
    pub(crate) fn only(&self, names: &BTreeSet<&str>) -> Self {
        let variables = self.0.iter();
        variables
            .filter(|(name, _)| names.contains(name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The identity of the names and values. Each is preceded by its length, so that two different
    /// sets of variables never form the same text, and all are preceded by a salt, so that a short
    /// password cannot be guessed from what `status` shows.
    #[must_use]
    pub(crate) fn hash(&self) -> VariablesHash {
        let mut context = digest::Context::new(&digest::SHA256);
        // Most profiles need none, and the first random number takes 35 ms.
        if !self.0.is_empty() {
            context.update(salt());
        }
        for (name, value) in &self.0 {
            for text in [name.as_str(), value.expose()] {
                context.update(&(text.len() as u64).to_be_bytes());
                context.update(text.as_bytes());
            }
        }
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    /// The names, and a fingerprint of all names and values.
    #[must_use]
    pub(crate) fn summary(&self) -> VariablesSummary {
        VariablesSummary {
            names: self.0.keys().cloned().collect(),
            fingerprint: Fingerprint::of_hash(&self.hash()),
        }
    }
}

/// A random number of this process.
fn salt() -> &'static [u8] {
    static SALT: OnceLock<[u8; 32]> = OnceLock::new();
    SALT.get_or_init(|| {
        let mut salt = [0; 32];
        // Without randomness no TLS connection succeeds, and so no credential is ever obtained.
        let _ = rand::fill(&mut salt);
        salt
    })
}

impl FromIterator<(String, Secret)> for ClientVariables {
    fn from_iter<T: IntoIterator<Item = (String, Secret)>>(variables: T) -> Self {
        Self(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(variables: &[(&str, &str)]) -> ClientVariables {
        let secret = |value: &str| Secret::new(value.to_owned());
        let variables = variables.iter();
        variables
            .map(|(name, value)| ((*name).to_owned(), secret(value)))
            .collect()
    }

    #[test]
    fn the_hash_identifies_names_and_values() {
        let same = [("A", "1"), ("B", "2")];
        let swapped = [("B", "2"), ("A", "1")];
        assert_eq!(variables(&same).hash(), variables(&swapped).hash());
        let different: [&[(&str, &str)]; 7] = [
            &[],
            &[("A", "")],
            &[("A", "1")],
            &[("A", "2"), ("B", "1")],
            &[("A", "1B"), ("2", "")],
            &[("A", "1"), ("B", "2"), ("C", "")],
            &[("A1B2", "")],
        ];
        let mut hashes: BTreeSet<_> = different.iter().map(|set| variables(set).hash()).collect();
        hashes.insert(variables(&same).hash());
        assert_eq!(hashes.len(), different.len() + 1);
    }

    #[test]
    fn no_value_is_shown() {
        let variables = variables(&[("TOKEN", "hunter2")]);
        let summary = variables.summary();
        assert_eq!(summary.names, ["TOKEN"]);
        assert_eq!(summary.fingerprint.to_string().len(), 12);
        assert!(!format!("{variables:?} {summary:?}").contains("hunter2"));
    }

    #[test]
    fn only_the_named_ones_are_selected() {
        let both = variables(&[("A", "1"), ("B", "2")]);
        assert_eq!(
            both.only(&BTreeSet::from(["B", "C"])),
            variables(&[("B", "2")])
        );
    }
}
