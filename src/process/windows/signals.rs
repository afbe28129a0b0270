//! The console events that the daemon handles.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

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
