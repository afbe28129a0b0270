//! What happens on a machine from the first installation to the removal.

use std::{fs, process::Stdio, time::Duration};

use super::{
    CLAVIGER, DEMO_PASSED, HELPER, configure, daemon_pid,
    package::{Format, LATER, Version},
    root::Root,
};
use crate::support::{
    Bao, KEY,
    namespace::User,
    poll::{SOON, timed, until},
};

/// The calls under way during an upgrade.
const SHIMS: &str = "200";

/// Calls the shim again and again in `$1` processes until /tmp/stop exists. What is not the key `$2`
/// is written to /tmp/errors, and a byte for each call to /tmp/calls.
const LOAD: &str = r#"
for _ in $(seq "$1"); do
    while ! [ -e /tmp/stop ]; do
        key=$(claviger-helper 2>>/tmp/errors) && [ "$key" = "$2" ] || echo "code $?, '$key'" >>/tmp/errors
        printf . >>/tmp/calls
        sleep 0.5
    done &
done
wait
"#;

/// A daemon whose program was replaced ends within a minute; the rest is for a busy machine.
const REPLACED: Duration = Duration::from_secs(120);

/// The package on a machine on which it never was; an ordinary user runs the demo, and gets a key
/// from a real server with the daemon that the shim starts.
async fn a_user_does_the_main_job(format: Format) {
    let (root, bao) = (Root::debian(), Bao::start_with_key("k", KEY).await);
    configure(&root, User::Ana, &bao).await;
    let (installed, took) = timed(async { format.install(&root, Version::Own) }).await;
    println!("{format:?}: installed in {took:?}");
    // dpkg itself prints what it does.
    assert_eq!(installed.stderr, "", "{installed:?}");
    let demo = root.run(User::Ana, CLAVIGER, &["demo"]);
    assert!(demo.succeeded().contains(DEMO_PASSED), "{demo:?}");
    root.run(User::Ana, HELPER, &[]).printed(KEY);
    let version = root.run(User::Ana, CLAVIGER, &["--version"]);
    assert_eq!(
        version.succeeded(),
        concat!("claviger ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[tokio::test]
async fn deb_a_user_does_the_main_job() {
    a_user_does_the_main_job(Format::Deb).await;
}

#[tokio::test]
async fn rpm_a_user_does_the_main_job() {
    a_user_does_the_main_job(Format::Rpm).await;
}

/// A later version and then the former one replace the programs while 200 processes call the shim,
/// until the daemon has changed, too. Result: every call prints the key.
async fn no_call_fails_during_upgrade_and_downgrade(format: Format) {
    let (root, bao) = (Root::debian(), Bao::start_with_key("k", KEY).await);
    configure(&root, User::Ana, &bao).await;
    format.install(&root, Version::Own);
    root.run(User::Ana, HELPER, &[]).printed(KEY);
    let mut load = root.command(User::Ana, "/bin/sh", &["-c", LOAD, "sh", SHIMS, KEY]);
    let mut load = load.stdout(Stdio::null()).spawn().unwrap();
    let calls = || fs::metadata(root.outside("/tmp/calls")).map_or(0, |calls| calls.len());
    let all: u64 = SHIMS.parse().unwrap();
    until("every process has called", REPLACED, async || {
        calls() > 2 * all
    })
    .await;
    for version in [Version::Later, Version::Own] {
        let (pid, before) = (daemon_pid(&root, User::Ana).unwrap(), calls());
        let (_, took) = timed(async { format.install(&root, version) }).await;
        until("the daemon is another one", REPLACED, async || {
            daemon_pid(&root, User::Ana).is_some_and(|other| other != pid)
        })
        .await;
        let made = calls() - before;
        println!(
            "{format:?}: {version:?} installed in {took:?}; {made} calls until the new daemon"
        );
    }
    fs::write(root.outside("/tmp/stop"), "").unwrap();
    until("the load ends", SOON, async || {
        load.try_wait().unwrap().is_some()
    })
    .await;
    let errors = fs::read_to_string(root.outside("/tmp/errors")).unwrap();
    assert_eq!(errors, "", "of {} calls", calls());
}

#[tokio::test]
async fn deb_no_call_fails_during_upgrade_and_downgrade() {
    no_call_fails_during_upgrade_and_downgrade(Format::Deb).await;
}

#[tokio::test]
async fn rpm_no_call_fails_during_upgrade_and_downgrade() {
    no_call_fails_during_upgrade_and_downgrade(Format::Rpm).await;
}

/// Two users' daemons run, one of them at a place without a runtime directory. Result: both end
/// before the programs are gone, no file contains the key, what is left is named, and nothing else
/// is left. The package can be installed again.
async fn removal_ends_every_daemon_and_says_what_is_left(format: Format) {
    let (root, bao) = (Root::debian(), Bao::start_with_key("k", KEY).await);
    let before = root.files();
    let users = [User::Ana, User::Ben];
    for user in users {
        configure(&root, user, &bao).await;
    }
    format.install(&root, Version::Own);
    let pids = users.map(|user| {
        root.run(user, HELPER, &[]).printed(KEY);
        daemon_pid(&root, user).unwrap()
    });
    assert_ne!(pids[0], pids[1]);

    let removed = format.remove(&root);
    for pid in pids {
        assert!(
            !root.outside(&format!("/proc/{pid}")).exists(),
            "{removed:?}"
        );
    }
    for part in [
        "directories of its users",
        "  /home/ana/.config/claviger\n",
        "  /home/ben/.config/claviger\n",
        "  /home/ben/.local/state/claviger\n",
        "claviger logout --all",
    ] {
        assert!(removed.stdout.contains(part), "{part}: {removed:?}");
    }
    format.purge(&root);
    assert_eq!(root.files(), before);
    assert_eq!(root.containing(KEY), [""; 0].map(std::path::PathBuf::from));
    assert!(
        root.outside("/home/ana/.config/claviger/config.toml")
            .exists()
    );

    format.install(&root, Version::Own);
    for user in users {
        root.run(user, HELPER, &[]).printed(KEY);
    }
}

#[tokio::test]
async fn deb_removal_ends_every_daemon_and_says_what_is_left() {
    removal_ends_every_daemon_and_says_what_is_left(Format::Deb).await;
}

#[tokio::test]
async fn rpm_removal_ends_every_daemon_and_says_what_is_left() {
    removal_ends_every_daemon_and_says_what_is_left(Format::Rpm).await;
}

/// An upgrade or downgrade ends no daemon by itself: each ends when it sees that it was replaced.
#[tokio::test]
async fn an_upgrade_leaves_the_daemons_alone() {
    for format in [Format::Deb, Format::Rpm] {
        let (root, bao) = (Root::debian(), Bao::start_with_key("k", KEY).await);
        configure(&root, User::Ana, &bao).await;
        format.install(&root, Version::Own);
        root.run(User::Ana, HELPER, &[]).printed(KEY);
        let pid = daemon_pid(&root, User::Ana).unwrap();
        let upgraded = format.install(&root, Version::Later);
        assert!(!upgraded.stdout.contains("left"), "{upgraded:?}");
        let program = root.outside(&format!("/proc/{pid}/cmdline"));
        assert!(fs::read(program).is_ok_and(|line| line.starts_with(b"/usr/bin/claviger")));
        let list = match format {
            Format::Deb => root.run(User::Root, "/usr/bin/dpkg-query", &["-W", "claviger"]),
            Format::Rpm => {
                let query = ["--root", "/mnt/root", "-q", "claviger"];
                root.outer("/usr/bin/rpm", &query).output().unwrap().into()
            }
        };
        assert!(list.succeeded().contains(LATER), "{list:?}");
    }
}
