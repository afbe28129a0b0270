//! The socket, attacked from its place, from outside, and with Claviger's own commands.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use claviger_wire::{Acquire, Request};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::Value;

use super::{FOREIGN, OWN, RUN, SOCKET, Squatter, machine};
use crate::support::{
    namespace::{Namespace, User},
    poll::until_blocking,
};

/// ben listens in the place of ana's socket. Result: her shim refuses the place by name, sends
/// nothing, and serves again when the place is free.
#[test]
fn a_socket_of_another_user_receives_no_byte() {
    // A directory of ben's; a directory of hers that he can write, with his socket in it.
    for (owner, mode) in [(User::Ben, 0o755), (User::Ana, 0o777), (User::Ana, 0o1777)] {
        let machine = machine();
        let directory = machine.outside("/run/user/4242/claviger");
        machine.directory(RUN, User::Ana, 0o755);
        machine.directory("/run/user/4242/claviger", owner, mode);
        let squatter = Squatter::start(&machine, SOCKET);
        for _ in 0..3 {
            let refused = machine.helper(User::Ana, &[]);
            refused.failed(7, &["/run/user/4242/claviger"]);
        }
        squatter.assert_no_byte(&machine);
        fs::remove_dir_all(directory).unwrap();
        machine.directory(RUN, User::Ana, 0o700);
        machine.helper(User::Ana, &[]).printed(OWN);
        squatter.assert_no_byte(&machine);
    }
}

/// ben's socket in a directory that is hers alone, as if he had made it while it was open. Result:
/// the shim sees the owner of the listening process, and sends nothing.
#[test]
fn a_foreign_socket_in_the_users_own_directory_receives_no_byte() {
    let machine = machine();
    let directory = "/run/user/4242/claviger";
    machine.directory(RUN, User::Ana, 0o755);
    machine.directory(directory, User::Ana, 0o777);
    let squatter = Squatter::start(&machine, SOCKET);
    machine.directory(directory, User::Ana, 0o700);
    machine.directory(RUN, User::Ana, 0o700);
    let refused = machine.helper(User::Ana, &[]);
    refused.failed(7, &["a process of another user listens on"]);
    squatter.assert_no_byte(&machine);
    // The listener would have noticed a byte.
    assert_eq!(speak(&machine, User::Ana, "00"), "connected\n\n");
    assert!(squatter.events(&machine).contains(&"byte".to_owned()));
}

/// The directory of ana's socket and one of ben's change places all the time while shims start.
/// Result: each shim prints her key or fails with 7 or 8; ben's listener gets no byte.
#[test]
fn a_swapped_directory_gets_no_byte_out_of_a_shim() {
    let machine = machine();
    machine.helper(User::Ana, &[]).printed(OWN);
    machine.directory(RUN, User::Ana, 0o755);
    machine.directory("/run/user/4242/bens", User::Ben, 0o755);
    let squatter = Squatter::start(&machine, "/run/user/4242/bens/agent.sock");
    let (hers, bens) = (
        machine.outside("/run/user/4242/claviger"),
        machine.outside("/run/user/4242/bens"),
    );
    let is_over = AtomicBool::new(false);
    let mut printed = 0;
    let mut refused = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, &hers, CWD, &bens, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let is_enough = until_blocking(Duration::from_secs(60), || {
            let output = machine.helper(User::Ana, &[("CLAVIGER_TIMEOUT_MS", "2000")]);
            match output.code {
                Some(0) => {
                    output.printed(OWN);
                    printed += 1;
                }
                Some(7 | 8) => {
                    assert_eq!(output.stdout, "");
                    refused += 1;
                }
                _ => panic!("{output:?}"),
            }
            printed + refused >= 150 && printed.min(refused) > 0
        });
        is_over.store(true, Ordering::Relaxed);
        assert!(is_enough, "{printed} printed, {refused} refused");
    });
    squatter.assert_no_byte(&machine);
}

/// Sends bytes, given in hexadecimal digits, and prints what comes back.
const SPEAKER: &str = r#"
use IO::Socket::UNIX;
$SIG{PIPE} = "IGNORE";
my ($path, $hex) = @ARGV;
my $stream = IO::Socket::UNIX->new(Peer => $path) or (print("refused\n"), exit);
syswrite($stream, pack("H*", $hex));
my $answer = "";
1 while sysread($stream, $answer, 65536, length $answer);
print "connected\n$answer\n";"#;

