use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, lchown, symlink},
    path::PathBuf,
};

use super::*;

const TEXT: &str = "version = 1\n";

/// A private directory of the user's, with `run` below it.
struct Own(tempfile::TempDir);

/// A user who owns nothing here.
const OTHER: u32 = 4242;

impl Own {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// Makes a directory with `mode`.
    fn directory(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn private(&self, name: &str) -> Result<PrivateDirectory, String> {
        PrivateDirectory::open_or_create(&self.path(name)).map_err(|error| error.to_string())
    }

    fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.path(name)).unwrap().mode() & 0o7777
    }
}

#[test]
fn missing_directories_are_made_with_mode_0700() {
    let own = Own::new();
    own.private("a/b/c").unwrap();
    for name in ["a", "a/b", "a/b/c"] {
        assert_eq!(own.mode(name), 0o700, "{name}");
    }
    own.private("a/b/c").unwrap();
}

#[test]
fn nothing_is_made_below_a_directory_that_others_can_write() {
    let own = Own::new();
    own.directory("open", 0o777);
    let expected = format!(
        "'{}' is writable by others (mode 0777)",
        own.path("open").display()
    );
    assert_eq!(own.private("open/a/b").unwrap_err(), expected);
    assert!(!own.path("open/a").exists());
}

#[test]
fn a_private_directory_is_no_link_and_closed_to_others() {
    let own = Own::new();
    own.directory("run", 0o755);
    let error = own.private("run").unwrap_err();
    assert!(error.contains("is accessible to others"), "{error}");
    assert_eq!(own.mode("run"), 0o755, "it is not changed");
    own.directory("private", 0o700);
    symlink(own.path("private"), own.path("link")).unwrap();
    let error = own.private("link").unwrap_err();
    assert!(error.contains("is a symbolic link"), "{error}");
    fs::write(own.path("file"), "").unwrap();
    let error = own.private("file").unwrap_err();
    assert!(error.contains("is a regular file"), "{error}");
    let error = own.private("file/below").unwrap_err();
    assert!(error.contains("os error 20"), "{error}");
}

#[test]
fn links_on_the_way_are_followed_if_they_lead_to_what_is_the_users() {
    let own = Own::new();
    own.directory("real", 0o755);
    own.directory("open", 0o777);
    symlink("real", own.path("link")).unwrap();
    symlink(own.path("open"), own.path("out")).unwrap();
    own.private("link/run").unwrap();
    assert!(own.path("real/run").exists());
    own.private("link/../real/run").unwrap();
    let error = own.private("out/run").unwrap_err();
    assert!(error.contains("open' is writable by others"), "{error}");
    assert!(!own.path("open/run").exists());
}

#[test]
fn what_is_another_users_is_refused_wherever_it_is() {
    if !geteuid().is_root() {
        return;
    }
    let own = Own::new();
    own.directory("theirs", 0o755);
    own.directory("theirs/run", 0o700);
    symlink("theirs", own.path("link")).unwrap();
    symlink(".", own.path("their-link")).unwrap();
    chown(own.path("theirs"), Some(OTHER), None).unwrap();
    lchown(own.path("their-link"), Some(OTHER), None).unwrap();
    for name in ["theirs/run", "link/run", "their-link/run", "theirs"] {
        let error = own.private(name).unwrap_err();
        assert!(error.contains("is owned by uid 4242"), "{name}: {error}");
    }
    assert!(!own.path("run").exists());
}

