//! The shim behind wrappers, as real processes: every run of a client counts for one session.

use std::path::Path;

use tokio::process::Command;

use crate::support::{KEY, TestEnv, process::binary, program_file, test_env::set_mode};

/// Wrappers, each a file in the home directory. `SHIM` stands for the shim's path.
const SCRIPTS: [(&str, &str); 4] = [
    ("shell", "#!/bin/sh\nSHIM\nexit $?\n"),
    (
        "python",
        "#!/usr/bin/env python3\nimport subprocess, sys\nsys.exit(subprocess.call(['SHIM']))\n",
    ),
    (
        "imports",
        "#!/usr/bin/env python3\n\
         import asyncio, json, ssl, subprocess, urllib.request\n\
         print(subprocess.check_output(['sh', '-c', 'SHIM; exit $?'], text=True), end='')\n",
    ),
    ("perl", "#!/usr/bin/env perl\nexit(system('SHIM') >> 8);\n"),
];

/// What a client runs, by `/bin/sh -c`. `compiled` is a program with a name that says nothing.
const HELPERS: [&str; 12] = [
    "exec SHIM",
    "SHIM",
    "exec ./shell",
    "./shell; exit $?",
    "exec ./python",
    "./imports",
    "./perl",
    "exec env A=1 ./shell",
    "timeout 20 SHIM",
    "nice timeout 20 ./python | cat",
    "exec ./compiled 20 SHIM",
    "./compiled 20 env A=1 ./python; exit $?",
];

#[tokio::test]
async fn every_run_of_a_client_counts_for_one_session() {
    let env = TestEnv::with_fixed_key();
    env.set_variable("CLAVIGER_LOG", "debug");
    let shim = binary("claviger-helper").display().to_string();
    for (name, script) in SCRIPTS {
        let path = env.path("home").join(name);
        program_file::write(&path, &script.replace("SHIM", &shim));
        set_mode(&path, 0o700);
    }
    program_file::copy(Path::new("/usr/bin/timeout"), &env.path("home/compiled"));

    for helper in HELPERS {
        for _ in 0..2 {
            let before = served(&env).len();
            // The client is this process.
            let output = client_runs(&env, &helper.replace("SHIM", &shim)).await;
            assert_eq!(output, format!("{KEY}\n"), "{helper}");
            let clients = served(&env).split_off(before);
            assert_eq!(clients, [std::process::id()], "{helper}");
        }
    }
}

/// Runs a command in the home directory as a client does; returns its stdout.
async fn client_runs(env: &TestEnv, command: &str) -> String {
    let shim = env.command("claviger-helper", &[]);
    let variables = shim.as_std().get_envs();
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(env.path("home"))
        .env_clear()
        .envs(variables.filter_map(|(name, value)| Some((name, value?))))
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    env.record_output(command, &stderr);
    assert!(output.status.success(), "{command}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The client of each answer with a key, in the daemon's log.
fn served(env: &TestEnv) -> Vec<u32> {
    let log = env.log();
    log.lines()
        .filter(|line| line.contains("served a key"))
        .map(|line| {
            let (_, client) = line.split_once(" client=").unwrap();
            client.split(' ').next().unwrap().parse().unwrap()
        })
        .collect()
}
