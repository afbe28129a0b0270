use super::*;
use crate::client_session::ClientSession;

/// An ancestor of the shim: its name, its executable and its age in milliseconds when the process
/// below it started.
type Ancestor = (&'static str, &'static str, u64);

/// The process id of the shim. Each of its ancestors has the id of its child plus one.
const SHIM: u32 = 100;

/// The user's shell, a terminal, and what started it.
const DESKTOP: [Ancestor; 3] = [
    ("zsh", "zsh", 3_600_000),
    ("gnome-terminal", "gnome-terminal-server", 50),
    ("systemd", "systemd", 7_200_000),
];

/// An editor that starts clients without a shell.
const EDITOR: [Ancestor; 2] = [
    ("code", "code", 3_600_000),
    ("systemd", "systemd", 7_200_000),
];

/// The processes of `ancestors`, nearest first, after the shim.
fn table(ancestors: &[Ancestor]) -> Vec<Process> {
    let shim = ("claviger-helper", "claviger-helper", 0);
    let mut started = 1_000_000_000_000;
    (SHIM..)
        .zip([&[shim], ancestors].concat())
        .map(|(pid, (name, executable, age))| {
            started -= age * 1000;
            Process {
                pid,
                parent: pid + 1,
                name: name.to_owned(),
                executable: Some(executable.into()),
                started,
            }
        })
        .collect()
}

fn chain(processes: &[Process]) -> Option<Vec<Process>> {
    to_client(SHIM, |pid| {
        processes.iter().find(|process| process.pid == pid).cloned()
    })
}

fn find(processes: &[Process]) -> Option<ClientSession> {
    chain(processes)?.last().map(Process::session)
}

/// The name of the client that is found among these ancestors.
fn client(ancestors: &[Ancestor]) -> Option<String> {
    let processes = table(ancestors);
    let found = find(&processes)?;
    processes
        .into_iter()
        .find(|process| process.session() == found)
        .map(|process| process.name)
}

/// Asserts that the client `name` with the executable `executable` is found behind `wrappers`, both
/// in its first run of the helper after `first` milliseconds and in a later one.
#[track_caller]
fn assert_found(wrappers: &[Ancestor], (name, executable, first): Ancestor) {
    for age in [first, 600_000] {
        for origin in [&DESKTOP[..], &EDITOR] {
            let ancestors = [wrappers, &[(name, executable, age)], origin].concat();
            assert_eq!(client(&ancestors).as_deref(), Some(name), "{ancestors:?}");
        }
    }
}

const CLAUDE: Ancestor = ("claude", "claude", 300);

#[test]
fn a_client_runs_the_shim_itself_or_by_a_shell() {
    assert_found(&[], CLAUDE);
    assert_found(&[("sh", "dash", 0)], CLAUDE);
    assert_found(&[("cmd.exe", "cmd.exe", 20)], CLAUDE);
}

#[test]
fn wrappers_in_any_language_are_skipped() {
    for wrapper in [
        ("corp-key", "dash", 10),
        ("corp-key", "bash", 3000),
        ("corp-key.py", "python3.12", 250),
        ("python3", "python3.12", 1400),
        ("corp-key", "perl", 20),
        ("corp-key", "ruby3.2", 200),
        ("node", "node", 180),
        ("java", "java", 900),
        // Compiled.
        ("corp-key", "corp-key", 10),
        ("corp-key", "corp-key", 150),
        // Of another user, or otherwise hidden.
        ("python3", "", 250),
        ("env", "env", 10),
        ("timeout", "timeout", 10),
        ("timeout", "coreutils", 10),
        ("sudo", "sudo", 9000),
    ] {
        assert_found(&[wrapper], CLAUDE);
        assert_found(&[wrapper, ("sh", "dash", 0)], CLAUDE);
        assert_found(&[("sh", "dash", 0), wrapper, ("sh", "dash", 0)], CLAUDE);
        assert_found(&[wrapper, wrapper], CLAUDE);
    }
}

#[test]
fn a_long_chain_of_wrappers_is_skipped() {
    let chain = [
        ("corp-key", "dash", 0),
        ("env", "env", 10),
        ("python3", "python3.12", 300),
        ("sh", "dash", 0),
        ("timeout", "timeout", 10),
        ("corp-key", "corp-key", 20),
        ("uv", "uv", 700),
        ("env", "env", 0),
        ("sh", "dash", 0),
    ];
    assert_found(&chain, CLAUDE);
    assert_found(&chain, ("node", "claude", 800));
}

#[test]
fn a_known_client_is_never_skipped() {
    for name in ["claude", "claviger", "codex", "copilot", "pi", "hermes"] {
        assert_found(&[("sh", "dash", 0)], (name, name, 0));
        assert_found(&[("sh", "dash", 0)], (name, "node", 0));
        assert_found(&[("python3", "python3.12", 200)], (name, "node", 400));
    }
}

