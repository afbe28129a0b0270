//! `claviger managed-settings`.

mod choice;

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, warning};

use self::choice::{Choice, Format, PlatformName, Recipient};
use super::{CliError, output, places, profile_args::ProfileArgs};
use crate::{
    config::{self, Config},
    error_report,
    managed_settings::{
        Helper, Platform, Profile, Settings, claude_code, desktop, format, install,
    },
    paths::Starter,
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger managed-settings > 50-claviger.json
  claviger managed-settings --format mobileconfig > claude-code.mobileconfig
  claviger managed-settings --format reg --for desktop > claude-desktop.reg
  claviger managed-settings --file config.toml --for claviger > install.sh
",
    "
The base URL is the profile's 'gateway'. The output is a function of the configuration: distribute \
it again after a change of the gateway, of the profiles or of a source's 'ttl'.
Exit codes: 0 printed, 2 a wrong configuration or argument, or a profile without a gateway."
))]
pub(super) struct ManagedSettingsArgs {
    /// What it is for: a client, or Claviger itself, whose configuration a script then installs
    #[arg(long = "for", value_name = "WHAT", default_value = "claude-code")]
    recipient: Recipient,

    /// The form; sh and ps1 for Claviger itself, the others for clients
    #[arg(long, value_name = "FORM")]
    format: Option<Format>,

    /// The system of the machines; by default that of the form, or of this machine
    #[arg(long, value_name = "SYSTEM")]
    platform: Option<PlatformName>,

    /// The path of claviger-helper there; by default the one that packages install
    #[arg(long, value_name = "PATH")]
    helper: Option<String>,

    /// Let claviger-helper print the headers of Claude Code's telemetry, too
    #[arg(long)]
    otel: bool,

    /// The configuration; by default the one that the daemon reads
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    profile: ProfileArgs,
}

pub(super) fn run(args: &ManagedSettingsArgs) -> Result<(), CliError> {
    let choice = Choice::new(args.recipient, args.format, args.platform)?;
    let locations = places::of(Starter::Client)?.locations;
    let loaded = match &args.file {
        Some(file) => config::load_file(&locations, file),
        None => config::load(&locations),
    };
    let config = loaded.map_err(|error| error_report::of_config(&error))?;
    let mut out = io::stdout().lock();
    let settings = match args.recipient {
        Recipient::Claviger => {
            let text = config::text(&config).map_err(|error| error_report::of_config(&error))?;
            let script = match choice.format {
                Format::Ps1 => install::powershell_script(&text),
                _ => install::shell_script(&text),
            };
            return Ok(out.write_all(script.as_bytes())?);
        }
        Recipient::ClaudeCode | Recipient::Desktop => settings(args, &config, choice.platform)?,
    };
    let warnings: String = settings
        .warnings()
        .iter()
        .map(|text| warning(text))
        .collect();
    // The settings are all that is left if stderr is closed.
    let _ = io::stderr().write_all(warnings.as_bytes());
    match choice.format {
        Format::Plist => out.write_all(&format::plist(&settings))?,
        Format::Mobileconfig => out.write_all(&format::mobileconfig(&settings))?,
        Format::Reg => out.write_all(&format::reg(&settings))?,
        Format::Json | Format::Sh | Format::Ps1 => output::json(&mut out, settings.values())?,
    }
    Ok(())
}

/// The settings of a client.
fn settings(
    args: &ManagedSettingsArgs,
    config: &Config,
    platform: Platform,
) -> Result<Settings, Failure> {
    let profile = Profile::select(config, args.profile.name().as_deref());
    let profile = profile.map_err(|error| error_report::of_settings(&error))?;
    let own = env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent);
    let named = args.helper.as_deref().map(|path| {
        Helper::at(platform, path).map_err(|error| {
            let problem = format!("invalid value '{path}' for '--helper': {error}");
            Failure::new(ExitCode::Usage, problem, "name the path on those machines")
        })
    });
    let named = named.transpose()?;
    match args.recipient {
        Recipient::Desktop => {
            let helper = named.unwrap_or_else(|| Helper::installed_for_desktop(platform, own));
            desktop::managed(&profile, &helper).map_err(|error| error_report::of_settings(&error))
        }
        Recipient::ClaudeCode | Recipient::Claviger => {
            let helper = named.unwrap_or_else(|| Helper::installed(platform, own));
            Ok(claude_code::managed(&profile, &helper, args.otel))
        }
    }
}
