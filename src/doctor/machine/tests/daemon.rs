//! The daemon's cases.

use std::path::PathBuf;

use claviger_wire::{ExitCode, Failure};

use super::case;
use crate::{
    clock::Timestamp,
    doctor::{
        check::Check,
        machine::{
            daemon::{
                Facts, LOCKED, LOG_ERRORS, NO_ANSWER, NO_AUDIT, NO_LOG, NO_START, NOT_RUNNING,
                OLD_CONFIGURATION, OTHER_SOCKET, REPLACED, SECOND, SOCKET_UNSAFE, STALE_SOCKET,
                VERSION, check,
            },
            processes::DaemonProcess,
        },
        tests::Case,
    },
    status_report::DaemonReport,
};

pub(super) fn cases() -> Vec<Case> {
    let socket = PathBuf::from("/run/user/7/claviger/agent.sock");
    let time = |second| Some(Timestamp::from_second(second).unwrap());
    let report = |edit: fn(&mut DaemonReport)| {
        let mut report = DaemonReport {
            pid: 7,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..DaemonReport::default()
        };
        edit(&mut report);
        Some(Ok(report))
    };
    let process = |pid, path: &str| DaemonProcess {
        pid,
        socket: Some(path.into()),
    };
    let sound = || Facts {
        socket: Some(socket.clone()),
        socket_exists: true,
        daemon: report(|_| {}),
        started_at: time(1000),
        program_changed_at: time(900),
        processes: vec![process(7, "/run/user/7/claviger/agent.sock")],
        ..Facts::default()
    };
    let case = |of: Check, facts: Facts| case(of, check(&facts), check(&sound()));
    let absent = || Facts {
        daemon: None,
        processes: Vec::new(),
        ..sound()
    };
    let with = |daemon| Facts { daemon, ..sound() };
    let failed = |code| with(Some(Err(Failure::new(code, "refused", "end it"))));
    let beside = |path: &str| Facts {
        processes: [sound().processes, vec![process(8, path)]].concat(),
        ..sound()
    };
    vec![
        case(SOCKET_UNSAFE, failed(ExitCode::Denied)),
        case(NO_ANSWER, failed(ExitCode::DaemonUnavailable)),
        case(
            NO_START,
            Facts {
                start: Some(Failure::new(ExitCode::DaemonUnavailable, "no file", "see")),
                ..absent()
            },
        ),
        case(
            VERSION,
            with(report(|report| report.version = "0.0.1".to_owned())),
        ),
        case(SECOND, beside("/run/user/7/claviger/agent.sock")),
        case(
            OLD_CONFIGURATION,
            with(report(|report| {
                report.config_error = Some("expected a string".to_owned());
            })),
        ),
        case(
            LOCKED,
            with(report(|report| {
                report.locked = true;
                report.locked_since = Some(Timestamp::UNIX_EPOCH);
            })),
        ),
        case(
            NO_LOG,
            with(report(|report| {
                report.log_error = Some("a link".to_owned());
            })),
        ),
        case(
            NO_AUDIT,
            with(report(|report| {
                report.audit_error = Some("no space left on device".to_owned());
            })),
        ),
        case(STALE_SOCKET, absent()),
        case(
            NOT_RUNNING,
            Facts {
                socket_exists: false,
                ..absent()
            },
        ),
        case(
            REPLACED,
            Facts {
                program_changed_at: time(1060),
                ..sound()
            },
        ),
        case(OTHER_SOCKET, beside("/tmp/demo/agent.sock")),
        case(
            LOG_ERRORS,
            Facts {
                errors: vec!["2026-01-01T00:00:00Z ERROR x".to_owned()],
                ..sound()
            },
        ),
    ]
}
