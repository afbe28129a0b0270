//! `claviger login`: watches the sign-in, which the daemon makes, and opens the browser.

mod browser;
mod progress;
mod qr_code;
mod report;

use std::{
    io::{self, IsTerminal as _},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use claviger_wire::{
    ExitCode, Failure, Login, LoginFlow, Request, Response,
    client::{Client, Deadline, timed_out, unexpected_response},
};

pub(super) use self::report::described;
use self::{browser::Browser, progress::Progress};
use super::{
    CliError,
    client::{NOTICE_DELAY, unexpected},
    on_termination, output, places,
    profile_args::ProfileArgs,
};
use crate::{
    client_kind::HelperContext,
    clock::{Clock as _, SystemClock},
    login_report::LoginReport,
    process::INTERRUPTED,
    status_report::FailureReport,
};

/// The longest wait for the first step: the daemon starts, its store is read and, if the login is
/// good, the source is asked for the key.
const FIRST_STEP_TIMEOUT: Duration = Duration::from_secs(90);

/// How often a countdown is drawn.
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger login                in the browser, or as configured
  claviger login work           for the profile 'work'
  claviger login --device       with a code, on a phone or another machine
  claviger login --no-browser   print the address; over SSH, forward its port
",
    "
If the login is good, nothing happens; --force signs in again, as another user for example. A second \
command joins the sign-in that is under way. Ctrl-C cancels it. The exit code is 3 if the sign-in is \
refused or not made in time."
))]
pub(super) struct LoginArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// Sign in with a code on any device (RFC 8628)
    #[arg(long)]
    device: bool,

    /// Print the address instead of opening the browser
    #[arg(long, conflicts_with = "device")]
    no_browser: bool,

    /// Sign in even if the login is good
    #[arg(long)]
    force: bool,

    /// Each step as one JSON object in a line, named by its field 'event'
    #[arg(long)]
    json: bool,
}

impl LoginArgs {
    /// One profile, in the browser or as configured.
    pub(super) fn of(profile: &str, no_browser: bool) -> Self {
        Self {
            profile: ProfileArgs::of(profile),
            device: false,
            no_browser,
            force: false,
            json: false,
        }
    }
}

/// What the command waits for.
enum Event {
    /// The daemon's response.
    Answered(Response),
    /// The daemon's answer has ended, or there is none.
    Ended(Result<(), Failure>),
    /// No browser could be opened.
    NotOpened(String),
    /// A signal ends the command.
    Interrupted,
}

pub(super) fn run(args: &LoginArgs) -> Result<(), CliError> {
    let context = std::env::var("CLAUDE_HELPER_CONTEXT").ok();
    check_context(context.as_deref())?;
    let browser = match args.no_browser {
        true => Browser::Unwanted,
        false => Browser::of_this_process(),
    };
    let (events, received) = mpsc::channel();
    on_termination({
        let events = events.clone();
        move || drop(events.send(Event::Interrupted))
    })?;
    let request = Login {
        profile: args.profile.name(),
        flow: match &browser {
            _ if args.device => LoginFlow::Device,
            Browser::Missing(_) => LoginFlow::NoBrowser,
            Browser::Available | Browser::Unwanted => LoginFlow::Configured,
        },
        force: args.force,
        ..Login::default()
    };
    let client = places::client()?;
    start(client, request, events.clone());
    let watcher = Watcher {
        is_json: args.json,
        progress: Progress::new(browser, io::stderr().is_terminal()),
        events,
    };
    watcher.watch(&received)
}

/// Sends the request on a thread of its own, so that a signal ends the command at any time. The end
/// of the process closes the connection, which cancels the sign-in.
fn start(client: Client, request: Login, events: Sender<Event>) {
    thread::spawn(move || {
        let responses = events.clone();
        let ended = client.watch_with_variables(
            |variables| {
                Request::Login(Login {
                    variables: variables.clone(),
                    ..request.clone()
                })
            },
            |response| drop(responses.send(Event::Answered(response))),
        );
        // The command may have ended.
        let _ = events.send(Event::Ended(ended));
    });
}

