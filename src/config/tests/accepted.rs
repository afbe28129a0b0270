//! Accepted configurations, and what they become.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{
    super::{
        field::{Audience, FilePath, VaultAddress},
        table::{
            Assertion, AuthConfig, AuthMethod, Config, Engine, Probe, SecretRef, SigningAlgorithm,
            SourceConfig, StoreKind, VaultConfig,
        },
    },
    parse,
};
use crate::template::Template;

/// The interface's example, without the keys of later versions.
const EXAMPLE: &str = include_str!("accepted/example.toml");

fn path(text: &str) -> FilePath {
    text.parse().unwrap()
}

fn config(text: &str) -> Config {
    parse(Path::new("/c.toml"), text).unwrap()
}

fn vault(keys: &str) -> VaultConfig {
    let text = format!(
        "version = 1\nprofile.p.source = 's'\n[source.s]\ntype = 'vault'\naddress = 'https://v.example'\n\
         path = 'secret/a/b'\nfield = 'f'\n{keys}\n\
         [source.other]\ntype = 'exec'\ncommand = ['/bin/key']\n"
    );
    match config(&text).sources.remove("s") {
        Some(SourceConfig::Vault(vault)) => *vault,
        other => panic!("{other:?}"),
    }
}

fn method(keys: &str) -> AuthConfig {
    vault(&format!("[source.s.auth]\n{keys}")).auth.unwrap()
}

#[test]
fn the_documented_example() {
    let config = config(EXAMPLE);
    assert_eq!(config.file, Path::new("/c.toml"));
    assert_eq!(
        config.daemon.exit_when_idle.get(),
        Some(Duration::from_secs(1800))
    );
    assert_eq!(
        config.daemon.drop_keys_after.get(),
        Some(Duration::from_secs(8 * 3600))
    );
    let profile = &config.profiles["default"];
    assert_eq!(profile.source, "team-vault");
    assert_eq!(profile.probe(), Probe::Models);
    assert!(
        profile
            .gateway
            .as_ref()
            .unwrap()
            .matches("https://llm-gateway.example.com/")
    );

    let SourceConfig::Vault(vault) = &config.sources["team-vault"] else {
        panic!("not a vault");
    };
    assert_eq!(
        vault.address,
        VaultAddress::Url("https://vault.example.com:8200".parse().unwrap())
    );
    assert_eq!(vault.namespace.as_deref(), Some("eng"));
    assert_eq!(vault.network.ca_file, Some(path("/etc/ssl/corp.pem")));
    assert_eq!(
        (vault.mount.as_str(), vault.path.as_str()),
        ("secret", "llm-gateway/{user}")
    );
    assert_eq!(vault.field, "api_key");
    assert_eq!(
        vault.engine,
        Engine::Kv2 {
            watch: Some(Duration::from_secs(30))
        }
    );
    assert_eq!(vault.timeout, Duration::from_secs(5));
    assert_eq!(
        vault.auth,
        Some(AuthConfig {
            mount: "approle".to_owned(),
            method: AuthMethod::AppRole {
                role_id: "6e1f".to_owned(),
                secret_id: Some(SecretRef::File(path("/etc/claviger/secret-id"))),
                wrapped: None,
            },
        })
    );

    let SourceConfig::Jwt(jwt) = &config.sources["minted"] else {
        panic!("not a jwt");
    };
    assert_eq!(jwt.algorithm, SigningAlgorithm::EdDsa);
    assert_eq!(jwt.key, SecretRef::File(path("/etc/claviger/signing.pem")));
    assert_eq!(jwt.subject.as_ref().unwrap().as_str(), "{user}");
    assert_eq!(jwt.ttl, Duration::from_secs(3600));
    assert_eq!(jwt.audience, Some(Audience::One("llm-gateway".to_owned())));
    assert_eq!(
        (jwt.leeway, jwt.not_before),
        (Duration::from_secs(30), false)
    );
    assert_eq!(
        Value::from(jwt.claims.clone()),
        serde_json::json!({ "team": "engineering" })
    );

    let SourceConfig::Exec(exec) = &config.sources["other"] else {
        panic!("not an exec");
    };
    let command: Vec<_> = exec.command.iter().map(|part| part.as_str()).collect();
    assert_eq!(command, ["/usr/local/bin/corp-key", "--user", "{user}"]);
    assert_eq!(
        (exec.timeout.get(), exec.ttl),
        (Duration::from_secs(5), None)
    );
}

