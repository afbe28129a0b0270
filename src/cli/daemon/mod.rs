//! `claviger daemon`.

mod demo;
mod resolved;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use claviger_wire::{ExitCode, Failure, client::handshake, paths::OTHER_SOCKET};

use self::{
    demo::DemoFlags,
    resolved::{Resolved, Start},
};
use super::CliError;
use crate::{
    broker,
    clock::SystemClock,
    config::{self, Origin},
    desktop::SystemDesktop,
    error_report,
    listener::{BindError, Listener},
    logging::Log,
    process::{self, Executable, Signals},
    server::{self, Daemon, DaemonOptions, Limits, Shutdown},
};

#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(after_help = "\
Examples:
  claviger daemon                       under systemd, launchd or a Windows task
  claviger daemon --config new.toml     with another configuration, to try it
  CLAVIGER_LOG=debug claviger daemon    with more in the log

It logs to stderr, reads its configuration again at SIGHUP, and ends at SIGTERM and Ctrl-C. Without
it, the first claviger-helper starts a daemon, which logs to a file.")]
pub(super) struct DaemonArgs {
    /// Read this configuration instead of the user's (a managed one may forbid that)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Log to the daemon's own file, and report on stdout that the daemon listens or why it cannot.
    /// For the client that starts the daemon
    #[arg(long, hide = true)]
    detached: bool,

    #[command(flatten)]
    places: Resolved,

    #[command(flatten)]
    demo: DemoFlags,
}

pub(super) fn run(args: DaemonArgs) -> Result<(), CliError> {
    let demo = args.demo.get();
    let has_reader = args.detached || demo.is_some();
    let result = match demo {
        Some((directory, port)) => demo::run(directory, port),
        None => start(args),
    };
    if let Err(CliError::Failure(failure)) = &result
        && has_reader
    {
        // If the client is gone, the failure has no reader.
        let _ = handshake::write_failure(&mut io::stdout(), failure);
    }
    result
}

/// Leaves behind what this process inherits from the one that starts it.
fn leave_starter(detached: bool) -> Result<(), Failure> {
    process::start(detached).map_err(|error| {
        let hint = "raise the hard limit, as with ulimit -Hn or in limits.conf";
        Failure::new(ExitCode::DaemonUnavailable, error.to_string(), hint)
    })
}

fn start(args: DaemonArgs) -> Result<(), CliError> {
    leave_starter(args.detached)?;
    let start = Start::new(args)?;
    if !start.detached {
        // The user who starts it in the foreground expects errors of the configuration here.
        config::load(&start.locations).map_err(|error| error_report::of_config(&error))?;
    }
    let executable = Executable::of_this_process();
    process::harden();
    let runtime = super::runtime()?;
    let log = match start.detached {
        true => Log::to_file(start.log_file, start.log_level.as_deref()),
        false => Log::to_stderr(start.log_level.as_deref()),
    };
    for name in &start.ignored {
        tracing::warn!(name, "set, but ignored");
    }
    let options = DaemonOptions {
        origin: Origin::Files(start.locations),
        socket: start.socket,
        is_usual_socket: start.is_usual_socket,
        executable,
        clock: Arc::new(SystemClock),
        jitter: broker::system_jitter(),
        desktop: Arc::new(SystemDesktop),
        state_dir: start.state_dir,
        log: log.file.clone(),
        log_error: log.problem.clone(),
    };
    let result = runtime.block_on(async {
        // Before the socket exists: a client that connects knows this process.
        let signals =
            Signals::install().map_err(|error| CliError::system("handle signals", &error))?;
        serve(options, signals, Shutdown::new(), start.detached).await
    });
    // Waits for nothing, such as a name server, that a source has asked.
    runtime.shutdown_background();
    result
}

/// Serves until `shutdown` starts or the daemon ends by itself. `has_reader` is whether the process
/// that started it waits for a report on stdout.
async fn serve(
    options: DaemonOptions,
    signals: Signals,
    shutdown: Shutdown,
    has_reader: bool,
) -> Result<(), CliError> {
    let socket = options.socket.clone();
    let log = options.log.clone();
    let listener = match Listener::bind(&socket).await {
        Ok(listener) => listener,
        // The client only needs one that listens.
        Err(BindError::Live(_)) if has_reader => {
            tracing::info!("another daemon was faster");
            return report_ready(&socket);
        }
        Err(error) => return Err(bind_failure(&error, log.as_deref()).into()),
    };
    let daemon = Arc::new(Daemon::new(options, shutdown.clone()));
    signals.forward(move || shutdown.start(), {
        let daemon = Arc::clone(&daemon);
        move || daemon.reload()
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        socket = %socket.display(),
        "listening",
    );
    if has_reader {
        report_ready(&socket)?;
    }
    let limits = Limits::new(process::descriptor_limit());
    server::run(listener, Arc::clone(&daemon), limits).await;
    daemon.finish().await;
    tracing::info!("ended");
    Ok(())
}

/// Reports to the client that started the daemon that one listens.
fn report_ready(socket: &Path) -> Result<(), CliError> {
    // If the client is gone, the next one is served.
    let _ = handshake::write_ready(&mut io::stdout(), socket);
    process::close_stdout().map_err(|error| CliError::system("close stdout", &error))
}

fn bind_failure(error: &BindError, log: Option<&Path>) -> Failure {
    let (code, hint) = match error {
        BindError::Live(_) => (
            ExitCode::DaemonUnavailable,
            "run claviger stop first".to_owned(),
        ),
        BindError::Unsafe(_) => (ExitCode::Denied, OTHER_SOCKET.to_owned()),
        BindError::InTheWay(path) => (
            ExitCode::DaemonUnavailable,
            format!("move '{}' away", path.display()),
        ),
        BindError::Io { .. } => (
            ExitCode::DaemonUnavailable,
            log.map_or(OTHER_SOCKET.to_owned(), |log| {
                format!("see the log, '{}'", log.display())
            }),
        ),
    };
    Failure::new(code, error.to_string(), hint)
}
