//! `claviger status --watch`: the status again and again, through the end and the start of daemons.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use claviger_wire::Failure;

use super::{StatusArgs, output, print::print_answer};
use crate::{
    cli::{CliError, client::Answer, on_termination, table::Colour},
    status_report::StatusReport,
};

/// The time between two requests: soon enough for a person who waits, and no load for the daemon.
const INTERVAL: Duration = Duration::from_secs(2);

/// Moves the cursor to the upper left corner and erases the screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

enum Event {
    Answered(Result<Option<Answer>, Failure>),
    Interrupted,
}

/// Prints the status until a signal ends it: on a terminal every [`INTERVAL`], else if something
/// changes.
pub(super) fn run(args: &StatusArgs) -> Result<(), CliError> {
    let client = args.socket.clone().client()?;
    let (events, received) = mpsc::channel();
    on_termination({
        let events = events.clone();
        move || drop(events.send(Event::Interrupted))
    })?;
    let request = args.request();
    let (ended, end) = mpsc::channel::<()>();
    // On a thread of its own: a daemon that does not answer must not delay the end.
    thread::spawn(move || {
        while events
            .send(Event::Answered(
                client
                    .request(|| request.clone())
                    .and_then(|answer| answer.map(Answer::new).transpose()),
            ))
            .is_ok()
            && end.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout)
        {}
    });
    let mut out = io::stdout();
    let is_terminal = out.is_terminal();
    let result = show(args, &mut out, is_terminal, &received);
    drop(ended);
    result
}

fn show(
    args: &StatusArgs,
    out: &mut impl Write,
    is_terminal: bool,
    events: &Receiver<Event>,
) -> Result<(), CliError> {
    let mut shown = None;
    // It ends also if the thread that asks has ended.
    while let Ok(Event::Answered(answer)) = events.recv() {
        let essence = essence(&answer);
        let has_changed = shown.as_ref() != Some(&essence);
        if args.json && has_changed {
            let status = answer.as_ref().ok().and_then(Option::as_ref);
            let status = status.map(Answer::status).transpose()?.unwrap_or_default();
            output::json_line(out, &status)?;
        } else if !args.json && (is_terminal || has_changed) {
            if is_terminal {
                write!(out, "{CLEAR}")?;
            } else if shown.is_some() {
                writeln!(out)?;
            }
            let colour = match is_terminal {
                true => Colour::of_stdout(),
                false => Colour::Never,
            };
            print_answer(out, answer, args.width(), colour)?;
        }
        out.flush()?;
        shown = Some(essence);
    }
    Ok(())
}

/// What counts as a change: everything but times that only move on.
fn essence(answer: &Result<Option<Answer>, Failure>) -> Result<StatusReport, Option<Failure>> {
    let answer = match answer {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err(None),
        Err(failure) => return Err(Some(failure.clone())),
    };
    let mut status = answer.status().map_err(Some)?;
    if let Some(daemon) = &mut status.daemon {
        daemon.uptime_s = 0;
    }
    for profile in &mut status.profiles {
        profile.next_refresh_at = None;
        profile.seen_current_at = None;
        profile.usable_until = None;
        if let Some(probe) = &mut profile.last_probe {
            probe.at = None;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use claviger_wire::Response;

    use super::*;
    use crate::{
        cli::{profile_args::ProfileArgs, socket_args::SocketArgs},
        clock::Timestamp,
        status_report::*,
    };

    fn args(json: bool) -> StatusArgs {
        StatusArgs {
            profile: ProfileArgs::default(),
            json,
            wide: true,
            watch: true,
            exit_status: false,
            all_users: false,
            socket: SocketArgs::default(),
        }
    }

    /// The answer of a daemon that has been up for `uptime_s`.
    fn answered(uptime_s: u64, state: ProfileState) -> Event {
        let daemon = DaemonReport {
            pid: 7,
            uptime_s,
            ..DaemonReport::default()
        };
        let moment = Timestamp::from_second(uptime_s.try_into().unwrap()).ok();
        let profile = ProfileReport {
            name: "p".to_owned(),
            state,
            seen_current_at: moment,
            usable_until: moment,
            last_probe: Some(LastProbeReport {
                at: moment,
                ..LastProbeReport::default()
            }),
            ..ProfileReport::default()
        };
        let report = |json: serde_json::Result<String>| Response::Report(json.unwrap());
        let answer = vec![
            report(serde_json::to_string(&daemon)),
            report(serde_json::to_string(&profile)),
            Response::Done,
        ];
        Event::Answered(Ok(Some(Answer::new(answer).unwrap())))
    }

    fn shown(json: bool, is_terminal: bool) -> String {
        let (events, received) = mpsc::channel();
        for event in [
            answered(1, ProfileState::Ready),
            answered(3, ProfileState::Ready),
            Event::Answered(Ok(None)),
            Event::Answered(Ok(None)),
            answered(1, ProfileState::Denied),
            Event::Interrupted,
            answered(9, ProfileState::Empty),
        ] {
            events.send(event).unwrap();
        }
        let mut out = Vec::new();
        show(&args(json), &mut out, is_terminal, &received).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_pipe_gets_a_block_for_each_change_until_the_interruption() {
        let text = shown(false, false);
        let of = |part: &str| text.matches(part).count();
        assert_eq!(
            (
                of("pid 7"),
                of("no daemon is running"),
                of("ready"),
                of("denied")
            ),
            (2, 1, 1, 1),
            "{text}"
        );
        assert!(
            !text.contains('\u{1b}') && !text.contains("empty"),
            "{text}"
        );
        let json = shown(true, false);
        let lines: Vec<serde_json::Value> = json
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 3, "{json}");
        assert!(lines[1]["daemon"].is_null());
        assert_eq!(lines[2]["profiles"][0]["state"], "denied");
    }

    #[test]
    fn a_terminal_is_drawn_each_time() {
        let text = shown(false, true);
        assert_eq!(text.matches(CLEAR).count(), 5, "{text:?}");
    }
}
