//! Two hundred sessions that start at once on a machine with no daemon.

use std::{os::unix::fs::symlink, path::Path, process::Command, time::Duration};

use crate::{
    fixture::{BenchFixture, KEY, env, plain, shim, variables},
    measure::{Ms, ratio},
    support::{TestEnv, Upstream, poll::timed, test_env::Output, upstream::Answer},
};

const CROWD: usize = 200;

/// What a Vault that is away may be bothered with.
const MOST_CONNECTIONS: usize = 2;

pub(crate) async fn run() {
    let fixture = BenchFixture::new().await;
    let file = fixture.env.file("line", &format!("{KEY}\n"));
    let mut cat = plain(Path::new("/bin/cat"));
    cat.arg(file);
    // The first crowd of all finds a machine that has not had so many processes yet.
    crowd(&fixture.env, &cat).await;
    let (outputs, cats) = timed(crowd(&fixture.env, &cat)).await;
    for output in outputs {
        output.printed(KEY);
    }

    let (outputs, served) = timed(crowd(&fixture.env, &shim(&fixture.env))).await;
    for output in outputs {
        output.printed(KEY);
    }
    assert_eq!(fixture.asked(), (1, 1), "logins and reads");
    assert_eq!(daemons(&fixture.env), 1, "daemons");

    let away = Upstream::start(Answer::Close).await;
    let env = env(&away.url(), "role", "no-secret-id");
    let (outputs, refused) = timed(crowd(&env, &shim(&env))).await;
    for output in outputs {
        output.failed(5, &[&away.host()]);
    }
    let connections = away.connections();
    assert!(
        connections <= MOST_CONNECTIONS,
        "{connections} connections to a Vault that is away"
    );
    assert_eq!(daemons(&env), 1, "daemons");

    println!("\n{CROWD} sessions at once, no daemon     all of them    ÷ cat's");
    let row = |name, took: Duration, remark: &str| {
        let ratio = ratio(took, cats);
        println!("  {name:28} {:>15} {ratio:>10.2}   {remark}", Ms(took));
    };
    let remark = format!("{CROWD} equal keys; 1 daemon, 1 login, 1 read");
    row("claviger-helper", served, &remark);
    let remark = format!("{CROWD} times code 5; 1 daemon, connections to Vault: {connections}");
    row("the same, Vault away", refused, &remark);
    row("cat FILE", cats, "");
}

/// Runs a program in many sessions at once. The daemon tells sessions by the nearest process that is no shell, so each
/// has one: a shell by another name.
async fn crowd(env: &TestEnv, program: &Command) -> Vec<Output> {
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

/// How many ever came to listen on this machine.
fn daemons(env: &TestEnv) -> usize {
    env.log().matches("listening").count()
}
