//! `--all-users`: for root, and for root alone. A mount namespace contains a test's own `/run/user`
//! and user database.

use rustix::process::geteuid;
use serde_json::Value;
use tokio::process::Command;

use crate::support::{
    KEY, TestEnv,
    poll::SOON,
    process::{binary, is_alive, require_root},
    test_env::ProgramOutput,
    until,
};

/// Runs the command line on a machine on which the user of this process is the only one, with the
/// runtime directory of `env`.
async fn claviger(env: &TestEnv, args: &[&str]) -> ProgramOutput {
    let uid = geteuid().as_raw();
    let passwd = env.write_file(
        "passwd",
        &format!("tester:x:{uid}:0::/nonexistent:/bin/sh\n"),
    );
    let script = format!(
        "set -e\nmount -t tmpfs tmpfs /run\nmkdir -p /run/user/{uid}\nmount --bind '{}' /run/user/{uid}\n\
         mount --bind '{passwd}' /etc/passwd\nexec '{}' \"$@\"",
        env.path("run").display(),
        binary("claviger").display(),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, "claviger"]);
    command.args(args);
    let output = ProgramOutput::from(command.output().await.unwrap());
    env.record_output(&format!("the output of {args:?}"), &output.stdout);
    env.record_output(&format!("the stderr of {args:?}"), &output.stderr);
    output
}

#[tokio::test]
async fn root_sees_and_stops_the_daemons_of_all_users() {
    require_root();
    let env = TestEnv::with_fixed_key();
    for (args, expected) in [
        (
            &["status", "--all-users"][..],
            "no user's daemon is running\n",
        ),
        (&["stop", "--all-users"], "no user's daemon is running\n"),
        (
            &["metrics", "--all-users"],
            "# HELP claviger_up Whether a daemon answers\n# TYPE claviger_up gauge\nclaviger_up 0\n\
             # EOF\n",
        ),
    ] {
        assert_eq!(claviger(&env, args).await.succeeded(), expected);
    }
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let status = claviger(&env, &["status", "--all-users"]).await;
    for part in ["user tester (uid 0):\n", "default", "ready"] {
        assert!(status.succeeded().contains(part), "{part}: {status:?}");
    }
    let json = claviger(&env, &["status", "--all-users", "--json"]).await;
    let json: Value = serde_json::from_str(json.succeeded()).unwrap();
    let user = &json["users"][0];
    assert_eq!(user["user"], "tester");
    assert_eq!(user["daemon"]["pid"], pid.as_raw_nonzero().get());
    assert_eq!(user["profiles"][0]["state"], "ready");

    let metrics = claviger(&env, &["metrics", "--all-users"]).await;
    for sample in [
        "claviger_up{user=\"tester\"} 1\n",
        "claviger_requests_total{user=\"tester\",profile=\"default\",client=\"claude-code\",\
         outcome=\"served\"} 1\n",
    ] {
        assert!(
            metrics.succeeded().contains(sample),
            "{sample}: {metrics:?}"
        );
    }

    let stopped = claviger(&env, &["stop", "--all-users"]).await;
    assert_eq!(
        stopped.succeeded(),
        "user tester (uid 0): the daemon has ended\n"
    );
    until("it has ended", SOON, async || !is_alive(pid)).await;
    // A socket that is left behind is not a daemon.
    env.helper().await.printed(KEY);
    env.kill_daemon(rustix::process::Signal::KILL);
    assert!(env.socket().exists());
    let stopped = claviger(&env, &["stop", "--all-users"]).await;
    assert_eq!(stopped.succeeded(), "no user's daemon is running\n");
}

#[tokio::test]
async fn another_user_than_root_is_refused() {
    for command in ["status", "stop", "metrics"] {
        let args = [command, "--all-users"];
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--clear-groups", "--"]);
            command.arg(binary("claviger"));
            command
        } else {
            Command::new(binary("claviger"))
        };
        let output = ProgramOutput::from(command.args(args).output().await.unwrap());
        output.failed(
            7,
            &[
                "--all-users is denied: only root",
                "hint: run the same command as root",
            ],
        );
    }
}
