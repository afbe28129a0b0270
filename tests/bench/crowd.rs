//! Two hundred sessions that start at once on a machine without a daemon.

use std::{os::unix::fs::symlink, path::Path, process::Command, time::Duration};

use crate::{
    fixture::{BenchFixture, KEY, env, plain, shim, variables},
    measure::{Ms, ratio},
    support::{TestEnv, Upstream, poll::timed, test_env::ProgramOutput, upstream::UpstreamReply},
};

const CROWD: usize = 200;

/// How many connections the daemon may open to a Vault that is down.
const MAX_CONNECTIONS: usize = 2;

pub(crate) async fn run() {
    let fixture = BenchFixture::new().await;
    let file = fixture.env.write_file("line", &format!("{KEY}\n"));
    let mut cat = plain(Path::new("/bin/cat"));
    cat.arg(file);
    // A first run, not measured, warms up the machine.
    crowd(&fixture.env, &cat).await;
    let (outputs, cats) = timed(crowd(&fixture.env, &cat)).await;
    for output in outputs {
        output.printed(KEY);
    }

    let (outputs, served) = timed(crowd(&fixture.env, &shim(&fixture.env))).await;
    for output in outputs {
        output.printed(KEY);
    }
    assert_eq!(fixture.logins_and_reads(), (1, 1), "logins and reads");
    assert_eq!(daemons(&fixture.env), 1, "daemons");

    let down = Upstream::start(UpstreamReply::Close).await;
    let env = env(&down.url(), "role", "no-secret-id");
    let (outputs, refused) = timed(crowd(&env, &shim(&env))).await;
    for output in outputs {
        output.failed(5, &[&down.host()]);
    }
    let connections = down.connections();
    assert!(
        connections <= MAX_CONNECTIONS,
        "{connections} connections to a Vault that is down"
    );
    assert_eq!(daemons(&env), 1, "daemons");

    println!("\n{CROWD} sessions at once, no daemon     all of them    ÷ cat's");
    let row = |name, took: Duration, remark: &str| {
        let ratio = ratio(took, cats);
        println!("  {name:28} {:>15} {ratio:>10.2}   {remark}", Ms(took));
    };
    let remark = format!("{CROWD} equal keys; 1 daemon, 1 login, 1 read");
    row("claviger-helper", served, &remark);
    let remark =
        format!("{CROWD} times exit code 5; 1 daemon, connections to Vault: {connections}");
    row("the same, Vault down", refused, &remark);
    row("cat FILE", cats, "");
}

/// Runs a program in many sessions at once. The daemon identifies a session by the nearest ancestor
/// that is not a shell, so each session has one: a shell with another name.
async fn crowd(env: &TestEnv, program: &Command) -> Vec<ProgramOutput> {
    let client = env.path("client");
    if !client.exists() {
        symlink("/bin/sh", &client).unwrap();
    }
    let session = || {
        let mut session = plain(&client);
        session
            .args(["-c", "\"$@\"; exit $?", "client"])
            .arg(program.get_program())
            .args(program.get_args())
            .envs(variables(program));
        tokio::process::Command::from(session).spawn().unwrap()
    };
    let sessions: Vec<_> = (0..CROWD)
        .map(|_| tokio::spawn(session().wait_with_output()))
        .collect();
    let mut outputs = Vec::new();
    for session in sessions {
        outputs.push(session.await.unwrap().unwrap().into());
    }
    outputs
}

/// How many daemons have listened on this machine.
fn daemons(env: &TestEnv) -> usize {
    env.log().matches("listening").count()
}
