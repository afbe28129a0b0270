//! A program and its arguments.

use std::{borrow::Cow, ops::Deref, path::Path, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::text_format::TextFormat;
use crate::template::Template;

/// A program and its arguments. There is at least the program, which
/// follows [`ProgramPath`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Template>")]
pub(crate) struct CommandLine(Vec<Template>);

/// The rule of the program: a template that starts as an absolute path. The content of `PATH` and
/// of the working directory is the user's to change, and the configuration may be the
/// administrator's.
#[derive(Debug)]
pub(super) struct ProgramPath;

impl TryFrom<Vec<Template>> for CommandLine {
    type Error = String;

    fn try_from(command: Vec<Template>) -> Result<Self, String> {
        let program = command.first().ok_or("must not be empty")?;
        program.as_str().parse::<ProgramPath>()?;
        Ok(Self(command))
    }
}

impl Deref for CommandLine {
    type Target = [Template];

    fn deref(&self) -> &[Template] {
        &self.0
    }
}

impl JsonSchema for CommandLine {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "command".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "prefixItems": [generator.subschema_for::<ProgramPath>()],
            "items": generator.subschema_for::<Template>(),
            "examples": [["/usr/local/bin/corp-key", "--user", "{user}"]],
        })
    }
}

impl FromStr for ProgramPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Template::parse(text).map_err(|error| error.to_string())?;
        match Path::new(text).is_absolute() {
            true => Ok(Self),
            false => Err("expected the program's absolute path as the first item".to_owned()),
        }
    }
}

impl TextFormat for ProgramPath {
    const PATTERN: &'static str = concat!(
        r"^(?:/|[A-Za-z]:[/\\]|\\\\)",
        r"(?:[^{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*)\})*$",
    );
    const EXAMPLE: &'static str = "/usr/local/bin/corp-key";
}
