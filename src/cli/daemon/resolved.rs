//! The daemon's places as arguments of its own, with which it starts itself in a clean environment.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use claviger_wire::{
    Failure,
    paths::{LOG_VARIABLE, PathError},
};

use super::{DaemonArgs, ServiceArgs};
use crate::{
    cli::{
        CliError,
        places::{self, DaemonPlaces},
    },
    config::Locations,
    environment::{self, Variables},
    paths::{self, Starter, variable},
    process::PassedSocket,
};

/// Where the daemon finds everything. For the daemon that starts itself again.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(super) struct Resolved {
    /// The socket, or the pipe's name, to listen on
    #[arg(long, hide = true, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// The directory of what the daemon keeps
    #[arg(long, hide = true, value_name = "DIRECTORY")]
    state_dir: Option<PathBuf>,

    /// The log of a detached daemon
    #[arg(long, hide = true, value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// The level of the log
    #[arg(long, hide = true, value_name = "LEVEL")]
    log_level: Option<String>,

    /// The user's own configuration
    #[arg(long, hide = true, value_name = "FILE")]
    user_config: Option<PathBuf>,

    /// The socket is not the usual one
    #[arg(long, hide = true)]
    unusual_socket: bool,

    /// A variable or flag that is set and does not count
    #[arg(long, hide = true, value_name = "NAME")]
    ignored: Vec<String>,
}

/// What the daemon is to use.
pub(super) struct Start {
    pub(super) detached: bool,
    pub(super) socket: PathBuf,
    pub(super) is_usual_socket: bool,
    pub(super) locations: Locations,
    pub(super) state_dir: PathBuf,
    pub(super) log_file: Option<PathBuf>,
    pub(super) log_level: Option<String>,
    pub(super) ignored: Vec<String>,
    pub(super) service: ServiceArgs,
}

impl Resolved {
    /// Whether this process has been started with its places.
    pub(super) fn is_resolved(&self) -> bool {
        self.socket.is_some()
    }
}

impl Start {
    /// Returns what the arguments say. If they do not name the places, determines these from the
    /// environment, and starts this program again with them, in the environment that a daemon has
    /// and with the socket that was passed.
    ///
    /// # Errors
    ///
    /// A place is not known, or another user can write it.
    pub(super) fn new(args: DaemonArgs, passed: Option<&PassedSocket>) -> Result<Self, CliError> {
        if let Some(socket) = &args.places.socket {
            let socket = socket.clone();
            return Ok(Self::with(args, socket));
        }
        let (args, socket, variables) = resolve(args)?;
        if let Some(passed) = passed {
            let left = passed.leave_to_exec();
            left.map_err(|error| CliError::system("pass the socket on", &error))?;
        }
        environment::enter(&variables, &arguments(&args))
            .map_err(|error| CliError::system("start this program again", &error))?;
        // On Unix this is another process by now.
        Ok(Self::with(args, socket))
    }

    fn with(args: DaemonArgs, socket: PathBuf) -> Self {
        let DaemonArgs {
            config,
            detached,
            places,
            service,
            demo: _,
        } = args;
        Self {
            detached,
            // Without a home directory: a login then lasts as long as the runtime directory.
            state_dir: places
                .state_dir
                .unwrap_or_else(|| socket.parent().unwrap_or(&socket).to_owned()),
            socket,
            is_usual_socket: !places.unusual_socket,
            locations: Locations::known(config, places.user_config),
            log_file: places.log_file,
            log_level: places.log_level,
            ignored: places.ignored,
            service,
        }
    }
}

