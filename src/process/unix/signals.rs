//! The signals that the daemon handles.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::process::INTERRUPTED;

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

    /// Waits for the next signal that asks a program to end. Returns the exit code with which a
    /// shell reports it: 128 and the signal's number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => 128 + 15,
            _ = self.quit.recv() => 128 + 3,
            _ = self.hangup.recv() => 128 + 1,
        }
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
