//! `claviger doctor --bundle`: what is in the archive, and what is not.

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

use crate::support::{KEY, TestEnv};

/// A machine with a secret in every place that can contain one.
fn with_secrets() -> TestEnv {
    let env = TestEnv::new();
    for secret in [
        KEY,
        "s3cret-argument",
        "s3cret-header",
        "s3cret-parameter",
        "s3cret-claim",
        "s3cret-variable",
    ] {
        env.add_secret(secret);
    }
    // Its arguments are a secret of the test.
    let program = env.write_unobserved_program("corp-key", &format!("echo {KEY}"));
    let signing = env.write_secret_file("hmac", "s3cret-signing-key-of-some-32-bytes");
    env.write_config(&format!(
        "[profile.default]\nsource = \"corp\"\ngateway = \"http://127.0.0.1:9\"\n\
         headers = {{ x-tenant = \"s3cret-header\" }}\n\
         [profile.minted]\nsource = \"minted\"\n\
         [profile.sso]\nsource = \"sso\"\n\
         [source.corp]\ntype = \"exec\"\ncommand = [\"{program}\", \"s3cret-argument\"]\n\
         [source.minted]\ntype = \"jwt\"\nalgorithm = \"HS256\"\nkey_file = \"{signing}\"\n\
         issuer = \"https://i.test\"\nsubject = \"a\"\naudience = \"b\"\n\
         claims = {{ team = \"s3cret-claim\" }}\n\
         [source.sso]\ntype = \"oauth\"\nissuer = \"https://idp.test\"\nclient_id = \"c\"\n\
         store = \"memory\"\nparameters = {{ hint = \"s3cret-parameter\" }}\n"
    ));
    for name in [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAVIGER_PROFILE",
    ] {
        env.set_variable(name, "s3cret-variable");
    }
    env.set_variable(
        "ANTHROPIC_BASE_URL",
        "http://u:s3cret-variable@127.0.0.1:9/?k=s3cret-variable",
    );
    env
}

fn tar(args: &[&str]) -> String {
    let output = Command::new("tar").args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn nothing_that_doctor_prints_or_writes_contains_a_secret() {
    let env = with_secrets();
    env.helper_with(&["--profile", "default"], &[("ANTHROPIC_BASE_URL", "")])
        .await;
    let file = env.path("bundle.tar.gz");
    let file = file.to_str().unwrap();
    for args in [
        &["doctor", "--json"][..],
        &["doctor"],
        &["doctor", "--bundle", file],
    ] {
        // The environment records the output, and is searched when it ends.
        let output = env.claviger(args).await;
        assert!(output.stdout.len() > 20, "{output:?}");
    }
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    let names = tar(&["tzf", file]);
    let expected = [
        "report.json",
        "report.txt",
        "status.json",
        "config.json",
        "daemon.log",
    ];
    let expected: String = expected
        .iter()
        .map(|name| format!("claviger-doctor/{name}\n"))
        .collect();
    assert_eq!(names, expected);
    let all = tar(&["xzfO", file]);
    env.record_output("the bundle", &all);
    for part in ["\"findings\"", "\"profiles\"", "\"origin\"", "listening"] {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[tokio::test]
async fn an_archive_is_listed_and_never_replaced() {
    let env = TestEnv::with_fixed_key();
    let file = env.path("bundle.tar.gz");
    let args = ["doctor", "--no-start", "--bundle", file.to_str().unwrap()];
    let output = env.claviger(&args).await;
    assert!(output.stdout.contains("\n  config.json, "), "{output:?}");
    let before = fs::read(&file).unwrap();
    let again = env.claviger(&args).await;
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("cannot write"), "{again:?}");
    assert_eq!(fs::read(&file).unwrap(), before);
}