#[test]
fn the_variables_of_a_source_and_its_chain() {
    let text = "version = 1\nprofile.p.source = 's'\n[source.s]\ntype = 'vault'\naddress = 'https://v.example'\n\
                path = '{env:A}/{env:B}'\nfield = 'f'\n[source.s.auth]\nmethod = 'ldap'\nusername = '{env:C}'\n\
                password_env = 'P'\n[source.c]\ntype = 'vault'\naddress = 'https://v.example'\n\
                path = 'secret/{env:B}'\nfield = 'f'\nauth = { method = 'jwt', jwt_source = 'j' }\n[source.j]\ntype = 'jwt'\nalgorithm = 'HS256'\n\
                key_file = '/keys/{env:K}'\n[source.e]\ntype = 'exec'\ncommand = ['/bin/key', '{env:D}']\n";
    let config = config(text);
    let names = |source| Vec::from_iter(config.source_variables(source));
    assert_eq!(names("s"), ["A", "B", "C", "P"]);
    assert_eq!(names("c"), ["B", "K"]);
    assert_eq!(names("j"), ["K"]);
    assert_eq!(names("e"), ["D"]);
}

#[test]
fn a_probe_needs_a_gateway() {
    let probe = |keys: &str| {
        let text = format!(
            "version = 1\n[profile.p]\nsource = 's'\n{keys}\n[source.s]\ntype = 'exec'\ncommand = ['/bin/key']\n"
        );
        config(&text).profiles["p"].probe()
    };
    assert_eq!(probe(""), Probe::Off);
    assert_eq!(probe("probe = 'off'"), Probe::Off);
    assert_eq!(probe("gateway = 'https://g.example'"), Probe::Models);
    assert_eq!(
        probe("gateway = 'https://g.example'\nprobe = 'off'"),
        Probe::Off
    );
    assert_eq!(
        probe("gateway = 'https://g.example'\nprobe = 'count-tokens'"),
        Probe::CountTokens
    );
}

#[test]
fn the_max_age_of_a_key_without_an_expiry() {
    let max_age = |keys: &str| {
        let text = format!(
            "version = 1\n[profile.p]\nsource = 's'\n{keys}\n[source.s]\ntype = 'exec'\ncommand = ['/bin/key']\n"
        );
        config(&text).profiles["p"].max_age().as_secs()
    };
    assert_eq!(max_age(""), 12 * 3600);
    for (value, secs) in [
        ("1s", 1),
        ("90m", 5400),
        ("P1D", 86_400),
        ("365d", 31_536_000),
    ] {
        assert_eq!(max_age(&format!("max_age = '{value}'")), secs, "{value}");
    }
}

#[test]
fn engines() {
    let secs = |secs| Some(Duration::from_secs(secs));
    assert_eq!(vault("").engine, Engine::Kv2 { watch: secs(30) });
    assert_eq!(
        vault("kv = 2\nwatch = '1m'").engine,
        Engine::Kv2 { watch: secs(60) }
    );
    assert_eq!(vault("watch = 'off'").engine, Engine::Kv2 { watch: None });
    assert_eq!(vault("kv = 1").engine, Engine::Kv1);
    assert_eq!(vault("lease = true").engine, Engine::Lease);
    assert_eq!(vault("kv = 1\nlease = false").engine, Engine::Kv1);
}

#[test]
fn a_mount_point_of_its_own() {
    let vault = vault("mount = 'teams/{user}/kv'");
    assert_eq!(
        (vault.mount.as_str(), vault.path.as_str()),
        ("teams/{user}/kv", "secret/a/b")
    );
}

