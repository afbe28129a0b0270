//! Each kind of mistake with its exact message. Every case is a change to a file that is right.

use std::path::Path;

use super::{super::error::ConfigError, parse};

const RIGHT: &str = include_str!("example.toml");

fn messages(text: &str) -> Vec<String> {
    match parse(Path::new("/c.toml"), text) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .problems()
            .map(|problem| problem.at(Path::new("/c.toml")))
            .collect(),
    }
}

/// Replaces `from` in the right file by `to`: what is wrong with that?
fn changed(from: &str, to: &str) -> Vec<String> {
    assert_eq!(RIGHT.matches(from).count(), 1, "{from:?} is not there once");
    messages(&RIGHT.replace(from, to))
}

#[track_caller]
fn expect(from: &str, to: &str, expected: &str) {
    assert_eq!(
        changed(from, to),
        [format!("/c.toml:{expected}")],
        "{from:?} → {to:?}"
    );
}

#[test]
fn toml() {
    expect(
        "version = 1",
        "version = ",
        "1:11: is not TOML: string values must be quoted, expected literal string",
    );
    expect(
        "ttl       = \"1h\"",
        "issuer = 'x'",
        "33:1: is not TOML: duplicate key",
    );
}

#[test]
fn keys() {
    expect(
        "address = \"https://vault.example.com:8200\"",
        "address = \"https://vault.example.com:8200\"\n  adress = 'x'",
        "14:3: unknown key 'adress' in [source.team-vault]; did you mean 'address'?",
    );
    expect(
        "algorithm = \"EdDSA\"",
        "algorithm = \"EdDSA\"\ncolour = 'red'",
        "29:1: unknown key 'colour' in [source.minted]; the keys are 'algorithm', 'audience', 'claims', 'issuer', \
         'key_env', 'key_file', 'key_id', 'subject', 'ttl' and 'type'",
    );
    expect(
        "[daemon]",
        "[deamon]",
        "3:2: unknown key 'deamon'; did you mean 'daemon'?",
    );
    expect(
        "version = 1\n",
        "",
        "1:1: the file has no 'version'; it takes 1",
    );
    expect(
        "version = 1",
        "version = 2",
        "1:1: 'version' is 2; it takes 1",
    );
    expect(
        "field   = \"api_key\"\n",
        "",
        "11:9: [source.team-vault] has no 'field'",
    );
    expect(
        "algorithm = \"EdDSA\"\n",
        "",
        "26:9: [source.minted] has no 'algorithm'; it takes 'HS256', 'HS384', \
        'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384' and 'EdDSA'",
    );
    expect(
        "type    = \"exec\"\n",
        "",
        "36:9: [source.other] has no 'type'; it takes 'vault', 'jwt' and 'exec'",
    );
    expect(
        "method  = \"approle\"\n",
        "",
        "21:20: [source.team-vault.auth] has no 'method'; it takes 'token', 'approle', \
        'userpass', 'ldap', 'jwt' and 'cert'",
    );
    assert_eq!(
        messages("version = 1\n"),
        [
            "/c.toml:1:1: the file has no [profile.NAME]; it takes one at least",
            "/c.toml:1:1: the file has no [source.NAME]; it takes one at least",
        ]
    );
    assert_eq!(
        messages("version = 1\nprofile = {}\nsource = {}\n"),
        [
            "/c.toml:2:1: [profile] is empty; it takes one entry at least",
            "/c.toml:3:1: [source] is empty; it takes one entry at least",
        ]
    );
}

