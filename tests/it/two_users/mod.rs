//! Attacks on ana by another user of her machine, ben. She gets her own key or an error, and ben
//! gets nothing.
//!
//! - ben's socket in the place of hers: `socket::a_socket_of_another_user_receives_no_byte`
//! - ben's socket in a directory that is hers alone:
//!   `socket::a_foreign_socket_in_the_users_own_directory_receives_no_byte`
//! - her socket's directory is swapped for ben's while shims start:
//!   `socket::a_swapped_directory_gets_no_byte_out_of_a_shim`
//! - ben connects to her socket, made reachable:
//!   `socket::another_user_gets_no_answer_from_the_daemon`
//! - ben's `status`, `stop`, `refresh`, `logout`:
//!   `socket::another_users_commands_do_not_reach_the_daemon`
//! - ben's `stop --all-users`; root's reaches both:
//!   `socket::root_alone_stops_the_daemons_of_all_users`
//! - her variables name a directory that ben owns or can write:
//!   `places::a_directory_of_another_user_is_refused`
//! - `su` without `-`: `places::another_users_environment_leads_to_the_users_own_places`
//! - `sudo -E`: `places::root_in_the_users_environment_locks_no_user_out`
//! - her log is a link, or another kind of file: `places::a_log_that_is_a_link_is_not_written`
//! - ben's demo beside her daemon: `places::another_users_demo_is_another_machine`
//! - ben's `claviger`, or one that he can write, beside the shim:
//!   `programs::a_program_of_another_user_is_not_started`
//! - a source's program of ben's: `programs::a_sources_program_of_another_user_is_not_run`
//! - secret files that ben owns or can write: `files::a_secret_file_of_another_user_is_refused`
//! - ben's listener in the place of a `unix://` Vault:
//!   `files::a_unix_vault_of_another_user_gets_no_token`
//! - a managed configuration that ben can write:
//!   `managed::a_managed_configuration_that_another_user_can_write_is_refused`
//! - ben's file behind the managed configuration's name:
//!   `managed::a_managed_configuration_that_is_another_users_link_is_refused`
//! - a managed configuration that is gone for a moment:
//!   `managed::a_managed_configuration_that_blinks_stays_in_force`

mod files;
mod managed;
mod places;
mod programs;
mod socket;

use std::{fs, process::Child};

use crate::support::{
    namespace::{Namespace, User},
    poll::{SOON, until_blocking},
};

/// The key of ana's own configuration.
const OWN: &str = "sk-of-ana-herself";
/// The key of what ben would like her client to use.
const FOREIGN: &str = "sk-of-ben-the-attacker";

const RUN: &str = "/run/user/4242";
const SOCKET: &str = "/run/user/4242/claviger/agent.sock";
const CONFIG: &str = "/home/ana/.config/claviger/config.toml";
const STATE: &str = "/home/ana/.local/state/claviger";

/// A configuration whose only source prints `key`.
fn config(key: &str) -> String {
    format!(
        "version = 1\n[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/echo\", \"{key}\"]\n"
    )
}

/// A machine on which ana and ben have runtime directories and a configuration each.
fn machine() -> Namespace {
    let machine = Namespace::new();
    machine.directory(RUN, User::Ana, 0o700);
    machine.directory("/run/user/4243", User::Ben, 0o700);
    machine.write(CONFIG, User::Ana, &config(OWN));
    let bens = "/home/ben/.config/claviger/config.toml";
    machine.write(bens, User::Ben, &config(FOREIGN));
    machine
}

/// A listener of ben's, which is killed when this is dropped.
struct Squatter {
    child: Child,
    log: &'static str,
}

/// Appends `connection` to a file for each connection, and `byte` if it receives one.
const SQUATTER: &str = r#"
use IO::Socket::UNIX;
my ($path, $log) = @ARGV;
sub note { open(my $file, ">>", $log) or die; syswrite($file, "$_[0]\n"); }
my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 128) or die "$path: $!";
chmod(0777, $path);
note("listening");
while (my $stream = $listener->accept) {
    note("connection");
    note("byte") if sysread($stream, my $byte, 1);
    close($stream);
}"#;

impl Squatter {
    /// Listens at `path` as ben.
    fn start(machine: &Namespace, path: &str) -> Self {
        let log = "/home/ben/squatter.log";
        let child = machine
            .command(User::Ben, "/usr/bin/perl", &["-e", SQUATTER, path, log])
            .spawn()
            .unwrap();
        let squatter = Self { child, log };
        let listens = || !squatter.events(machine).is_empty();
        assert!(until_blocking(SOON, listens), "ben cannot listen at {path}");
        squatter
    }

    fn events(&self, machine: &Namespace) -> Vec<String> {
        let log = fs::read_to_string(machine.outside(self.log)).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn assert_no_byte(&self, machine: &Namespace) {
        let events = self.events(machine);
        assert!(!events.contains(&"byte".to_owned()), "{events:?}");
    }
}

impl Drop for Squatter {
    fn drop(&mut self) {
        // The listener ends with the namespace: this process's child is only its parent.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stop(machine: &Namespace, variables: &[(&str, &str)]) {
    machine
        .run(User::Ana, "claviger", &["stop"], variables)
        .succeeded();
}
