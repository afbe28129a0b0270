//! The pattern of a format and its rule agree.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::json;

use super::{FORMATS, check, pattern_and_example};

/// What texts are made of that come near to a format's.
const PIECES: [&str; 44] = [
    "https://",
    "HTTP://",
    "http:",
    "https:\\\\",
    "unix://",
    "mailto:",
    "socks5h://",
    "urn:",
    "/",
    "//",
    "\\",
    "C:\\",
    "~/",
    "@",
    ":",
    ":@",
    ":8200",
    "a",
    "Z",
    "é",
    "gw.example.com",
    "[::1]",
    "10.0.0.0/8",
    "*.",
    "*",
    ".",
    "..",
    "-",
    "_",
    "?",
    "#",
    "%",
    "%2e",
    " ",
    ",",
    "{user}",
    "{env:A_1}",
    "{claim:sub}",
    "{{",
    "}",
    "1h",
    "30 min",
    "PT1.5H",
    "off",
];

fn pattern(format: &str) -> Validator {
    let (pattern, _) = pattern_and_example(format).unwrap();
    jsonschema::validator_for(&json!({ "pattern": pattern })).unwrap()
}

/// A piece that is inserted into a text at a place, instead of so many characters: what comes
/// nearer to a format's texts than pieces alone.
type Change = (prop::sample::Index, usize, &'static str);

fn change() -> impl Strategy<Value = Change> {
    let piece = prop::sample::select(&PIECES[..]);
    (any::<prop::sample::Index>(), 0..4_usize, piece)
}

fn changed(text: &str, (place, removed, piece): &Change) -> String {
    let at = place.index(text.chars().count() + 1);
    let before = text.chars().take(at);
    before
        .chain(piece.chars())
        .chain(text.chars().skip(at + removed))
        .collect()
}

/// Every format, with its pattern.
static PATTERNS: LazyLock<Vec<(&str, Validator)>> = LazyLock::new(|| {
    let formats = FORMATS.iter().chain(&["no-proxy"]);
    formats.map(|format| (*format, pattern(format))).collect()
});

/// A format, what is accepted, what both refuse, and what only the rule refuses.
type Row<'t> = (&'t str, &'t [&'t str], &'t [&'t str], &'t [&'t str]);

