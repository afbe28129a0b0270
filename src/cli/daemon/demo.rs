//! The daemon of `claviger demo`: it has the demo's fixed configuration, a directory of its own,
//! and the life of the process at the other end of its stdin.

use std::{
    io::{self, ErrorKind, Read as _},
    path::PathBuf,
    sync::Arc,
    thread,
};

use claviger_wire::{ExitCode, Failure};

use super::StartedBy;
use crate::{
    broker,
    cli::{CliError, runtime},
    clock::SystemClock,
    config::Origin,
    demo::{self, DemoPlaces},
    desktop::SystemDesktop,
    error_report,
    logging::{Format, Log},
    process::{self, Signals},
    server::{DaemonOptions, Shutdown},
};

/// For `claviger demo`, which starts this program with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(super) struct DemoFlags {
    /// Serve the demo, from this directory, which is made now and removed at the end of stdin
    #[arg(
        long = "demo",
        hide = true,
        value_name = "DIR",
        requires = "gateway_port",
        conflicts_with_all = ["config", "detached", "socket", "user_config"],
    )]
    directory: Option<PathBuf>,

    /// The port of the demo's gateway on 127.0.0.1
    #[arg(long, hide = true, value_name = "PORT", requires = "directory")]
    gateway_port: Option<u16>,
}

impl DemoFlags {
    /// The directory and the port, if this is the demo's daemon.
    pub(super) fn get(&self) -> Option<(PathBuf, u16)> {
        self.directory.clone().zip(self.gateway_port)
    }
}

/// Runs the daemon until stdin ends or a signal arrives.
///
/// # Errors
///
/// The directory cannot be made, or the daemon cannot listen there.
pub(super) fn run(directory: PathBuf, gateway_port: u16) -> Result<(), CliError> {
    super::leave_starter(false, false)?;
    if !directory.is_absolute() {
        let problem = "invalid value of '--demo': expected an absolute path";
        return Err(Failure::new(ExitCode::Usage, problem, "run claviger demo instead").into());
    }
    let runtime = runtime()?;
    // From here no signal ends the process before the directory is removed.
    let signals = {
        let _entered = runtime.enter();
        Signals::install().map_err(|error| CliError::system("handle signals", &error))?
    };
    let shutdown = Shutdown::new();
    end_with_stdin(shutdown.clone());
    let places = DemoPlaces::new(directory);
    let _directory = places.create()?;
    let config = demo::configuration(&places, gateway_port)
        .map_err(|error| error_report::of_config(&error))?;
    process::harden();
    let log = Log::to_file(Some(places.log()), None, Format::Text);
    let options = DaemonOptions {
        origin: Origin::Fixed(Arc::new(config)),
        socket: places.socket(),
        // It stays for as long as the demo does.
        is_usual_socket: true,
        executable: None,
        clock: Arc::new(SystemClock),
        jitter: broker::system_jitter(),
        desktop: Arc::new(SystemDesktop),
        state_dir: places.directory().to_owned(),
        log: log.file.clone(),
        log_error: log.problem.clone(),
    };
    let result = runtime.block_on(super::serve(
        options,
        signals,
        shutdown,
        StartedBy::client(),
    ));
    runtime.shutdown_background();
    result
}

/// Ends the daemon at the end of stdin, which comes if the demo ends, in whatever way.
fn end_with_stdin(shutdown: Shutdown) {
    thread::spawn(move || {
        let mut ignored = [0; 64];
        loop {
            match io::stdin().read(&mut ignored) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        shutdown.start();
    });
}
