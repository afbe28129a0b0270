//! Layers of values that lie under those of the file.

use std::{fmt, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What a value is from that is not in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The preset with this name.
    Preset(&'static str),
    /// The program's own default.
    Default,
}

/// The table at `path`, and the place of its key; `None` if there is none.
pub(super) fn table_at<'t, 'i>(
    root: &'t mut DeTable<'i>,
    path: &[String],
) -> Option<(Range<usize>, &'t mut DeTable<'i>)> {
    let mut found = (0..0, root);
    for name in path {
        let place = found.1.get_key_value(name.as_str())?.0.span();
        match found.1.get_mut(name.as_str())?.get_mut() {
            DeValue::Table(table) => found = (place, table),
            _ => return None,
        }
    }
    Some(found)
}

/// Puts `below` under `table`, which is at `path`; collects the paths of what is added in `added`.
pub(super) fn put_under(
    table: &mut DeTable<'_>,
    below: &DeTable<'static>,
    place: &Range<usize>,
    path: &mut Vec<String>,
    added: &mut Vec<Vec<String>>,
) {
    for (key, value) in below {
        let name = key.get_ref();
        path.push(name.to_string());
        match table.get_mut(name.as_ref()).map(Spanned::get_mut) {
            None => {
                let key = Spanned::new(place.clone(), name.clone());
                table.insert(key, placed(value.get_ref(), place));
                added.push(path.clone());
            }
            Some(DeValue::Table(table)) => {
                if let DeValue::Table(below) = value.get_ref() {
                    put_under(table, below, place, path, added);
                }
            }
            Some(_) => {}
        }
        path.pop();
    }
}

/// `value` with every part of it at `place`.
fn placed(value: &DeValue<'static>, place: &Range<usize>) -> Spanned<DeValue<'static>> {
    let value = match value {
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| {
                let key = Spanned::new(place.clone(), key.get_ref().clone());
                (key, placed(value.get_ref(), place))
            });
            DeValue::Table(entries.collect())
        }
        other => other.clone(),
    };
    Spanned::new(place.clone(), value)
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(name) => write!(f, "preset '{name}'"),
            Self::Default => f.write_str("default"),
        }
    }
}
