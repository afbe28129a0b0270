//! What the repository would like the daemon to read, write and run.

use std::{fs, process::Command};

use super::{CONFIG, FOREIGN, OWN, PROJECT, STATE, Scene, source};
use crate::support::{
    answers::{answer, answers, secret},
    namespace::User,
    poll::{SOON, until},
};

/// Variables that name a configuration of the repository. Result: the daemon of the usual socket
/// runs her source alone.
#[tokio::test]
async fn no_source_of_the_repository_runs_in_the_usual_daemon() {
    let config = format!("{PROJECT}/config.toml");
    for (name, value) in [
        ("CLAVIGER_CONFIG", &*config),
        ("XDG_CONFIG_HOME", PROJECT),
        ("HOME", PROJECT),
    ] {
        let mut scene = Scene::new(&source(OWN)).await;
        assert!(scene.attack(&[(name, value)]).await, "{name}");
        // The helper runs beside the turns.
        until("the second daemon listens", SOON, async || {
            scene.log().matches(" listening ").count() == 2
        })
        .await;
        // Not every version of the client passes the others on; `places` sets them for the shim.
        if name == "CLAVIGER_CONFIG" {
            scene.assert_ignored(name);
        }
        assert!(scene.has_run(OWN) && !scene.has_run(FOREIGN), "{name}");
        assert!(!scene.exists(&format!("{PROJECT}/.local")), "{name}");
        scene.assert_clean_client_is_served().await;
        assert!(!scene.has_run(FOREIGN), "{name}");
    }
}

/// The same with a socket of the repository. Result: a daemon that serves the repository's client
/// alone; a clean client gets her own key from her own daemon.
#[tokio::test]
async fn a_daemon_of_the_repository_serves_no_clean_client() {
    let mut scene = Scene::new(&source(OWN)).await;
    let config = format!("{PROJECT}/config.toml");
    let socket = format!("{PROJECT}/run/agent.sock");
    let state = format!("{PROJECT}/state");
    scene.gateway.set_keys([secret(OWN), secret(FOREIGN)]);
    scene
        .attack(&[
            ("CLAVIGER_SOCKET", &socket),
            ("CLAVIGER_CONFIG", &config),
            ("CLAVIGER_STATE_DIR", &state),
        ])
        .await;
    assert!(scene.exists(&socket), "{}", scene.client.transcript());
    assert_eq!(answers(&scene.gateway).last(), Some(&answer(200, FOREIGN)));
    scene.assert_clean_client_is_served().await;
    assert!(!scene.log().contains(PROJECT), "{}", scene.log());
}

/// A state directory with a committed link `daemon.log` to `~/.bashrc`, and a socket whose path is
/// a command of the shell; also with a managed configuration. Result: `~/.bashrc` does not change.
#[tokio::test]
async fn a_committed_link_is_not_written() {
    const RC: &str = "/home/ana/.bashrc";
    for is_managed in [false, true] {
        let mut scene = Scene::new(&source(OWN)).await;
        if is_managed {
            let text = format!("version = 1\n{}", source(OWN));
            let managed = "/etc/claviger/config.toml";
            scene.machine.write(managed, User::Root, &text);
        }
        scene.machine.write(RC, User::Ana, "# hers\n");
        let state = format!("{PROJECT}/state");
        scene.machine.directory(&state, User::Ana, 0o700);
        let link = format!("{state}/daemon.log");
        scene.machine.link(RC, &link, User::Ana);
        let directory = format!("{PROJECT}/$(touch ~ran)");
        scene.machine.directory(&directory, User::Ana, 0o700);
        let socket = format!("{directory}/a.sock");
        for variables in [
            &[("CLAVIGER_STATE_DIR", &*state)][..],
            &[
                ("CLAVIGER_STATE_DIR", &*state),
                ("CLAVIGER_SOCKET", &*socket),
            ],
        ] {
            scene.attack(variables).await;
            let text = fs::read_to_string(scene.machine.outside(RC)).unwrap();
            assert_eq!(text, "# hers\n", "{variables:?}");
        }
        assert_eq!(scene.exists(&socket), !is_managed);
        scene.assert_clean_client_is_served().await;
        let text = fs::read_to_string(scene.machine.outside(RC)).unwrap();
        assert_eq!(text, "# hers\n");
    }
}

