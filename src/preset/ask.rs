//! The values that a preset leaves open.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A value that a preset leaves open.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// Its placeholder in the templates of the preset's keys.
    pub(crate) name: String,
    /// What is asked.
    pub(crate) question: String,
    /// An answer as it could be.
    pub(crate) example: String,
    /// The rule of its form; any text by default.
    pub(crate) form: Option<String>,
    /// The only answers.
    #[serde(default)]
    pub(crate) choices: Vec<String>,
    /// The answer if none is given: a template with the names of earlier ones.
    pub(crate) default: Option<String>,
    /// Whether it can be left out.
    #[serde(default)]
    pub(crate) optional: bool,
    /// The answers, by name, with which it is asked.
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
}

impl Ask {
    /// Whether it is asked after these answers.
    pub(crate) fn applies<'a>(&self, answer: impl Fn(&str) -> Option<&'a str>) -> bool {
        let is_met = |(name, values): (&String, &Vec<String>)| {
            answer(name).is_some_and(|answer| values.iter().any(|value| value == answer))
        };
        self.when.iter().all(is_met)
    }
}