#[test]
fn an_unknown_client_is_found_at_once_unless_it_looks_like_a_wrapper() {
    assert_found(&[("sh", "dash", 0)], ("agent", "agent", 210));
    assert_found(&[("sh", "dash", 0)], ("MainThread", "node", 2010));
    assert_found(
        &[("corp-key", "python3", 300)],
        ("agent.py", "python3", 3000),
    );
}

/// A client that looks like a wrapper in its first run.
const YOUNG: Ancestor = ("MainThread", "node", 400);

#[test]
fn a_young_client_of_the_users_shell_is_found_at_once() {
    for wrappers in [
        &[][..],
        &[("sh", "dash", 0)],
        &[("python3", "python3.12", 200), ("sh", "dash", 0)],
    ] {
        let ancestors = [wrappers, &[YOUNG], &DESKTOP].concat();
        assert_eq!(client(&ancestors).as_deref(), Some("MainThread"));
    }
}

#[test]
fn a_young_client_without_an_ancestor_is_found_at_once() {
    for wrappers in [&[][..], &[("corp-key", "python3.12", 200)]] {
        let ancestors = [wrappers, &[YOUNG]].concat();
        assert_eq!(client(&ancestors).as_deref(), Some("MainThread"));
        // Its shell is the first process of a container.
        let ancestors = [wrappers, &[YOUNG, ("sh", "dash", 10)]].concat();
        assert_eq!(client(&ancestors).as_deref(), Some("MainThread"));
    }
}

#[test]
fn a_young_client_of_an_editor_is_found_in_its_second_run() {
    let run = |age| client(&[&[("MainThread", "node", age)], &EDITOR[..]].concat());
    assert_eq!(run(400).as_deref(), Some("code"));
    assert_eq!(run(2500).as_deref(), Some("MainThread"));
}

#[test]
fn a_shell_is_not_a_client() {
    // In a loop of the user's.
    let loops = [("bash", "bash", 30_000), ("tmux: server", "tmux", 900_000)];
    assert_eq!(client(&loops).as_deref(), Some("tmux: server"));
    assert_eq!(client(&DESKTOP).as_deref(), Some("gnome-terminal"));
    assert_eq!(client(&[("bash", "bash", 10); 3]), None);
    assert_eq!(client(&[("bash", "bash", 10); MAX_DEPTH + 1]), None);
    assert_eq!(client(&[]), None);
}

#[test]
fn what_is_older_than_a_run_of_the_helper_is_not_a_wrapper() {
    // It started its child, which runs the shim now and then, as fast as a wrapper would.
    let service = [("sh", "dash", 20_000), ("agent", "python3.12", 300)];
    assert_eq!(client(&service).as_deref(), Some("agent"));
    // A slow wrapper, in a shell that is as old.
    let slow = [
        ("python3", "python3.12", 1500),
        ("sh", "dash", 8000),
        CLAUDE,
    ];
    assert_eq!(client(&slow).as_deref(), Some("claude"));
}

#[test]
fn the_walk_is_bounded() {
    let mut ancestors = vec![("sh", "dash", 0); MAX_DEPTH];
    ancestors.push(CLAUDE);
    assert_eq!(client(&ancestors), None);
}

#[test]
fn a_reused_process_id_is_not_the_parent() {
    for ancestors in [&[CLAUDE][..], &[("sh", "dash", 10), CLAUDE]] {
        let mut processes = table(ancestors);
        processes.last_mut().unwrap().started += 1_000_000;
        assert_eq!(find(&processes), None);
    }
    // The wrapper's parent has ended.
    let mut processes = table(&[("corp-key", "python3", 300), CLAUDE]);
    processes.last_mut().unwrap().started += 1_000_000;
    assert_eq!(find(&processes), Some(processes[1].session()));
}

#[test]
fn two_clients_of_one_parent_are_two_sessions() {
    let sessions = [300, 900].map(|age| {
        let ancestors = [&[("claude", "claude", age)], &EDITOR[..]].concat();
        find(&table(&ancestors))
    });
    assert!(sessions.iter().all(Option::is_some));
    assert_ne!(sessions[0], sessions[1]);
}

#[test]
fn a_process_that_cannot_be_looked_up_has_no_client() {
    assert_eq!(to_client(SHIM, |_| None), None);
}

#[test]
fn the_chain_is_all_that_is_between_the_shim_and_the_client() {
    let wrappers = [("sh", "dash", 0), ("corp-key", "corp-key", 10)];
    for (ancestors, expected) in [
        ([&wrappers[..], &[CLAUDE], &DESKTOP].concat(), 3),
        // The last one that was skipped is the client.
        ([&wrappers[..], &DESKTOP].concat(), 2),
        ([&[CLAUDE], &DESKTOP[..]].concat(), 1),
    ] {
        let processes = table(&ancestors);
        let expected = Some(processes[1..=expected].to_vec());
        assert_eq!(chain(&processes), expected, "{ancestors:?}");
    }
}
