//! Attacks on `allowed_callers` by programs of ana's own user, on a machine whose managed
//! configuration allows one client. Result of all of them: code 7, and no key.
//!
//! - another program, however it is started: `other_programs_get_no_key`; it leaves a record:
//!   `a_refusal_is_in_the_audit_log`
//! - the allowed program's name on a file of hers, on a link to one, or in a directory that she can
//!   write; a copy of it: `a_program_that_she_can_change_gets_no_key`
//! - a program of hers between the allowed one and the shim:
//!   `a_program_of_hers_between_client_and_shim_gets_no_key`
//! - her program mounted over the allowed one in a namespace of her own:
//!   `a_program_that_is_mounted_over_the_allowed_one_gets_no_key`
//! - the id of an ended process, which an allowed client's shim has by now, and programs that
//!   execute another one after they have connected: `stale`
//!
//! What is not refused, because it is the allowed program that runs, is at the end of `stale`.

mod stale;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
};

use claviger::demo::gateway::TestGateway;
use claviger_wire::{Acquire, Request};
use serde_json::Value;

use super::{OWN, STATE};
use crate::support::{
    answers::{answer, answers, secret},
    claude::ClaudeCode,
    namespace::{Namespace, User},
    poll::{SOON, until_blocking},
    program_file,
    test_env::ProgramOutput,
};

/// The program that the managed configuration allows: a copy of the shell or of Perl, root's.
const CLIENT: &str = "/mnt/opt/claude/claude";
const HELPER: &str = "/mnt/bin/claviger-helper";
const SOCKET: &str = "/run/user/4242/claviger/agent.sock";

/// Sends the bytes of the argument, given in hexadecimal digits, on a connection to the socket, and
/// prints what comes back. For the start of a script.
const PERL: &str = r#"
use IO::Socket::UNIX; use POSIX;
$SIG{PIPE} = "IGNORE"; $| = 1;
my ($path, $hex, @rest) = @ARGV;
sub dial { IO::Socket::UNIX->new(Peer => $path) or die "$path: $!" }
sub ask {
    my ($stream, $hex) = @_;
    my $answer = "";
    syswrite($stream, pack("H*", $hex));
    1 while sysread($stream, $answer, 65536, length $answer);
    return $answer;
}
sub note {
    my ($name, $text) = @_;
    open(my $file, ">", "/tmp/$name.new") or die; syswrite($file, $text); close($file);
    rename("/tmp/$name.new", "/tmp/$name");
}
sub pause { select(undef, undef, undef, 0.01) }
"#;

/// A machine on which only [`CLIENT`], a copy of `program`, may ask for a key.
fn machine(program: &str) -> Namespace {
    let machine = Namespace::new();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    allow(&machine, &format!("'{CLIENT}'"));
    for directory in ["/mnt/opt", "/mnt/opt/claude"] {
        machine.directory(directory, User::Root, 0o755);
    }
    copy(&machine, program, CLIENT, User::Root);
    machine
}

/// Writes the managed configuration.
fn allow(machine: &Namespace, callers: &str) {
    let text = format!(
        "version = 1\nallowed_callers = [{callers}]\nreveal = 'never'\n\
         [profile.default]\nsource = 's'\n\
         [source.s]\ntype = 'exec'\ncommand = ['/bin/echo', '{OWN}']\n"
    );
    machine.write("/etc/claviger/config.toml", User::Root, &text);
}

/// Copies a program of the machine's to `path`, as a file of `owner` with mode 0755.
fn copy(machine: &Namespace, program: &str, path: &str, owner: User) {
    let path = machine.outside(path);
    program_file::copy(Path::new(program), &path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.uid())).unwrap();
}

/// Runs `script` by `shell`, a copy of the shell, as ana. The shell does not replace itself by the
/// last command of the script.
fn run(machine: &Namespace, shell: &str, script: &str) -> ProgramOutput {
    let script = format!("{script}; exit $?");
    let mut command = machine.command(User::Ana, shell, &["-c", &script]);
    command.output().unwrap().into()
}

