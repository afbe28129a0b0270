//! However the demo ends, nothing of it is left.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rustix::process::{Signal, kill_process};

use super::{KEPT, LAST, Temp, end, pid};
use crate::support::{
    TestEnv,
    poll::{SOON, until},
};

/// A moment in a demo's life, in the order of their coming.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The gateway listens; the daemon has not been started, or does not listen yet.
    Gateway,
    /// The daemon makes its directory.
    Directory,
    /// The daemon runs, and a key was printed.
    Key,
    /// The signing key was rotated.
    Rotation,
}

impl Moment {
    const ALL: [Self; 4] = [Self::Gateway, Self::Directory, Self::Key, Self::Rotation];

    fn has_come(self, temp: &Temp) -> bool {
        let printed = temp.printed();
        match self {
            Self::Gateway => printed.contains("the gateway listens"),
            Self::Directory => !temp.directories().is_empty(),
            Self::Key => printed.contains("printed a key"),
            Self::Rotation => printed.contains("was rotated"),
        }
    }
}

/// The signals that end a program, with the exit code for each.
const SIGNALS: [(Signal, i32); 4] = [
    (Signal::INT, 130),
    (Signal::TERM, 143),
    (Signal::HUP, 129),
    (Signal::QUIT, 131),
];

#[tokio::test]
async fn a_signal_at_any_moment_ends_it_clean() {
    let env = TestEnv::new();
    for (signal, code) in SIGNALS {
        for moment in Moment::ALL {
            let temp = Temp::new();
            let demo = temp.start(&env, &["--keep"]);
            let what = format!("{signal:?} at {moment:?}");
            until(&what, SOON, async || moment.has_come(&temp)).await;
            kill_process(pid(&demo), signal).unwrap();
            let (ended, stderr) = end(demo).await;
            let printed = temp.printed();
            // By now it may be kept, and Ctrl-C is the usual end of that.
            let is_usual_end = signal == Signal::INT && printed.contains(KEPT);
            let expected = if is_usual_end { 0 } else { code };
            assert_eq!(ended, Some(expected), "{what}: {printed}");
            assert_eq!(stderr, "", "{what}");
            temp.is_clean(&what);
        }
    }
}

#[tokio::test]
async fn one_that_is_kept_ends_clean_at_each_signal() {
    let env = TestEnv::new();
    for (signal, code) in SIGNALS {
        let temp = Temp::new();
        let demo = temp.start(&env, &["--keep"]);
        until("kept", SOON, async || temp.printed().ends_with(KEPT)).await;
        kill_process(pid(&demo), signal).unwrap();
        let code = if signal == Signal::INT { 0 } else { code };
        assert_eq!(end(demo).await, (Some(code), String::new()), "{signal:?}");
        assert!(temp.printed().contains(LAST));
        temp.is_clean(&format!("{signal:?}"));
    }
}

#[tokio::test]
async fn the_daemon_removes_everything_if_the_demo_is_killed() {
    let env = TestEnv::new();
    for moment in Moment::ALL {
        let temp = Temp::new();
        let demo = temp.start(&env, &["--keep"]);
        until("the moment", SOON, async || moment.has_come(&temp)).await;
        kill_process(pid(&demo), Signal::KILL).unwrap();
        assert_eq!(end(demo).await.0, None, "{moment:?}");
        until("its daemon ends", SOON, async || {
            temp.processes().is_empty()
        })
        .await;
        temp.is_clean(&format!("{moment:?}"));
    }
}

#[tokio::test]
async fn a_killed_daemon_is_reported_and_its_directory_removed() {
    let (env, temp) = (TestEnv::new(), Temp::new());
    let demo = temp.start(&env, &["--keep"]);
    until("kept", SOON, async || temp.printed().ends_with(KEPT)).await;
    for daemon in temp.processes() {
        kill_process(daemon, Signal::KILL).unwrap();
    }
    let (code, stderr) = end(demo).await;
    assert_eq!(code, Some(8), "{stderr}");
    assert!(
        stderr.contains("the demo failed: its daemon has ended"),
        "{stderr}"
    );
    temp.is_clean(&stderr);
}

#[tokio::test]
async fn a_closed_stdout_ends_it_silently_and_clean() {
    let env = TestEnv::new();
    for lines in 0..4 {
        let temp = Temp::new();
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = temp.demo(&env, &["--keep"]);
        let demo = command.stdout(Stdio::from(writer)).spawn().unwrap();
        drop(command);
        let mut reader = BufReader::new(reader).lines();
        for _ in 0..lines {
            reader.next().unwrap().unwrap();
        }
        drop(reader);
        assert_eq!(end(demo).await, (Some(8), String::new()), "{lines} lines");
        temp.is_clean(&format!("{lines} lines"));
    }
}
