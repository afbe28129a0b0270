//! Which variables choose a place of the daemon, tried with users and directories of their own.

use std::fs;

use crate::support::{
    KEY, TestEnv,
    namespace::{Namespace, User},
    test_env::set_mode,
};

/// A configuration whose only source prints `key`.
fn config(key: &str) -> String {
    format!(
        "version = 1\n[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/echo\", \"{key}\"]\n"
    )
}

/// The key of the user's own configuration.
const OWN: &str = "sk-of-the-users-own";
/// The key of what a repository would like to be read.
const FOREIGN: &str = "sk-of-the-repository";

const USER_CONFIG: &str = "/home/ana/.config/claviger/config.toml";
const SHARED: &str = "/home/ana/repository/claviger/config.toml";

/// A machine on which ana has a configuration, and a repository with another.
fn machine() -> Namespace {
    let machine = Namespace::new();
    machine.write(USER_CONFIG, User::Ana, &config(OWN));
    machine.write(SHARED, User::Ana, &config(FOREIGN));
    machine
}

/// What a repository's settings can set to have its own configuration read.
const HIJACKS: [(&str, &str); 5] = [
    ("CLAVIGER_CONFIG", SHARED),
    ("XDG_CONFIG_HOME", "/home/ana/repository"),
    ("CLAVIGER_STATE_DIR", "/home/ana/repository/state"),
    ("XDG_STATE_HOME", "/home/ana/repository/state"),
    ("CLAVIGER_LOG", "debug"),
];

#[test]
fn a_client_chooses_nothing_for_the_daemon_of_the_usual_socket() {
    let machine = machine();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    // All at once, and also the home directory: the socket is in the runtime directory.
    let mut hostile = HIJACKS.to_vec();
    hostile.push(("HOME", "/home/ana/repository"));
    machine.helper(User::Ana, &hostile).printed(OWN);
    assert!(!machine.outside("/home/ana/repository/state").exists());
    let log = fs::read_to_string(machine.outside("/home/ana/.local/state/claviger/daemon.log"));
    let log = log.unwrap();
    assert!(log.contains("listening") && log.contains("/run/user/4242/claviger/agent.sock"));
    for name in [
        "CLAVIGER_CONFIG",
        "CLAVIGER_STATE_DIR",
        "XDG_CONFIG_HOME",
        "HOME",
    ] {
        assert!(
            log.contains(&format!(
                "ignored event=\"setting-ignored\" name=\"{name}\""
            )),
            "{name}: {log}"
        );
    }
    // Clean clients are served by the same daemon.
    machine
        .helper(User::Ana, &[("HOME", "/home/ana")])
        .printed(OWN);
    assert!(!machine.outside("/home/ana/repository/.local").exists());
}

#[test]
fn without_a_runtime_directory_the_home_directory_is_the_user_databases() {
    let machine = machine();
    // A shim that does not know the home directory learns the socket from the daemon.
    let socket = |variables: &[(&str, &str)]| {
        machine.helper(User::Ana, variables).printed(OWN);
        let status = machine.run(User::Ana, "claviger", &["status", "--json"], variables);
        let status: serde_json::Value = serde_json::from_str(status.succeeded()).unwrap();
        let daemon = status["daemon"].clone();
        (daemon["socket"].clone(), daemon["pid"].clone())
    };
    let first = socket(&[]);
    let path = first.0.as_str().unwrap();
    assert!(
        path.starts_with("/home/ana/.local/state/claviger/run-"),
        "{path}"
    );
    for home in ["/home/ana", "/nonexistent", "/", "/home/ana/"] {
        assert_eq!(socket(&[("HOME", home)]), first, "{home}");
    }
    let config = ("CLAVIGER_CONFIG", SHARED);
    assert_eq!(socket(&[("HOME", "/home/ana"), config]), first);
}

#[test]
fn a_daemon_elsewhere_is_only_for_clients_with_the_same_environment() {
    let machine = machine();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    machine.directory("/home/ana/repository/run", User::Ana, 0o700);
    let home = ("HOME", "/home/ana");
    let elsewhere = [
        home,
        ("CLAVIGER_SOCKET", "/home/ana/repository/run/agent.sock"),
        ("CLAVIGER_CONFIG", SHARED),
    ];
    machine.helper(User::Ana, &elsewhere).printed(FOREIGN);
    machine.helper(User::Ana, &[home]).printed(OWN);
}

#[test]
fn a_managed_configuration_ignores_every_override() {
    let machine = machine();
    let managed = |more: &str| {
        let text =
            config("sk-of-the-company").replace("version = 1", &format!("version = 1\n{more}"));
        machine.write("/etc/claviger/config.toml", User::Root, &text);
    };
    managed("");
    let mut hostile = HIJACKS.to_vec();
    hostile.push(("HOME", "/home/ana/repository"));
    hostile.push(("CLAVIGER_SOCKET", "/home/ana/repository/run/agent.sock"));
    machine
        .helper(User::Ana, &hostile)
        .printed("sk-of-the-company");
    assert!(!machine.outside("/home/ana/repository/run").exists());
    assert!(!machine.outside("/home/ana/repository/.local").exists());
    let log = fs::read_to_string(machine.outside("/home/ana/.local/state/claviger/daemon.log"));
    assert!(
        log.unwrap()
            .contains("ignored event=\"setting-ignored\" name=\"CLAVIGER_SOCKET\"")
    );

    // A shim that reads the file otherwise than the daemon reaches the daemon's socket.
    let tricky = "version = 1\nprofile.default.source = 's'\nsource.s.type = 'exec'\n\
                  source.s.command = ['/bin/sh', '-c', 'echo sk-of-the-company', '''\n\
                  allow_user_config = true\n''']\n";
    machine.write("/etc/claviger/config.toml", User::Root, tricky);
    machine
        .run(User::Ana, "claviger", &["stop"], &[])
        .succeeded();
    machine
        .helper(User::Ana, &hostile)
        .printed("sk-of-the-company");
    let usual = machine.outside("/home/ana/.local/state/claviger");
    assert!(usual.exists());

    machine
        .run(User::Ana, "claviger", &["stop"], &[])
        .succeeded();
    managed("allow_user_config = true");
    machine.helper(User::Ana, &hostile).printed(FOREIGN);
}

