//! The strictest of all rules counts.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::TypedDocument;

fn policy(rules: &str) -> PolicyDocument {
    let text = format!("version = 1\ncounter = 1\n{rules}");
    let document = TypedDocument::parse(Path::new("p.toml"), &text, |_| Vec::new());
    document.unwrap().typed
}

fn request<'a>(
    version: &'a ProgramVersion,
    gateway: Option<&'a str>,
    audiences: &'a [&'a str],
    sources: &'a [&'a str],
) -> Request<'a> {
    Request {
        version,
        gateway,
        audiences,
        sources,
    }
}

fn version(text: &str) -> ProgramVersion {
    text.parse().unwrap()
}

/// What user `ana` with the profile `default`, a gateway, an audience and a source gets.
fn denial(rules: &str) -> Option<String> {
    let (policy, version) = (policy(rules), version("0.2.0"));
    let request = request(
        &version,
        Some("https://gw.example.com/"),
        &["llm"],
        &["vault", "sso"],
    );
    let result = policy.in_force("ana", "default").check(&request);
    result.err().map(|denial| denial.to_string())
}

#[test]
fn each_restriction_denies_and_names_its_rule() {
    for (rules, expected) in [
        ("", None),
        ("minimum_version = '0.2.0'", None),
        (
            "minimum_version = '0.3.0'",
            Some("this is Claviger 0.2.0, and the company's policy demands at least 0.3.0"),
        ),
        (
            "[rule.a]\ndisabled = 'call 1234'",
            Some("call 1234 (rule 'a' of the company's policy)"),
        ),
        (
            "[rule.a]\nallowed_gateways = ['https://gw.example.com']",
            None,
        ),
        (
            "[rule.a]\nallowed_gateways = ['https://gw.example.com/team']",
            Some(
                "the gateway 'https://gw.example.com' is not allowed by rule 'a' of the company's policy",
            ),
        ),
        ("[rule.a]\nallowed_audiences = ['llm', 'x']", None),
        (
            "[rule.a]\nallowed_audiences = ['LLM']",
            Some("the audience 'llm' is not allowed by rule 'a' of the company's policy"),
        ),
        ("[rule.a]\nallowed_sources = ['sso', 'vault']", None),
        (
            "[rule.a]\nallowed_sources = ['vault']",
            Some("the source 'sso' is not allowed by rule 'a' of the company's policy"),
        ),
        ("[rule.a]\nrotate_after = 2026-01-01T00:00:00Z", None),
        ("[rule.a]\nallowed_callers = ['/usr/bin/claude']", None),
    ] {
        assert_eq!(denial(rules).as_deref(), expected, "{rules}");
    }
}

#[test]
fn what_is_unknown_is_not_on_a_list() {
    let policy = policy("[rule.a]\nallowed_gateways = ['https://gw']\nallowed_audiences = ['x']\n");
    let version = version("0.2.0");
    let check = |gateway| {
        let request = request(&version, gateway, &[], &["s"]);
        policy.in_force("ana", "default").check(&request)
    };
    let denial = |gateway| check(gateway).unwrap_err().to_string();
    assert!(denial(None).starts_with("a key without a known gateway"));
    let hostile = denial(Some("https://ana:hunter2@gw"));
    assert!(!hostile.contains("hunter2"), "{hostile}");
    // A source that says no audience is not restricted by a list of them.
    assert_eq!(check(Some("https://gw")), Ok(()));
}

#[test]
fn a_rule_is_about_its_users_and_profiles() {
    let policy = policy(
        "[rule.all]\nrotate_after = 2026-01-02T00:00:00Z\n\
         [rule.ana]\nusers = ['Ana']\nrotate_after = 2026-01-03T00:00:00Z\n\
         [rule.team]\nprofiles = ['team']\nrotate_after = 2026-01-01T00:00:00Z\n\
         [rule.ana-team]\nprofiles = ['team']\nusers = ['ana']\ndisabled = 'x'\n",
    );
    for (user, profile, expected, day) in [
        ("bob", "default", &["all"][..], 2),
        ("ana", "default", &["all", "ana"], 3),
        ("ANA", "default", &["all", "ana"], 3),
        ("bob", "team", &["all", "team"], 2),
        ("ana", "team", &["all", "ana", "ana-team", "team"], 3),
        ("ana", "Team", &["all", "ana"], 3),
        ("", "", &["all"], 2),
    ] {
        let in_force = policy.in_force(user, profile);
        let names: Vec<_> = in_force.rules().map(|(name, _)| name).collect();
        assert_eq!(names, expected, "{user} {profile}");
        let at = format!("2026-01-{day:02}T00:00:00Z").parse().unwrap();
        assert_eq!(in_force.rotate_after(), Some(at));
    }
}

