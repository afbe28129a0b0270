use super::*;

const ME: u32 = 1000;
const OTHER: u32 = 1001;

fn judge(rule: Rule, kind: FileKind, owner: u32, mode: u32) -> Result<Ruling, Violation> {
    let facts = Facts { kind, owner, mode };
    rule.judge(Path::new("/p"), &facts, ME)
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
