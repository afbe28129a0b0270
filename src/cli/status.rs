//! `claviger status`.

use std::io::{self, Write as _};

use claviger_wire::Request;
use serde_json::json;

use super::{Complaint, block_on, conversation, profiles};
use crate::error_report;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this profile
    profile: Option<String>,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Complaint> {
    let request = Request::Status {
        profile: arguments.profile.clone(),
    };
    let Some(responses) = block_on(conversation::ask(&request))? else {
        if arguments.json {
            writeln!(io::stdout(), "{}", json!({"daemon": null, "profiles": []}))?;
        }
        return Err(Complaint::new(
            error_report::DAEMON,
            "no daemon is running",
            "it starts when claviger-helper is first asked for a key, or with claviger refresh",
        ));
    };
    let mut reports = conversation::reports(responses)?.into_iter();
    let daemon = reports.next().unwrap_or_default();
    let profiles: Vec<_> = reports.collect();
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", json!({"daemon": daemon, "profiles": profiles}))?;
        return Ok(());
    }
    writeln!(
        out,
        "claviger {}, pid {}, up {} s, listening on {}",
        daemon["version"].as_str().unwrap_or("?"),
        daemon["pid"],
        daemon["uptime_s"],
        daemon["socket"].as_str().unwrap_or("?"),
    )?;
    writeln!(
        out,
        "configuration {}",
        daemon["config"].as_str().unwrap_or("none")
    )?;
    if let Some(error) = daemon["config_error"].as_str() {
        writeln!(out, "the file as it is now is not in force: {error}")?;
    }
    writeln!(out)?;
    profiles::print(&mut out, &profiles)?;
    Ok(())
}
