//! Rules about the keys of a table that names a preset.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::pattern::matches;

/// What a key must be, or that there must be one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The key whose value is compared.
    pub(crate) key: Option<String>,
    /// The patterns of which it must match one; `*` is any text.
    #[serde(default)]
    expect: Vec<String>,
    /// The patterns of which it must match none.
    #[serde(default)]
    refuse: Vec<String>,
    /// The keys of which there must be one.
    #[serde(default)]
    pub(crate) requires: Vec<String>,
    /// The values of other keys with which the rule does not hold.
    #[serde(default)]
    unless: BTreeMap<String, String>,
    /// The end of a sentence that starts with the key.
    pub(crate) reason: String,
}

impl Rule {
    /// Whether a table breaks the rule; `text` is the value of a key if it is a string, and `""` if
    /// it is another one.
    pub(crate) fn is_broken<'a>(&self, text: impl Fn(&str) -> Option<&'a str>) -> bool {
        let mut unless = self.unless.iter();
        if unless.any(|(key, value)| text(key) == Some(value.as_str())) {
            return false;
        }
        if !self.requires.is_empty() {
            return self.requires.iter().all(|key| text(key).is_none());
        }
        let Some(value) = self.key.as_deref().and_then(text) else {
            return false;
        };
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, value));
        any(&self.refuse) || (!self.expect.is_empty() && !any(&self.expect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_broken(rule: &str, keys: &[(&str, &str)]) -> bool {
        let rule: Rule = toml::from_str(rule).unwrap();
        rule.is_broken(|name| {
            let mut keys = keys.iter();
            keys.find(|(key, _)| *key == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn a_value_matches_one_expected_pattern_and_no_refused_one() {
        let rule = "key = 'a'\nexpect = ['x*', 'y']\nrefuse = ['*z']\nreason = ''";
        for (value, expected) in [("x1", false), ("y", false), ("y1", true), ("xz", true)] {
            assert_eq!(is_broken(rule, &[("a", value)]), expected, "{value}");
        }
        assert!(!is_broken(rule, &[]), "there is no value");
    }

    #[test]
    fn one_of_the_required_keys_is_there() {
        let rule = "requires = ['a', 'b']\nunless = { t = 'id' }\nreason = ''";
        assert!(is_broken(rule, &[("t", "access")]));
        assert!(!is_broken(rule, &[("b", "")]));
        assert!(!is_broken(rule, &[("t", "id")]));
    }
}