/// The arguments with the places that the environment leads to, the socket among them, and the
/// variables of the daemon.
fn resolve(args: DaemonArgs) -> Result<(DaemonArgs, PathBuf, Variables), CliError> {
    let starter = match args.detached {
        true => Starter::Client,
        false => Starter::User,
    };
    // A relative path starts at the working directory, which the daemon leaves.
    let flag = args
        .config
        .map(std::path::absolute)
        .transpose()
        .map_err(|error| CliError::system("determine the working directory", &error))?;
    let DaemonPlaces {
        account,
        places,
        locations,
        is_managed,
    } = places::of(starter)?;
    if let Some(flag) = &flag {
        paths::judge_flag("--config", flag)?;
    }
    let mut ignored: Vec<_> = places
        .ignored
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    if is_managed && flag.is_some() {
        ignored.push("--config".to_owned());
    }
    let socket = places.daemon.socket.clone().ok_or_else(unknown_socket)?;
    let level = variable(LOG_VARIABLE).and_then(|level| level.into_string().ok());
    let (home, runtime_dir) = (places.home.as_deref(), places.runtime_dir.as_deref());
    let variables = environment::build(account.as_ref(), home, runtime_dir, std::env::vars_os());
    let resolved = Resolved {
        socket: Some(socket.clone()),
        state_dir: places.state_dir(),
        log_file: places.daemon.log,
        log_level: level.filter(|_| starter == Starter::User || !places.is_usual_socket),
        user_config: locations.user,
        unusual_socket: !places.is_usual_socket,
        ignored,
    };
    let args = DaemonArgs {
        config: flag.or(locations.explicit),
        detached: args.detached,
        places: resolved,
        service: args.service,
        demo: args.demo,
    };
    Ok((args, socket, variables))
}

fn unknown_socket() -> Failure {
    PathError::Unset { variable: "HOME" }.into()
}

/// The command line that contains `args`.
fn arguments(args: &DaemonArgs) -> Vec<OsString> {
    let mut line = vec![OsString::from("daemon")];
    let mut flag = |is_set: bool, name: &str| line.extend(is_set.then(|| OsString::from(name)));
    flag(args.detached, "--detached");
    flag(args.places.unusual_socket, "--unusual-socket");
    flag(args.service.activated, "--activated");
    flag(args.service.journal, "--journal");
    let Resolved {
        socket,
        state_dir,
        log_file,
        log_level,
        user_config,
        unusual_socket: _,
        ignored,
    } = &args.places;
    let mut option = |name: &str, value: Option<OsString>| {
        if let Some(value) = value {
            // In one argument: a value may start with a hyphen.
            let mut argument = OsString::from(name);
            argument.push("=");
            argument.push(value);
            line.push(argument);
        }
    };
    let path = |path: &Option<PathBuf>| path.as_deref().map(Path::as_os_str).map(OsString::from);
    option("--socket", path(socket));
    option("--state-dir", path(state_dir));
    option("--log-file", path(log_file));
    option("--log-level", log_level.as_ref().map(OsString::from));
    option("--user-config", path(user_config));
    option("--config", path(&args.config));
    option("--notify-socket", args.service.notify_socket.clone());
    for name in ignored {
        option("--ignored", Some(name.into()));
    }
    line
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, CliCommand, daemon::DemoFlags};

    #[test]
    fn the_daemon_understands_its_own_arguments() {
        let all = DaemonArgs {
            config: Some("/c/config.toml".into()),
            detached: true,
            places: Resolved {
                socket: Some("/run/a b/agent.sock".into()),
                state_dir: Some("/-s".into()),
                log_file: Some("/-s/daemon.log".into()),
                log_level: Some("-x".to_owned()),
                user_config: Some("/u/config.toml".into()),
                unusual_socket: true,
                ignored: vec!["CLAVIGER_CONFIG".to_owned(), "XDG_CONFIG_HOME".to_owned()],
            },
            service: ServiceArgs {
                activated: true,
                notify_socket: Some("@/run/notify".into()),
                journal: true,
            },
            demo: DemoFlags::default(),
        };
        for args in [DaemonArgs::default(), all] {
            let line = [vec!["claviger".into()], arguments(&args)].concat();
            let parsed = Cli::try_parse_from(line).unwrap().command;
            assert!(matches!(parsed, CliCommand::Daemon(parsed) if parsed == args));
        }
    }
}
