//! Answers to what presets leave open.

use std::collections::BTreeMap;

use crate::preset::Ask;

/// The values that flags give, by name.
pub(super) type Given = BTreeMap<String, String>;

/// The answers, by name; `None` if one is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(BTreeMap<String, Option<String>>);

impl Answers {
    /// The answer with this name, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Adds or replaces an answer.
    pub(super) fn set(&mut self, ask: &Ask, answer: Option<String>) {
        self.0.insert(ask.name.clone(), answer);
    }

    /// Adds an answer, unless there is one or it is left out.
    pub(super) fn set_if_open(&mut self, ask: &Ask, answer: &str) {
        let answer = Some(answer.to_owned());
        self.0.entry(ask.name.clone()).or_insert(answer);
    }
}
