//! `claviger exec`: runs a tool that reads its key from its environment.

mod replace;

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write as _},
    process::{self, Command},
    time::Duration,
};

use claviger_wire::{
    Acquire, ExitCode, Failure, Request, Response, Token, check_key,
    client::{protect_process, unexpected_response},
    warning,
};

use super::{CliError, client, output, places};
use crate::{
    client_kind::ClientKind,
    config::{self, BaseUrl, Config},
    error_report,
    paths::{self, Starter},
};

/// How long the key is to be valid at least, if the source issues such keys. Most tools run for
/// less, and a warning is printed if it is not.
const WANTED_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The variables that direct tools to a server: a key must not follow them to another one.
const BASE_URL_VARIABLES: [&str; 5] = [
    "ANTHROPIC_BASE_URL",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "GOOGLE_GEMINI_BASE_URL",
    "GEMINI_BASE_URL",
];

#[derive(Debug, clap::Args)]
#[command(after_help = concat!("\
Examples:
  claviger exec --env OPENAI_API_KEY \\
      --base-url-env OPENAI_BASE_URL=/v1 -- opencode
  claviger exec --env GEMINI_API_KEY --profile work -- gemini -p 'What is up?'
", "
The key is in the tool's environment alone, never in a file or an argument. It does not change while \
the tool runs, and is valid for as long as the source has issued it, which 'claviger status' shows: a \
warning says if that is less than an hour. A tool that can run a command for its key, as those of \
'claviger configure' can, is better served by that.
", "
If a variable such as OPENAI_BASE_URL is set to another server than the profile's gateway, no key is \
given (code 7).

Exit codes: those of the tool; before it runs, those of claviger-helper."))]
pub(super) struct ExecArgs {
    /// The profile; by default the one that claviger-helper picks
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// The variable that gets the key; can be repeated
    #[arg(long, value_name = "NAME", required = true, value_parser = variable)]
    env: Vec<String>,

    /// A variable that gets the gateway's URL, perhaps with a path behind it; can be repeated
    #[arg(long, value_name = "NAME[=PATH]", value_parser = base_url_variable)]
    base_url_env: Vec<(String, String)>,

    /// The tool and its arguments
    #[arg(last = true, required = true, value_name = "TOOL")]
    tool: Vec<OsString>,
}

pub(super) fn run(args: ExecArgs) -> Result<(), CliError> {
    let locations = places::of(Starter::Client)?.locations;
    let config = config::load(&locations).map_err(|error| error_report::of_config(&error))?;
    let (profile, gateway) = selected(&config, &args)?;
    protect_process();
    let (key, expires_in) = key(&profile)?;
    let [program, arguments @ ..] = args.tool.as_slice() else {
        return Err(usage("expected a tool to run", "name it behind '--'").into());
    };
    if let Some(left) = expires_in
        .map(Duration::from_secs)
        .filter(|left| *left < WANTED_LIFETIME)
    {
        let (tool, left) = (program.display(), output::rounded(left));
        let text = format!("the key expires in {left}, and does not change while '{tool}' runs");
        // The tool runs even if stderr is closed.
        let _ = io::stderr().write_all(warning(&text).as_bytes());
    }
    let mut command = Command::new(program);
    command.args(arguments);
    let key = str::from_utf8(key.expose()).unwrap_or_default();
    command.envs(args.env.iter().map(|name| (name, key)));
    let urls = args.base_url_env.iter();
    command.envs(urls.map(|(name, path)| (name, format!("{gateway}{path}"))));
    match replace::run(&mut command) {
        Ok(code) => Err(CliError::Tool(code)),
        Err(error) => Err(not_started(program, &error).into()),
    }
}