#[test]
fn a_sticky_directory_is_accepted_if_it_is_roots() {
    if !geteuid().is_root() {
        return;
    }
    let own = Own::new();
    own.directory("tmp", 0o1777);
    own.private("tmp/run").unwrap();
    own.directory("tmp/theirs", 0o700);
    chown(own.path("tmp/theirs"), Some(OTHER), None).unwrap();
    let error = own.private("tmp/theirs/run").unwrap_err();
    assert!(error.contains("theirs' is owned by uid 4242"), "{error}");
    chown(own.path("tmp"), Some(OTHER), None).unwrap();
    let error = own.private("tmp/run").unwrap_err();
    assert!(error.contains("tmp' is owned by uid 4242"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_link_to_a_file_of_a_process_is_refused() {
    let own = Own::new();
    own.directory("run", 0o700);
    let opened = File::open(own.path("run")).unwrap();
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&opened));
    for path in [link.as_str(), "/dev/fd/0", "/proc/self/cwd/file"] {
        let error = place(Path::new(path)).unwrap_err().to_string();
        assert!(
            error.contains("is a link to a file of a process"),
            "{error}"
        );
    }
}

#[test]
fn a_place_is_judged_as_far_as_it_exists() {
    let own = Own::new();
    place(&own.path("missing/config.toml")).unwrap();
    own.directory("open", 0o757);
    let error = place(&own.path("open")).unwrap_err().to_string();
    assert!(
        error.contains("is writable by others (mode 0757)"),
        "{error}"
    );
    assert!(place(&own.path("open/missing/config.toml")).is_err());
}

#[test]
fn a_users_file_is_judged_with_its_way() {
    let own = Own::new();
    own.directory("config", 0o700);
    fs::write(own.path("config/c.toml"), TEXT).unwrap();
    symlink("config/c.toml", own.path("link")).unwrap();
    let open = |name: &str| {
        RegularFile::open_judged(&own.path(name), &Rule::user_file())
            .map(|file| file.read(1 << 10).unwrap().to_vec())
            .map_err(|error| error.to_string())
    };
    assert_eq!(open("link"), Ok(TEXT.as_bytes().to_vec()));
    assert_eq!(open("config").unwrap_err(), "not a regular file");
    let mode = |name: &str, mode| {
        fs::set_permissions(own.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("config/c.toml", 0o602);
    assert!(open("link").unwrap_err().contains("is writable by others"));
    mode("config/c.toml", 0o600);
    mode("config", 0o773);
    assert!(open("link").unwrap_err().contains("is writable by others"));
}

#[test]
fn a_socket_is_one_of_the_users() {
    let own = Own::new();
    own.directory("run", 0o755);
    let path = own.path("run/agent.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    socket(&path).unwrap();
    fs::write(own.path("run/file"), "").unwrap();
    let error = socket(&own.path("run/file")).unwrap_err().to_string();
    assert!(
        error.contains("is a regular file; expected a socket"),
        "{error}"
    );
    if geteuid().is_root() {
        chown(&path, Some(OTHER), None).unwrap();
        let error = socket(&path).unwrap_err().to_string();
        assert!(error.contains("is owned by uid 4242"), "{error}");
        chown(&path, Some(0), None).unwrap();
    }
    for mode in [0o777, 0o1777] {
        fs::set_permissions(own.path("run"), fs::Permissions::from_mode(mode)).unwrap();
        let error = socket(&path).unwrap_err().to_string();
        assert!(error.contains("run' is writable by others"), "{error}");
    }
}

#[test]
fn a_file_is_appended_to_only_if_it_is_the_users_alone() {
    let own = Own::new();
    let directory = own.private("state").unwrap();
    let append = |name: &str| directory.append(name).map_err(|error| error.to_string());
    append("log").unwrap();
    assert_eq!(own.mode("state/log"), 0o600);
    fs::set_permissions(own.path("state/log"), fs::Permissions::from_mode(0o666)).unwrap();
    append("log").unwrap();
    assert_eq!(own.mode("state/log"), 0o600, "is corrected");

    fs::write(own.path("victim"), TEXT).unwrap();
    symlink(own.path("victim"), own.path("state/link")).unwrap();
    symlink(own.path("new"), own.path("state/dangling")).unwrap();
    fs::hard_link(own.path("victim"), own.path("state/hard")).unwrap();
    own.directory("state/directory", 0o700);
    let victim = own.mode("victim");
    for (name, expected) in [
        ("link", "is a symbolic link"),
        ("dangling", "is a symbolic link"),
        ("hard", "has 2 names"),
        ("directory", "is a directory"),
    ] {
        let error = append(name).unwrap_err();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert_eq!(fs::read_to_string(own.path("victim")).unwrap(), TEXT);
    assert_eq!(own.mode("victim"), victim);
    assert!(!own.path("new").exists());

    if geteuid().is_root() {
        chown(own.path("state/log"), Some(OTHER), None).unwrap();
        let error = append("log").unwrap_err();
        assert!(error.contains("is owned by uid 4242"), "{error}");
    }
    directory.rename("hard", "log").unwrap();
    assert!(!own.path("state/hard").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_fifo_is_refused_without_waiting() {
    let own = Own::new();
    let directory = own.private("state").unwrap();
    let fifo = own.path("state/fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
    let error = directory.append("fifo").unwrap_err().to_string();
    assert!(error.contains("is a special file"), "{error}");
    let error = RegularFile::open_judged(&fifo, &Rule::user_file()).unwrap_err();
    assert_eq!(error.to_string(), "not a regular file");
}

#[test]
fn a_group_may_read_in_a_directory_that_is_made_for_it() {
    let own = Own::new();
    let group = rustix::process::getegid().as_raw();
    let directory = PrivateDirectory::open_or_create_for(&own.path("log"), group).unwrap();
    assert_eq!(own.mode("log"), 0o2750);
    drop(directory.append("file").unwrap());
    assert_eq!(own.mode("log/file"), 0o640);
    drop(directory.update("file").unwrap());
    PrivateDirectory::open_or_create_for(&own.path("log"), group).unwrap();
    own.private("log").unwrap_err();
}

#[test]
fn a_directory_that_its_readers_cannot_enter_is_refused() {
    let own = Own::new();
    let group = rustix::process::getegid().as_raw();
    let error = |name: &str, group| {
        let opened = PrivateDirectory::open_or_create_for(&own.path(name), group);
        opened.map_err(|error| error.to_string()).unwrap_err()
    };
    own.directory("closed", 0o700);
    let closed = error("closed", group);
    assert!(closed.contains("cannot be read by the group"), "{closed}");
    own.directory("other", 0o750);
    let other = error("other", group + 1);
    assert!(other.contains("cannot be read by the group"), "{other}");
    own.directory("writable", 0o770);
    let writable = error("writable", group);
    assert!(writable.contains("is writable by others"), "{writable}");
}

#[test]
fn a_file_that_has_lost_its_name_is_not_current() {
    let own = Own::new();
    let directory = own.private("log").unwrap();
    let file = directory.append("file").unwrap();
    assert!(directory.is_current("file", &file));
    directory.rename("file", "older").unwrap();
    assert!(!directory.is_current("file", &file));
    directory.append("file").unwrap();
    assert!(!directory.is_current("file", &file));
}
