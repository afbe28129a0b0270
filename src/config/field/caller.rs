//! Which programs may ask for a key.

use std::{path::Path, str::FromStr};

use glob::{MatchOptions, Pattern};

use super::text_format::TextFormat;

/// The longest pattern, in bytes.
const MAX_LEN: usize = 1024;

/// A path, or a glob of paths: `*` and `?` stand for characters of one name, `**` for any number of
/// directories.
const MATCHING: MatchOptions = MatchOptions {
    // Windows does not distinguish the case of paths.
    case_sensitive: !cfg!(windows),
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// An absolute path, or a glob of absolute paths, of programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallerPattern(Pattern);

impl CallerPattern {
    /// The program at `path`, whose characters stand for themselves; `None` if it is not a path on
    /// this system.
    #[must_use]
    pub(crate) fn exact(path: &str) -> Option<Self> {
        let is_path = Path::new(path).is_absolute();
        is_path.then(|| Pattern::new(&Pattern::escape(path)).ok().map(Self))?
    }

    /// Whether it is the path of the program, or a glob that stands for it.
    #[must_use]
    pub(crate) fn matches(&self, program: &Path) -> bool {
        self.0.matches_path_with(program, MATCHING)
    }
}

impl FromStr for CallerPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected an absolute path, or a glob of them such as '/opt/*/bin/claude'";
        if !Path::new(text).is_absolute() || text.len() > MAX_LEN {
            return Err(expected().to_owned());
        }
        // The path of a running program has none of them.
        let mut names = text.split(std::path::is_separator).skip(1);
        if names.any(|name| matches!(name, "" | "." | "..")) {
            return Err(
                "has an empty name, '.' or '..' in it, as no program's path has".to_owned(),
            );
        }
        let pattern = Pattern::new(text);
        pattern
            .map(Self)
            .map_err(|error| format!("is not a glob: {error}"))
    }
}

impl TextFormat for CallerPattern {
    const PATTERN: &'static str = r"^(?:/|[A-Za-z]:[/\\]|\\\\)";
    const EXAMPLE: &'static str = "/opt/claude-code/*/claude";
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_exact_path_is_no_pattern() {
        let matches = |exact: &str, path: &str| {
            CallerPattern::exact(exact).is_some_and(|exact| exact.matches(Path::new(path)))
        };
        assert!(matches("/opt/[a-c]*/claude?", "/opt/[a-c]*/claude?"));
        for other in ["/opt/b/claude1", "/opt/[a-c]/claude?", "/opt/a*/claude?"] {
            assert!(!matches("/opt/[a-c]*/claude?", other), "{other}");
        }
        assert!(
            !matches("C:\\claude.exe", "C:\\claude.exe"),
            "of another system"
        );
    }

    #[test]
    fn a_star_is_part_of_one_name() {
        let matches = |pattern: &str, path: &str| {
            let pattern: CallerPattern = pattern.parse().unwrap();
            pattern.matches(Path::new(path))
        };
        for (pattern, path, expected) in [
            ("/usr/bin/claude", "/usr/bin/claude", true),
            ("/usr/bin/claude", "/usr/bin/claude2", false),
            ("/usr/bin/claude", "/usr/bin/Claude", false),
            ("/usr/bin/claude", "/tmp/usr/bin/claude", false),
            ("/opt/claude/*/claude", "/opt/claude/2.1.329/claude", true),
            ("/opt/claude/*/claude", "/opt/claude/2.1/x/claude", false),
            ("/opt/claude/2.?/claude", "/opt/claude/2.1/claude", true),
            ("/opt/claude/2?1/claude", "/opt/claude/2/1/claude", false),
            ("/opt/[a-c]/claude", "/opt/b/claude", true),
            ("/opt/**/claude", "/opt/a/b/claude", true),
            ("/opt/**/claude", "/opt/claude", true),
            ("/opt/**", "/opt/a/b/claude", true),
            ("/opt/*", "/opt/.hidden", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_not_a_path_of_a_program_is_refused() {
        for text in [
            "claude",
            "~/bin/claude",
            "/usr/bin/../claude",
            "/usr/./claude",
            "/usr//claude",
            "/usr/bin/",
            "/",
            "/a**/claude",
            "/a***",
            "/a[",
            &format!("/{}", "x".repeat(1024)),
        ] {
            assert!(text.parse::<CallerPattern>().is_err(), "{text}");
        }
    }
}
