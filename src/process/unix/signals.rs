//! The signals that the daemon handles.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that have arrived since the handlers were installed. While this exists, none of them
/// ends the process by itself.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
}

impl Signals {
    /// Installs the handlers. They stay for the life of the process.
    ///
    /// # Errors
    ///
    /// Those of sigaction(2).
    pub(crate) fn install() -> io::Result<Self> {
        // Without a meaning here, and deadly by default. They have a handler and are not ignored,
        // because a program that a source runs inherits what is ignored.
        for without_meaning in [SignalKind::user_defined1(), SignalKind::user_defined2()] {
            let _ = signal(without_meaning)?;
        }
        // If the process that started the daemon ignores it, so does the daemon, and the system
        // reaps the programs of sources before their exit code is read.
        let _ = signal(SignalKind::child())?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Calls `end` at the first SIGTERM, SIGINT or SIGQUIT, and `reload` at each SIGHUP before it.
    pub(crate) fn forward(
        mut self,
        end: impl Fn() + Send + 'static,
        reload: impl Fn() + Send + 'static,
    ) {
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = self.terminate.recv() => break,
                    _ = self.interrupt.recv() => break,
                    _ = self.quit.recv() => break,
                    _ = self.hangup.recv() => reload(),
                }
            }
            end();
        });
    }
}
