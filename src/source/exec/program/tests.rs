use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown, symlink},
};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

fn program(argv: &[&str], timeout: Duration) -> Program {
    let argv = argv.iter().map(|&argument| argument.to_owned()).collect();
    Program::new("corp", argv, timeout)
}

async fn sh(script: &str) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    program(&["/bin/sh", "-c", script], Duration::from_secs(2))
        .run()
        .await
}

#[tokio::test]
async fn returns_what_it_prints() {
    assert_eq!(sh("pwd; cat").await.unwrap().as_slice(), b"/\n");
}

/// Cargo sets variables for the tests; the daemon's environment is built without them.
#[tokio::test]
async fn nothing_else_of_this_process_is_in_its_environment() {
    assert!(std::env::vars_os().any(|(name, _)| name == "CARGO_MANIFEST_DIR"));
    let printed = program(&["/usr/bin/env"], Duration::from_secs(2));
    let printed = printed.run().await.unwrap();
    let printed = String::from_utf8(printed.to_vec()).unwrap();
    assert!(printed.lines().any(|line| line.starts_with("PATH=")));
    assert!(!printed.contains("CARGO"), "{printed}");
}

#[tokio::test]
async fn an_error_has_the_last_line_without_the_key() {
    let error = sh("echo first >&2; echo 'no \x1b[1mticket' >&2; exit 4")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "'/bin/sh' failed: exit status: 4: no [1mticket"
    );
    let error = sh("echo sk-0123456789; echo have sk-0123456789 >&2; exit 1")
        .await
        .unwrap_err();
    assert!(!format!("{error:?}").contains("0123456789"), "{error:?}");
    assert!(!error.is_final());
}

#[tokio::test]
async fn the_hint_says_how_to_run_it_and_hides_the_arguments() {
    match sh("exit 1 # hunter2").await.unwrap_err() {
        SourceError::Unreachable { error, .. } => assert_eq!(
            error.hint(),
            "run '/bin/sh' by hand with the arguments in 'source.corp.command'"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn exit_code_3_means_that_a_login_is_required() {
    let login = |script: &'static str| async {
        match sh(script).await.unwrap_err() {
            SourceError::LoginRequired { reason, hint, .. } => (reason, hint.unwrap()),
            other => panic!("{other:?}"),
        }
    };
    let (reason, hint) = login("echo 'run corp-login' >&2; exit 3").await;
    assert_eq!(reason, "exit status: 3: run corp-login");
    assert!(hint.starts_with("log in as the message"), "{hint}");
    let (reason, hint) = login("exit 3").await;
    assert_eq!(reason, "exit status: 3");
    assert!(hint.starts_with("run '/bin/sh' by hand"), "{hint}");
    let error = sh("exit 3").await.unwrap_err();
    assert!(!error.is_final(), "a key that is still valid is kept");
}

/// As a program that starts an agent, and as one that leaves a child behind by mistake: the
/// child keeps both pipes open for as long as it runs.
#[tokio::test]
async fn a_child_that_keeps_the_pipes_delays_and_spoils_nothing_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    for (script, expected) in [
        ("echo sk-1; sleep 600 & echo $! > PID", Ok("sk-1\n")),
        (
            "printf sk-1; sh -c 'sleep 600; :' & echo $! > PID",
            Ok("sk-1"),
        ),
        (
            "sleep 600 & echo $! > PID; echo no >&2; exit 7",
            Err("exit status: 7: no"),
        ),
    ] {
        let script = script.replace("PID", file.to_str().unwrap());
        let program = program(&["/bin/sh", "-c", &script], Duration::from_secs(60));
        let result = timeout(Duration::from_secs(20), program.run()).await;
        match (result.expect("it does not wait for the child"), expected) {
            (Ok(stdout), Ok(expected)) => assert_eq!(stdout.as_slice(), expected.as_bytes()),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().ends_with(expected), "{error}");
            }
            (result, _) => panic!("{script}: {result:?}"),
        }
        let pid = fs::read_to_string(&file).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        kill_process(pid, Signal::KILL).expect("the child goes on");
    }
}

#[tokio::test]
async fn what_fills_the_pipe_is_read_while_the_program_runs() {
    let stdout = sh("head -c 65536 /dev/zero; head -c 200000 /dev/zero >&2")
        .await
        .unwrap();
    assert_eq!(stdout.len(), 65_536);
}

