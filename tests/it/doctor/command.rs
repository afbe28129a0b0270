//! The command itself: its report, its exit code, its options.

use serde_json::Value;

use super::Diagnosis;
use crate::support::{KEY, TestEnv};

#[tokio::test]
async fn on_a_sound_machine_nothing_of_it_is_fatal() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let output = env.claviger(&["doctor", "--json"]).await;
    let diagnosis = Diagnosis::new(&output);
    let fatal = diagnosis
        .findings()
        .filter(|finding| finding["family"] == "machine" && finding["severity"] == "fatal");
    assert_eq!(fatal.collect::<Vec<_>>(), [&Value::Null; 0]);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["os"], "linux");
    for field in ["at", "claviger", "arch"] {
        assert!(report[field].is_string(), "{field}: {report:#}");
    }
    assert!(
        report["checked"].as_array().unwrap().len() > 30,
        "{report:#}"
    );
    assert!(report["checklist"].is_array());
}

#[tokio::test]
async fn the_text_is_worst_first_in_80_columns_and_ends_with_a_summary() {
    let env = TestEnv::new();
    env.write_config("[profile.default]\nsource = \"none\"\n");
    let output = env.claviger(&["doctor"]).await;
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (Some(1), ""),
        "{output:?}"
    );
    let text = &output.stdout;
    let starts = ["fatal", "warning", "note"];
    let order: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with(' ') && line.contains(" ["))
        .filter_map(|line| starts.iter().position(|start| line.starts_with(start)))
        .collect();
    assert!(!order.is_empty() && order.is_sorted(), "{text}");
    assert!(text.contains("config.toml:"), "{text}");
    assert!(text.contains("\n  remedy: "), "{text}");
    let is_long = |line: &&str| line.chars().count() > 80 && line.trim().contains(' ');
    assert_eq!(text.lines().find(is_long), None);
    assert!(
        text.contains("fatal, ") || text.contains("fatal; "),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[tokio::test]
async fn an_unknown_profile_is_a_usage_error() {
    let env = TestEnv::with_fixed_key();
    for args in [&["doctor", "none"][..], &["doctor", "--profile=none"]] {
        let output = env.claviger(args).await;
        output.failed(2, &["no profile 'none'"]);
    }
    let known = env.claviger(&["doctor", "default", "--json"]).await;
    Diagnosis::new(&known);
}

#[tokio::test]
async fn every_check_of_a_report_is_in_the_list() {
    let env = TestEnv::with_fixed_key();
    let list = env.claviger(&["doctor", "--list"]).await;
    let list = list.succeeded();
    let report = env.claviger(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    for id in report["checked"].as_array().unwrap() {
        let start = format!("{} (", id.as_str().unwrap());
        assert!(
            list.lines().any(|line| line.starts_with(&start)),
            "{start}: {list}"
        );
    }
}

/// The checklist of presets is the one that init prints.
#[tokio::test]
async fn the_checklist_is_printed_for_each_administrator() {
    let env = TestEnv::new();
    env.write_config(
        "[profile.default]\ngateway = \"https://gateway.test\"\npreset = \"litellm\"\n\
         source = \"sso\"\n[source.sso]\ntype = \"oauth\"\npreset = \"okta\"\nstore = \"memory\"\n\
         issuer = \"https://example.okta.com/oauth2/default\"\nclient_id = \"0oa1\"\n",
    );
    let text = env.claviger(&["doctor", "--no-message"]).await.stdout;
    for title in [
        "For the administrator of Okta",
        "For the administrator of LiteLLM",
    ] {
        assert!(text.contains(title), "{title}: {text}");
    }
    let json = env
        .claviger(&["doctor", "--no-message", "--json"])
        .await
        .stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    let okta = &report["checklist"][0];
    assert!(
        okta["administrator_of"]
            .as_str()
            .unwrap()
            .starts_with("Okta"),
        "{report:#}"
    );
    assert!(!okta["items"].as_array().unwrap().is_empty());
}
