//! The contracts of `status` and of the shim's formats.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv,
    fingerprint::fingerprint,
    poll::SOON,
    until,
    vault_config::{token_auth, vault_config},
};

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn the_report_has_the_documented_names_and_values() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    let status = env.status().await;
    assert_eq!(keys(&status), ["daemon", "profiles"].into());
    let daemon = &status["daemon"];
    for name in [
        "pid",
        "version",
        "uptime_s",
        "socket",
        "usual_socket",
        "log",
        "log_error",
        "config",
        "config_error",
        "audit_error",
        "audit_records",
        "audit_lost",
    ] {
        assert!(keys(daemon).contains(name), "{name}");
    }
    let pid = env.daemon_pid().unwrap().as_raw_nonzero().get();
    assert_eq!(daemon["pid"], pid);
    assert_eq!(daemon["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(daemon["socket"], env.socket().to_str().unwrap());
    let profile = &status["profiles"][0];
    for name in [
        "name",
        "source",
        "state",
        "fingerprint",
        "issued_at",
        "expires_at",
        "next_refresh_at",
        "version",
        "last_error",
        "gateway",
        "error_code",
        "advice",
        "last_probe",
        "successor",
        "usable_until",
        "rejection_evidence",
    ] {
        assert!(keys(profile).contains(name), "{name}");
    }
    assert_eq!(profile["name"], "default");
    assert_eq!(profile["source"], "vault");
    assert_eq!(profile["state"], "ready");
    assert_eq!(profile["fingerprint"], fingerprint(KEY));
    assert_eq!(profile["version"], 1);
    for name in ["last_error", "error_code", "gateway"] {
        assert!(profile[name].is_null(), "{name}");
    }
    assert_eq!(
        daemon["log"],
        env.state_dir().join("daemon.log").to_str().unwrap()
    );
    assert_eq!(daemon["config"], env.config_file().to_str().unwrap());
    let text = env.claviger(&["status"]).await;
    let text = text.succeeded();
    assert!(
        text.contains("default  vault   ready") && text.contains(&fingerprint(KEY)),
        "{text}"
    );
    for one in [
        &["default"][..],
        &["--profile", "default"],
        &["--profile=default"],
    ] {
        let one = env.claviger(&[&["status", "--json"], one].concat()).await;
        assert!(one.succeeded().contains("\"ready\""));
    }
}

#[tokio::test]
async fn without_a_daemon_status_and_logout_start_none() {
    let env = TestEnv::new();
    env.claviger(&["status"])
        .await
        .failed(8, &["no daemon is running", "hint: run claviger refresh"]);
    let json = env.claviger(&["status", "--json"]).await;
    assert_eq!(json.code, Some(8));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json, json!({"daemon": null, "profiles": []}));
    assert!(!env.socket().exists(), "no daemon was started");
    assert_eq!(
        env.claviger(&["logout"]).await.succeeded(),
        "no daemon is running: there is nothing to forget\n"
    );
}

#[tokio::test]
async fn a_daemon_without_a_valid_configuration_reports_itself_and_the_error() {
    let env = TestEnv::with_config("[profile.default]\nsource = 7\n");
    assert_eq!(env.helper().await.code, Some(2));
    let problem = "config.toml:1:1: missing [source.NAME]";
    let output = env.claviger(&["status"]).await;
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(
        output.stdout.contains(", pid ")
            && output.stdout.contains("no configuration is in force")
            && output.stderr.contains(problem)
            && output.stderr.contains("hint: run claviger config check"),
        "{output:?}"
    );
    let output = env.claviger(&["status", "--json"]).await;
    assert_eq!(output.code, Some(2), "{output:?}");
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(json["profiles"], json!([]));
    let daemon = &json["daemon"];
    assert!(
        daemon["pid"].is_number() && daemon["config"].is_null(),
        "{json}"
    );
    assert!(
        daemon["config_error"].as_str().unwrap().contains(problem),
        "{json}"
    );
    // A daemon that cannot do more than that can be stopped.
    assert_eq!(
        env.claviger(&["stop"]).await.succeeded(),
        "the daemon has ended\n"
    );
}

#[tokio::test]
async fn the_exit_status_is_that_of_the_worst_profile() {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let program = env.write_program("corp-key", &format!("echo {KEY}"));
    env.write_config(&format!(
        "[profile.default]\nsource = \"good\"\n[source.good]\ntype = \"exec\"\ncommand = [\"{program}\"]\n\
         [profile.broken]\nsource = \"bad\"\n[source.bad]\ntype = \"exec\"\ncommand = [\"/nonexistent/program\"]\n"
    ));
    env.helper().await.printed(KEY);
    env.claviger(&["status", "--exit-status"]).await.succeeded();
    let code = env.helper_with(&["--profile", "broken"], &[]).await.code;
    for args in [
        &["status", "--exit-status"][..],
        &["status", "--exit-status", "--json"],
    ] {
        let output = env.claviger(args).await;
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (code, ""),
            "{output:?}"
        );
        assert!(output.stdout.contains("broken"), "{output:?}");
    }
    env.claviger(&["status"]).await.succeeded();
    env.claviger(&["status", "--exit-status", "default"])
        .await
        .succeeded();
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["name"], "broken");
    assert_eq!(profile["error_code"], code.unwrap());
    assert!(profile["advice"][0].is_string(), "{profile}");
}

