//! The helper is the shim in a wrapper of the company's: the same figures as for the shim alone.

use std::time::Duration;

use claviger::{
    clock::{Clock as _, SystemClock},
    demo::gateway::LoggedRequest,
};

use super::{Deployment, FIRST, MACHINE_LOCK, MODELS};
use crate::support::{
    answers::{fingerprint, secret},
    process::binary,
    program_file,
    test_env::set_mode,
};

/// A script that is run by its path; the shell does not replace itself by its last command.
const SHELL: &str = "#!/bin/sh\nSHIM\nexit $?\n";

/// A script in another language.
const PYTHON: &str =
    "#!/usr/bin/env python3\nimport subprocess, sys\nsys.exit(subprocess.call(['SHIM']))\n";

/// How soon the client must report a rejected key: its retries after a failing helper take 2.6 s.
const REPORT_LIMIT: Duration = Duration::from_secs(5);

/// Makes a program of `script` and the client's helper of that program.
fn wrap(deployment: &mut Deployment, script: &str) {
    let path = deployment.env.path("home/corp-key");
    let shim = binary("claviger-helper").display().to_string();
    program_file::write(&path, &script.replace("SHIM", &shim));
    set_mode(&path, 0o700);
    deployment.client.set_helper(path.to_str().unwrap());
}

#[tokio::test]
async fn rotation_without_overlap_costs_one_401() {
    let _shared = MACHINE_LOCK.read().await;
    for script in [SHELL, PYTHON] {
        let mut deployment = Deployment::new("off", &[]).await;
        wrap(&mut deployment, script);
        let session = deployment.start_session().await;
        let counts = deployment.assert_one_401(session, Duration::ZERO).await;
        assert_eq!((counts.reads, counts.revalidations), (1, 0), "{counts}");
    }
}

#[tokio::test]
async fn a_rejected_key_is_reported_at_once() {
    // The client's time is measured.
    let _exclusive = MACHINE_LOCK.write().await;
    for script in [SHELL, PYTHON] {
        let mut deployment = Deployment::new("off", &[]).await;
        wrap(&mut deployment, script);
        let mut session = deployment.start_session().await;

        deployment.gateway.revoke(&secret(FIRST));
        let turn = session.turn("with a rejected key").await;
        let ended = SystemClock.now().wall;
        // The helper fails from the first probe on.
        let mut requests = deployment.gateway.requests().into_iter();
        let key = Some(secret(FIRST).fingerprint());
        let is_rejecting = |request: &LoggedRequest| {
            request.path == MODELS && request.status == Some(401) && request.fingerprint == key
        };
        let probe = requests.find(is_rejecting).unwrap();
        let took = ended.duration_since(probe.at).unsigned_abs();
        println!(
            "a rejected key, behind a wrapper: reported {took:?} after the probe: {}",
            turn.text
        );
        assert!(turn.is_error, "{turn:?}");
        let (_, stderr) = session.end().await;
        deployment.record_transcript();
        let message = format!(
            "apiKeyHelper failed: exited 4: claviger: the gateway has rejected the key {} since ",
            fingerprint(FIRST)
        );
        assert!(stderr.contains(&message), "{stderr}");
        assert!(took < REPORT_LIMIT, "{took:?}");
    }
}
