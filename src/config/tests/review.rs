//! Findings in configurations that are valid.

use std::path::Path;

use super::{super::parse, *};

/// The findings, each as `LINE:COLUMN: MESSAGE`; all are warnings.
fn warnings(text: &str) -> Vec<String> {
    let text = format!("version = 1\nprofile.p.source = 's'\n[source.s]\n{text}");
    let config = parse(Path::new("/c.toml"), &text).unwrap();
    let review = Review::new(&text, &config).unwrap();
    review
        .into_findings()
        .into_iter()
        .map(|finding| {
            assert_eq!(finding.severity, Severity::Warning);
            finding.problem.to_string()
        })
        .collect()
}

fn vault(keys: &str) -> Vec<String> {
    warnings(&format!(
        "type = 'vault'\naddress = 'https://v.example'\nfield = 'f'\n{keys}"
    ))
}

#[test]
fn what_a_shell_would_replace_is_found() {
    for (path, shown, name) in [
        ("secret/$TEAM", "$TEAM", "TEAM"),
        ("secret/a$TEAM_1/b", "$TEAM_1", "TEAM_1"),
        ("secret/%TEAM%", "%TEAM%", "TEAM"),
        ("secret/100%/%team%", "%team%", "team"),
    ] {
        let expected = format!(
            "7:1: 'path' in [source.s]: '{shown}' is not replaced; expected '{{env:{name}}}'"
        );
        assert_eq!(vault(&format!("path = '{path}'")), [expected], "{path}");
    }
    for path in [
        "secret/{env:TEAM}",
        "secret/a$b",
        "secret/$",
        "secret/$5",
        "secret/a%20b%20c",
        "secret/100%",
        "secret/%%",
    ] {
        assert_eq!(vault(&format!("path = '{path}'")), [""; 0], "{path}");
    }
    assert_eq!(
        vault(
            "path = 'secret/a'\n\
             auth = { method = 'approle', role_id = '${ROLE}', secret_id_file = '/run/$USER' }"
        ),
        [
            "8:30: 'role_id' in [source.s.auth]: '${ROLE}' is not replaced: this key has no \
             placeholders",
            "8:51: 'secret_id_file' in [source.s.auth]: '$USER' is not replaced; expected \
             '{env:USER}'"
        ]
    );
    assert_eq!(
        warnings("type = 'exec'\ncommand = ['/bin/key', '$HOME/x', '~/x', 'a~b']"),
        [
            "5:1: 'command' in [source.s]: '$HOME' is not replaced; expected '{env:HOME}'",
            "5:1: 'command' in [source.s]: '~' is not replaced in an argument; expected an \
             absolute path"
        ]
    );
    assert_eq!(
        warnings("type = 'jwt'\nalgorithm = 'HS256'\nkey_env = 'K'\nclaims.a = '$TEAM'"),
        [""; 0]
    );
}

#[test]
fn a_path_of_the_api_is_found() {
    for (keys, part) in [
        ("path = 'secret/data/team'", "data"),
        ("path = 'secret/metadata/team'", "metadata"),
        ("mount = 'a/b'\npath = 'data/team'", "data"),
    ] {
        let found = vault(keys);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&format!("has '{part}/' after the mount point")));
    }
    for keys in [
        "path = 'secret/team/data/x'",
        "path = 'secret/data/team'\nkv = 1",
        "path = 'secret/data/team'\nlease = true",
        "path = 'secret/database'",
    ] {
        assert_eq!(vault(keys), [""; 0], "{keys}");
    }
}