/// Writes the name of each process that loads it to a file.
const LIBRARY: &str = r#"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
extern char *program_invocation_short_name;
__attribute__((constructor)) static void loaded(void) {
    int file = open("/tmp/loaded", O_WRONLY | O_CREAT | O_APPEND, 0666);
    write(file, program_invocation_short_name, strlen(program_invocation_short_name));
    write(file, "\n", 1);
    close(file);
}
"#;

/// A library of the repository, and a directory of programs. Result: the helper loads the library,
/// which the client decides; the daemon and the programs that it starts do not.
#[tokio::test]
async fn no_library_and_no_path_of_the_repository_is_used() {
    let toml = format!(
        "[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/sh\", \"-c\", \"env >/tmp/env; ls / >/dev/null; echo {OWN}\"]\n"
    );
    let mut scene = Scene::new(&toml).await;
    let machine = &scene.machine;
    let file = machine.outside(&format!("{PROJECT}/hostile.c"));
    fs::write(&file, LIBRARY).unwrap();
    let built = Command::new("gcc")
        .args(["-shared", "-fPIC", "-w", "-o"])
        .arg(machine.outside(&format!("{PROJECT}/hostile.so")))
        .arg(&file)
        .status();
    assert!(built.unwrap().success());
    for name in ["sh", "ls", "env"] {
        let program = format!("{PROJECT}/bin/{name}");
        machine.write_program(
            &program,
            User::Ana,
            0o755,
            "#!/bin/sh\n/bin/touch /tmp/ran\n",
        );
    }
    let library = format!("{PROJECT}/hostile.so");
    let path = format!("{PROJECT}/bin:/usr/bin:/bin");
    let attack = [("LD_PRELOAD", &*library), ("PATH", &*path)];
    let is_answered = scene.attack(&attack).await;
    assert!(is_answered, "{}", scene.client.transcript());
    let loaded = fs::read_to_string(scene.machine.outside("/tmp/loaded")).unwrap();
    let loaded: Vec<_> = loaded.lines().collect();
    // What the client runs has it; the test would prove nothing otherwise.
    assert!(loaded.contains(&"claviger-helper"), "{loaded:?}");
    for name in ["claviger", "env", "ls"] {
        assert!(!loaded.contains(&name), "{name}: {loaded:?}");
    }
    assert!(!scene.exists("/tmp/ran"));
    let env = fs::read_to_string(scene.machine.outside("/tmp/env")).unwrap();
    for part in [PROJECT, "LD_", "ANTHROPIC", "CLAUDE"] {
        assert!(!env.contains(part), "{part}: {env}");
    }
    scene.assert_clean_client_is_served().await;
}

/// All of it on a machine with a managed configuration. Result: the company's key from the
/// company's source, and nothing made in the repository.
#[tokio::test]
async fn a_managed_configuration_ignores_all_of_it() {
    // Her own configuration does not count either.
    let mut scene = Scene::new(&source("sk-of-nothing")).await;
    let managed = format!("version = 1\n{}", source(OWN));
    let file = "/etc/claviger/config.toml";
    scene.machine.write(file, User::Root, &managed);
    assert!(scene.exists(CONFIG));
    let config = format!("{PROJECT}/config.toml");
    let socket = format!("{PROJECT}/run/agent.sock");
    let state = format!("{PROJECT}/state");
    let is_answered = scene
        .attack(&[
            ("CLAVIGER_SOCKET", &socket),
            ("CLAVIGER_CONFIG", &config),
            ("CLAVIGER_STATE_DIR", &state),
            ("CLAVIGER_LOG", "debug"),
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            // The client's own requests go straight.
            ("NO_PROXY", "127.0.0.1"),
            ("SSL_CERT_FILE", "/home/ana/project/ca.pem"),
        ])
        .await;
    assert!(is_answered, "{}", scene.client.transcript());
    scene.assert_ignored("CLAVIGER_SOCKET");
    assert!(!scene.exists(&socket) && !scene.exists(&state));
    assert!(scene.has_run(OWN) && !scene.has_run(FOREIGN) && !scene.has_run("sk-of-nothing"));
    assert!(scene.exists(&format!("{STATE}/daemon.log")));
    scene.assert_clean_client_is_served().await;
}
