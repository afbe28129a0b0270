use super::*;

const ME: u32 = 1000;
const OTHER: u32 = 1001;

fn facts(kind: FileKind, owner: u32, mode: u32) -> Facts {
    Facts {
        kind,
        owner,
        group: 100,
        mode,
        links: 1,
        has_private_group: false,
    }
}

fn judge(rule: Rule, kind: FileKind, owner: u32, mode: u32) -> Result<Ruling, Violation> {
    rule.judge(Path::new("/p"), &facts(kind, owner, mode), ME)
}

fn problem(rule: Rule, kind: FileKind, owner: u32, mode: u32) -> String {
    judge(rule, kind, owner, mode).unwrap_err().to_string()
}

#[test]
fn a_managed_file_is_written_by_root_alone() {
    let rule = Rule::managed_file(0);
    for (kind, mode) in [
        (FileKind::File, 0o644),
        (FileKind::Directory, 0o755),
        (FileKind::Link, 0o777),
    ] {
        assert_eq!(judge(rule, kind, 0, mode), Ok(Ruling::Trusted));
    }
    assert_eq!(
        problem(rule, FileKind::Link, ME, 0o777),
        "'/p' is owned by uid 1000; expected root"
    );
    for mode in [0o664, 0o646, 0o1777] {
        let violation = judge(rule, FileKind::Directory, 0, mode).unwrap_err();
        assert_eq!(
            violation.problem,
            format!("is writable by others (mode {mode:04o})")
        );
        assert_eq!(
            violation.hint,
            "ask your administrator to let only root own and write '/p'"
        );
    }
}

#[test]
fn a_user_file_is_written_by_the_user_or_root_alone() {
    let rule = Rule::user_file();
    for owner in [ME, 0] {
        assert_eq!(
            judge(rule, FileKind::File, owner, 0o644),
            Ok(Ruling::Trusted)
        );
    }
    for (owner, mode, expected, hint) in [
        (
            ME,
            0o620,
            "is writable by others (mode 0620)",
            "chmod go-w '/p'",
        ),
        (
            0,
            0o602,
            "is writable by others (mode 0602)",
            "ask your administrator to let only root write '/p'",
        ),
        (
            OTHER,
            0o600,
            "is owned by uid 1001; expected your uid 1000 or root",
            "copy '/p' to a file of your own",
        ),
    ] {
        let violation = judge(rule, FileKind::File, owner, mode).unwrap_err();
        assert_eq!(
            (violation.problem.as_str(), violation.hint.as_str()),
            (expected, hint)
        );
    }
}

#[test]
fn a_secret_file_may_be_read_by_others_with_a_warning() {
    let judge = |owner, mode| judge(Rule::secret_file(), FileKind::File, owner, mode);
    for mode in [0o600, 0o400, 0o700] {
        assert_eq!(judge(ME, mode), Ok(Ruling::Trusted), "{mode:o}");
    }
    assert_eq!(judge(0, 0o640), Ok(Ruling::Trusted));
    for (owner, mode) in [(ME, 0o640), (ME, 0o604), (ME, 0o644), (0, 0o644)] {
        assert_eq!(
            judge(owner, mode),
            Ok(Ruling::ReadableByOthers { mode }),
            "{mode:o}"
        );
    }
    for (owner, mode, hint) in [
        (ME, 0o620, "chmod 600 "),
        (ME, 0o602, "chmod 600 "),
        (0, 0o660, "ask your administrator "),
        (OTHER, 0o600, "replace "),
    ] {
        let violation = judge(owner, mode).unwrap_err();
        assert!(violation.hint.starts_with(hint), "{mode:o} {violation:?}");
    }
}

#[test]
fn a_private_directory_is_the_users_alone() {
    let rule = Rule::private_directory();
    assert_eq!(
        judge(rule, FileKind::Directory, ME, 0o700),
        Ok(Ruling::Trusted)
    );
    for (kind, owner, mode, expected) in [
        (
            FileKind::Link,
            ME,
            0o777,
            "'/p' is a symbolic link; expected a directory",
        ),
        (
            FileKind::File,
            ME,
            0o600,
            "'/p' is a regular file; expected a directory",
        ),
        (
            FileKind::Directory,
            0,
            0o700,
            "'/p' is owned by uid 0; expected your uid 1000",
        ),
        (
            FileKind::Directory,
            ME,
            0o755,
            "'/p' is accessible to others (mode 0755; expected 0700)",
        ),
        (
            FileKind::Directory,
            ME,
            0o711,
            "'/p' is accessible to others (mode 0711; expected 0700)",
        ),
    ] {
        assert_eq!(problem(rule, kind, owner, mode), expected);
    }
}