/// The bytes of a shim's request, in hexadecimal digits.
fn acquire() -> String {
    let request = Request::Acquire(Acquire {
        deadline_ms: 20_000,
        ..Acquire::default()
    });
    hex(&request.encode())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn log(machine: &Namespace) -> String {
    let log = machine.outside(&format!("{STATE}/daemon.log"));
    fs::read_to_string(log).unwrap_or_default()
}

const NOT_LISTED: &str = "profile 'default' is for 'allowed_callers' only: the client is";

/// Without an attack: the client runs the shim itself, and by shells and programs of the system.
#[test]
fn the_allowed_client_gets_the_key_through_shells_and_wrappers() {
    let machine = machine("/bin/sh");
    for script in [
        HELPER.to_owned(),
        format!("/bin/sh -c '{HELPER}; exit $?'"),
        format!("/usr/bin/env /bin/sh -c '/usr/bin/timeout 20 {HELPER}; exit $?'"),
        format!("/usr/bin/perl -e 'exit(system(\"{HELPER}\") >> 8)'"),
    ] {
        run(&machine, CLIENT, &script).printed(OWN);
    }
    assert!(!log(&machine).contains("key-refused"), "{}", log(&machine));
    // A glob.
    allow(&machine, "'/mnt/opt/*/claude'");
    machine
        .run(User::Ana, "claviger", &["stop"], &[])
        .succeeded();
    run(&machine, CLIENT, HELPER).printed(OWN);
}

#[test]
fn other_programs_get_no_key() {
    let machine = machine("/bin/sh");
    run(&machine, CLIENT, HELPER).printed(OWN);
    // No ancestor in this namespace: nothing is known.
    let unknown = machine.helper(User::Ana, &[]);
    unknown.failed(
        7,
        &["'default'", "is not known", "hint: run the command again"],
    );
    let perl = format!("exit(system(\"{HELPER}\") >> 8)");
    let other = machine.run(User::Ana, "/usr/bin/perl", &["-e", &perl], &[]);
    other.failed(
        7,
        &[NOT_LISTED, "/bin/perl'", "hint: ask your administrator"],
    );
    let shell = format!("/bin/sh -c '/usr/bin/perl -e \"exit(system(q({HELPER})) >> 8)\"'");
    run(&machine, "/bin/sh", &shell).failed(7, &[NOT_LISTED]);
    let log = log(&machine);
    let refused: Vec<_> = log
        .lines()
        .filter(|line| line.contains("event=\"key-refused\""))
        .collect();
    assert_eq!(refused.len(), 3, "{log}");
    let program = fs::canonicalize("/usr/bin/perl").unwrap();
    let executable = format!("executable={}", program.display());
    assert!(refused[1].contains(&executable), "{}", refused[1]);
    assert!(refused[1].contains("code=7"), "{}", refused[1]);
}

/// The record names the program, its process and the rule.
#[test]
fn a_refusal_is_in_the_audit_log() {
    let machine = machine("/bin/sh");
    let script = format!("print \"$$\\n\"; exit(system(\"{HELPER}\") >> 8)");
    let mut command = machine.command(User::Ana, "/usr/bin/perl", &["-e", &script]);
    let refused = ProgramOutput::from(command.output().unwrap());
    assert_eq!(refused.code, Some(7), "{refused:?}");
    let log = machine.outside(&format!("{STATE}/audit.log"));
    let refusal = || -> Option<Value> {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let mut lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let line = lines.find(|line| line.contains("\"refusal\""))?;
        Some(serde_json::from_str(line).unwrap())
    };
    assert!(until_blocking(SOON, || refusal().is_some()));
    let record = refusal().unwrap();
    assert_eq!(
        (&record["outcome"], &record["code"], &record["profile"]),
        (&"denied".into(), &7.into(), &"default".into())
    );
    let program = fs::canonicalize("/usr/bin/perl").unwrap();
    assert_eq!(record["executable"], program.to_str().unwrap());
    assert_eq!(record["pid"].to_string(), refused.stdout.trim());
    assert!(record["started"].as_u64().unwrap() > 0);
    let message = record["message"].as_str().unwrap();
    assert!(message.contains("allowed_callers"), "{message}");
}

#[test]
fn a_program_that_she_can_change_gets_no_key() {
    let machine = machine("/bin/sh");
    let outside = |path: &str| machine.outside(path);
    let chmod = |path: &str, mode| {
        fs::set_permissions(outside(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    run(&machine, CLIENT, HELPER).printed(OWN);

    chown(outside(CLIENT), Some(User::Ana.uid()), None).unwrap();
    run(&machine, CLIENT, HELPER).failed(
        7,
        &[
            CLIENT,
            "is owned by uid 4242; expected root",
            "hint: ask your administrator",
        ],
    );
    chown(outside(CLIENT), Some(0), None).unwrap();

    for (path, mode) in [
        (CLIENT, 0o777),
        ("/mnt/opt/claude", 0o777),
        ("/mnt/opt", 0o1777),
    ] {
        chmod(path, mode);
        let writable = format!("'{path}' is writable by others (mode {mode:04o})");
        run(&machine, CLIENT, HELPER).failed(7, &[&writable]);
        chmod(path, 0o755);
    }

    // A copy, by any rule that it could match.
    let copies = ["/home/ana/claude", "/tmp/claude"];
    for copied in copies {
        copy(&machine, "/bin/sh", copied, User::Ana);
        run(&machine, copied, HELPER).failed(7, &[NOT_LISTED, copied]);
    }
    // A link in the allowed place counts as what it leads to.
    fs::rename(outside(CLIENT), outside("/mnt/opt/claude/moved")).unwrap();
    machine.link("/tmp/claude", CLIENT, User::Root);
    run(&machine, CLIENT, HELPER).failed(7, &[NOT_LISTED, "'/tmp/claude'"]);

    allow(&machine, "'/home/*/claude', '/tmp/claude'");
    machine
        .run(User::Ana, "claviger", &["stop"], &[])
        .succeeded();
    let own = "is owned by uid 4242; expected root";
    run(&machine, copies[0], HELPER).failed(7, &["'/home/ana'", own]);
    run(&machine, copies[1], HELPER).failed(7, &["'/tmp' is writable by others (mode 1777)"]);
}

/// However short its life, and whatever it is called.
#[test]
fn a_program_of_hers_between_client_and_shim_gets_no_key() {
    let machine = machine("/bin/sh");
    for own in ["/home/ana/corp-key", "/home/ana/sh", "/tmp/node"] {
        copy(&machine, "/bin/sh", own, User::Ana);
        for script in [
            format!("{own} -c '{HELPER}; exit $?'"),
            format!("{own} -c '/bin/sh -c \"{HELPER}; exit \\$?\"; exit $?'"),
            format!("/bin/sh -c '{own} -c \"{HELPER}; exit \\$?\"; exit $?'"),
        ] {
            let refused = run(&machine, CLIENT, &script);
            refused.failed(7, &["'default' is for 'allowed_callers' only", "hint: ask"]);
        }
    }
    run(&machine, CLIENT, HELPER).printed(OWN);
}

/// Mounts the file that the first argument names over the second one in a namespace of its own, and
/// executes that.
const MOUNTS: &str = r#"
my ($own, $allowed, @rest) = @ARGV;
# mount(2) with MS_BIND, on x86-64 and arm64.
my $number = (POSIX::uname())[4] eq "x86_64" ? 165 : 40;
syscall($number, $own, $allowed, 0, 4096, 0) == 0 or die "mount: $!";
exec($allowed, @rest);
"#;

#[test]
fn a_program_that_is_mounted_over_the_allowed_one_gets_no_key() {
    let machine = machine("/bin/sh");
    run(&machine, CLIENT, HELPER).printed(OWN);
    // One of hers, and one of root's.
    copy(&machine, "/bin/sh", "/home/ana/claude", User::Ana);
    let script = format!("{HELPER}; exit $?");
    for (own, problem) in [
        ("/home/ana/claude", "is owned by uid 4242"),
        ("/bin/bash", "is another file than the one that is running"),
    ] {
        let program = format!("use POSIX;{MOUNTS}");
        let args = [
            &["--user", "--mount", "--map-current-user", "--keep-caps"][..],
            &["/usr/bin/perl", "-e", &program, own, CLIENT, "-c", &script],
        ];
        let mut command = machine.command(User::Ana, "/usr/bin/unshare", &args.concat());
        let refused = ProgramOutput::from(command.output().unwrap());
        refused.failed(7, &[&format!("'{CLIENT}'"), problem]);
    }
}

/// The real client, which runs its helper by a shell.
#[tokio::test]
async fn claude_code_gets_the_key_if_it_is_allowed() {
    for (allowed, is_answered) in [(Namespace::TOOL, true), ("/usr/bin/claude", false)] {
        let machine = Namespace::with_tool("claude");
        machine.directory("/run/user/4242", User::Ana, 0o700);
        allow(&machine, &format!("'{allowed}'"));
        let gateway = TestGateway::start([secret(OWN)]).await.unwrap();
        let client = ClaudeCode::of_ana(&machine, &gateway.url(), &[]);
        let output = client.turn("What is up?").await;
        assert_eq!(output.status.success(), is_answered, "{output:?}");
        let refused = log(&machine).contains("key-refused");
        assert_eq!(refused, !is_answered, "{}", log(&machine));
        // Without a key it tries without one.
        let expected = match is_answered {
            true => answer(200, OWN),
            false => answer(401, ""),
        };
        let answers = answers(&gateway);
        assert!(answers.contains(&expected), "{answers:?}");
        assert!(
            answers.iter().all(|answer| *answer == expected),
            "{answers:?}"
        );
    }
}

/// `reveal = "never"`. Result: `--reveal` shows nothing, and the client still gets the key.
#[test]
fn no_key_is_shown_on_a_terminal() {
    let machine = machine("/bin/sh");
    for (args, hint) in [
        ("", "add --reveal to see the key"),
        ("--reveal", "ask your administrator"),
    ] {
        let script = format!("/usr/bin/script -qec '{HELPER} {args}' /dev/null");
        let shown = run(&machine, CLIENT, &script);
        assert_eq!(shown.code, Some(7), "{shown:?}");
        let text = shown.stdout;
        assert!(
            text.starts_with("claviger: the key is not shown on a terminal"),
            "{text}"
        );
        assert!(text.contains(hint) && !text.contains(OWN), "{text}");
    }
    run(&machine, CLIENT, &format!("{HELPER} --reveal | cat")).printed(OWN);
}
