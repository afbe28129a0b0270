//! The tarball, in a root that contains nothing else: no library, no shell, no user database.

use super::{
    DEMO_PASSED, configure,
    package::{directory, find},
    root::{Entry, PACKAGES, Root},
};
use crate::support::{Bao, KEY, namespace::User, test_env::ProgramOutput};

/// A root with the content of the tarball.
fn unpacked() -> Root {
    let root = Root::empty();
    let package = find(&directory(), "claviger-", ".tar.gz");
    let file = package.file_name().unwrap().to_str().unwrap();
    let file = format!("/mnt/root{PACKAGES}/{file}");
    let args = ["-xzf", &file, "-C", "/mnt/root", "--strip-components=1"];
    let output = root.outer("/usr/bin/tar", &args).output().unwrap();
    ProgramOutput::from(output).succeeded();
    root
}

#[tokio::test]
async fn the_static_programs_do_the_main_job_without_anything_else() {
    let (root, bao) = (unpacked(), Bao::start_with_key("k", KEY).await);
    configure(&root, User::Ana, &bao).await;
    assert!(!root.outside("/bin/sh").exists() && !root.outside("/lib").exists());
    let demo = root.run(User::Ana, "/bin/claviger", &["demo"]);
    assert!(demo.succeeded().contains(DEMO_PASSED), "{demo:?}");
    root.run(User::Ana, "/bin/claviger-helper", &[])
        .printed(KEY);
    let stopped = root.run(User::Root, "/bin/claviger", &["stop", "--all-users"]);
    assert!(stopped.succeeded().contains("user ana"), "{stopped:?}");
    assert_eq!(root.containing(KEY), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn its_files_are_roots_and_no_other_user_can_write_them() {
    let root = unpacked();
    let files = root.files();
    let programs = files.iter().filter(|(path, _)| path.starts_with("/bin/"));
    let modes: Vec<_> = programs.collect();
    assert_eq!(modes.len(), 3, "{modes:?}");
    for (path, entry) in modes {
        let expected = match path.as_str() {
            "/bin/claviger-helper-desktop" => Entry::Link("claviger-helper".into()),
            _ => Entry::File {
                mode: 0o755,
                uid: 0,
                gid: 0,
            },
        };
        assert_eq!(*entry, expected, "{path}");
    }
}