#[tokio::test]
async fn it_has_no_terminal_and_a_session_of_its_own() {
    let stdout = sh("(: < /dev/tty) 2>/dev/null && echo terminal; ps -o sid= -p $$; echo $$")
        .await
        .unwrap();
    let stdout = String::from_utf8(stdout.to_vec()).unwrap();
    let words: Vec<_> = stdout.split_whitespace().collect();
    assert_eq!(words.len(), 2, "{stdout}");
    assert_eq!(words[0], words[1]);
}

/// A prompt is the last that a program prints before it waits.
#[tokio::test]
async fn a_time_out_says_what_it_may_wait_for() {
    let script = "echo 'open https://login.example.com' >&2; sleep 600";
    let argv = ["/bin/sh", "-c", script];
    let error = program(&argv, Duration::from_millis(300)).run().await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "'/bin/sh' failed: timed out after 300ms: open https://login.example.com"
    );
    match error {
        SourceError::Unreachable { error, .. } => {
            let hint = error.hint();
            assert!(
                hint.contains("by hand") && hint.contains("a person"),
                "{hint}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn time_out_kills_the_children_too() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let script = format!("sleep 600 & echo $! > '{}'; wait", child.display());
    let error = program(&["/bin/sh", "-c", &script], Duration::from_millis(200))
        .run()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("timed out after"), "{error}");
    let child = fs::read_to_string(child).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    // Dead, even if its parent has not waited for it yet.
    let is_over = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    let over = async {
        while !is_over() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), over).await.unwrap();
}

#[tokio::test]
async fn too_much_output_is_refused() {
    let error = sh("head -c 70000 /dev/zero").await.unwrap_err();
    assert!(matches!(error, SourceError::BadOutput { .. }), "{error:?}");
}

/// The user's program, what another user could do to it, and the rule in the message.
#[tokio::test]
async fn a_program_that_another_user_can_change_or_replace_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().canonicalize().unwrap().join("bin");
    let (file, link) = (bin.join("key"), dir.path().join("link"));
    fs::create_dir(&bin).unwrap();
    // By another process: a file that this one has open for writing, or a child of another test,
    // cannot be run.
    let write = r#"printf '#!/bin/sh\ntouch "%s.ran"; echo sk-1\n' "$0" > "$0""#;
    let written = std::process::Command::new("/bin/sh")
        .args(["-c", write, file.to_str().unwrap()])
        .status();
    assert!(written.unwrap().success());
    symlink(&file, &link).unwrap();
    let chmod =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let run = async |path: &Path| {
        program(&[path.to_str().unwrap()], Duration::from_secs(10))
            .run()
            .await
    };
    chmod(&bin, 0o755);
    // A program need not be readable, but a script is read by its interpreter.
    chmod(&file, 0o755);
    assert_eq!(run(&link).await.unwrap().as_slice(), b"sk-1\n");
    fs::remove_file(bin.join("key.ran")).unwrap();

    for (path, mode, safe) in [
        (&file, 0o757, 0o755),
        (&file, 0o777, 0o700),
        (&bin, 0o777, 0o755),
        (&bin, 0o703, 0o700),
    ] {
        chmod(path, mode);
        for name in [&file, &link] {
            match run(name).await.unwrap_err() {
                SourceError::Configuration { reason, hint } => {
                    let expected = format!(
                        "the program '{}' is not safe to run: '{}' is writable by others (mode {mode:04o})",
                        name.display(),
                        path.display()
                    );
                    assert_eq!(reason, expected);
                    assert!(!hint.is_empty());
                }
                other => panic!("{other:?}"),
            }
        }
        chmod(path, safe);
    }
    if rustix::process::geteuid().is_root() {
        chown(&file, Some(4242), None).unwrap();
        let error = run(&link).await.unwrap_err().to_string();
        assert!(error.contains("is owned by uid 4242"), "{error}");
    }
    assert!(!bin.join("key.ran").exists(), "it was not run");
}

#[tokio::test]
async fn a_missing_or_not_executable_program_is_a_configuration_error() {
    for path in ["/nowhere/x", "/etc/passwd"] {
        let error = program(&[path], Duration::from_secs(1))
            .run()
            .await
            .unwrap_err();
        assert!(
            matches!(error, SourceError::Configuration { .. }),
            "{error:?}"
        );
    }
}