#[test]
fn types_and_values() {
    expect(
        "kv      = 2",
        "kv = '2'",
        "18:1: 'kv' in [source.team-vault] is a string; it takes an integer",
    );
    expect(
        "kv      = 2",
        "kv = 3",
        "18:1: 'kv' in [source.team-vault] is 3; it takes 1 and 2",
    );
    expect(
        "kv      = 2",
        "kv = 99999999999999999999",
        "18:1: 'kv' in [source.team-vault] is 99999999999999999999; it takes 1 and 2",
    );
    expect(
        "kv      = 2",
        "lease = 1",
        "18:1: 'lease' in [source.team-vault] is an integer; it takes a boolean",
    );
    expect(
        "field   = \"api_key\"",
        "field = true",
        "17:1: 'field' in [source.team-vault] is a boolean; it takes a string",
    );
    expect(
        "field   = \"api_key\"",
        "field = ''",
        "17:1: 'field' in [source.team-vault] is empty",
    );
    expect(
        "probe   = \"models\"",
        "probe = 'model'",
        "9:1: 'probe' in [profile.default] is 'model'; \
        it takes 'models', 'count-tokens' and 'off'; did you mean 'models'?",
    );
    expect(
        "type    = \"vault\"",
        "type = 'valut'",
        "12:1: 'type' in [source.team-vault] is 'valut'; \
        it takes 'vault', 'jwt' and 'exec'; did you mean 'vault'?",
    );
    expect(
        "type    = \"vault\"",
        "type = 1",
        "12:1: 'type' in [source.team-vault] is an integer; it takes a string",
    );
    expect(
        "algorithm = \"EdDSA\"",
        "algorithm = 'none'",
        "28:1: 'algorithm' in [source.minted] is 'none'; \
        it takes 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384' and 'EdDSA'",
    );
    expect(
        "command = [\"/usr/local/bin/corp-key\", \"--user\", \"{user}\"]",
        "command = []",
        "38:1: 'command' in [source.other] is empty",
    );
    expect(
        "command = [\"/usr/local/bin/corp-key\", \"--user\", \"{user}\"]",
        "command = ['/x', 1]",
        "38:1: 'command' in [source.other] is an integer; it takes a string",
    );
    expect(
        "exit_when_idle = \"30m\"",
        "exit_when_idle = 30",
        "4:1: 'exit_when_idle' in [daemon] is an integer; it takes a string",
    );
    assert_eq!(
        messages("version = 1\nprofile = 1\nsource = []\n"),
        [
            "/c.toml:2:1: 'profile' is an integer; it takes a table",
            "/c.toml:3:1: 'source' is an array; it takes a table",
        ]
    );
}

#[test]
fn a_later_version() {
    expect(
        "type    = \"vault\"",
        "type = 'oauth'",
        "12:1: 'type' in [source.team-vault] is 'oauth', \
        which this version does not have yet; it takes 'vault', 'jwt' and 'exec'",
    );
    expect(
        "method  = \"approle\"",
        "method = 'oidc'",
        "22:1: 'method' in [source.team-vault.auth] is 'oidc', \
        which this version does not have yet; it takes 'token', 'approle', 'userpass', 'ldap', 'jwt' and 'cert'",
    );
    expect(
        "secret_id_file = \"/etc/claviger/secret-id\"",
        "secret_id_keychain = 'x'",
        "24:1: 'secret_id_keychain' in [source.team-vault.auth] is a key that this version does not have yet; \
         it takes 'secret_id_file' and 'secret_id_env'",
    );
}

#[test]
fn secrets() {
    expect(
        "secret_id_file = \"/etc/claviger/secret-id\"",
        "secret_id = 'hunter2'",
        "24:1: 'secret_id' in [source.team-vault.auth] would hold the secret itself, which does not belong in this file; \
         it takes 'secret_id_file' and 'secret_id_env'",
    );
    expect(
        "kv      = 2",
        "token = 'hunter2'",
        "18:1: 'token' in [source.team-vault] would hold a secret itself, \
        which does not belong in this file; a key with '_file' or '_env' at its end names where one is",
    );
    expect(
        "secret_id_file = \"/etc/claviger/secret-id\"",
        "secret_id_file = 'hunter2'",
        "24:1: 'secret_id_file' in [source.team-vault.auth] is not an absolute path",
    );
    expect(
        "secret_id_file = \"/etc/claviger/secret-id\"",
        "secret_id_env = 'hunter-2'",
        "24:1: 'secret_id_env' in [source.team-vault.auth] is not the name of a variable: \
         ASCII letters, digits and '_', the first not a digit",
    );
    expect(
        "secret_id_file = \"/etc/claviger/secret-id\"",
        "secret_id_file = '/x'\nsecret_id_env = 'X'",
        "21:20: [source.team-vault.auth] has both 'secret_id_file' and 'secret_id_env'; it takes one of them",
    );
    expect(
        "key_file  = \"/etc/claviger/signing.pem\"\n",
        "",
        "26:9: [source.minted] has neither 'key_file' nor 'key_env'; it takes one of them",
    );
    expect(
        "secret_id_file = \"/etc/claviger/secret-id\"",
        "secret_id_wrapped = true",
        "24:1: 'secret_id_wrapped' in [source.team-vault.auth] needs 'secret_id_file' or 'secret_id_env'",
    );
}