/// The profile's name, and its gateway's URL if a variable is to get that.
///
/// # Errors
///
/// [`ExitCode::Denied`] if a variable directs the tool to another server.
fn selected(config: &Config, args: &ExecArgs) -> Result<(String, String), Failure> {
    let is_replaced = |name: &str| {
        args.base_url_env
            .iter()
            .any(|(replaced, _)| replaced == name)
    };
    let set: Vec<_> = BASE_URL_VARIABLES
        .into_iter()
        .filter(|name| !is_replaced(name))
        .filter_map(|name| Some((name, env::var_os(name)?.into_string().unwrap_or_default())))
        .filter(|(_, url)| !url.trim().is_empty())
        .collect();
    let select = |profile, base_url| {
        let selected = config.select(profile, base_url);
        selected.map_err(|error| error_report::of_select(&error))
    };
    let as_base_url = |(variables, url)| BaseUrl { url, variables };
    let first = set
        .first()
        .map(|(name, url)| as_base_url((*name, url.as_str())));
    let variable = paths::variable("CLAVIGER_PROFILE").and_then(|name| name.into_string().ok());
    let named = args.profile.as_deref().or(variable.as_deref());
    let (name, profile) = select(named, first)?;
    for (variable, url) in set.iter().skip(1) {
        select(Some(name), Some(as_base_url((*variable, url.as_str()))))?;
    }
    let gateway = match (&profile.gateway, args.base_url_env.is_empty()) {
        (_, true) => String::new(),
        (Some(gateway), false) => gateway.as_url().as_str().trim_end_matches('/').to_owned(),
        (None, false) => {
            let problem = format!("profile '{name}' has no 'gateway' for --base-url-env");
            return Err(usage(problem, "add 'gateway' to the profile"));
        }
    };
    Ok((name.to_owned(), gateway))
}

/// The key, and the seconds for which it is valid if that is known.
fn key(profile: &str) -> Result<(Token, Option<u64>), CliError> {
    let profile = profile.to_owned();
    let response = client::response(move |variables| {
        Request::Acquire(Acquire {
            profile: Some(profile.clone()),
            cache_lifetime_ms: WANTED_LIFETIME.as_millis() as u64,
            deadline_ms: client::TIMEOUT.as_millis() as u64,
            pid: Some(process::id()),
            client: Some(ClientKind::Exec.name().to_owned()),
            variables: variables.clone(),
            ..Acquire::default()
        })
    })?;
    match response {
        Response::Credential {
            token, expires_in, ..
        } => {
            check_key(token.expose())?;
            Ok((token, expires_in))
        }
        Response::Failure(failure) => Err(failure.into()),
        other => Err(unexpected_response(&other).into()),
    }
}

fn not_started(program: &OsStr, error: &io::Error) -> Failure {
    let problem = format!("cannot run '{}': {error}", program.display());
    usage(problem, "check the tool's name and your PATH")
}

fn usage(problem: impl Into<String>, hint: &str) -> Failure {
    Failure::new(ExitCode::Usage, problem, hint)
}

/// A variable's name.
fn variable(name: &str) -> Result<String, String> {
    match name.is_empty() || name.contains(['=', '\0']) {
        true => Err("expected the name of a variable".to_owned()),
        false => Ok(name.to_owned()),
    }
}

/// A variable's name, and the path behind the gateway's URL.
fn base_url_variable(text: &str) -> Result<(String, String), String> {
    let (name, path) = text.split_once('=').unwrap_or((text, ""));
    match path.is_empty() || path.starts_with('/') {
        true => Ok((variable(name)?, path.to_owned())),
        false => Err("expected a path that starts with '/'".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_a_name_and_perhaps_a_path() {
        let parsed = |text| base_url_variable(text);
        let expected = |name: &str, path: &str| Ok((name.to_owned(), path.to_owned()));
        assert_eq!(parsed("OPENAI_BASE_URL"), expected("OPENAI_BASE_URL", ""));
        assert_eq!(
            parsed("OPENAI_BASE_URL=/v1"),
            expected("OPENAI_BASE_URL", "/v1")
        );
        for bad in ["", "=/v1", "A=v1", "A=https://evil.example"] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
        assert!(variable("A=B").is_err() && variable("A").is_ok());
    }
}
