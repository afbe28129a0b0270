//! Variables of the asking client's environment.

use std::collections::BTreeMap;

use crate::secret::Secret;

/// Those variables of the asking client's environment that a profile needs (`{env:NAME}`, `*_env`)
/// and that are set. A value may be a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientVariables(BTreeMap<String, Secret>);

impl ClientVariables {
    /// The value of `name`; `None` if it is not set.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }
}

impl FromIterator<(String, Secret)> for ClientVariables {
    fn from_iter<T: IntoIterator<Item = (String, Secret)>>(variables: T) -> Self {
        Self(variables.into_iter().collect())
    }
}
