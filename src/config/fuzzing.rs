//! The fuzz target of the configuration.

use std::path::Path;

use super::{Entry, parse, show, to_toml};
use crate::hostile_input::assert_shown;

/// A configuration.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let file = Path::new("/etc/claviger/config.toml");
    let config = match parse(file, text) {
        Ok(config) => config,
        Err(error) => {
            let lines: Vec<_> = text.split('\n').collect();
            assert!(error.problems().count() > 0, "{error}");
            for problem in error.problems() {
                let line = lines.get(problem.line.wrapping_sub(1));
                let columns = line.map_or(0, |line| line.chars().count() + 1);
                assert!((1..=columns).contains(&problem.column), "{problem:?}");
                assert_shown(&problem.message);
            }
            return;
        }
    };
    let shown = |text| {
        let values = show(&config, text).unwrap_or_default();
        let values = values.into_iter().map(|shown| (shown.path, shown.value));
        values.collect::<Vec<_>>()
    };
    let values = shown(text);
    let entries: Vec<_> = values
        .iter()
        .map(|(path, value)| Entry {
            path: path.clone(),
            value: value.clone(),
            comment: None,
        })
        .collect();
    let printed = to_toml(&entries);
    let error = parse(file, &printed).err();
    assert!(error.is_none(), "{error:?} in what was printed:\n{printed}");
    // The tables may be in another order.
    let sorted = |mut values: Vec<(Vec<String>, toml::Value)>| {
        values.sort_by(|one, other| one.0.cmp(&other.0));
        values
    };
    assert_eq!(sorted(shown(&printed)), sorted(values));
}
