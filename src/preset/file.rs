//! The file of a preset.

use serde::{Deserialize, de::IgnoredAny};
use toml::de::{DeTable, DeValue};

use super::{
    Preset,
    ask::Ask,
    checklist::{ChecklistKeys, TokenKeys},
    error::KnownError,
    rule::Rule,
};

/// The file of a preset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    #[serde(default)]
    refuses_tokens: bool,
    /// Taken from the document, which the configuration is merged with.
    #[serde(default, rename = "defaults")]
    _defaults: Option<IgnoredAny>,
    #[serde(default)]
    ask: Vec<Ask>,
    #[serde(default)]
    keys: toml::Table,
    #[serde(default)]
    rule: Vec<Rule>,
    token: Option<TokenKeys>,
    #[serde(default)]
    checklist: ChecklistKeys,
    #[serde(default)]
    error: Vec<KnownError>,
}

/// The presets in `files`, each a name and a text. A test proves that every one can be parsed.
pub(super) fn parse(files: &[(&'static str, &'static str)]) -> Vec<Preset> {
    let files = files.iter();
    files.filter_map(|(name, text)| one(name, text)).collect()
}

fn one(name: &'static str, text: &'static str) -> Option<Preset> {
    let file: File = toml::from_str(text).ok()?;
    let mut document = DeTable::parse(text).ok()?.into_inner();
    let defaults = match document.remove("defaults").map(toml::Spanned::into_inner) {
        Some(DeValue::Table(defaults)) => defaults,
        _ => DeTable::new(),
    };
    let mut checklist = file.checklist;
    checklist.contents = file.token;
    Some(Preset {
        name,
        title: file.title,
        refuses_tokens: file.refuses_tokens,
        asks: file.ask,
        keys: file.keys,
        rules: file.rule,
        defaults,
        errors: file.error,
        checklist,
    })
}
