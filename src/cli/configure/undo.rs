//! `claviger unconfigure`.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::{
    clients::{CLIENTS, client},
    not_edited,
    target::{Target, failed, of_file},
};
use crate::{
    cli::{CliError, output},
    client_kind::ClientKind,
    configure::{self, Receipt, Undone},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger unconfigure claude-code --dry-run
  claviger unconfigure codex

What 'claviger configure' has written is removed, and what it has replaced is restored. A value that \
you have changed since stays, and is named.")]
pub(in crate::cli) struct UnconfigureArgs {
    /// The client
    #[arg(value_parser = PossibleValuesParser::new(CLIENTS.map(ClientKind::name)))]
    client: String,

    /// In this project's own settings (Claude Code only)
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,

    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(args: &UnconfigureArgs) -> Result<(), CliError> {
    let client = client(&args.client).unwrap_or_default();
    let mut out = io::stdout().lock();
    let target = Target::find(client, args.project.as_deref())?;
    let receipt = match &target {
        Some(target) => target.receipt()?,
        None => None,
    };
    let (Some(target), Some(receipt)) = (target, receipt) else {
        let name = client.name();
        let text = format!("nothing to do: 'claviger configure {name}' has written nothing");
        match args.json {
            true => output::json(&mut out, &json!({"client": name, "changed": false}))?,
            false => output::paragraph(&mut out, &text)?,
        }
        return Ok(());
    };
    let (undone, diff) = undo(args, &target, &receipt)?;
    if args.dry_run && !args.json {
        return Ok(out.write_all(diff.as_bytes())?);
    }
    if args.json {
        let report = json!({
            "client": client.name(), "file": target.path(), "changed": !args.dry_run,
            "keys": undone.restored, "kept": undone.kept,
            "diff": args.dry_run.then_some(diff),
        });
        return Ok(output::json(&mut out, &report)?);
    }
    let file = target.path().display();
    output::paragraph(&mut out, &format!("took back what was written into {file}"))?;
    for key in &undone.restored {
        output::indented(&mut out, key)?;
    }
    for key in &undone.kept {
        let text = format!("'{key}' stays: it was changed since");
        output::paragraph(&mut out, &text)?;
    }
    Ok(())
}

/// Takes the values out of the file; returns what was done and the diff of it.
fn undo(
    args: &UnconfigureArgs,
    target: &Target,
    receipt: &Receipt,
) -> Result<(Undone, String), CliError> {
    let mut document = target.file.document().map_err(|error| of_file(&error))?;
    let undone = configure::undo(&mut document, &receipt.values)
        .map_err(|error| not_edited(target.path(), &error.to_string()))?;
    let is_gone =
        receipt.made_file && (document.is_blank() || receipt.is_unchanged(target.file.text()));
    let text = match is_gone {
        true => String::new(),
        false => document.to_string(),
    };
    let diff = target.diff(&text);
    if !args.dry_run {
        let done = match is_gone {
            true if target.file.exists() => target.file.remove(),
            _ if text == target.file.text() => Ok(()),
            _ => target.file.write(&text),
        };
        done.map_err(|error| of_file(&error))?;
        let removed = target.receipts.remove(&receipt.client, &receipt.file);
        removed.map_err(|error| failed(&error))?;
    }
    Ok((undone, diff))
}
