//! The configuration: how it is found, checked and reloaded, and which profile a client gets.

use crate::support::{KEY, TestEnv};

/// The table of a source that prints `key`.
fn source(name: &str, key: &str) -> String {
    format!("[source.{name}]\ntype = \"exec\"\ncommand = [\"/bin/echo\", \"{key}\"]\n")
}

/// The tables of a profile and its source, which prints `key-of-NAME`. An empty `gateway` means
/// none.
fn profile(name: &str, gateway: &str) -> String {
    let gateway = match gateway {
        "" => String::new(),
        url => format!("gateway = \"{url}\"\nprobe = \"off\"\n"),
    };
    format!(
        "[profile.{name}]\nsource = \"{name}\"\n{gateway}{}",
        source(name, &format!("key-of-{name}"))
    )
}

#[tokio::test]
async fn a_missing_configuration_is_reported_and_found_once_it_exists() {
    let env = TestEnv::new();
    let file = env.config_file();
    env.helper().await.failed(
        2,
        &[
            "no configuration found; looked for",
            file.to_str().unwrap(),
            "hint: create one",
        ],
    );
    env.write_config(&profile("default", ""));
    env.helper().await.printed("key-of-default");
}

#[tokio::test]
async fn an_invalid_configuration_is_reported_by_every_program() {
    let env = TestEnv::new();
    env.write_raw_config("version = 1\n\n[profile.default]\nsource = \"x\"\n\n[source.x]\ntype = \"exec\"\ncommand = [\"/bin/echo\"]\ntimout = \"1s\"\n");
    let at = format!("{}:9:1: ", env.config_file().display());
    env.helper()
        .await
        .failed(2, &[&at, "timout", "hint: run claviger config check"]);
    let check = env.claviger(&["config", "check"]).await;
    assert_eq!(check.code, Some(2));
    assert!(check.stderr.contains(&at), "{check:?}");
    env.claviger(&["daemon"]).await.failed(2, &[&at]);
    env.write_config(&profile("default", ""));
    env.helper().await.printed("key-of-default");
}

#[tokio::test]
async fn a_changed_configuration_is_reloaded_if_it_is_valid() {
    let env = TestEnv::with_config(&profile("default", ""));
    env.helper().await.printed("key-of-default");
    let pid = env.daemon_pid();
    env.write_config(&profile("default", "").replace("key-of-default", "key-two"));
    env.helper().await.printed("key-two");

    env.write_config(&profile("default", "").replace("\"default\"", "12"));
    env.helper().await.printed("key-two");
    let daemon = &env.status().await["daemon"];
    let error = daemon["config_error"].as_str().unwrap();
    let at = format!("{}:3:1: ", env.config_file().display());
    assert!(error.starts_with(&at), "{error}");
    let status = env.claviger(&["status"]).await;
    assert!(status.succeeded().contains("is not in force"), "{status:?}");

    std::fs::remove_file(env.config_file()).unwrap();
    env.helper().await.printed("key-two");

    env.write_config(&profile("default", ""));
    env.helper().await.printed("key-of-default");
    assert!(env.status().await["daemon"]["config_error"].is_null());
    assert_eq!(env.daemon_pid(), pid, "the daemon was not restarted");
}

#[tokio::test]
async fn an_unchanged_profile_keeps_its_key_after_a_reload() {
    let env = TestEnv::new();
    let count = env.path("count");
    let program = env.write_program(
        "corp-key",
        &format!("echo x >> '{}'; echo {KEY}", count.display()),
    );
    let text = format!(
        "[source.corp]\ntype = \"exec\"\ncommand = [\"{program}\"]\n[profile.default]\nsource = \"corp\"\n"
    );
    env.write_config(&text);
    env.helper().await.printed(KEY);
    env.write_config(&format!(
        "# a remark\n{text}\n[source.other]\ntype = \"exec\"\ncommand = [\"/bin/false\"]\n[profile.more]\nsource = \"other\"\n"
    ));
    env.helper().await.printed(KEY);
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
}

#[tokio::test]
async fn the_profile_is_chosen_by_option_variable_gateway_and_default() {
    let env = TestEnv::with_config(
        &[
            profile("one", "https://one.example.com/llm"),
            profile("two", "https://two.example.com"),
        ]
        .concat(),
    );
    let base = |url| [("ANTHROPIC_BASE_URL", url)];
    for (url, key) in [
        ("https://one.example.com/llm/", "key-of-one"),
        ("HTTPS://two.example.com:443", "key-of-two"),
    ] {
        env.helper_with(&[], &base(url)).await.printed(key);
    }
    env.helper_with(&["--profile", "two"], &base("https://one.example.com/llm"))
        .await
        .failed(7, &["profile 'two'", "hint: name profile 'one'"]);
    env.helper_with(&[], &[("CLAVIGER_PROFILE", "one")])
        .await
        .printed("key-of-one");
    for url in ["", "https://one.example.com", "https://three.example.com"] {
        env.helper_with(&[], &base(url))
            .await
            .failed(2, &["ambiguous profile: 'one' or 'two'"]);
    }
    env.helper_with(&["--profile", "tow"], &[])
        .await
        .failed(2, &["unknown profile 'tow'", "did you mean 'two'"]);
    env.write_config(
        &[
            profile("default", ""),
            profile("two", "https://two.example.com"),
        ]
        .concat(),
    );
    env.helper().await.printed("key-of-default");
}

#[tokio::test]
async fn the_variable_selects_another_file() {
    let env = TestEnv::with_config(&profile("default", ""));
    let other = env.write_file(
        "other.toml",
        &format!("version = 1\n{}", profile("other", "")),
    );
    env.set_variable("CLAVIGER_CONFIG", &other);
    env.helper().await.printed("key-of-other");
    assert_eq!(env.status().await["daemon"]["config"], other);
}

#[tokio::test]
async fn check_reports_errors_and_schema_prints_json() {
    let env = TestEnv::with_config(&profile("default", ""));
    let good = env.claviger(&["config", "check"]).await;
    assert!(
        good.succeeded()
            .ends_with(": valid; 1 profile and 1 source\n"),
        "{good:?}"
    );
    let file = env.write_file(
        "bad.toml",
        "version = 1\n[profile.a]\nsource = \"b\"\nsorce = 1\n",
    );
    let bad = env.claviger(&["config", "check", &file]).await;
    assert_eq!((bad.code, bad.stdout.as_str()), (Some(2), ""));
    assert!(bad.stderr.contains(&format!("{file}:4:1: ")), "{bad:?}");
    let schema = env.claviger(&["config", "schema"]).await;
    let schema: serde_json::Value = serde_json::from_str(schema.succeeded()).unwrap();
    assert_eq!(schema["title"], "Claviger");
}