#[test]
fn a_user_without_an_entry_uses_a_home_directory_of_his_own() {
    let machine = Namespace::new();
    machine.directory("/home/some", User::Unknown, 0o700);
    machine.write(
        "/home/some/.config/claviger/config.toml",
        User::Unknown,
        &config(OWN),
    );
    machine
        .helper(User::Unknown, &[("HOME", "/home/some")])
        .printed(OWN);
    machine
        .helper(User::Unknown, &[("HOME", "/home/ana")])
        .failed(2, &["'HOME' is not set"]);
    machine
        .helper(User::Unknown, &[])
        .failed(2, &["'HOME' is not set"]);
}

#[test]
fn root_in_another_users_environment_makes_nothing() {
    let machine = machine();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    for (name, path) in [("HOME", "/home/ana"), ("XDG_RUNTIME_DIR", "/run/user/4242")] {
        let parts = ["root in the environment of another user", name, "uid 4242"];
        machine
            .helper(User::Root, &[(name, path)])
            .failed(7, &parts);
        for args in [
            &["status"][..],
            &["daemon"],
            &["stop"],
            &["config", "check"],
        ] {
            let output = machine.run(User::Root, "claviger", args, &[(name, path)]);
            output.failed(7, &parts);
        }
    }
    assert_eq!(
        fs::read_dir(machine.outside("/run/user/4242"))
            .unwrap()
            .count(),
        0
    );
    assert!(!machine.outside("/home/ana/.local").exists());
}

#[test]
fn a_runtime_directory_of_another_user_does_not_count() {
    let machine = machine();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    machine.directory("/run/user/5151", User::Unknown, 0o777);
    machine
        .helper(User::Ana, &[("XDG_RUNTIME_DIR", "/run/user/5151")])
        .printed(OWN);
    assert_eq!(
        fs::read_dir(machine.outside("/run/user/5151"))
            .unwrap()
            .count(),
        0
    );
    assert!(
        machine
            .outside("/run/user/4242/claviger/agent.sock")
            .exists()
    );
}

#[test]
fn a_link_may_not_lead_out_of_what_is_the_users() {
    let machine = machine();
    machine.directory("/home/some", User::Unknown, 0o755);
    machine.directory("/home/ana/run", User::Ana, 0o700);
    machine.directory("/home/ana/state", User::Ana, 0o700);
    machine.link("/home/some", "/home/ana/out", User::Ana);
    machine.link("/home/ana/state", "/home/ana/in", User::Ana);
    machine.link("/home/ana", "/home/by-root", User::Root);
    machine.link("/home/ana", "/home/by-another", User::Unknown);
    let state = |path| {
        let socket = ("CLAVIGER_SOCKET", "/home/ana/run/agent.sock");
        let variables = [("HOME", "/home/ana"), socket, ("CLAVIGER_STATE_DIR", path)];
        let output = machine.helper(User::Ana, &variables);
        machine.run(User::Ana, "claviger", &["stop"], &variables[..2]);
        output
    };
    for path in ["/home/ana/in/claviger", "/home/by-root/state/claviger"] {
        state(path).printed(OWN);
        assert!(
            machine
                .outside("/home/ana/state/claviger/daemon.log")
                .exists()
        );
    }
    for path in [
        "/home/ana/out/claviger",
        "/home/by-another/state",
        "/home/some",
    ] {
        state(path).failed(
            7,
            &["'CLAVIGER_STATE_DIR' names an unsafe place", "uid 5151"],
        );
    }
}

/// Each variable, with a directory that others can write, at the place or above it.
#[tokio::test]
async fn a_place_that_others_can_write_is_refused_by_name() {
    for name in [
        "CLAVIGER_CONFIG",
        "CLAVIGER_STATE_DIR",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
    ] {
        for below in ["open", "open/below"] {
            let env = TestEnv::with_fixed_key();
            fs::create_dir_all(env.path("open/below")).unwrap();
            set_mode(&env.path("open"), 0o777);
            let place = env.path(below);
            env.set_variable(name, place.to_str().unwrap());
            let output = env.helper().await;
            let open = format!("{}' is writable by others", env.path("open").display());
            output.failed(7, &[name, &open]);
            assert!(env.daemon_pid().is_none());
            env.claviger(&["daemon"]).await.failed(7, &[name, &open]);
        }
    }
    let env = TestEnv::with_fixed_key();
    env.set_variable("CLAVIGER_STATE_DIR", "state");
    env.helper()
        .await
        .failed(2, &["CLAVIGER_STATE_DIR", "absolute path"]);
    env.claviger(&["status"])
        .await
        .failed(2, &["CLAVIGER_STATE_DIR"]);
}

#[tokio::test]
async fn a_user_in_the_foreground_chooses_the_configuration() {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let other = env.write_file("other.toml", &config(KEY));
    let flag = format!("--config={other}");
    let _daemon = env.command("claviger", &["daemon", &flag]).spawn().unwrap();
    crate::support::until("it listens", crate::support::poll::SOON, async || {
        env.daemon_pid().is_some()
    })
    .await;
    env.helper().await.printed(KEY);
}
