//! What a configuration is made of: a gateway and a source, each with what is known of it.

use toml::Value;

use super::answers::Answers;
use crate::{
    config::{Entry, to_toml},
    preset::{self, Ask, Preset, fill, names},
};

/// The kind of a gateway without a preset.
pub(super) const OTHER: &str = "other";

/// The names of values that have a flag of their own.
pub(super) const GATEWAY_URL: &str = "gateway_url";
pub(super) const CLIENT_ID: &str = "client_id";

/// A gateway and a source.
pub(super) struct Plan {
    gateway: &'static Preset,
    source: &'static Preset,
    /// `None` for an identity provider.
    plain_type: Option<&'static str>,
    /// Whether the gateway's address is given although its preset makes it of other values.
    is_url_given: bool,
}

/// What can issue keys: a name and a title.
pub(super) fn sources() -> Vec<(&'static str, &'static str)> {
    let plain = preset::plain_source("vault");
    plain.into_iter().chain(preset::idps()).map(named).collect()
}

/// The kinds of gateways: a name and a title.
pub(super) fn gateways() -> Vec<(&'static str, &'static str)> {
    let other = preset::plain_gateway().map(|preset| (OTHER, preset.title.as_str()));
    preset::gateways().map(named).chain(other).collect()
}

fn named(preset: &'static Preset) -> (&'static str, &'static str) {
    (preset.name, preset.title.as_str())
}

impl Plan {
    /// A gateway and a source by their names; `None` if one of them is unknown. `url` is the
    /// gateway's address, if it is given.
    pub(super) fn new(source: &str, gateway: &str, url: Option<&str>) -> Option<Self> {
        let gateway = match gateway {
            OTHER => preset::plain_gateway()?,
            name => preset::gateway(name)?,
        };
        let (source, plain_type) = match preset::idp(source) {
            Some(idp) => (idp, None),
            None => {
                let plain = preset::plain_source(source)?;
                (plain, Some(plain.name))
            }
        };
        let asks_url = gateway.asks.iter().any(|ask| ask.name == GATEWAY_URL);
        Some(Self {
            gateway,
            source,
            plain_type,
            is_url_given: url.is_some() && !asks_url,
        })
    }

    /// What is left open, the gateway first.
    pub(super) fn asks(&self) -> impl Iterator<Item = &'static Ask> {
        let address = self.gateway.keys.get("gateway").and_then(Value::as_str);
        let parts: Vec<_> = address.into_iter().flat_map(names).collect();
        let is_url_given = self.is_url_given;
        let plain = preset::plain_gateway().filter(|_| is_url_given);
        let url = plain.into_iter().flat_map(|plain| &plain.asks);
        let of_gateway = self.gateway.asks.iter();
        let of_gateway =
            of_gateway.filter(move |ask| !is_url_given || !parts.contains(&ask.name.as_str()));
        url.chain(of_gateway).chain(&self.source.asks)
    }

    /// The configuration.
    pub(super) fn text(&self, profile: &str, answers: &Answers) -> String {
        let name = self.plain_type.unwrap_or("sso");
        let (profile, source) = (["profile", profile], ["source", name]);
        let mut entries = vec![entry(&["version"], &[], Value::from(1))];
        if preset::gateway(self.gateway.name).is_some() {
            entries.push(entry(&profile, &["preset"], self.gateway.name.into()));
        }
        for (path, value) in self.gateway_keys(answers) {
            entries.push(entry(&profile, &path, value));
        }
        entries.push(entry(&profile, &["source"], name.into()));
        entries.push(entry(
            &source,
            &["type"],
            self.plain_type.unwrap_or("oauth").into(),
        ));
        if self.plain_type.is_none() {
            entries.push(entry(&source, &["preset"], self.source.name.into()));
        }
        for (path, value) in filled(&self.source.keys, answers) {
            entries.push(entry(&source, &path, value));
        }
        to_toml(&entries)
    }

    fn gateway_keys(&self, answers: &Answers) -> Vec<(Vec<&'static str>, Value)> {
        let mut keys = filled(&self.gateway.keys, answers);
        if self.is_url_given
            && let Some(url) = answers.get(GATEWAY_URL)
        {
            keys.insert(0, (vec!["gateway"], url.into()));
        }
        keys
    }

    /// What is wrong with the key that the answer `name` is a part of, if it is complete.
    pub(super) fn broken_rule(&self, name: &str, answers: &Answers) -> Option<String> {
        for (preset, keys) in [
            (self.gateway, self.gateway_keys(answers)),
            (self.source, filled(&self.source.keys, answers)),
        ] {
            let value = |key: &str| {
                let mut keys = keys.iter();
                let (_, value) = keys.find(|(path, _)| path.as_slice() == [key])?;
                value.as_str()
            };
            let concerns = |key: &str| {
                let template = preset.keys.get(key).and_then(Value::as_str);
                let is_part = template.is_some_and(|text| names(text).any(|part| part == name));
                is_part || (self.is_url_given && name == GATEWAY_URL && key == "gateway")
            };
            for rule in &preset.rules {
                if rule.key.as_deref().is_some_and(concerns) && rule.is_broken(value) {
                    return Some(rule.reason.clone());
                }
            }
        }
        None
    }
}

/// The keys whose placeholders are all answered, those of tables last.
fn filled(keys: &'static toml::Table, answers: &Answers) -> Vec<(Vec<&'static str>, Value)> {
    let mut entries = Vec::new();
    let mut tables = Vec::new();
    for (key, value) in keys {
        if let Value::Table(table) = value {
            for (mut path, value) in filled(table, answers) {
                path.insert(0, key);
                tables.push((path, value));
            }
        } else if let Some(value) = value_of(value, answers) {
            entries.push((vec![key.as_str()], value));
        }
    }
    entries.extend(tables);
    entries
}

fn value_of(template: &Value, answers: &Answers) -> Option<Value> {
    match template {
        Value::String(text) => {
            let is_answered = names(text).all(|name| answers.get(name).is_some());
            let value = |name: &str| answers.get(name).map(str::to_owned);
            is_answered.then(|| Value::from(fill(text, value)))
        }
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .filter_map(|item| value_of(item, answers))
                .collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        other => Some(other.clone()),
    }
}

fn entry(table: &[&str], key: &[&str], value: Value) -> Entry {
    Entry {
        path: [table, key]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        value,
        comment: None,
    }
}
