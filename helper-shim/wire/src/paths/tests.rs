use super::*;

fn env<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
    move |name| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    }
}

/// A machine with the host name `box`.
fn machine(system: System) -> Machine<'static> {
    Machine {
        system,
        user: "S-1-5-21-7",
        host: &|| "box".to_owned(),
    }
}

fn socket(system: System, variables: &[(&str, &str)]) -> Result<PathBuf, PathError> {
    super::socket(&machine(system), &env(variables))
}

fn socket_of(system: System, variables: &[(&str, &str)]) -> PathBuf {
    socket(system, variables).unwrap()
}

#[cfg(unix)]
#[test]
fn linux_follows_xdg() {
    let home = ("HOME", "/home/ann");
    let paths = |variables: &[(&str, &str)]| {
        let state = state_dir(System::Linux, &env(variables)).unwrap();
        let log = log_file(System::Linux, &env(variables)).unwrap();
        assert_eq!(log, state.join("daemon.log"));
        (socket_of(System::Linux, variables), state)
    };
    let fallback = PathBuf::from("/home/ann/.local/state/claviger");
    let below = fallback.join("run-box/agent.sock");
    let runtime = PathBuf::from("/run/user/7/claviger/agent.sock");
    let elsewhere = (
        PathBuf::from("/s/claviger/run-box/agent.sock"),
        PathBuf::from("/s/claviger"),
    );
    assert_eq!(paths(&[home]), (below.clone(), fallback.clone()));
    assert_eq!(
        paths(&[home, ("XDG_RUNTIME_DIR", "/run/user/7")]),
        (runtime, fallback.clone())
    );
    assert_eq!(paths(&[home, ("XDG_STATE_HOME", "/s")]), elsewhere);
    // Empty and relative ones are ignored.
    let ignored = [
        home,
        ("XDG_RUNTIME_DIR", "run"),
        ("XDG_STATE_HOME", ""),
        ("CLAVIGER_STATE_DIR", ""),
    ];
    assert_eq!(paths(&ignored), (below, fallback));
}

#[cfg(unix)]
#[test]
fn overrides_win_and_are_absolute() {
    for system in [System::Linux, System::MacOs] {
        let moved = [
            ("CLAVIGER_SOCKET", "/t/s"),
            ("CLAVIGER_STATE_DIR", "/t/state"),
        ];
        assert_eq!(socket_of(system, &moved), Path::new("/t/s"));
        assert_eq!(
            state_dir(system, &env(&moved)).unwrap(),
            Path::new("/t/state")
        );
        assert_eq!(
            log_file(system, &env(&moved)).unwrap(),
            Path::new("/t/state/daemon.log")
        );
        let relative = [
            ("CLAVIGER_SOCKET", "s"),
            ("CLAVIGER_STATE_DIR", "state"),
            ("HOME", "/h"),
        ];
        let error = socket(system, &relative).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid value of 'CLAVIGER_SOCKET': expected an absolute path"
        );
        assert!(state_dir(system, &env(&relative)).is_err());
        assert!(log_file(system, &env(&relative)).is_err());
    }
}

#[test]
fn macos_has_its_own_directories() {
    let home = [
        ("HOME", "/Users/ann"),
        ("XDG_RUNTIME_DIR", "/run/user/7"),
        ("XDG_STATE_HOME", "/s"),
    ];
    let library = Path::new("/Users/ann/Library");
    assert_eq!(
        socket_of(System::MacOs, &home),
        library.join("Caches/Claviger/agent.sock")
    );
    let state = state_dir(System::MacOs, &env(&home)).unwrap();
    assert_eq!(state, library.join("Application Support/Claviger"));
    assert_eq!(
        log_file(System::MacOs, &env(&home)).unwrap(),
        library.join("Logs/Claviger/daemon.log")
    );
}

