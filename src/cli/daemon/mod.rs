//! `claviger daemon`.

mod demo;
mod resolved;
mod service;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use claviger_wire::{ExitCode, Failure, client::handshake, paths::OTHER_SOCKET};

use self::{
    demo::DemoFlags,
    resolved::{Resolved, Start},
    service::ServiceArgs,
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
    process::{self, Executable, PassedSocket, Signals, StartError},
    server::{self, Daemon, DaemonOptions, Limits, Shutdown},
    service_manager::Notifier,
};

#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(after_help = "\
Examples:
  claviger daemon                       under systemd, launchd or a Windows task
  claviger daemon --config new.toml     with another configuration
  CLAVIGER_LOG=debug claviger daemon    with a longer log

Without it, claviger-helper starts a daemon. SIGHUP: reads the configuration again. SIGTERM: ends \
after the answers under way. systemd: socket by LISTEN_FDS, state to NOTIFY_SOCKET.")]
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
    service: ServiceArgs,

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

/// Leaves behind what this process inherits from the one that starts it, apart from a socket that
/// was passed.
fn leave_starter(detached: bool, activated: bool) -> Result<Option<PassedSocket>, Failure> {
    process::start(detached, activated).map_err(|error| {
        let hint = match error {
            StartError::OpenFiles { .. } => {
                "raise the hard limit, as with ulimit -Hn or in limits.conf"
            }
            StartError::NoSocket => "start claviger.socket instead of this program",
        };
        Failure::new(ExitCode::DaemonUnavailable, error.to_string(), hint)
    })
}

fn start(mut args: DaemonArgs) -> Result<(), CliError> {
    if !args.detached && !args.places.is_resolved() {
        args.service = ServiceArgs::of_this_process()?;
    }
    let passed = leave_starter(args.detached, args.service.activated)?;
    let start = Start::new(args, passed.as_ref())?;
    let config = config::load(&start.locations);
    let format = config.as_ref().map(|config| config.daemon.log_format);
    let format = format.unwrap_or_default();
    // A client that waits for an answer gets such an error with it.
    if !start.detached && passed.is_none() {
        // The user who starts it in the foreground expects errors of the configuration here.
        config.map_err(|error| error_report::of_config(&error))?;
    }
    let executable = Executable::of_this_process();
    process::harden();
    let runtime = super::runtime()?;
    let level = start.log_level.as_deref();
    let log = match start.detached {
        true => Log::to_file(start.log_file, level, format),
        false if start.service.journal => Log::to_journal(level, format),
        false => Log::to_stderr(level, format),
    };
    for name in &start.ignored {
        tracing::warn!(event = "setting-ignored", name, "set, but ignored");
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
        let started_by = StartedBy {
            passed,
            notifier: Notifier::new(start.service.notify_socket.as_deref()),
            awaits_report: start.detached,
        };
        serve(options, signals, Shutdown::new(), started_by).await
    });
    // Waits for nothing, such as a name server, that a source has asked.
    runtime.shutdown_background();
    result
}

/// The process that has started the daemon: what it has passed, and what it waits for.
struct StartedBy {
    /// The socket to listen on; without it the daemon binds its own.
    passed: Option<PassedSocket>,
    notifier: Notifier,
    /// Whether it waits for a report on stdout.
    awaits_report: bool,
}

impl StartedBy {
    /// A client.
    fn client() -> Self {
        Self {
            passed: None,
            notifier: Notifier::new(None),
            awaits_report: true,
        }
    }
}

/// Serves until `shutdown` starts or the daemon ends by itself.
async fn serve(
    options: DaemonOptions,
    signals: Signals,
    shutdown: Shutdown,
    started_by: StartedBy,
) -> Result<(), CliError> {
    let socket = options.socket.clone();
    let log = options.log.clone();
    let StartedBy {
        passed,
        notifier,
        awaits_report,
    } = started_by;
    let listener = match passed {
        Some(passed) => Listener::adopt(passed, &socket).await,
        None => Listener::bind(&socket).await,
    };
    let listener = match listener {
        Ok(listener) => listener,
        // The client only needs one that listens.
        Err(BindError::Live(_)) if awaits_report => {
            tracing::info!(event = "daemon-exists", "another daemon was faster");
            return report_ready(&socket);
        }
        Err(error) => return Err(bind_failure(&error, log.as_deref()).into()),
    };
    let daemon = Arc::new(Daemon::new(options, shutdown.clone()));
    let notifier = Arc::new(notifier);
    signals.forward(
        {
            let shutdown = shutdown.clone();
            move || shutdown.start()
        },
        {
            let (daemon, notifier) = (Arc::clone(&daemon), Arc::clone(&notifier));
            move || {
                notifier.reloading();
                daemon.reload();
                notifier.ready();
            }
        },
    );
    tracing::info!(
        event = "daemon-started",
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        socket = %socket.display(),
        "listening",
    );
    if awaits_report {
        report_ready(&socket)?;
    }
    notifier.ready();
    let limits = Limits::new(process::descriptor_limit());
    let stopping = async {
        shutdown.listener_closed().await;
        notifier.stopping();
    };
    tokio::join!(server::run(listener, Arc::clone(&daemon), limits), stopping);
    daemon.finish().await;
    tracing::info!(event = "daemon-ended", "ended");
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
        BindError::Passed { .. } => (
            ExitCode::DaemonUnavailable,
            "see systemctl --user cat claviger.socket for what overrides its ListenStream"
                .to_owned(),
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