/// A rule of few values, so that rules and requests meet.
fn rule() -> impl Strategy<Value = String> {
    let names = |key: &'static str, names: &'static [&'static str]| {
        let list = prop::collection::vec(prop::sample::select(names), 1..3);
        prop::option::weighted(0.4, list).prop_map(move |list| match list {
            Some(list) => format!("{key} = {list:?}\n"),
            None => String::new(),
        })
    };
    (
        names("users", &["ana", "bob"]),
        names("profiles", &["default", "team"]),
        names("allowed_gateways", &["https://a", "https://b"]),
        names("allowed_audiences", &["x", "y"]),
        names("allowed_sources", &["s", "t"]),
        prop::option::weighted(0.1, Just("disabled = 'x'\n")),
        prop::option::weighted(0.4, 1..9_u8),
    )
        .prop_map(|(a, b, c, d, e, disabled, day)| {
            let day = day.map(|day| format!("rotate_after = 2026-01-0{day}T00:00:00Z\n"));
            [a, b, c, d, e].concat() + disabled.unwrap_or_default() + &day.unwrap_or_default()
        })
}

proptest! {
    #[test]
    fn one_more_rule_never_permits_more(
        rules in prop::collection::vec(rule(), 0..4),
        more in rule(),
        name in "[a-z]{3}",
        user in prop::sample::select(&["ana", "bob", "eve"][..]),
        profile in prop::sample::select(&["default", "team"][..]),
        gateway in prop::option::of(prop::sample::select(&["https://a", "https://b"][..])),
        audiences in prop::collection::vec(prop::sample::select(&["x", "y"][..]), 0..3),
        sources in prop::collection::vec(prop::sample::select(&["s", "t"][..]), 1..3),
    ) {
        let few: String = rules
            .iter()
            .enumerate()
            .map(|(at, rule)| format!("[rule.{at}]\n{rule}"))
            .collect();
        let many = format!("{few}[rule.{name}]\n{more}");
        let (few, many) = (policy(&few), policy(&many));
        let version = version("0.2.0");
        let request = request(&version, gateway, &audiences, &sources);
        let (few, many) = (few.in_force(user, profile), many.in_force(user, profile));
        prop_assert!(few.check(&request).is_err() <= many.check(&request).is_err());
        prop_assert!(few.rotate_after() <= many.rotate_after());
    }
}

#[test]
fn every_list_of_programs_must_have_the_client() {
    let policy = policy(
        "[rule.a]\nallowed_callers = ['/usr/bin/claude', '/opt/*/claude', 'C:\\claude.exe']\n\
         [rule.b]\nusers = ['bob']\nallowed_callers = ['/usr/bin/codex']",
    );
    let check = |user: &str, program: &str| {
        let programs = [
            Program::Trusted("/bin/sh".into()),
            Program::Trusted(program.into()),
        ];
        let rules = policy.in_force(user, "default");
        rules
            .check_caller(Some(&programs))
            .err()
            .map(|denial| denial.rule)
    };
    assert_eq!(check("ana", "/usr/bin/claude"), None);
    assert_eq!(check("ana", "/opt/*/claude"), None);
    // A path, not a pattern.
    assert_eq!(check("ana", "/opt/2.1/claude").as_deref(), Some("a"));
    assert_eq!(check("bob", "/usr/bin/claude").as_deref(), Some("b"));
    assert_eq!(check("bob", "/usr/bin/codex").as_deref(), Some("a"));
    let unknown = policy.in_force("ana", "default").check_caller(None);
    assert_eq!(unknown.unwrap_err().refusal, CallerRefusal::Unknown);
    assert!(policy.in_force("ana", "default").restricts_callers());
}
