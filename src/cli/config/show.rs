//! `claviger config show`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::check::all_problems;
use crate::{
    cli::{CliError, output, places},
    config::{self, Config, ConfigError, Entry, Layer, ShownValue, ValueOrigin},
    paths::Starter,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger config show               as a configuration
  claviger config show --origin      each value with its place in the file, its
                                     preset or 'default'
  claviger config show --json        for a script

The output is a configuration with the same effect. It contains no secret, as no configuration \
does.")]
pub(in crate::cli) struct ShowArgs {
    /// The file; by default the one that the daemon reads
    file: Option<PathBuf>,

    /// Say of each value where it comes from
    #[arg(long)]
    origin: bool,

    /// As one JSON object, with the origins
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ShowArgs) -> Result<(), CliError> {
    let locations = places::of(Starter::Client)?.locations;
    let loaded = match &args.file {
        Some(file) => config::load_file(&locations, file),
        None => config::load(&locations),
    };
    let shown = loaded.and_then(|config| Ok((values(&config)?, config.file)));
    let (values, file) = shown.map_err(|error| all_problems(&error))?;
    let mut out = io::stdout().lock();
    if args.json {
        return Ok(output::json(&mut out, &as_json(&file, values))?);
    }
    let entries = values.into_iter().map(|shown| Entry {
        path: shown.path,
        value: shown.value,
        comment: args.origin.then(|| comment(&file, shown.origin)),
    });
    let text = config::to_toml(&entries.collect::<Vec<_>>());
    Ok(out.write_all(text.as_bytes())?)
}

fn comment(file: &Path, origin: ValueOrigin) -> String {
    match origin {
        ValueOrigin::File { line, column } => {
            let file = claviger_wire::visible(&file.display().to_string());
            format!("{file}:{line}:{column}")
        }
        ValueOrigin::Layer(layer) => layer.to_string(),
    }
}

/// The values that are in force.
///
/// # Errors
///
/// [`ConfigError`]: the file was removed or changed since it was loaded.
pub(in crate::cli) fn values(config: &Config) -> Result<Vec<ShownValue>, ConfigError> {
    config::show(config, &config::text(config)?)
}

/// `{"file", "values"}`.
pub(in crate::cli) fn as_json(file: &Path, values: Vec<ShownValue>) -> Value {
    let values: Vec<_> = values.into_iter().map(value_as_json).collect();
    json!({"file": file, "values": values})
}

fn value_as_json(shown: ShownValue) -> Value {
    let origin = match shown.origin {
        ValueOrigin::File { line, column } => {
            json!({"kind": "file", "line": line, "column": column})
        }
        ValueOrigin::Layer(Layer::Preset(name)) => json!({"kind": "preset", "preset": name}),
        ValueOrigin::Layer(Layer::Default) => json!({"kind": "default"}),
    };
    json!({"key": shown.path, "value": shown.value, "origin": origin})
}
