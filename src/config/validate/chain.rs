//! Sources that name other sources: every name is known, no chain comes back to where it started.

use std::collections::BTreeMap;

use super::{
    super::{model::SourceConfig, suggest::quote},
    Scope, source_exists,
};

/// Notes unknown names and cycles. The scope stands in `[source]`; a source that is wrong in itself is `None`.
pub(super) fn check(scope: &mut Scope, sources: &BTreeMap<String, Option<SourceConfig>>) {
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    for (name, source) in sources {
        let Some(next) = source.as_ref().and_then(SourceConfig::upstream) else {
            continue;
        };
        scope.within(name, |scope| {
            scope.within("auth", |scope| {
                if !source_exists(scope, "jwt_source", next, &names) {
                    return;
                }
                let cycle = walk(name, sources);
                // Told once, at the first of those that are in it.
                if cycle.last() == Some(&name.as_str())
                    && cycle.iter().min() == Some(&name.as_str())
                {
                    let quoted: Vec<_> = cycle.iter().map(|name| quote(name)).collect();
                    let names = quoted.join(" → ");
                    scope.refuse(
                        "jwt_source",
                        &format!("closes a circle: {} → {names}", quote(name)),
                    );
                }
            });
        });
    }
}

/// The sources that come after `start`, up to the end, to `start` itself or to the first that comes again.
fn walk<'a>(start: &'a str, sources: &'a BTreeMap<String, Option<SourceConfig>>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    let mut at = start;
    while let Some(after) = sources
        .get(at)
        .and_then(Option::as_ref)
        .and_then(SourceConfig::upstream)
    {
        let again = after == start || seen.contains(&after);
        seen.push(after);
        if again {
            break;
        }
        at = after;
    }
    seen
}
