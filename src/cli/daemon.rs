//! `claviger daemon`.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use super::Complaint;
use crate::{
    broker,
    clock::{Clock, SystemClock},
    config::{self, Locations},
    error_report,
    listener::{BindError, Listener},
    logging, paths, process,
    server::{self, Daemon, DaemonOptions, Limits, Shutdown},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Read this configuration instead of the user's (a managed one may forbid that)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Log to the daemon's own file; say `ok` on stdout when ready, or `error CODE`, a message and a hint, a line each;
    /// then let go of stdout. For claviger-helper
    #[arg(long, hide = true)]
    detached: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Complaint> {
    let detached = arguments.detached;
    let result = prepare(arguments).and_then(|(options, runtime)| {
        let _log = if detached {
            logging::to_file()?
        } else {
            logging::to_stderr()
        };
        runtime.block_on(serve(options, detached))
    });
    match result {
        Err(Complaint(failure)) if detached => {
            // The one who started us tells it.
            let hint = failure.hint.as_deref().unwrap_or_default();
            let _ = writeln!(
                io::stdout(),
                "error {:?}\n{}\n{hint}",
                failure.code,
                failure.message
            );
            Err(Complaint(failure))
        }
        result => result,
    }
}

fn prepare(arguments: Arguments) -> Result<(DaemonOptions, tokio::runtime::Runtime), Complaint> {
    // A relative path is looked up from where the command was given, before the daemon leaves that place.
    let explicit = arguments.config.map(std::path::absolute).transpose()?;
    let locations = Locations::of_this_machine(explicit, paths::variable);
    if !arguments.detached {
        // Who starts it in the foreground wants to read here what is wrong.
        config::load(&locations).map_err(|error| Complaint(error_report::of_config(&error)))?;
    }
    let options = DaemonOptions {
        locations,
        socket: super::socket()?,
        clock: Arc::new(SystemClock),
        jitter: broker::system_jitter(),
    };
    process::harden();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok((options, runtime))
}

async fn serve(options: DaemonOptions, detached: bool) -> Result<(), Complaint> {
    let socket = options.socket.clone();
    let clock: Arc<dyn Clock> = Arc::clone(&options.clock);
    let listener = match Listener::bind(&socket).await {
        Ok(listener) => listener,
        Err(BindError::Live(_)) if detached => {
            // Somebody else was faster: all the same to whoever wants a daemon.
            process::ready()?;
            return Ok(());
        }
        Err(error) => return Err(bind_failure(&error)),
    };
    let shutdown = Shutdown::new();
    process::on_termination({
        let shutdown = shutdown.clone();
        move || shutdown.start()
    })?;
    let daemon = Arc::new(Daemon::new(options, shutdown.clone()));
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        socket = %socket.display(),
        "listening",
    );
    if detached {
        process::ready()?;
    }
    server::run(listener, daemon, shutdown, clock, Limits::default()).await;
    tracing::info!("ended");
    Ok(())
}

fn bind_failure(error: &BindError) -> Complaint {
    let (code, hint) = match error {
        BindError::Live(_) => (error_report::DAEMON, "run claviger stop first".to_owned()),
        BindError::Unsafe { .. } if cfg!(windows) => (
            error_report::DENIED,
            "set CLAVIGER_SOCKET to another pipe's name, and find out who has taken this one"
                .to_owned(),
        ),
        BindError::Unsafe { path, .. } => (
            error_report::DENIED,
            format!(
                "make it yours alone: chmod 700 '{}', or set CLAVIGER_SOCKET",
                path.display()
            ),
        ),
        BindError::InTheWay(path) => (
            error_report::DAEMON,
            format!("move '{}' away", path.display()),
        ),
        BindError::Io { .. } => (
            error_report::DAEMON,
            format!("see the log, '{}'", paths::log_file().display()),
        ),
    };
    Complaint::new(code, error.to_string(), hint)
}