#[test]
fn on_the_way_only_the_user_and_root_write() {
    let rule = Rule::on_the_way();
    for (kind, owner, mode) in [
        (FileKind::Directory, ME, 0o755),
        (FileKind::Directory, 0, 0o755),
        (FileKind::Directory, 0, 0o1777),
        (FileKind::Link, ME, 0o777),
        (FileKind::Link, 0, 0o777),
    ] {
        assert_eq!(judge(rule, kind, owner, mode), Ok(Ruling::Trusted));
    }
    for (kind, owner, mode, expected) in [
        (
            FileKind::Directory,
            ME,
            0o1777,
            "'/p' is writable by others (mode 1777)",
        ),
        (
            FileKind::Directory,
            0,
            0o777,
            "'/p' is writable by others (mode 0777)",
        ),
        (
            FileKind::Directory,
            ME,
            0o775,
            "'/p' is writable by others (mode 0775)",
        ),
        (
            FileKind::Directory,
            OTHER,
            0o700,
            "'/p' is owned by uid 1001; expected your uid 1000 or root",
        ),
        (
            FileKind::Link,
            OTHER,
            0o777,
            "'/p' is owned by uid 1001; expected your uid 1000 or root",
        ),
    ] {
        assert_eq!(problem(rule, kind, owner, mode), expected);
    }
}

#[test]
fn the_private_group_of_the_user_may_write_on_the_way() {
    let judge = |rule: Rule, mode| {
        let facts = Facts {
            has_private_group: true,
            ..facts(FileKind::Directory, ME, mode)
        };
        rule.judge(Path::new("/p"), &facts, ME).is_ok()
    };
    assert!(judge(Rule::on_the_way(), 0o775));
    assert!(!judge(Rule::on_the_way(), 0o777));
    assert!(!judge(Rule::private_directory(), 0o770));
    assert!(!judge(Rule::managed_file(0), 0o775));
}

#[test]
fn administrators_may_write_programs_and_on_the_way() {
    const ADMIN: u32 = 80;
    let judge = |rule: Rule, kind, group, mode| {
        let rule = Rule {
            administrators: rule.administrators.or(Some(ADMIN)),
            ..rule
        };
        let facts = Facts {
            group,
            ..facts(kind, ME, mode)
        };
        rule.judge(Path::new("/p"), &facts, ME).is_ok()
    };
    for (rule, kind) in [
        (Rule::program(), FileKind::File),
        (Rule::on_the_way(), FileKind::Directory),
    ] {
        assert!(judge(rule, kind, ADMIN, 0o775));
        assert!(!judge(rule, kind, ADMIN, 0o777));
        assert!(!judge(rule, kind, 20, 0o775));
    }
    let shared = Facts {
        group: ADMIN,
        ..facts(FileKind::Directory, 0, 0o1777)
    };
    let on_the_way = Rule {
        administrators: Some(ADMIN),
        ..Rule::on_the_way()
    };
    let judged = on_the_way.judge(Path::new("/p"), &shared, ME);
    assert_eq!(judged, Ok(Ruling::Trusted));
}

#[test]
fn only_macos_has_a_group_of_administrators_and_only_some_rules_accept_it() {
    let expected = cfg!(target_os = "macos").then_some(80);
    for rule in [Rule::program(), Rule::on_the_way()] {
        assert_eq!(rule.administrators, expected);
    }
    for rule in [
        Rule::user_file(),
        Rule::secret_file(),
        Rule::private_directory(),
        Rule::managed_file(0),
        Rule::own_file(),
        Rule::listener_directory(),
        Rule::listener(),
    ] {
        assert_eq!(rule.administrators, None);
    }
}

#[test]
fn a_file_that_is_written_has_one_name() {
    let judge = |kind, owner, links| {
        let facts = Facts {
            links,
            ..facts(kind, owner, 0o666)
        };
        let judged = Rule::own_file().judge(Path::new("/p"), &facts, ME);
        judged.map_err(|violation| (violation.to_string(), violation.hint))
    };
    assert_eq!(judge(FileKind::File, ME, 1), Ok(Ruling::Trusted));
    for (kind, owner, links, expected) in [
        (FileKind::File, ME, 2, "has 2 names (hard links)"),
        (
            FileKind::File,
            0,
            1,
            "is owned by uid 0; expected your uid 1000",
        ),
        (
            FileKind::Link,
            ME,
            1,
            "is a symbolic link; expected a regular file",
        ),
        (
            FileKind::Special,
            ME,
            1,
            "is a special file; expected a regular file",
        ),
    ] {
        let expected = (format!("'/p' {expected}"), "move '/p' away".to_owned());
        assert_eq!(judge(kind, owner, links), Err(expected));
    }
}

#[test]
fn a_listener_is_the_users_or_roots() {
    let rule = Rule::listener();
    assert_eq!(
        judge(rule, FileKind::Socket, ME, 0o777),
        Ok(Ruling::Trusted)
    );
    assert_eq!(judge(rule, FileKind::Socket, 0, 0o666), Ok(Ruling::Trusted));
    assert_eq!(
        problem(rule, FileKind::Socket, OTHER, 0o700),
        "'/p' is owned by uid 1001; expected your uid 1000 or root"
    );
    assert_eq!(
        problem(rule, FileKind::File, ME, 0o600),
        "'/p' is a regular file; expected a socket"
    );
}
