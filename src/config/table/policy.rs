//! `[policy]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{super::field::PolicyKey, validator::Validator};

/// The most keys that are pinned: the current one, and during a rotation the next one.
const MAX_KEYS: usize = 2;

/// By what the central policy is recognized.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Policy")]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyConfig {
    /// The public keys by which the central policy is verified, as 'claviger policy public-key'
    /// prints them: one, or two while the signing key is rotated.
    #[serde(default)]
    #[schemars(extend("examples" = [["ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"]]))]
    pub(crate) public_keys: Vec<PolicyKey>,
    /// The lowest counter that a policy may have; 0 by default. Raise it to end for good what an
    /// older policy allowed.
    #[serde(default)]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub(crate) minimum_counter: u64,
}

impl PolicyConfig {
    /// Checks what the schema does not state.
    pub(super) fn validate(&self, validator: &mut Validator) {
        let keys = &self.public_keys;
        if keys.len() > MAX_KEYS {
            let problem = format!("expected at most {MAX_KEYS} keys, got {}", keys.len());
            validator.error("public_keys", &problem);
        } else if let [first, second] = keys.as_slice()
            && first == second
        {
            validator.error("public_keys", "expected two different keys, got one twice");
        }
    }
}