#[test]
fn a_key_that_is_too_old_before_it_is_looked_at_is_found() {
    let found = |max_age: &str, source: &str| {
        let text =
            format!("version = 1\n[profile.p]\nsource = 's'\n{max_age}\n[source.s]\n{source}");
        let config = parse(Path::new("/c.toml"), &text).unwrap();
        let findings = Review::new(&text, &config).unwrap().into_findings();
        let texts = findings.iter().map(|finding| finding.problem.to_string());
        texts.collect::<Vec<_>>()
    };
    let vault = |watch: &str| {
        format!(
            "type = 'vault'\naddress = 'https://v.example'\npath = 'secret/a'\nfield = 'f'\n{watch}"
        )
    };
    for max_age in ["1s", "30s"] {
        assert_eq!(
            found(&format!("max_age = '{max_age}'"), &vault("")),
            [
                "4:1: 'max_age' in [profile.p]: is not longer than 'watch' of source 's', so that \
                 the key is read anew at nearly every request"
            ]
        );
    }
    for (max_age, source) in [
        ("max_age = '31s'", vault("")),
        ("", vault("watch = '1h'")),
        // There is nothing but a new read.
        ("max_age = '1s'", vault("watch = 'off'")),
        ("max_age = '1s'", vault("kv = 1")),
        (
            "max_age = '1s'",
            "type = 'exec'\ncommand = ['/bin/key']".to_owned(),
        ),
    ] {
        assert_eq!(found(max_age, &source), [""; 0], "{max_age} {source}");
    }
}

#[test]
fn rules_for_programs_that_can_change_them_are_found() {
    let text = "version = 1\nreveal = 'never'\nallowed_callers = ['/usr/bin/claude']\n\
                [profile.p]\nsource = 's'\nallowed_callers = ['/usr/bin/codex']\n\
                [profile.q]\nsource = 's'\n\
                [source.s]\ntype = 'exec'\ncommand = ['/bin/key']\n";
    let mut config = parse(Path::new("/c.toml"), text).unwrap();
    let found = |config: &Config| {
        let findings = Review::new(text, config).unwrap().into_findings();
        let texts = findings.iter().map(|finding| finding.problem.to_string());
        texts.collect::<Vec<_>>()
    };
    let problem = "can be changed by every program of the user's, unless this is the managed \
                   configuration";
    assert_eq!(
        found(&config),
        [
            format!("2:1: 'reveal': {problem}"),
            format!("3:1: 'allowed_callers': {problem}"),
            format!("6:1: 'allowed_callers' in [profile.p]: {problem}"),
        ]
    );
    config.is_managed = true;
    assert_eq!(found(&config), [""; 0]);
    // What is shown of a configuration names the defaults, too, which restrict nothing.
    let text = text.replace("never", "allowed");
    let config = parse(Path::new("/c.toml"), &text).unwrap();
    let findings = Review::new(&text, &config).unwrap().into_findings();
    let mut texts = findings.iter().map(|finding| finding.problem.to_string());
    assert!(!texts.any(|text| text.contains("reveal")));
}

#[test]
fn everything_that_is_named_is_listed() {
    let text = include_str!("accepted/keys.toml");
    let config = parse(Path::new("/c.toml"), text).unwrap();
    let named = Review::new(text, &config).unwrap().named();
    let is = |key: &str| {
        let found = named.iter().find(|named| named.key.join(".") == key);
        &found.unwrap().what
    };
    assert!(matches!(
        is("source.token.auth.token_file"),
        NamedThing::SecretFile(_)
    ));
    assert!(matches!(
        is("source.cert.auth.cert_file"),
        NamedThing::PublicFile(_)
    ));
    assert!(matches!(
        is("source.cert.auth.key_file"),
        NamedThing::SecretFile(_)
    ));
    assert!(
        matches!(is("source.jwt-env.auth.jwt_env"), NamedThing::Variable(name) if name == "JWT")
    );
    assert!(matches!(
        is("source.program.command"),
        NamedThing::Program(program) if program.as_str() == "/usr/local/bin/corp-key"
    ));
}

#[test]
fn a_pinned_key_without_a_policy_is_found() {
    let pinned = |place: &str| {
        warnings(&format!(
            "type = 'exec'\ncommand = ['/bin/key']\n[policy]\n\
             public_keys = ['ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo']\n{place}"
        ))
    };
    assert_eq!(
        pinned(""),
        [
            "7:1: 'public_keys' in [policy]: no central policy is in force: neither 'url' nor \
             'source' names its place"
        ]
    );
    assert_eq!(pinned("url = 'https://c.example/policy.jws'"), [""; 0]);
}
