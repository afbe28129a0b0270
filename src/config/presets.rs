//! The presets that a document names: their defaults under its keys, and their rules.

use toml::de::{DeTable, DeValue};

use super::{
    document::{Diagnostic, Document},
    layer::Layer,
    suggest::one_of,
};
use crate::preset::{self, Preset, Rule};

/// The key that names a preset.
const KEY: &str = "preset";

/// The flow of an OAuth source that names none.
pub(super) const DEFAULT_FLOW: &str = "browser";

/// Puts the defaults of each preset under the keys of the table that names it. A wrong name is left
/// to the schema.
pub(super) fn put_under(document: &mut Document<'_>) {
    for (path, preset) in named(document.root()) {
        let flow = table(document.root(), &path).and_then(|table| text(table, "flow"));
        let defaults: Vec<_> = preset.defaults(flow.unwrap_or(DEFAULT_FLOW)).collect();
        for defaults in defaults {
            document.put_under(&path, KEY, defaults, Layer::Preset(preset.name));
        }
    }
}

/// The rules of presets that the merged document breaks.
pub(super) fn check(document: &Document<'_>) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (path, preset) in named(document.root()) {
        let Some(table) = table(document.root(), &path) else {
            continue;
        };
        let broken = |rule: &&Rule| rule.is_broken(|key| value(table, key));
        // The later rules about a key take it for granted that the earlier ones hold.
        let mut reported: Vec<Option<&str>> = Vec::new();
        for rule in preset.rules.iter().filter(broken) {
            if rule.key.is_some() && reported.contains(&rule.key.as_deref()) {
                continue;
            }
            reported.push(rule.key.as_deref());
            diagnostics.push(diagnostic(&path, rule));
        }
    }
    diagnostics
}

fn diagnostic(path: &[String; 2], rule: &Rule) -> Diagnostic {
    match &rule.key {
        Some(key) => {
            let key = path.iter().chain([key]).cloned().collect();
            Diagnostic::of_key(key, &rule.reason)
        }
        None => {
            let reason = format!("; {}", rule.reason);
            Diagnostic::missing(path.to_vec(), &one_of(&rule.requires), &reason)
        }
    }
}

/// The tables that name a preset: their paths, and the preset.
fn named(root: &DeTable<'_>) -> Vec<([String; 2], &'static Preset)> {
    let sources = tables(root, "source").filter(|(_, table)| text(table, "type") == Some("oauth"));
    let sources = sources.map(|(path, table)| (path, text(table, KEY).and_then(preset::idp)));
    let profiles = tables(root, "profile");
    let profiles = profiles.map(|(path, table)| (path, text(table, KEY).and_then(preset::gateway)));
    sources
        .chain(profiles)
        .filter_map(|(path, preset)| Some((path, preset?)))
        .collect()
}

/// The tables in the table `kind`, each with its path.
pub(super) fn tables<'t, 'i>(
    root: &'t DeTable<'i>,
    kind: &'static str,
) -> impl Iterator<Item = ([String; 2], &'t DeTable<'i>)> {
    let all = root.get(kind).and_then(|value| value.get_ref().as_table());
    all.into_iter().flatten().filter_map(move |(name, value)| {
        let path = [kind.to_owned(), name.get_ref().to_string()];
        Some((path, value.get_ref().as_table()?))
    })
}

fn table<'t, 'i>(root: &'t DeTable<'i>, [kind, name]: &[String; 2]) -> Option<&'t DeTable<'i>> {
    let kind = root.get(kind.as_str())?.get_ref().as_table()?;
    kind.get(name.as_str())?.get_ref().as_table()
}

/// The value of a key that is a string.
pub(super) fn text<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key)?.get_ref().as_str()
}

/// As a rule compares it: a value that is no string is `""`.
fn value<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key).map(|value| match value.get_ref() {
        DeValue::String(text) => text.as_ref(),
        _ => "",
    })
}
