//! The document that a security engineer writes, in TOML or, signed, in JSON.
//!
//! ```toml
//! version = 1
//! counter = 42
//! watch = "1m"
//! max_age = "7d"
//! minimum_version = "0.2.0"
//!
//! [rule.rotation]
//! rotate_after = 2026-11-30T20:00:00Z
//!
//! [rule.stolen-laptops]
//! users = ["ana", "bob"]
//! disabled = "your laptop was reported stolen; call 1234"
//! ```
//!
//! An unknown key makes the whole policy invalid for this version of the program, because it could
//! be a restriction. A daemon then keeps the last good policy, which counts for at most its
//! `max_age`. So a policy with the keys of a newer version comes after one whose `minimum_version`
//! is that version.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use crate::{
    clock::Timestamp,
    config::{DateTime, GatewayUrl, Mistake, Name, PolicyMaxAge, PolicyWatch, ProgramVersion},
};

/// The largest counter: the largest integer that every parser of JSON reads exactly (RFC 7493).
const MAX_COUNTER: u64 = (1 << 53) - 1;

/// The longest message of a rule, in characters. A client shows at most 400, the name of the rule
/// and the hint included.
const MAX_MESSAGE: usize = 200;

/// What is in force for all users of a company.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u8,
    /// Larger than that of every policy before: a daemon refuses a smaller one.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub(crate) counter: u64,
    /// How often a daemon in use looks for a newer policy, from "10s" to "1d"; "1m" by default.
    #[serde(default)]
    pub(crate) watch: PolicyWatch,
    /// How long this policy counts after it was last seen to be the current one, from "1h" to
    /// "365d"; "7d" by default. After that there are no keys until a policy is seen again.
    #[serde(default)]
    pub(crate) max_age: PolicyMaxAge,
    /// An older version of the program gives no keys.
    pub(crate) minimum_version: Option<ProgramVersion>,
    /// The rules, by name. Each one only restricts.
    #[serde(default, rename = "rule", deserialize_with = "unique")]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub(crate) rules: BTreeMap<Name, Rule>,
}

/// One rule: what it restricts, and for which users and profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The profiles that it is about; all by default.
    pub(crate) profiles: Option<Vec<Name>>,
    /// The users that it is about, by their names on their machines; all by default. Case makes no
    /// difference.
    pub(crate) users: Option<Vec<String>>,
    /// Credentials that were obtained before this moment are dropped; not after the signature.
    pub(crate) rotate_after: Option<DateTime>,
    /// No keys, and this message.
    pub(crate) disabled: Option<String>,
    /// Only clients of these gateways get a key.
    pub(crate) allowed_gateways: Option<Vec<GatewayUrl>>,
    /// Only keys for these audiences; a source without an audience is not restricted.
    pub(crate) allowed_audiences: Option<Vec<String>>,
    /// Only these sources, by name: the profile's, and those whose credentials it presents.
    pub(crate) allowed_sources: Option<Vec<Name>>,
    /// Only these programs get a key, by absolute path.
    pub(crate) allowed_callers: Option<Vec<String>>,
}

impl PolicyDocument {
    /// What is wrong beside single keys, for a policy that is signed at `issued_at`.
    #[must_use]
    pub(crate) fn mistakes(&self, issued_at: Timestamp) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut add = |path: &[&str], problem: &str| {
            mistakes.push(Mistake {
                path: path.iter().map(|&name| name.to_owned()).collect(),
                problem: problem.to_owned(),
                is_of_table: path.len() == 2,
            });
        };
        if self.version != 1 {
            add(&["version"], "expected 1");
        }
        if !(1..=MAX_COUNTER).contains(&self.counter) {
            add(&["counter"], &format!("expected 1 to {MAX_COUNTER}"));
        }
        if self.max_age.get() <= self.watch.get() {
            add(&["max_age"], "expected a longer time than 'watch'");
        }
        for (name, rule) in &self.rules {
            for (key, problem) in rule.mistakes(issued_at) {
                add(&["rule", name.as_str(), key], &problem);
            }
            if !rule.has_effect() {
                add(
                    &["rule", name.as_str()],
                    "expected 'rotate_after', 'disabled' or an 'allowed_…' key: it restricts nothing",
                );
            }
        }
        mistakes
    }
}

