//! Profiles that need variables of the client's environment: whether they may, and how many.

use std::{collections::BTreeMap, iter};

use super::{
    super::suggest::quote, chain, profile::ProfileConfig, source::SourceConfig,
    validator::Validator,
};
use crate::client_variables::{MAX_NAME_LEN, MAX_VARIABLES};

/// Records profiles that need variables although `may_need` is false, or more than a client sends.
/// The validator is in `[profile]`; a source that is wrong in itself is `None`.
pub(super) fn check(
    validator: &mut Validator,
    profiles: &BTreeMap<String, ProfileConfig>,
    sources: &BTreeMap<String, Option<SourceConfig>>,
    may_need: bool,
) {
    for (name, profile) in profiles {
        let chain =
            iter::once(profile.source.as_str()).chain(chain::walk(&profile.source, sources));
        let needed: BTreeMap<&str, &str> = chain
            .filter_map(|name| Some((name, sources.get(name)?.as_ref()?)))
            .flat_map(|(name, source)| source.env_names().map(move |variable| (variable, name)))
            .collect();
        validator.within(name, |validator| {
            if let (false, Some((variable, source))) = (may_need, needed.first_key_value()) {
                validator.error(
                    "source",
                    &format!(
                        "requires the client's variable {} (in [source.{source}]), which \
                         'client_variables = false' forbids",
                        quote(variable),
                    ),
                );
            }
            if needed.len() > MAX_VARIABLES {
                validator.error(
                    "source",
                    &format!(
                        "requires {} variables of the client; expected at most {MAX_VARIABLES}",
                        needed.len(),
                    ),
                );
            }
            for variable in needed.keys().filter(|name| name.len() > MAX_NAME_LEN) {
                validator.error(
                    "source",
                    &format!(
                        "requires the client's variable {}, whose name has {} characters; expected \
                         at most {MAX_NAME_LEN}",
                        quote(variable),
                        variable.len(),
                    ),
                );
            }
        });
    }
}
