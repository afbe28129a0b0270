//! The variables of this process, which stands for the client that doctor is run for.

use std::env;

use crate::{client_variables::ClientVariables, secret::Secret};

/// Those of the variables `names` that are set, as a client started here would send them.
pub(super) fn variables<'a>(names: impl IntoIterator<Item = &'a str>) -> ClientVariables {
    names
        .into_iter()
        .filter_map(|name| {
            let value = env::var(name).ok().filter(|value| !value.is_empty())?;
            Some((name.to_owned(), Secret::new(value)))
        })
        .collect()
}