/// What a program of `user` receives from the socket for these bytes.
fn speak(machine: &Namespace, user: User, hex: &str) -> String {
    let args = ["-e", SPEAKER, SOCKET, hex];
    let mut command = machine.command(user, "/usr/bin/perl", &args);
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// ana has opened her socket to all, and ben speaks the protocol. Result: a denial, no key.
#[test]
fn another_user_gets_no_answer_from_the_daemon() {
    let machine = machine();
    machine.helper(User::Ana, &[]).printed(OWN);
    let acquire = Request::Acquire(Acquire {
        deadline_ms: 5_000,
        ..Acquire::default()
    });
    let status = Request::Status { profile: None };
    let requests = [acquire, status, Request::Stop];
    let speak = |request: &Request| {
        let bytes = request.encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        speak(&machine, User::Ben, &hex)
    };
    for request in &requests {
        assert_eq!(speak(request), "refused\n");
    }
    machine.directory(RUN, User::Ana, 0o755);
    machine.directory("/run/user/4242/claviger", User::Ana, 0o755);
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(machine.outside(SOCKET), open).unwrap();
    for request in &requests {
        let answer = speak(request);
        assert!(answer.starts_with("connected\n"), "{answer}");
        for secret in [OWN, "default", "\"pid\""] {
            assert!(!answer.contains(secret), "{request:?}: {answer}");
        }
    }
    machine.directory(RUN, User::Ana, 0o700);
    machine.directory("/run/user/4242/claviger", User::Ana, 0o700);
    machine.helper(User::Ana, &[]).printed(OWN);
}

fn pid_of_daemon(machine: &Namespace, user: User) -> Value {
    let status = machine.run(user, "claviger", &["status", "--json"], &[]);
    let status: Value = serde_json::from_str(status.succeeded()).unwrap();
    status["daemon"]["pid"].clone()
}

/// ben runs every command, also with ana's socket in `CLAVIGER_SOCKET`. Result: they fail or reach
/// his own daemon; hers goes on, with its key.
#[test]
fn another_users_commands_do_not_reach_the_daemon() {
    let machine = machine();
    machine.helper(User::Ana, &[]).printed(OWN);
    let pid = pid_of_daemon(&machine, User::Ana);
    let own = [("HOME", "/home/ben")];
    machine.helper(User::Ben, &own).printed(FOREIGN);
    assert_ne!(pid_of_daemon(&machine, User::Ben), pid);
    let hers = [("HOME", "/home/ben"), ("CLAVIGER_SOCKET", SOCKET)];
    let aimed = machine.helper(User::Ben, &hers);
    assert!(
        aimed.code != Some(0) && aimed.stdout.is_empty(),
        "{aimed:?}"
    );
    for args in [
        &["status"][..],
        &["refresh"],
        &["logout", "--all"],
        &["stop"],
    ] {
        let aimed = machine.run(User::Ben, "claviger", args, &hers);
        assert_eq!(aimed.stdout, "", "{args:?}");
        assert_ne!(aimed.code, Some(0), "{args:?}: {aimed:?}");
        machine.run(User::Ben, "claviger", args, &own);
    }
    assert_eq!(pid_of_daemon(&machine, User::Ana), pid);
    machine.helper(User::Ana, &[]).printed(OWN);
}

/// Result: ben's `--all-users` is refused and ends nothing; root's ends both daemons.
#[test]
fn root_alone_stops_the_daemons_of_all_users() {
    let machine = machine();
    machine.helper(User::Ana, &[]).printed(OWN);
    machine.helper(User::Ben, &[]).printed(FOREIGN);
    let stop_all = |user| machine.run(user, "claviger", &["stop", "--all-users"], &[]);
    stop_all(User::Ben).failed(7, &["only root"]);
    pid_of_daemon(&machine, User::Ana);
    assert_eq!(
        stop_all(User::Root).succeeded(),
        "user ana (uid 4242): the daemon has ended\n\
         user ben (uid 4243): the daemon has ended\n"
    );
    assert_eq!(
        stop_all(User::Root).succeeded(),
        "no user's daemon is running\n"
    );
}