#[test]
fn addresses() {
    let address = |address: &str| {
        let text = format!(
            "version = 1\nprofile.p.source = 's'\n[source.s]\ntype = 'vault'\naddress = '{address}'\n\
             path = 'secret/a'\nfield = 'f'\n"
        );
        match config(&text).sources.remove("s") {
            Some(SourceConfig::Vault(vault)) => vault.address,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        address("unix:///run/vault.sock"),
        VaultAddress::Unix("/run/vault.sock".into())
    );
    assert_eq!(
        address("http://[::1]:8200/"),
        VaultAddress::Url("http://[::1]:8200".parse().unwrap())
    );
}

#[test]
fn auth_methods() {
    assert_eq!(vault("").auth, None);
    let file = |text: &str| SecretRef::File(path(text));
    for (keys, mount, expected) in [
        (
            "method = 'token'\ntoken_file = '/t'",
            "token",
            AuthMethod::Token(file("/t")),
        ),
        (
            "method = 'token'\ntoken_env = 'T'",
            "token",
            AuthMethod::Token(SecretRef::Env("T".to_owned())),
        ),
        (
            "method = 'approle'\nrole_id = 'r'",
            "approle",
            AuthMethod::AppRole {
                role_id: "r".to_owned(),
                secret_id: None,
                wrapped: None,
            },
        ),
        (
            "method = 'approle'\nrole_id = 'r'\nsecret_id_file = '/s'\nsecret_id_wrapped = true\nmount = 'a/b/'",
            "a/b",
            AuthMethod::AppRole {
                role_id: "r".to_owned(),
                secret_id: Some(file("/s")),
                wrapped: Some(StoreKind::System),
            },
        ),
        (
            "method = 'userpass'\npassword_file = '/p'",
            "userpass",
            AuthMethod::UserPass {
                username: Template::parse("{user}").unwrap(),
                password: file("/p"),
            },
        ),
        (
            "method = 'ldap'\nusername = 'ana'\npassword_env = 'P'",
            "ldap",
            AuthMethod::UserPass {
                username: Template::parse("ana").unwrap(),
                password: SecretRef::Env("P".to_owned()),
            },
        ),
        (
            "method = 'jwt'\nrole = 'dev'\njwt_source = 'other'",
            "jwt",
            AuthMethod::Jwt {
                role: Some("dev".to_owned()),
                jwt: Assertion::Source("other".to_owned()),
            },
        ),
        (
            "method = 'jwt'\njwt_file = '/j'",
            "jwt",
            AuthMethod::Jwt {
                role: None,
                jwt: Assertion::Secret(file("/j")),
            },
        ),
        (
            "method = 'oidc'",
            "oidc",
            AuthMethod::Oidc {
                role: None,
                redirect_port: None,
                redirect_path: "/oidc/callback".to_owned(),
            },
        ),
        (
            "method = 'oidc'\nmount = 'sso'\nrole = 'dev'\nredirect_port = 8250\nredirect_path = '/cb'",
            "sso",
            AuthMethod::Oidc {
                role: Some("dev".to_owned()),
                redirect_port: Some(8250),
                redirect_path: "/cb".to_owned(),
            },
        ),
        (
            "method = 'cert'\ncert_file = '/c'\nkey_file = '/k'",
            "cert",
            AuthMethod::Cert {
                cert_file: path("/c"),
                key_file: path("/k"),
                role: None,
            },
        ),
    ] {
        let auth = method(keys);
        assert_eq!(
            (auth.mount.as_str(), auth.method),
            (mount, expected),
            "{keys}"
        );
    }
}

#[test]
fn algorithms() {
    for name in [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "ES512", "EdDSA",
    ] {
        let text = format!(
            "version = 1\nprofile.p.source = 's'\n[source.s]\ntype = 'jwt'\nalgorithm = '{name}'\nkey_env = 'K'\n"
        );
        let Some(SourceConfig::Jwt(jwt)) = config(&text).sources.remove("s") else {
            panic!("not a jwt");
        };
        assert_eq!(jwt.algorithm.to_string(), name);
    }
}