#[test]
fn windows_has_a_pipe_named_after_the_user() {
    let local = [("LOCALAPPDATA", r"C:\Users\ann\AppData\Local")];
    assert_eq!(
        socket_of(System::Windows, &local),
        Path::new(r"\\.\pipe\claviger-S-1-5-21-7")
    );
    let state = state_dir(System::Windows, &env(&local)).unwrap();
    assert_eq!(
        state,
        Path::new(r"C:\Users\ann\AppData\Local").join("Claviger")
    );
    assert_eq!(
        log_file(System::Windows, &env(&local)).unwrap(),
        state.join("daemon.log")
    );
    assert_eq!(
        socket_of(System::Windows, &[("CLAVIGER_SOCKET", r"\\.\pipe\x")]),
        Path::new(r"\\.\pipe\x")
    );
    for other in [r"\\.\pipe\", r"C:\x", r"\\server\pipe\x"] {
        assert!(
            socket(System::Windows, &[("CLAVIGER_SOCKET", other)]).is_err(),
            "{other}"
        );
    }
    assert_eq!(
        state_dir(System::Windows, &env(&[])),
        Err(PathError::Unset {
            variable: "LOCALAPPDATA"
        })
    );
}

#[cfg(unix)]
#[test]
fn a_socket_path_fits_a_socket_address() {
    for (system, limit) in [(System::Linux, 107), (System::MacOs, 103)] {
        let path = |len: usize| format!("/{}", "x".repeat(len - 1));
        assert!(socket(system, &[("CLAVIGER_SOCKET", &path(limit))]).is_ok());
        let error = socket(system, &[("CLAVIGER_SOCKET", &path(limit + 1))]).unwrap_err();
        let end = format!("' has {} bytes, more than the limit of {limit}", limit + 1);
        assert!(error.to_string().ends_with(&end), "{error}");
        assert!(error.hint().contains("CLAVIGER_SOCKET"));
    }
}

#[test]
fn without_a_home_the_variable_is_named() {
    let unset = PathError::Unset { variable: "HOME" };
    assert_eq!(state_dir(System::Linux, &env(&[])), Err(unset.clone()));
    let invalid = state_dir(System::Linux, &env(&[("HOME", "home")])).unwrap_err();
    let message = "invalid value of 'HOME': expected an absolute path";
    assert_eq!(invalid.to_string(), message);
    assert_eq!(socket(System::MacOs, &[]), Err(unset));
}

/// The paths for variables that all count.
fn daemon_paths(system: System, variables: &[(&'static str, &str)]) -> DaemonPaths {
    let mut counting = PlaceVariables::default();
    for (name, value) in variables {
        counting.set(name, *value);
    }
    DaemonPaths::new(&machine(system), &counting).unwrap()
}

#[cfg(unix)]
#[test]
fn an_unknown_home_leaves_the_socket_to_the_daemon() {
    let paths = daemon_paths(System::Linux, &[]);
    assert_eq!((paths.socket, paths.lock, paths.log), (None, None, None));
    let run = daemon_paths(System::Linux, &[("XDG_RUNTIME_DIR", "/r")]);
    assert_eq!(run.socket, Some("/r/claviger/agent.sock".into()));
    assert!(run.see_log().contains("daemon.log"));
    let reported = run.reported("/home/ann/agent.sock".into());
    assert_eq!(reported.socket, Some("/home/ann/agent.sock".into()));
}

#[cfg(unix)]
#[test]
fn daemon_paths_are_together() {
    let paths = daemon_paths(System::Linux, &[("HOME", "/h")]);
    let state = Path::new("/h/.local/state/claviger");
    assert_eq!(paths.socket, Some(state.join("run-box/agent.sock")));
    assert_eq!(paths.lock, Some(state.join("run-box/agent.sock.start")));
    assert_eq!(paths.log, Some(state.join("daemon.log")));
    let hint = "see the daemon's log, '/h/.local/state/claviger/daemon.log'";
    assert_eq!(paths.see_log(), hint);
}

/// /tmp, say, is not Claviger's to close to others.
#[cfg(unix)]
#[test]
fn chmod_is_suggested_only_for_the_default_directory() {
    let hint = |variables: &[(&'static str, &str)]| {
        let paths = daemon_paths(System::Linux, variables);
        paths.private_directory_hint(paths.socket.as_ref().unwrap().parent().unwrap())
    };
    let default = [("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/7")];
    assert_eq!(hint(&default), "run chmod 700 '/run/user/7/claviger'");
    let overridden = [("HOME", "/h"), ("CLAVIGER_SOCKET", "/tmp/agent.sock")];
    assert!(!hint(&overridden).contains("chmod"));
}

#[test]
fn on_windows_the_lock_is_in_the_state_directory() {
    let paths = daemon_paths(System::Windows, &[("LOCALAPPDATA", r"C:\Local")]);
    let lock = Path::new(r"C:\Local").join("Claviger").join("daemon.start");
    assert_eq!(paths.lock, Some(lock));
}
