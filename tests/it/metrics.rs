//! `claviger metrics`: the text, the file for node-exporter, and Prometheus' own programs.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use tokio::process::Command;

use crate::support::{KEY, TestEnv, poll::SOON, tools::free_port, until};

/// Two profiles: one has [`KEY`], the source of the other is denied one.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let good = env.write_program("good", &format!("echo {KEY}"));
    let bad = env.write_program("bad", "exit 3");
    env.write_config(&format!(
        "[profile.default]\nsource = \"good\"\n[profile.other]\nsource = \"bad\"\n\
         [source.good]\ntype = \"exec\"\ncommand = [\"{good}\"]\n\
         [source.bad]\ntype = \"exec\"\ncommand = [\"{bad}\"]\n"
    ));
    env
}

/// Whether `text` has the sample `name`, whose labels include `labels`, with `value`.
fn has(text: &str, name: &str, labels: &[&str], value: &str) -> bool {
    text.lines().any(|line| {
        let Some((series, found)) = line.rsplit_once(' ') else {
            return false;
        };
        let (found_name, found_labels) = series.split_once('{').unwrap_or((series, ""));
        let has_labels = labels.iter().all(|label| found_labels.contains(label));
        found_name == name && has_labels && found == value
    })
}

#[tokio::test]
async fn a_daemons_metrics_follow_what_it_does() {
    let env = env();
    let without = env.claviger(&["metrics"]).await;
    assert!(
        has(without.succeeded(), "claviger_up", &[], "0"),
        "{without:?}"
    );
    for _ in 0..3 {
        env.helper().await.printed(KEY);
    }
    env.helper_with(&["--profile", "other", "--client", "codex"], &[])
        .await
        .failed(3, &[]);
    let output = env.claviger(&["metrics"]).await;
    let text = output.succeeded();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    for (name, labels, value) in [
        ("claviger_up", &[][..], "1"),
        ("claviger_build_info", &[version.as_str()], "1"),
        ("claviger_config_error", &[], "0"),
        (
            "claviger_profile_state",
            &["profile=\"default\"", "state=\"ready\""],
            "1",
        ),
        (
            "claviger_profile_state",
            &["profile=\"other\"", "state=\"login-required\""],
            "1",
        ),
        ("claviger_profile_error_code", &["profile=\"default\""], "0"),
        ("claviger_profile_error_code", &["profile=\"other\""], "3"),
        (
            "claviger_requests_total",
            &[
                "profile=\"default\"",
                "client=\"claude-code\"",
                "outcome=\"served\"",
            ],
            "3",
        ),
        (
            "claviger_requests_total",
            &[
                "profile=\"other\"",
                "client=\"codex\"",
                "outcome=\"login-required\"",
            ],
            "1",
        ),
        (
            "claviger_fetches_total",
            &["profile=\"default\"", "outcome=\"obtained\""],
            "1",
        ),
        (
            "claviger_request_duration_seconds_count",
            &["profile=\"default\""],
            "3",
        ),
    ] {
        assert!(has(text, name, labels, value), "{name} {labels:?}\n{text}");
    }
    env.helper_with(&[], &[("CLAUDE_HELPER_CONTEXT", "mid-session-refresh")])
        .await
        .printed(KEY);
    let rejected = env.claviger(&["metrics"]).await;
    let labels = ["profile=\"default\"", "evidence=\"stated\""];
    let name = "claviger_client_rejections_total";
    assert!(!has(text, name, &labels, "1"), "{text}");
    assert!(
        has(rejected.succeeded(), name, &labels, "1"),
        "{rejected:?}"
    );
    let status = env.status().await;
    let fingerprint = status["profiles"][0]["fingerprint"].as_str().unwrap();
    let label = format!("fingerprint=\"{fingerprint}\"");
    assert!(
        has(
            text,
            "claviger_credential_info",
            &[&label, "source=\"good\""],
            "1"
        ),
        "{text}"
    );
    assert!(
        text.ends_with("# EOF\n") && !text.contains("user="),
        "{text}"
    );
}

