//! The console events that the daemon handles.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

use crate::process::INTERRUPTED;

/// The events that have arrived since the handlers were installed.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: CtrlC,
    interrupt_group: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    ///
    /// Those of `SetConsoleCtrlHandler`.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            interrupt_group: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Waits for the next event that asks a program to end. Returns the exit code for it, which is
    /// that of the same event on Unix.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.interrupt_group.recv() => 128 + 3,
            _ = self.close.recv() => 128 + 1,
            _ = self.logoff.recv() => 128 + 1,
            _ = self.shutdown.recv() => 128 + 15,
        }
    }

    /// Calls `end` when the user presses Ctrl-C or Ctrl-Break, closes the console or logs off, or
    /// the system shuts down. No event stands for SIGHUP: `reload` is not called.
    pub(crate) fn forward(
        mut self,
        end: impl Fn() + Send + 'static,
        _reload: impl Fn() + Send + 'static,
    ) {
        tokio::spawn(async move {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.interrupt_group.recv() => {}
                _ = self.close.recv() => {}
                _ = self.logoff.recv() => {}
                _ = self.shutdown.recv() => {}
            }
            end();
        });
    }
}