impl PolicyDocument {
    /// The moments of all `rotate_after`.
    pub(crate) fn rotations(&self) -> impl Iterator<Item = Timestamp> {
        let moments = self.rules.values().filter_map(|rule| rule.rotate_after);
        moments.map(|at| at.get())
    }
}

impl Rule {
    /// The lists of texts, by key.
    fn lists(&self) -> [(&'static str, Option<Vec<&str>>); 5] {
        fn names(list: Option<&Vec<Name>>) -> Option<Vec<&str>> {
            list.map(|list| list.iter().map(Name::as_str).collect())
        }
        fn texts(list: Option<&Vec<String>>) -> Option<Vec<&str>> {
            list.map(|list| list.iter().map(String::as_str).collect())
        }
        [
            ("profiles", names(self.profiles.as_ref())),
            ("users", texts(self.users.as_ref())),
            ("allowed_audiences", texts(self.allowed_audiences.as_ref())),
            ("allowed_sources", names(self.allowed_sources.as_ref())),
            ("allowed_callers", texts(self.allowed_callers.as_ref())),
        ]
    }

    fn mistakes(&self, issued_at: Timestamp) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let mut add = |key, problem: &str| mistakes.push((key, problem.to_owned()));
        for (key, list) in self.lists() {
            let list = list.as_deref();
            if list.is_some_and(<[_]>::is_empty) {
                add(key, "must not be empty");
            }
            let is_wrong = |text: &&str| text.trim() != *text || !is_plain(text);
            if list.is_some_and(|list| list.iter().any(is_wrong)) {
                add(
                    key,
                    "expected texts without control characters and blanks at the ends",
                );
            }
        }
        if self.allowed_gateways.as_ref().is_some_and(Vec::is_empty) {
            add("allowed_gateways", "must not be empty");
        }
        let callers = self.allowed_callers.as_ref();
        if callers.is_some_and(|paths| paths.iter().any(|path| !is_absolute(path))) {
            add("allowed_callers", "expected absolute paths");
        }
        if let Some(message) = &self.disabled
            && (!is_plain(message) || message.chars().count() > MAX_MESSAGE)
        {
            let problem = format!("expected one line of at most {MAX_MESSAGE} characters");
            add("disabled", &problem);
        }
        // The time of a signature is in seconds.
        let is_later = |at: DateTime| at.get().as_second() > issued_at.as_second();
        if self.rotate_after.is_some_and(is_later) {
            add(
                "rotate_after",
                "expected a moment in the past: until a later one every key would be rejected; sign \
                 the policy then",
            );
        }
        mistakes
    }

    fn has_effect(&self) -> bool {
        self.rotate_after.is_some()
            || self.disabled.is_some()
            || self.allowed_gateways.is_some()
            || self.allowed_audiences.is_some()
            || self.allowed_sources.is_some()
            || self.allowed_callers.is_some()
    }
}

fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(char::is_control)
}

/// Whether `path` is absolute on any system: one policy is for all of them.
fn is_absolute(path: &str) -> bool {
    let is_drive = |start: &[u8]| matches!(start, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    path.starts_with('/') || path.starts_with("\\\\") || is_drive(path.as_bytes())
}

/// Reads a map in which each name occurs once. Parsers differ in which of two entries they take.
fn unique<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Name, Rule>, D::Error> {
    struct Rules;

    impl<'de> Visitor<'de> for Rules {
        type Value = BTreeMap<Name, Rule>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("rules by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut rules = BTreeMap::new();
            while let Some((name, rule)) = map.next_entry::<Name, Rule>()? {
                let text = name.as_str().to_owned();
                if rules.insert(name, rule).is_some() {
                    return Err(A::Error::custom(format!("duplicate rule `{text}`")));
                }
            }
            Ok(rules)
        }
    }

    deserializer.deserialize_map(Rules)
}

#[cfg(test)]
#[path = "tests/document.rs"]
mod tests;