#[test]
fn durations() {
    expect(
        "watch   = \"30s\"",
        "watch = '10ms'",
        "19:1: 'watch' in [source.team-vault] is 10ms; it takes 1s to 1d",
    );
    expect(
        "watch   = \"30s\"",
        "watch = 'never'",
        "19:1: 'watch' in [source.team-vault] is neither 'off' nor a duration such as '90s', '15m' or '1h30m'",
    );
    expect(
        "watch   = \"30s\"",
        "timeout = '2m'",
        "19:1: 'timeout' in [source.team-vault] is 2m; it takes 100ms to 1m",
    );
    expect(
        "watch   = \"30s\"",
        "timeout = 'off'",
        "19:1: 'timeout' in [source.team-vault] is not a duration such as '90s', '15m' or '1h30m'",
    );
    expect(
        "ttl       = \"1h\"",
        "ttl = '0s'",
        "33:1: 'ttl' in [source.minted] is 0s; it takes 1s to 366d",
    );
    expect(
        "exit_when_idle = \"30m\"",
        "exit_when_idle = '1h 30m'",
        "4:1: 'exit_when_idle' in [daemon] is neither 'off' nor a duration such as '90s', '15m' or '1h30m'",
    );
}

#[test]
fn vault() {
    expect(
        "kv      = 2",
        "kv = 1",
        "19:1: 'watch' in [source.team-vault] looks at versions, which only 'kv = 2' has",
    );
    expect(
        "kv      = 2",
        "lease = true",
        "19:1: 'watch' in [source.team-vault] looks at versions, which only 'kv = 2' has",
    );
    expect(
        "kv      = 2",
        "kv = 2\nlease = true",
        "19:1: 'lease' in [source.team-vault] is true beside 'kv'; it takes one of them",
    );
    expect(
        "kv      = 2",
        "mount = 'secret'",
        "16:1: 'path' in [source.team-vault] starts with the mount point; \
        where there is a 'mount', it takes what follows that",
    );
    expect(
        "secret/llm-gateway/{user}",
        "secret",
        "16:1: 'path' in [source.team-vault] is a mount point alone; \
        it takes the mount point, '/' and the secret's path",
    );
    expect(
        "secret/llm-gateway/{user}",
        "secret/{usr}",
        "16:1: 'path' in [source.team-vault] has an unknown placeholder \
        '{usr}'; it takes '{user}', '{host}' and '{env:NAME}'",
    );
    expect(
        "/etc/ssl/corp.pem",
        "corp.pem",
        "15:1: 'ca_file' in [source.team-vault] is not an absolute path",
    );
    let takes = "it takes 'https://HOST:PORT', 'http://HOST:PORT' and 'unix:///PATH'";
    for (address, expected) in [
        (
            "vault.example.com",
            format!("is not a URL: relative URL without a base; {takes}"),
        ),
        ("ftp://v", format!("has another scheme; {takes}")),
        (
            "https://v/v1",
            format!("has something after the host and port; {takes}"),
        ),
        (
            "https://v/?x",
            format!("has something after the host and port; {takes}"),
        ),
        (
            "unix://run/x",
            format!("is not the absolute path of a socket; {takes}"),
        ),
        (
            "https://a:hunter2@v",
            "has a user name or password in it; how to log in is for [source.NAME.auth]".to_owned(),
        ),
    ] {
        expect(
            "https://vault.example.com:8200",
            address,
            &format!("13:1: 'address' in [source.team-vault] {expected}"),
        );
    }
}

#[test]
fn profiles() {
    expect(
        "source  = \"team-vault\"",
        "source = 'team-valt'",
        "8:1: 'source' in [profile.default] names 'team-valt', \
        and there is no such source; did you mean 'team-vault'?",
    );
    expect(
        "source  = \"team-vault\"",
        "source = 'sso'",
        "8:1: 'source' in [profile.default] names 'sso', \
        and there is no such source; the sources are 'minted', 'other' and 'team-vault'",
    );
    expect(
        "gateway = \"https://llm-gateway.example.com\"\n",
        "",
        "8:1: 'probe' in [profile.default] asks a gateway, \
        and the profile has no 'gateway'; it takes 'off' here",
    );
    expect(
        "https://llm-gateway.example.com",
        "https://a:hunter2@g.example",
        "7:1: 'gateway' in [profile.default] \
        has a user name or password in it, which is no place for either",
    );
    expect(
        "[profile.default]",
        "[profile.\"a b\"]",
        "6:10: 'a b' in [profile] is no name; \
        it takes 1 to 64 ASCII letters, digits and any of '._-', the first a letter or digit",
    );
}