/// For each format texts that are accepted, texts that the pattern refuses as well as the rule, and
/// texts that only the rule refuses.
#[test]
fn a_pattern_accepts_what_the_rule_accepts() {
    let addresses = (
        &["https://v", "HTTP://v:80/", "https://v/a@b"][..],
        &[
            "v",
            "ftp://v",
            "https://",
            "https://a:b@v",
            "https://v?x",
            "https://v/#x",
            "https:v",
            "https:///v",
            "https://@v",
            "https://v\\a",
            " https://v",
        ][..],
    );
    let durations = [
        "90s",
        "1h30m",
        "1 hour 30 min",
        "PT59S",
        "+1.5m",
        "00:00:30",
    ];
    let no_durations = ["90", "-1s", "", "s", "１s", "never"];
    let paths = ["/a", "/a/{user}", "/{{a}}"];
    let table: &[Row<'_>] = &[
        (
            "caller",
            &["/usr/bin/claude", "/opt/*/claude", "/opt/**/[a-c]?"],
            &["claude", "~/a", "", "./a", "*/a"],
            &["/a/../b", "/a//b", "/a/", "/a[", "/a**"],
        ),
        (
            "date-time",
            &["2026-11-30T20:00:00Z", "2026-11-30 21:00:00.5+01:00"],
            &["", "2026-11-30", "2026-11-30T20:00:00", "20:00:00Z", "now"],
            &["2026-02-30T20:00:00Z", "2026-11-30T25:00:00Z"],
        ),
        (
            "env-name",
            &["A", "_a1"],
            &["1A", "", "A-B", "A B", "É"],
            &[],
        ),
        (
            "file-path",
            &[&paths[..], &["~/a", "~/{host}/~"]].concat(),
            &[
                "a",
                "~",
                "~/",
                "~a/b",
                "~//a",
                "/{usr}",
                "/{",
                "/}",
                "/{claim:a}",
                "./a",
            ],
            &[],
        ),
        (
            "gateway-url",
            addresses.0,
            addresses.1,
            &["https://v:99999", "https://v/%"],
        ),
        (
            "header-name",
            &["X-Tenant", "x-key_file"],
            &["a b", "", "a:b", "é"],
            &["Authorization", "host_file", "_file"],
        ),
        (
            "idle-timeout",
            &["off", "30m"],
            &no_durations,
            &["0s", "2y"],
        ),
        (
            "issuer",
            addresses.0,
            addresses.1,
            &["https://v/.well-known/x"],
        ),
        ("leeway", &["0s", "30s"], &no_durations, &["1h"]),
        ("max-age", &["1s", "365d"], &no_durations, &["366d", "1M"]),
        (
            "name",
            &["a", "1.b_c-d"],
            &["", "-a", "a b", "é", &"a".repeat(65)],
            &[],
        ),
        (
            "no-proxy",
            &["", "*", ".a, b:1\t10.0.0.0/8 ::1"],
            &["https://a", "a@b"],
            &["a:b"],
        ),
        (
            "policy-key",
            &[
                "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            ],
            &[
                "",
                "ed25519:",
                "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR",
                "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                // Bits that belong to no byte.
                "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
            ],
            &[],
        ),
        (
            "policy-max-age",
            &["1h", "7d"],
            &no_durations,
            &["59m", "366d"],
        ),
        (
            "policy-url",
            &["https://v/p.jws", "HTTPS://v:1", "http://127.0.0.1:1/p"],
            addresses.1,
            &["http://v/p.jws", "https://v:99999"],
        ),
        ("policy-watch", &["10s", "1d"], &no_durations, &["9s", "2d"]),
        ("program", &paths, &["a", "~/a", "", "./a", "/{usr}"], &[]),
        (
            "program-version",
            &["0.2.0", "1.0.0-rc.1", "1.2.3+build"],
            &["", "1", "1.0", "v1.0.0", "1.0.0.0", "1.0.0-"],
            &["01.0.0", "1.0.0-a..b"],
        ),
        (
            "proxy",
            &["off", "http://v", "socks5h://v:1/", "HTTPS://[::1]:1"],
            &[
                "on",
                "v:1",
                "ftp://v",
                "http://v/x",
                "socks5://",
                "http://a:b@v",
            ],
            &["http://v:99999"],
        ),
        (
            "redirect-host",
            &["v", "V:1", "*.v", "[::1]:1", "fe80::1"],
            &["https://v", "v/x", "a b", "*", ""],
            &["v:port", "*.10.0.0.1"],
        ),
        (
            "redirect-path",
            &["/", "/a/b-c_d.e~"],
            &["a", "/a?b", "/a b", "/a%2F", ""],
            &[],
        ),
        (
            "resource",
            &["https://v", "urn:a:b", "api://a/.b"],
            &["v.example.com", "a:b#c"],
            &["https://"],
        ),
        (
            "support",
            &[
                "https://v",
                "http://v/a",
                "mailto:a@b?subject=c",
                "a@b.example",
            ],
            &[
                "v",
                "ask Ana",
                "ftp://v",
                "https://a:b@v",
                "https://v/a b",
                "@a",
                "a@",
                "a@b\nc",
            ],
            &["a@-"],
        ),
        (
            "template",
            &["", "a", "{user}{{}}", "{env:A}"],
            &["{usr}", "{", "}", "{env:1}", "{claim:a}"],
            &[],
        ),
        ("timeout", &["5s", "100ms"], &no_durations, &["2m", "99ms"]),
        ("ttl", &durations, &no_durations, &["367d", "0s", "1y"]),
        (
            "vault-address",
            &[addresses.0, &["unix:///run/v"]].concat(),
            &[addresses.1, &["unix://a", "unix:///", "unix:///a?"]].concat(),
            &["https://v/v1"],
        ),
        (
            "vault-mount",
            &["a", "a/b/", "a b"],
            &["", "/a", "a//b", "/"],
            &["a/../b"],
        ),
        (
            "vault-namespace",
            &["a", "a/b//"],
            &["", "/a", "a b", "é", "a%", "a\\b"],
            &["a/./b"],
        ),
        (
            "vault-path",
            &["a", "a/{user}/{claim:sub}", "a b/100%/é{{"],
            &["", "/a", "a/", "a//b", "a/{usr}", "a/}"],
            &["a/..", "{claim:a b}"],
        ),
        (
            "vault-username",
            &["{user}", "a b"],
            &["a/b", "", "{claim:sub}", "{"],
            &[".."],
        ),
        (
            "watch-interval",
            &["off", "1s", "1d"],
            &no_durations,
            &["2d", "1ms"],
        ),
    ];
    for (format, accepted, refused, refused_by_rule) in table {
        let pattern = pattern(format);
        for text in *accepted {
            assert_eq!(check(format, text), Ok(()), "{format}: {text:?}");
            assert!(pattern.is_valid(&json!(text)), "{format}: {text:?}");
        }
        for text in *refused {
            assert!(!pattern.is_valid(&json!(text)), "{format}: {text:?}");
        }
        for text in *refused_by_rule {
            assert!(pattern.is_valid(&json!(text)), "{format}: {text:?}");
        }
        for text in refused.iter().chain(*refused_by_rule) {
            // The schema refuses an empty text for itself.
            assert!(
                text.is_empty() || check(format, text).is_err(),
                "{format}: {text:?}"
            );
        }
    }
    let formats = table.iter().map(|(format, ..)| *format);
    let formats: Vec<_> = formats.filter(|format| *format != "no-proxy").collect();
    assert_eq!(formats, FORMATS);
}

#[test]
fn an_example_is_accepted() {
    for format in FORMATS.iter().chain(&["no-proxy"]) {
        let (_, example) = pattern_and_example(format).unwrap();
        assert_eq!(check(format, example), Ok(()), "{format}");
    }
}

proptest! {
    #[test]
    fn no_pattern_is_narrower_than_its_rule(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..7),
        changes in prop::collection::vec(change(), 1..4),
        other in "[ -~]{0,12}",
    ) {
        let pieces = pieces.concat();
        for (format, pattern) in PATTERNS.iter() {
            let (_, example) = pattern_and_example(format).unwrap();
            let near = changes
                .iter()
                .fold(example.to_owned(), |text, change| changed(&text, change));
            for text in [&pieces, &near, &other] {
                if check(format, text).is_ok() {
                    prop_assert!(pattern.is_valid(&json!(text)), "{}: {:?}", format, text);
                }
            }
        }
    }
}
