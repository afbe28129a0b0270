//! What `claviger configure` prints about a settings file.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::cli::output;

/// What was done with a settings file.
pub(super) enum Outcome {
    /// It has all values already.
    Nothing,
    /// It would be changed in this way.
    DryRun(String),
    /// The values were written.
    Written {
        /// Their keys, with dots.
        keys: Vec<String>,
        /// What `claviger unconfigure` needs.
        receipt: PathBuf,
    },
}

/// A client that was configured.
pub(super) struct Configured<'a> {
    pub(super) client: &'a str,
    pub(super) file: &'a Path,
    pub(super) profile: &'a str,
    pub(super) gateway: &'a str,
    pub(super) outcome: Outcome,
    /// What to change by hand.
    pub(super) advice: Vec<String>,
}

impl Configured<'_> {
    /// Prints it as text or as JSON.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(super) fn print(&self, out: &mut impl Write, as_json: bool) -> io::Result<()> {
        let Self {
            client,
            file,
            profile,
            gateway,
            outcome,
            advice,
        } = self;
        if as_json {
            let (changed, keys, receipt, diff) = match outcome {
                Outcome::Nothing => (false, None, None, None),
                Outcome::DryRun(diff) => (false, None, None, Some(diff)),
                Outcome::Written { keys, receipt } => (true, Some(keys), Some(receipt), None),
            };
            let report = json!({
                "client": client, "file": file, "profile": profile, "gateway": gateway,
                "changed": changed, "keys": keys, "receipt": receipt, "diff": diff,
                "advice": advice,
            });
            return output::json(out, &report);
        }
        let shown = file.display();
        match outcome {
            Outcome::DryRun(diff) => return out.write_all(diff.as_bytes()),
            Outcome::Nothing => {
                output::paragraph(out, &format!("nothing to do: '{shown}' is up to date"))?;
            }
            Outcome::Written { keys, .. } => {
                output::paragraph(out, &format!("wrote {shown}"))?;
                for key in keys {
                    output::indented(out, key)?;
                }
            }
        }
        let end = format!("{client} gets the key of profile '{profile}', for {gateway}");
        output::paragraph(out, &end)?;
        if let Some(next) = next(client) {
            output::paragraph(out, next)?;
        }
        for advice in advice {
            output::paragraph(out, advice)?;
        }
        Ok(())
    }
}

/// What a client still needs.
fn next(client: &str) -> Option<&'static str> {
    match client {
        "codex" => Some("its 'model' must be one that the gateway serves by the Responses API"),
        "hermes" => Some("select it in Hermes: 'provider: custom:claviger' in 'model'"),
        _ => None,
    }
}