#[tokio::test]
async fn a_broken_configuration_shows_and_a_removed_profile_vanishes() {
    let env = env();
    env.helper().await.printed(KEY);
    let valid = fs::read_to_string(env.config_file()).unwrap();
    env.edit_config(|config| config + "broken = \n");
    let broken = env.claviger(&["metrics"]).await;
    assert!(
        has(broken.succeeded(), "claviger_config_error", &[], "1"),
        "{broken:?}"
    );
    assert!(has(
        &broken.stdout,
        "claviger_requests_total",
        &["profile=\"default\""],
        "1"
    ));
    env.write_raw_config(&valid.replace("profile.default", "profile.renamed"));
    let renamed = env.claviger(&["metrics"]).await;
    assert!(
        has(renamed.succeeded(), "claviger_config_error", &[], "0"),
        "{renamed:?}"
    );
    assert!(!renamed.stdout.contains("\"default\""), "{renamed:?}");
    // The counters of a profile outlive a change of it.
    env.edit_config(|config| config.replace("profile.renamed", "profile.default"));
    env.helper().await.printed(KEY);
    env.edit_config(|config| {
        config.replace("source = \"good\"", "source = \"good\"\nmax_age = \"3h\"")
    });
    let changed = env.claviger(&["metrics"]).await;
    assert!(has(
        changed.succeeded(),
        "claviger_requests_total",
        &["profile=\"default\""],
        "1"
    ));
}

#[tokio::test]
async fn the_file_is_readable_by_all_and_replaced() {
    let env = env();
    let file = env.path("collector/claviger.prom");
    let args = ["metrics", "--textfile", file.to_str().unwrap()];
    env.claviger(&args)
        .await
        .failed(2, &["collector/claviger.prom': "]);
    fs::create_dir(env.path("collector")).unwrap();
    assert_eq!(env.claviger(&args).await.succeeded(), "");
    assert_eq!(
        read(&file),
        "# HELP claviger_up Whether a daemon answers\n# TYPE claviger_up gauge\nclaviger_up 0\n"
    );
    env.helper().await.printed(KEY);
    env.claviger(&args).await.succeeded();
    let text = read(&file);
    env.record_output("the textfile", &text);
    assert!(
        has(&text, "claviger_up", &[], "1") && !text.contains("# EOF"),
        "{text}"
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert_eq!(fs::read_dir(env.path("collector")).unwrap().count(), 1);
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

#[tokio::test]
async fn node_exporter_serves_the_file_as_it_is() {
    let env = env();
    env.helper().await.printed(KEY);
    let directory = env.path("collector");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("claviger.prom");
    env.claviger(&["metrics", "--textfile", file.to_str().unwrap()])
        .await
        .succeeded();
    let port = free_port();
    let mut exporter = Command::new("prometheus-node-exporter");
    exporter
        .arg("--collector.disable-defaults")
        .arg("--collector.textfile")
        .arg(format!(
            "--collector.textfile.directory={}",
            directory.display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _exporter = exporter.kill_on_drop(true).spawn().unwrap();
    let url = format!("http://127.0.0.1:{port}/metrics");
    let scrape = async || {
        let response = reqwest::get(&url).await.ok()?;
        response.text().await.ok()
    };
    until("node-exporter listens", SOON, async || {
        scrape().await.is_some()
    })
    .await;
    let served = scrape().await.unwrap();
    assert!(
        has(&served, "node_textfile_scrape_error", &[], "0"),
        "{served}"
    );
    let sorted = |text: &str| {
        // It sorts labels and samples, and writes large numbers in another form.
        let mut series: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("claviger_"))
            .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
            .map(|series| {
                let mut parts: Vec<_> = series.split(['{', ',', '}']).collect();
                parts.sort_unstable();
                parts.join(",")
            })
            .collect();
        series.sort_unstable();
        series
    };
    let text = read(&file);
    assert_eq!(sorted(&served), sorted(&text));
    for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
        assert!(served.contains(line), "{line}\n{served}");
    }
}

#[tokio::test]
async fn promtool_accepts_the_file_and_the_alert_rules() {
    let env = env();
    env.helper().await.printed(KEY);
    let file = env.path("claviger.prom");
    env.claviger(&["metrics", "--textfile", file.to_str().unwrap()])
        .await
        .succeeded();
    promtool(&["check", "metrics"], Some(&file)).await;
    let monitoring = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/monitoring");
    let path = |name: &str| monitoring.join(name).to_str().unwrap().to_owned();
    promtool(&["check", "rules", &path("alerts.yml")], None).await;
    promtool(&["test", "rules", &path("alerts-test.yml")], None).await;
}

async fn promtool(args: &[&str], stdin: Option<&Path>) {
    let stdin = stdin.map_or_else(Stdio::null, |file| fs::File::open(file).unwrap().into());
    let output = Command::new("promtool").args(args).stdin(stdin).output();
    let output = output.await.unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
}
