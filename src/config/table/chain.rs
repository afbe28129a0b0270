//! Sources that refer to other sources: each of those exists, and no chain returns to its start.

use std::collections::BTreeMap;

use super::{super::suggest::quote, source::SourceConfig, validator::Validator};

/// Records unknown names and circular references. The validator is in `[source]`; a source that is
/// wrong in itself is `None`.
pub(super) fn check(validator: &mut Validator, sources: &BTreeMap<String, Option<SourceConfig>>) {
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    for (name, source) in sources {
        let Some(next) = source.as_ref().and_then(SourceConfig::upstream) else {
            continue;
        };
        validator.within(name, |validator| {
            validator.within("auth", |validator| {
                if !validator.source_exists("jwt_source", next, &names) {
                    return;
                }
                let circle = walk(name, sources);
                // Reported once, at the first of its members.
                if circle.last() == Some(&name.as_str())
                    && circle.iter().min() == Some(&name.as_str())
                {
                    let quoted: Vec<_> = circle.iter().map(|name| quote(name)).collect();
                    let names = quoted.join(" → ");
                    let problem = format!("circular reference: {} → {names}", quote(name));
                    validator.error("jwt_source", &problem);
                }
            });
        });
    }
}

/// The sources that follow `start`, up to the end, to `start` itself or to the first repetition.
pub(super) fn walk<'a>(
    start: &'a str,
    sources: &'a BTreeMap<String, Option<SourceConfig>>,
) -> Vec<&'a str> {
    let mut seen = Vec::new();
    let mut at = start;
    while let Some(next) = sources
        .get(at)
        .and_then(Option::as_ref)
        .and_then(SourceConfig::upstream)
    {
        let is_repeated = next == start || seen.contains(&next);
        seen.push(next);
        if is_repeated {
            break;
        }
        at = next;
    }
    seen
}
