//! Directories and environments of another user.

use std::{fs, os::unix::fs::chown};

use super::{FOREIGN, OWN, RUN, SOCKET, STATE, machine, stop};
use crate::support::namespace::{Namespace, User};

/// The names of all that is below `path`.
fn below(machine: &Namespace, path: &str) -> Vec<String> {
    let entries = fs::read_dir(machine.outside(path)).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// ana's variables name a directory of ben's, one that he can write, or one below such. Result: the
/// variable and the reason, nothing made there; a clean client is served.
#[test]
fn a_directory_of_another_user_is_refused() {
    let machine = machine();
    machine.directory("/home/ana/own", User::Ana, 0o700);
    let places: [(&str, User, u32, &[&str]); 4] = [
        ("/tmp/bens", User::Ben, 0o755, &["uid 4243"]),
        ("/tmp/open", User::Ana, 0o777, &["others"]),
        ("/tmp/group", User::Ana, 0o770, &["others"]),
        ("/home/open", User::Root, 0o777, &["/home/open"]),
    ];
    for (place, owner, mode, reason) in places {
        machine.directory(place, owner, mode);
        if mode == 0o770 {
            // The group of ben; her own, of which she is the only member, would be accepted.
            chown(machine.outside(place), None, Some(User::Ben.uid())).unwrap();
        }
        // Below it, a directory that is hers.
        let inner = format!("{place}/hers");
        machine.directory(&inner, User::Ana, 0o700);
        for (name, is_file) in [
            ("CLAVIGER_SOCKET", true),
            ("CLAVIGER_STATE_DIR", false),
            ("CLAVIGER_CONFIG", true),
            ("XDG_CONFIG_HOME", false),
            ("XDG_STATE_HOME", false),
        ] {
            for directory in [place, &*inner] {
                let path = match is_file {
                    true => format!("{directory}/x"),
                    false => directory.to_owned(),
                };
                // Places count only for a daemon on an unusual socket.
                let mut variables = vec![("HOME", "/home/ana")];
                if name != "CLAVIGER_SOCKET" {
                    variables.push(("CLAVIGER_SOCKET", "/home/ana/own/agent.sock"));
                }
                variables.push((name, &path));
                let output = machine.helper(User::Ana, &variables);
                assert_eq!(output.code, Some(7), "{variables:?}: {output:?}");
                output.failed(7, &[&[name], reason].concat());
            }
        }
        assert_eq!(below(&machine, place), ["hers"]);
        // The lock of a shim's start is in the directory that it has judged: hers alone.
        let mut inner = below(&machine, &inner);
        inner.retain(|name| name != "x.start");
        assert_eq!(inner, [""; 0]);
    }
    machine.helper(User::Ana, &[]).printed(OWN);
}

/// `su ana` without `-` in ben's shell, also with directories of his that are open to her. Result:
/// her own places, configuration and key; nothing made in his.
#[test]
fn another_users_environment_leads_to_the_users_own_places() {
    for mode in [0o700, 0o755, 0o777] {
        let machine = machine();
        machine.directory("/run/user/4243", User::Ben, mode);
        machine.directory("/home/ben", User::Ben, mode);
        let environment = [
            ("HOME", "/home/ben"),
            ("USER", "ben"),
            ("LOGNAME", "ben"),
            ("XDG_RUNTIME_DIR", "/run/user/4243"),
            ("XDG_CONFIG_HOME", "/home/ben/.config"),
            ("XDG_STATE_HOME", "/home/ben/.local/state"),
        ];
        machine.helper(User::Ana, &environment).printed(OWN);
        machine.helper(User::Ana, &[]).printed(OWN);
        assert!(machine.outside(SOCKET).exists());
        assert!(machine.outside(STATE).exists());
        assert_eq!(below(&machine, "/run/user/4243"), [""; 0]);
        assert_eq!(below(&machine, "/home/ben"), [".config"]);
        stop(&machine, &environment);
    }
}

/// `sudo -E` in ana's shell. Result: every command is refused before it makes anything, with and
/// without her daemon, and she is served afterwards.
#[test]
fn root_in_the_users_environment_locks_no_user_out() {
    let machine = machine();
    let environment = [("HOME", "/home/ana"), ("XDG_RUNTIME_DIR", RUN)];
    let attack = || {
        machine
            .helper(User::Root, &environment)
            .failed(7, &["root"]);
        for args in [
            &["status"][..],
            &["daemon"],
            &["stop"],
            &["refresh"],
            &["logout", "--all"],
        ] {
            let output = machine.run(User::Root, "claviger", args, &environment);
            output.failed(7, &["root in the environment of another user"]);
        }
    };
    attack();
    assert_eq!(below(&machine, RUN), [""; 0]);
    assert_eq!(below(&machine, "/home/ana"), [".config"]);
    machine.helper(User::Ana, &environment).printed(OWN);
    attack();
    machine.helper(User::Ana, &environment).printed(OWN);
    stop(&machine, &environment);
    machine.helper(User::Ana, &environment).printed(OWN);
}

/// The log in ana's state directory is a link to a file of hers, a second name of one, or ben's.
/// Result: the file does not change, she is served, and the status says that there is no log.
#[test]
fn a_log_that_is_a_link_is_not_written() {
    const RC: &str = "/home/ana/.bashrc";
    for kind in ["link", "hard link", "ben's"] {
        let machine = machine();
        machine.write(RC, User::Ana, "# hers\n");
        machine.write(&format!("{STATE}/x"), User::Ana, "");
        let log = format!("{STATE}/daemon.log");
        match kind {
            "link" => machine.link(RC, &log, User::Ben),
            "hard link" => fs::hard_link(machine.outside(RC), machine.outside(&log)).unwrap(),
            _ => machine.write(&log, User::Ben, "# hers\n"),
        }
        machine.helper(User::Ana, &[]).printed(OWN);
        for file in [RC, &log] {
            let file = machine.outside(file);
            // Outside, the link leads elsewhere.
            if !file.is_symlink() {
                let text = fs::read_to_string(&file).unwrap();
                assert_eq!(text, "# hers\n", "{kind}: {}", file.display());
            }
        }
        let status = machine.run(User::Ana, "claviger", &["status"], &[]);
        assert!(status.stdout.contains("log"), "{kind}: {status:?}");
        stop(&machine, &[]);
    }
}

/// ben runs the demo beside ana's daemon. Result: it succeeds, and her daemon and key stay.
#[test]
fn another_users_demo_is_another_machine() {
    let machine = machine();
    machine.helper(User::Ana, &[]).printed(OWN);
    let environment = [("HOME", "/home/ben"), ("PATH", "/usr/bin:/bin")];
    let demo = machine.run(User::Ben, "claviger", &["demo"], &environment);
    assert_eq!(demo.code, Some(0), "{demo:?}");
    for output in [&demo.stdout, &demo.stderr] {
        assert!(!output.contains(OWN) && !output.contains(FOREIGN));
    }
    machine.helper(User::Ana, &[]).printed(OWN);
    machine.helper(User::Ben, &environment).printed(FOREIGN);
}
