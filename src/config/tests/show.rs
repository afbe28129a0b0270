//! What is shown is what is in force.

use std::{collections::BTreeMap, path::Path};

use super::{
    super::{
        layer::Layer,
        parse::parse,
        table::Config,
        toml_text::{Entry, to_toml},
    },
    ShownValue, ValueOrigin, show,
};
use crate::audit::Hash;

const EXAMPLE: &str = include_str!("accepted/example.toml");
const KEYS: &str = include_str!("accepted/keys.toml");
const PRESETS: &str = include_str!("accepted/presets.toml");

fn config(text: &str) -> Config {
    parse(Path::new("/c.toml"), text).unwrap()
}

fn shown(text: &str) -> Vec<ShownValue> {
    show(&config(text), text).unwrap()
}

fn as_toml(values: Vec<ShownValue>) -> String {
    let entries = values.into_iter().map(|shown| Entry {
        path: shown.path,
        value: shown.value,
        comment: None,
    });
    to_toml(&entries.collect::<Vec<_>>())
}

fn origin(values: &[ShownValue], path: &str) -> ValueOrigin {
    let mut values = values.iter();
    let found = values.find(|shown| shown.path.join(".") == path);
    found.unwrap_or_else(|| panic!("no {path}")).origin
}

/// So the defaults that are shown are those of the program.
#[test]
fn what_is_shown_is_the_same_configuration() {
    for text in [EXAMPLE, KEYS, PRESETS] {
        let printed = as_toml(shown(text));
        // The hash is that of the text.
        let sha256 = Hash::of(b"");
        let config = |text: &str| Config {
            sha256,
            ..config(text)
        };
        assert!(config(&printed) == config(text), "{printed}");
        let values = |text: &str| {
            let values = shown(text).into_iter();
            let values = values.map(|shown| (shown.path, shown.value.to_string()));
            values.collect::<BTreeMap<_, _>>()
        };
        assert_eq!(values(&printed), values(text));
    }
}

#[test]
fn each_value_has_its_origin() {
    let values = shown(
        "version = 1\n[profile.p]\nsource = 's'\n[source.s]\ntype = 'oauth'\npreset = 'google'\n\
         client_id = 'c'\nclient_secret_file = '/s'\nparameters.prompt = 'login'\n",
    );
    let file = |line, column| ValueOrigin::File { line, column };
    let google = ValueOrigin::Layer(Layer::Preset("google"));
    let default = ValueOrigin::Layer(Layer::Default);
    for (path, expected) in [
        ("version", file(1, 1)),
        ("source.s.client_id", file(7, 1)),
        ("source.s.parameters.prompt", file(9, 12)),
        ("source.s.parameters.access_type", google),
        ("source.s.issuer", google),
        ("source.s.token", google),
        ("source.s.timeout", default),
        ("profile.p.max_age", default),
        ("profile.p.probe", default),
    ] {
        assert_eq!(origin(&values, path), expected, "{path}");
    }
}
