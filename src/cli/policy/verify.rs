//! `claviger policy verify`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, problem, visible};
use serde_json::json;

use super::files::{read, read_previous};
use crate::{
    cli::{CliError, config::check::all_problems, output, places},
    config::{self, PolicyConfig, PolicyKey},
    paths::Starter,
    policy::{Acceptance, SignedPolicy, accept, verify},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger policy verify policy.jws               by the configuration's keys
  claviger policy verify policy.jws --public-key ed25519:…
  claviger policy verify new.jws --previous published.jws    no rollback

Exit codes: 0 valid; 1 not valid, with the reason; 2 a file cannot be read, or no key is known.")]
pub(in crate::cli) struct VerifyArgs {
    /// The signed policy
    file: PathBuf,

    /// The key, as 'policy public-key' prints it; by default those that the managed configuration
    /// pins, or the user's if there is none. May be given twice
    #[arg(long, value_name = "KEY")]
    public_key: Vec<PolicyKey>,

    /// The policy that this one replaces: its counter must be smaller
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let pinned = pinned(args)?;
    let text = read(&args.file)?;
    let previous = args.previous.as_deref().map(read_previous).transpose()?;
    let verified = verify(&text, &pinned.public_keys)
        .map_err(|error| error.to_string())
        .and_then(|signed| {
            let acceptance = accept(&signed, previous.as_ref(), pinned.minimum_counter)
                .map_err(|refusal| refusal.to_string())?;
            Ok((signed, acceptance))
        });
    match args.json {
        true => print_json(&args.file, &verified)?,
        false => print(&args.file, &verified)?,
    }
    match verified {
        Ok(_) => Ok(()),
        Err(_) => Err(CliError::Ended(1)),
    }
}

/// The keys of the arguments, else those of the configuration.
fn pinned(args: &VerifyArgs) -> Result<PolicyConfig, CliError> {
    if !args.public_key.is_empty() {
        return Ok(PolicyConfig {
            public_keys: args.public_key.clone(),
            ..PolicyConfig::default()
        });
    }
    let locations = places::of(Starter::Client)?.locations;
    let loaded = match config::load_managed(&locations) {
        // What the administrator pins counts even if users may have their own configuration.
        Ok(Some(managed)) => Ok(managed),
        Ok(None) => config::load(&locations),
        Err(error) => Err(error),
    };
    let config = loaded.map_err(|error| all_problems(&error))?;
    if config.policy.public_keys.is_empty() {
        let file = config.file.display();
        let problem = format!("'{file}' pins no key for a central policy");
        let hint = "name the key with --public-key";
        return Err(Failure::new(ExitCode::Usage, problem, hint).into());
    }
    Ok(config.policy)
}

type Verified = Result<(SignedPolicy, Acceptance), String>;

fn print(file: &Path, verified: &Verified) -> io::Result<()> {
    let name = visible(&file.display().to_string());
    match verified {
        Ok((signed, acceptance)) => {
            let state = match acceptance {
                Acceptance::Newer => "valid",
                Acceptance::Unchanged => "valid, and the same as before",
            };
            let mut out = io::stdout().lock();
            writeln!(out, "{name}: {state}")?;
            writeln!(out, "  counter  {}", signed.document.counter)?;
            writeln!(out, "  signed   {}", signed.issued_at)?;
            writeln!(out, "  key      {}", signed.key_id)
        }
        Err(reason) => {
            let text = problem(&format!("'{name}' {reason}"));
            // The exit code is all that is left if stderr is closed.
            let _ = io::stderr().write_all(text.as_bytes());
            Ok(())
        }
    }
}

/// `{"file", "valid", "error", "counter", "issued_at", "key_id", "unchanged"}`.
fn print_json(file: &Path, verified: &Verified) -> io::Result<()> {
    let value = match verified {
        Ok((signed, acceptance)) => json!({
            "file": file,
            "valid": true,
            "error": null,
            "counter": signed.document.counter,
            "issued_at": signed.issued_at,
            "key_id": signed.key_id,
            "unchanged": *acceptance == Acceptance::Unchanged,
        }),
        Err(reason) => json!({"file": file, "valid": false, "error": reason}),
    };
    output::json(&mut io::stdout().lock(), &value)
}
