//! Users and sockets in directories of the test's own.

use std::os::unix::{fs::symlink, net::UnixListener};

use super::*;

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn bind(path: &Path) -> UnixListener {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    UnixListener::bind(path).unwrap()
}

#[test]
fn the_user_database_is_parsed() {
    let passwd = "root:x:0:0:root:/root:/bin/sh\n\n# a comment\nbroken:x:y:0::/h:/\n\
                  ada:x:1000:100:Ada,,,:/home/ada:/bin/bash\nshort:x:5\nrel:x:6:6::home:/\n";
    let user = |name: &str, uid, gid, home: &str| User {
        name: name.to_owned(),
        uid,
        gid,
        home: home.into(),
    };
    let expected = [
        user("root", 0, 0, "/root"),
        user("ada", 1000, 100, "/home/ada"),
    ];
    assert_eq!(users(passwd), expected);
}

#[test]
fn a_home_has_the_name_and_the_owner_of_its_user() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("ada");
    fs::create_dir(&home).unwrap();
    let ada = User {
        name: "ada".to_owned(),
        uid: own_uid(),
        gid: rustix::process::getegid().as_raw(),
        home,
    };
    assert_eq!(homes(root.path()), [ada]);
    assert_eq!(homes(Path::new("/nonexistent")), []);
}

#[test]
fn sockets_are_found_at_every_usual_place_and_only_the_users_own() {
    let root = tempfile::tempdir().unwrap();
    let uid = own_uid();
    let runtime = root.path().join("run");
    let user = |name: &str, uid| User {
        name: name.to_owned(),
        uid,
        gid: uid,
        home: root.path().join(name),
    };
    let state = root.path().join("ada").join(HOME_DIRECTORIES[0]);
    let found = [
        runtime.join(format!("{uid}/claviger/agent.sock")),
        state.join("agent.sock"),
        state.join("run-host/agent.sock"),
    ];
    let other = [
        // The directory of another user, with a socket that this one has bound.
        runtime.join(format!("{}/claviger/agent.sock", uid + 1)),
        runtime.join("name/claviger/agent.sock"),
        root.path()
            .join("eve")
            .join(HOME_DIRECTORIES[0])
            .join("agent.sock"),
    ];
    let listeners: Vec<_> = found.iter().chain(&other).map(|path| bind(path)).collect();
    fs::create_dir_all(state.join("file")).unwrap();
    fs::write(state.join("file/agent.sock"), "").unwrap();
    fs::create_dir_all(state.join("link")).unwrap();
    symlink(&found[0], state.join("link/agent.sock")).unwrap();

    let users = [user("ada", uid), user("eve", uid + 1)];
    let sockets = sockets(&runtime, &users);
    let paths: BTreeSet<_> = sockets.iter().map(|daemon| &daemon.socket).collect();
    assert_eq!(paths, found.iter().collect());
    assert!(
        sockets
            .iter()
            .all(|d| d.uid == uid && d.user.as_deref() == Some("ada"))
    );
    drop(listeners);
}

#[test]
fn who_uses_claviger_has_a_directory_of_it_or_is_logged_in() {
    let root = tempfile::tempdir().unwrap();
    let (uid, runtime) = (own_uid(), root.path().join("run"));
    let user = |name: &str, uid| User {
        name: name.to_owned(),
        uid,
        gid: 5,
        home: root.path().join(name),
    };
    let used = |name: &str| root.path().join(name).join(USED_DIRECTORIES[0]);
    for name in ["ada", "eve"] {
        fs::create_dir_all(used(name)).unwrap();
    }
    fs::create_dir_all(root.path().join("new")).unwrap();
    fs::create_dir_all(used("far").parent().unwrap()).unwrap();
    symlink(used("ada"), used("far")).unwrap();
    let account = |user: Option<&str>| UserAccount {
        uid,
        gid: 5,
        user: user.map(str::to_owned),
    };
    let found = |users: &[User]| using(&runtime, users);
    assert_eq!(found(&[user("ada", uid)]), [account(Some("ada"))]);
    // No directory, another user's, and a link.
    for (name, uid) in [("new", uid), ("eve", uid + 1), ("far", uid)] {
        assert_eq!(found(&[user(name, uid)]), [], "{name}");
    }
    fs::create_dir_all(runtime.join(uid.to_string())).unwrap();
    assert_eq!(found(&[user("new", uid)]), [account(Some("new"))]);
    assert_eq!(found(&[user("ada", uid)]), [account(Some("ada"))]);
    assert_eq!(found(&[])[0].user, None);
}

#[test]
fn a_socket_that_was_replaced_is_not_connected_to() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = root.path().join("elsewhere.sock");
    let listener = bind(&elsewhere);
    listener.set_nonblocking(true).unwrap();
    let socket = root.path().join("agent.sock");
    let daemon = |uid| UserDaemon {
        uid,
        user: None,
        socket: socket.clone(),
    };
    let error = |daemon: &UserDaemon| connect(daemon).unwrap_err().kind();
    assert_eq!(error(&daemon(own_uid())), ErrorKind::NotFound);
    symlink(&elsewhere, &socket).unwrap();
    assert_eq!(error(&daemon(own_uid())), ErrorKind::PermissionDenied);
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "").unwrap();
    assert_eq!(error(&daemon(own_uid())), ErrorKind::PermissionDenied);
    fs::remove_file(&socket).unwrap();
    fs::hard_link(&elsewhere, &socket).unwrap();
    assert_eq!(error(&daemon(own_uid() + 1)), ErrorKind::PermissionDenied);
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    connect(&daemon(own_uid())).unwrap();
    listener.accept().unwrap();
}
