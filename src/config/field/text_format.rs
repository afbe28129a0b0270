//! What the JSON Schema states about a format.

use crate::template::Template;

/// A value that is a string of a certain format. Its `FromStr` is the rule; the schema has an
/// approximation, by which an editor finds most mistakes.
pub(in super::super) trait TextFormat {
    /// A regular expression that every accepted text matches, and as many others as one cannot tell
    /// apart. It uses what the dialects of all validators have in common: no `\p`, `\d`, `\w` and
    /// lookaround. It is about texts without control characters, which parsers of URLs remove.
    const PATTERN: &'static str;

    /// An accepted text.
    const EXAMPLE: &'static str;
}

impl TextFormat for Template {
    const PATTERN: &'static str =
        r"^(?:[^{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*)\})*$";
    const EXAMPLE: &'static str = "{user}@example.com";
}