/// # Errors
///
/// [`ExitCode::Denied`] if the client states that no person is there.
fn check_context(context: Option<&str>) -> Result<(), Failure> {
    match (HelperContext::stated(context), context) {
        (HelperContext::Background, Some(context)) => Err(Failure::new(
            ExitCode::Denied,
            format!(
                "no sign-in without a user: CLAUDE_HELPER_CONTEXT is '{}'",
                claviger_wire::visible(context)
            ),
            "run claviger login in a terminal",
        )),
        _ => Ok(()),
    }
}

/// Shows the steps of a login.
struct Watcher {
    is_json: bool,
    progress: Progress,
    events: Sender<Event>,
}

impl Watcher {
    fn watch(mut self, received: &Receiver<Event>) -> Result<(), CliError> {
        let mut err = io::stderr();
        let first = self.first(received)?;
        let mut next = Ok(first);
        let result = loop {
            match next {
                Ok(Event::Answered(Response::Report(json))) => self.on_report(&json)?,
                Ok(Event::Answered(Response::Done)) => break Ok(()),
                Ok(Event::Answered(Response::Failure(failure))) => break Err(failure),
                Ok(Event::Answered(other)) => break Err(unexpected_response(&other)),
                Ok(Event::Ended(Err(failure))) => break Err(failure),
                Ok(Event::NotOpened(error)) => self.progress.on_not_opened(&mut err, &error),
                Ok(Event::Interrupted) => {
                    self.progress.on_interrupted(&mut err);
                    return Err(CliError::Ended(INTERRUPTED));
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.progress.draw(&mut err, SystemClock.now().wall);
                }
                // The answer has ended before.
                Ok(Event::Ended(Ok(()))) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
            }
            next = received.recv_timeout(SECOND);
        };
        self.progress.clear(&mut err);
        if let (true, Err(failure)) = (self.is_json, &result) {
            let report = LoginReport::Failed(FailureReport {
                code: failure.code.as_byte(),
                message: failure.message.clone(),
                hint: failure.hint.clone(),
            });
            output::json_line(&mut io::stdout().lock(), &report)?;
        }
        Ok(result?)
    }

    /// Waits for the first event; a notice says so if that takes long.
    fn first(&self, received: &Receiver<Event>) -> Result<Event, Failure> {
        let deadline = Deadline::after(FIRST_STEP_TIMEOUT);
        if let Ok(event) = received.recv_timeout(NOTICE_DELAY) {
            return Ok(event);
        }
        self.progress.on_slow(&mut io::stderr());
        let event = received.recv_timeout(deadline.remaining());
        event.map_err(|_| timed_out(FIRST_STEP_TIMEOUT))
    }

    fn on_report(&mut self, json: &str) -> Result<(), CliError> {
        let report: LoginReport = serde_json::from_str(json).map_err(|error| unexpected(&error))?;
        if self.is_json {
            let value: serde_json::Value =
                serde_json::from_str(json).map_err(|error| unexpected(&error))?;
            output::json_line(&mut io::stdout().lock(), &value)?;
        }
        let now = SystemClock.now().wall;
        if self.progress.opens(&report)
            && let LoginReport::Browser { url, .. } = &report
        {
            self.open(url.clone());
        }
        match &report {
            LoginReport::SignedIn { .. } if self.is_json => {}
            LoginReport::SignedIn { .. } => {
                self.progress.clear(&mut io::stderr());
                report::print(&mut io::stdout().lock(), &report, now)?;
            }
            step => self.progress.on_step(&mut io::stderr(), step, now),
        }
        Ok(())
    }

    /// On a thread of its own, because the program that opens the browser may wait for it.
    fn open(&self, url: String) {
        let events = self.events.clone();
        thread::spawn(move || {
            if let Err(error) = browser::open(&url) {
                let _ = events.send(Event::NotOpened(error.to_string()));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_works_in_the_background_opens_nothing() {
        for context in ["background", "scheduled-task"] {
            let failure = check_context(Some(context)).unwrap_err();
            assert_eq!(failure.code, ExitCode::Denied);
            assert!(failure.message.contains(context), "{failure:?}");
        }
        for context in [
            None,
            Some(""),
            Some("interactive"),
            Some("mid-session-refresh"),
        ] {
            check_context(context).unwrap();
        }
    }
}