#[tokio::test]
async fn the_status_fits_80_columns_and_the_wide_one_has_all_of_it() {
    let env = TestEnv::new();
    let name = "a-profile-with-a-name-of-forty-characters";
    env.write_config(&format!(
        "[profile.{name}]\nsource = \"{name}\"\n[source.{name}]\ntype = \"exec\"\ncommand = [\"/nonexistent/program\"]\n"
    ));
    assert_ne!(env.helper().await.code, Some(0));
    let output = env.claviger(&["status"]).await;
    for line in output.succeeded().lines() {
        let is_one_word = !line.trim().contains(' ');
        assert!(line.chars().count() <= 80 || is_one_word, "{line}");
    }
    assert!(output.stdout.contains("  hint: "), "{output:?}");
    let wide = env.claviger(&["status", "--wide"]).await;
    assert!(wide.succeeded().contains("NEXT REFRESH"), "{wide:?}");
    let row = format!("{name}  {name}");
    assert!(wide.stdout.contains(&row) && !output.stdout.contains(&row));
}

#[tokio::test]
async fn a_watch_follows_daemons_that_come_and_go_until_it_is_interrupted() {
    use std::process::Stdio;

    use rustix::process::{Pid, Signal, kill_process};

    let env = TestEnv::with_fixed_key();
    let file = env.path("watched");
    let mut command = env.command("claviger", &["status", "--watch"]);
    command.stdout(Stdio::from(std::fs::File::create(&file).unwrap()));
    let watch = command.spawn().unwrap();
    let shown = |part: &str| {
        std::fs::read_to_string(&file)
            .unwrap()
            .matches(part)
            .count()
    };
    until("no daemon is shown", SOON, async || {
        shown("no daemon is running") == 1
    })
    .await;
    env.helper().await.printed(KEY);
    until("its daemon is shown", SOON, async || {
        shown("  ready  ") == 1
    })
    .await;
    env.claviger(&["stop"]).await.succeeded();
    until("its end is shown", SOON, async || {
        shown("no daemon is running") == 2
    })
    .await;
    env.helper().await.printed(KEY);
    until("the next one is shown", SOON, async || {
        shown("  ready  ") == 2
    })
    .await;
    let pid = Pid::from_raw(watch.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = watch.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    env.record_output("the watched status", &text);
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn each_failure_of_the_source_has_its_state_and_its_exit_code() {
    let mut bao = Bao::start_with_key("k", KEY).await;
    bao.put("words", json!({"api_key": "two words"})).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let good = env.write_secret_file("token", &bao.create_token(json!({})).await);
    let bad = env.write_secret_file("bad", "s.0123456789abcdef");
    let none = env.path("secrets/none").to_str().unwrap().to_owned();
    let failed = async |address: &str, path: &str, token: &str, state: &str, code: i32| {
        env.write_config(&vault_config(address, path, "", &token_auth(token)));
        assert_eq!(env.helper().await.code, Some(code), "{state}");
        let profile = env.status().await["profiles"][0].clone();
        assert_eq!(profile["state"], state, "{profile}");
        let error_code = if code == 0 { Value::Null } else { code.into() };
        assert_eq!(profile["error_code"], error_code, "{profile}");
        assert_eq!(profile["last_error"].is_string(), code != 0, "{profile}");
        // Without an error only that the profile has no gateway to probe.
        let advice = profile["advice"].as_array().unwrap();
        let is_remedy = !advice[0].as_str().unwrap().contains("gateway to probe");
        assert_eq!((advice.len(), is_remedy), (1, code != 0), "{profile}");
    };
    let url = bao.url();
    failed(&url, "secret/k", &good, "ready", 0).await;
    failed(&url, "secret/none", &good, "denied", 5).await;
    failed(&url, "other/k", &good, "denied", 5).await;
    failed(&url, "secret/words", &good, "unusable", 6).await;
    failed(&url, "secret/k", &none, "misconfigured", 2).await;
    failed(&url, "secret/k", &bad, "login-required", 3).await;
    bao.kill();
    // Another configuration, so that no key is cached.
    let other = url.replace("127.0.0.1", "localhost");
    failed(&other, "secret/k", &good, "unreachable", 5).await;
}

#[tokio::test]
async fn a_refresh_starts_a_daemon() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let refreshed = env.claviger(&["refresh"]).await;
    assert!(refreshed.succeeded().contains("ready"), "{refreshed:?}");
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("read", "secret/data/k"), 1);
}

#[tokio::test]
async fn the_shim_prints_headers_json_and_keys() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let bearer = format!("Bearer {KEY}");
    let headers = env.helper_with(&["--format", "headers"], &[]).await;
    let headers: Value = serde_json::from_str(headers.succeeded()).unwrap();
    assert_eq!(headers, json!({"Authorization": bearer}));
    let all = env.helper_with(&["--format", "json"], &[]).await;
    let all: Value = serde_json::from_str(all.succeeded()).unwrap();
    assert_eq!(all["token"], KEY);
    assert_eq!(all["headers"], headers);
    env.helper_with(&["--format", "key"], &[])
        .await
        .printed(KEY);
}
