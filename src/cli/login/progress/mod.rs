//! What is waited for, on stderr.

use std::{io::Write, time::Duration};

use crate::{
    cli::{
        login::{browser::Browser, qr_code::qr_code},
        output::{self, WIDTH},
    },
    clock::Timestamp,
    login_report::LoginReport,
};

/// Moves the cursor to the start of the line and erases it.
const CLEAR: &str = "\r\u{1b}[K";

/// Shows the steps of a login to a person. If stderr is closed, the command goes on.
pub(super) struct Progress {
    browser: Browser,
    is_terminal: bool,
    /// The server that the user signs in to.
    host: String,
    /// Whether another command had started the sign-in.
    is_joined: bool,
    is_exchanging: bool,
    /// When the code expires, if one is shown.
    code_expires_at: Option<Timestamp>,
    /// Whether the last line is a countdown.
    is_drawn: bool,
}

impl Progress {
    pub(super) fn new(browser: Browser, is_terminal: bool) -> Self {
        Self {
            browser,
            is_terminal,
            host: String::new(),
            is_joined: false,
            is_exchanging: false,
            code_expires_at: None,
            is_drawn: false,
        }
    }

    /// Whether the command opens the page of `step`.
    pub(super) fn opens(&self, step: &LoginReport) -> bool {
        matches!(step, LoginReport::Browser { .. })
            && self.browser == Browser::Available
            && !self.is_joined
    }

    /// The daemon has not answered yet.
    pub(super) fn on_slow(&self, err: &mut impl Write) {
        if self.is_terminal {
            line(err, "waiting for the daemon ...");
        }
    }

    /// Shows a step.
    pub(super) fn on_step(&mut self, err: &mut impl Write, step: &LoginReport, now: Timestamp) {
        self.clear(err);
        match step {
            LoginReport::Queued { source } => line(
                err,
                &format!("waiting for the end of the sign-in to source '{source}' ..."),
            ),
            LoginReport::Started { host, joined, .. } => {
                self.host.clone_from(host);
                self.is_joined = *joined;
                if *joined {
                    let text = format!("a sign-in at {host} is under way; this command joins it");
                    line(err, &text);
                }
            }
            LoginReport::Fallback { to, reason } => self.on_fallback(err, to, reason.as_deref()),
            LoginReport::Browser { url, redirect_port } => {
                self.on_page(err, step, url, *redirect_port);
            }
            LoginReport::Device {
                user_code,
                verification_uri,
                verification_uri_complete,
                expires_at,
            } => {
                let complete = verification_uri_complete.as_deref();
                self.on_code(err, user_code, verification_uri, complete);
                self.code_expires_at = Some(*expires_at);
                if self.is_terminal {
                    self.draw(err, now);
                } else {
                    let end = output::relative(*expires_at, now);
                    line(err, &format!("the code expires {end}; waiting ..."));
                }
            }
            LoginReport::Exchanging => {
                self.is_exchanging = true;
                self.code_expires_at = None;
                let text = format!(
                    "the browser is back; completing the sign-in at {} ...",
                    self.host
                );
                line(err, &text);
            }
            LoginReport::SignedIn { .. } | LoginReport::Failed(_) | LoginReport::Unknown => {}
        }
    }

    fn on_fallback(&self, err: &mut impl Write, to: &str, reason: Option<&str>) {
        let why = match self.browser {
            Browser::Missing(why) => why,
            Browser::Available | Browser::Unwanted => "no browser can be opened",
        };
        let text = match (to, reason) {
            ("device", _) => format!("{why}: sign in with a code instead of the browser"),
            (_, None) => format!("{why}: open the page yourself"),
            (_, Some(reason)) => {
                format!("{why}, and a code is not possible ({reason}): open the page yourself")
            }
        };
        line(err, &text);
    }

    fn on_page(
        &self,
        err: &mut impl Write,
        step: &LoginReport,
        url: &str,
        redirect_port: Option<u16>,
    ) {
        let host = &self.host;
        if self.opens(step) {
            line(err, &format!("opening the browser to sign in at {host}"));
            line(
                err,
                "if it does not open, open this address on this machine:",
            );
        } else if !self.is_joined {
            let text = format!("to sign in at {host}, open this address on this machine:");
            line(err, &text);
        } else {
            line(
                err,
                "if its page is not open, open this address on this machine:",
            );
        }
        address(err, url);
        if let (false, Some(port)) = (self.opens(step), redirect_port) {
            line(
                err,
                "if the browser is on another machine, first connect from there with:",
            );
            address(err, &format!("ssh -L {port}:127.0.0.1:{port} HOST"));
        }
        line(err, "waiting for the browser; Ctrl-C cancels ...");
    }

    fn on_code(&self, err: &mut impl Write, code: &str, page: &str, complete: Option<&str>) {
        let host = &self.host;
        line(
            err,
            &format!("to sign in at {host}, open this address on any device:"),
        );
        address(err, page);
        line(err, &format!("and enter the code: {code}"));
        let Some(complete) = complete else { return };
        line(err, "or open this address, which contains the code:");
        address(err, complete);
        if self.is_terminal
            && let Some(qr_code) = qr_code(complete, WIDTH)
        {
            let _ = write!(err, "{qr_code}");
        }
    }

    /// Draws the time that is left until the code's end, on a terminal.
    pub(super) fn draw(&mut self, err: &mut impl Write, now: Timestamp) {
        let Some(end) = self.code_expires_at.filter(|_| self.is_terminal) else {
            return;
        };
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
        let text = format!("the code expires in {minutes}:{seconds:02}; Ctrl-C cancels");
        let _ = write!(err, "{CLEAR}{text}").and_then(|()| err.flush());
        self.is_drawn = true;
    }

    /// Removes the countdown.
    pub(super) fn clear(&mut self, err: &mut impl Write) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(err, "{CLEAR}");
        }
    }

    /// No browser could be opened.
    pub(super) fn on_not_opened(&mut self, err: &mut impl Write, error: &str) {
        line(
            err,
            &format!("the browser could not be opened ({error}): open the address yourself"),
        );
    }

    /// A signal ends the command.
    pub(super) fn on_interrupted(&mut self, err: &mut impl Write) {
        self.clear(err);
        let text = match (self.is_exchanging, self.is_joined) {
            (true, _) => "interrupted; the sign-in is being completed all the same",
            (false, true) => "interrupted; the command that started the sign-in goes on",
            (false, false) => "cancelled; nothing has changed",
        };
        line(err, text);
    }
}

/// Writes a paragraph. If stderr is closed, the command goes on.
fn line(err: &mut impl Write, text: &str) {
    let _ = output::paragraph(err, text);
}

/// Writes an address or a command to copy, on a line of its own.
fn address(err: &mut impl Write, text: &str) {
    let _ = output::indented(err, text);
}

#[cfg(test)]
mod tests;