#[test]
fn jwt_and_exec() {
    expect(
        "team = \"engineering\"",
        "sub = 'x'",
        "34:15: 'sub' in [source.minted.claims] is a registered claim, \
        which comes from 'subject'",
    );
    expect(
        "team = \"engineering\"",
        "born = 2000-01-01",
        "34:15: 'born' in [source.minted.claims] is a date; \
        it takes a number (seconds since 1970) or a string",
    );
    expect(
        "team = \"engineering\"",
        "much = inf",
        "34:15: 'much' in [source.minted.claims] is a number that JSON does not have",
    );
    expect(
        "/usr/local/bin/corp-key",
        "corp-key",
        "38:1: 'command' in [source.other] starts with something that is not \
        a program's absolute path",
    );
    expect(
        "\"--user\", \"{user}\"",
        "\"{user\"",
        "38:1: 'command' in [source.other] has a '{' at character 1 \
        that nothing closes; '{{' is a brace itself",
    );
}

fn chain(links: &[(&str, &str)]) -> Vec<String> {
    let mut text = format!("version = 1\nprofile.p.source = '{}'\n", links[0].0);
    for (name, next) in links {
        text.push_str(&format!(
            "[source.{name}]\ntype = 'vault'\naddress = 'https://v.example'\npath = 'secret/a'\nfield = 'f'\n\
             auth = {{ method = 'jwt', jwt_source = '{next}' }}\n"
        ));
    }
    messages(&text)
}

#[test]
fn chains() {
    assert_eq!(
        chain(&[("a", "a")]),
        ["/c.toml:8:26: 'jwt_source' in [source.a.auth] closes a circle: 'a' → 'a'",]
    );
    assert_eq!(
        chain(&[("c", "a"), ("a", "b"), ("b", "c"), ("into", "a")]),
        ["/c.toml:14:26: 'jwt_source' in [source.a.auth] closes a circle: 'a' → 'b' → 'c' → 'a'",]
    );
    assert_eq!(
        chain(&[("first", "secnd"), ("second", "third")]),
        [
            "/c.toml:8:26: 'jwt_source' in [source.first.auth] names 'secnd', and there is no such source; did you mean 'second'?",
            "/c.toml:14:26: 'jwt_source' in [source.second.auth] names 'third', and there is no such source; \
         the sources are 'first' and 'second'",
        ]
    );
}

#[test]
fn assertions() {
    let auth = |keys: &str| {
        let from = "method  = \"approle\"\nrole_id = \"6e1f\"\nsecret_id_file = \"/etc/claviger/secret-id\"";
        changed(from, &format!("method = 'jwt'\n{keys}"))
    };
    assert_eq!(
        auth(""),
        [
            "/c.toml:21:20: [source.team-vault.auth] has neither 'jwt_file', 'jwt_env' nor 'jwt_source'; it takes one of them",
        ]
    );
    assert_eq!(
        auth("jwt_file = '/j'\njwt_source = 'minted'"),
        [
            "/c.toml:24:1: 'jwt_source' in [source.team-vault.auth] is not alone; it takes one of 'jwt_file', 'jwt_env' and \
         'jwt_source'",
        ]
    );
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_file() {
    let text = RIGHT
        .replace("kv      = 2", "kv = 3")
        .replace("\"EdDSA\"", "1")
        .replace("version = 1", "version = 0");
    assert_eq!(
        messages(&text),
        [
            "/c.toml:1:1: 'version' is 0; it takes 1",
            "/c.toml:18:1: 'kv' in [source.team-vault] is 3; it takes 1 and 2",
            "/c.toml:28:1: 'algorithm' in [source.minted] is an integer; it takes a string",
        ]
    );
    let error = parse(Path::new("/c.toml"), &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/c.toml:1:1: 'version' is 0; it takes 1 (and 2 more)"
    );
    assert!(matches!(error, ConfigError::Invalid { .. }));
}

/// Every value of the file in turn becomes something that must not be seen in a message.
#[test]
fn no_value_of_a_wrong_type_is_repeated() {
    for line in RIGHT.lines().filter(|line| line.contains('=')) {
        let (key, _) = line.split_once('=').unwrap();
        for value in ["['hunter2']", "{ hunter = 'hunter2' }", "'hunter2"] {
            let text = RIGHT.replace(line, &format!("{key}= {value}"));
            for message in messages(&text) {
                assert!(!message.contains("hunter2"), "{message}");
            }
        }
    }
}
