//! Processes that are not any more what they were when they connected.

use std::{fs, process::Child};

use claviger_wire::Request;
use rustix::process::{Signal, kill_process};

use super::{CLIENT, OWN, PERL, SOCKET, acquire, copy, hex, log, machine};
use crate::support::{
    namespace::{Namespace, User},
    poll::{SOON, until_blocking},
};

/// Connects, waits until the daemon has accepted the connection if a request is given for that, and
/// ends. A child of it keeps the connection, waits for the file `go`, and sends its request.
const ATTACKER: &str = r#"
my $stream = dial();
# The connection before this one has been accepted when this one is answered.
ask(dial(), $rest[0]) if @rest;
if (fork) { print "$$\n"; exit }
close(STDOUT); close(STDERR);
pause() until -e "/tmp/go";
note("stale", ask($stream, $hex));
"#;

/// Makes an allowed client with a shim that has the id of the third argument. As root, which can
/// choose the id. The shim asks for a key for itself.
const VICTIM: &str = r#"
my ($pid, $client) = @rest;
my $child;
for (1 .. 1000) {
    open(my $last, ">", "/proc/sys/kernel/ns_last_pid") or die "ns_last_pid: $!";
    syswrite($last, $pid - 1);
    close($last);
    defined($child = fork) or die;
    last if $child == 0 && $$ == $pid || $child == $pid;
    exit if $child == 0;
    waitpid($child, 0);
}
POSIX::setgid(4242); POSIX::setuid(4242);
# Executing makes its program visible to processes of the user.
exec($client, "-e", "sleep 600") if $child;
die "another id" if $$ != $pid;
pause() until readlink("/proc/" . getppid() . "/exe") eq $client;
note("ready", "");
note("own", ask(dial(), $hex));
sleep 600;
"#;

/// Starts a script of Perl, which is killed when this is dropped.
struct Script(Child);

impl Script {
    fn start(machine: &Namespace, user: User, program: &str, script: &str, args: &[&str]) -> Self {
        let script = format!("{PERL}{script}");
        let request = acquire();
        let args = [&["-e", &script, SOCKET, &request], args].concat();
        Self(machine.command(user, program, &args).spawn().unwrap())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The file `/tmp/NAME`, once it is there.
fn noted(machine: &Namespace, name: &str) -> String {
    let file = machine.outside(&format!("/tmp/{name}"));
    assert!(
        until_blocking(SOON, || file.exists()),
        "no '{name}': {}",
        log(machine)
    );
    String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()
}

/// Starts the daemon.
fn start(machine: &Namespace) {
    let helper = "system('/mnt/bin/claviger-helper')";
    let started = machine.run(User::Ana, CLIENT, &["-e", helper], &[]);
    started.printed(OWN);
}

/// A process connects and ends; a child of it keeps the connection until an allowed client's shim
/// has its id. Result: the shim gets the key, and the child code 7, without a client.
#[test]
fn a_reused_process_id_inherits_nothing() {
    reuse(true);
}

/// The same before the daemon accepts the connection, which it does when the id is the shim's: the
/// kernel still knows which process it was (`SO_PEERPIDFD`).
#[test]
fn a_process_id_that_is_reused_before_the_daemon_accepts_inherits_nothing() {
    reuse(false);
}

fn reuse(is_accepted: bool) {
    let machine = machine("/usr/bin/perl");
    start(&machine);
    let daemon = machine.pids_of("claviger")[0];
    let status = hex(&Request::Status { profile: None }.encode());
    let script = format!("{PERL}{ATTACKER}");
    let request = acquire();
    let mut args = vec!["-e", &script, SOCKET, &request];
    if is_accepted {
        args.push(&status);
    } else {
        kill_process(daemon, Signal::STOP).unwrap();
    }
    let attacker = machine.run(User::Ana, "/usr/bin/perl", &args, &[]);
    let pid = attacker.succeeded().trim().to_owned();

    let args = [&pid[..], CLIENT];
    let _victim = Script::start(&machine, User::Root, "/usr/bin/perl", VICTIM, &args);
    noted(&machine, "ready");
    kill_process(daemon, Signal::CONT).unwrap();
    let own = noted(&machine, "own");
    assert!(
        own.contains(OWN),
        "{own}: the id leads to an allowed client"
    );
    assert!(!log(&machine).contains("key-refused"));
    machine.write("/tmp/go", User::Root, "");
    let stale = noted(&machine, "stale");
    assert!(
        !stale.contains(OWN) && stale.contains("is not known"),
        "{stale}"
    );
    let log = log(&machine);
    let refused: Vec<_> = log
        .lines()
        .filter(|line| line.contains("event=\"key-refused\""))
        .collect();
    assert_eq!(refused.len(), 1, "{log}");
    assert!(refused[0].contains("code=7"), "{log}");
    assert!(!refused[0].contains(" client="), "{log}");
}

/// Connects, and executes the third argument, a copy of Perl. A child of it keeps the connection,
/// and sends the request when that has happened.
const EXECUTES: &str = r#"
my $stream = dial();
my $parent = $$;
if (fork) { exec($rest[0], "-e", "sleep 600") or die }
pause() until readlink("/proc/$parent/exe") eq $rest[0];
note("answer", ask($stream, $hex));
"#;

/// The process that has connected executes the allowed client. Result: code 7, because the client
/// is above it.
#[test]
fn a_process_that_executes_the_client_after_connecting_is_not_its_shim() {
    let machine = machine("/usr/bin/perl");
    start(&machine);
    let args = [CLIENT];
    let _script = Script::start(&machine, User::Ana, "/usr/bin/perl", EXECUTES, &args);
    let answer = noted(&machine, "answer");
    assert!(
        !answer.contains(OWN) && answer.contains("'allowed_callers' only"),
        "{answer}"
    );
}

/// Starts a child, which connects, and executes the third argument. The child sends the request
/// when that has happened.
const BECOMES: &str = r#"
pipe(my $connected, my $connects) or die;
my $parent = $$;
if (fork) {
    sysread($connected, my $byte, 1);
    exec($rest[0], "-e", "sleep 600") or die;
}
my $stream = dial();
syswrite($connects, "x");
pause() until readlink("/proc/$parent/exe") eq $rest[0];
note("answer", ask($stream, $hex));
"#;

/// A client executes another program before its shim asks. Result: what it is when its shim asks
/// counts, so the client that has become another program is refused.
///
/// The reverse is not refused: a program of the user's that becomes the allowed one is the allowed
/// one, as if the user had run it.
#[test]
fn a_client_is_the_program_that_runs_when_its_shim_asks() {
    let copied = "/home/ana/perl";
    for (before, after, is_allowed) in [
        (CLIENT, copied, false),
        ("/usr/bin/perl", copied, false),
        (copied, CLIENT, true),
    ] {
        let machine = machine("/usr/bin/perl");
        start(&machine);
        copy(&machine, "/usr/bin/perl", copied, User::Ana);
        let _script = Script::start(&machine, User::Ana, before, BECOMES, &[after]);
        let answer = noted(&machine, "answer");
        assert_eq!(answer.contains(OWN), is_allowed, "{before}: {answer}");
        assert_eq!(answer.contains("the client is"), !is_allowed, "{answer}");
    }
}
