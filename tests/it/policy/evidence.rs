//! What the reports say of the central policy, so that a fleet's state is one query.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use claviger::clock::Timestamp;
use serde_json::{Value, json};

use super::{Engineer, json_of};
use crate::support::{
    KEY,
    lock::lock,
    poll::{SOON, until},
    test_env::set_mode,
    upstream::{Upstream, UpstreamReply},
};

const OK: &str = "200 OK";
const NOT_FOUND: &str = "404 Not Found";

/// A machine whose daemon fetches a policy from a server of the test's.
struct Machine {
    engineer: Engineer,
    server: Upstream,
    published: Arc<Mutex<String>>,
}

impl Machine {
    /// Without a policy: the server has none.
    async fn new() -> Self {
        let engineer = Engineer::new();
        let published = Arc::new(Mutex::new(response(NOT_FOUND, "")));
        let answers = Arc::clone(&published);
        let answer = move |_: &str| lock(&answers).clone();
        let server = Upstream::start(UpstreamReply::Answer(Arc::new(answer))).await;
        let env = &engineer.env;
        env.add_secret(KEY);
        let program = env.write_program("key", &format!("echo {KEY}"));
        let public = engineer.public_key(&engineer.key).await;
        env.write_config(&format!(
            "[profile.p]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\ncommand = [\"{program}\"]\n\
             [policy]\npublic_keys = [\"{public}\"]\nurl = \"{}/policy.jws\"\n",
            server.url()
        ));
        Self {
            engineer,
            server,
            published,
        }
    }

    /// Publishes a policy with this counter and these rules.
    async fn publish(&self, counter: u64, rules: &str) {
        let toml = format!("version = 1\ncounter = {counter}\nwatch = \"10s\"\n{rules}");
        let file = self.engineer.file("published.toml", &toml);
        let signed = self.engineer.signed(&file).await;
        *lock(&self.published) = response(OK, &signed);
    }

    fn place(&self) -> String {
        format!("{}/policy.jws", self.server.url())
    }

    /// The policy and the profile, as `status --json` has them.
    async fn reported(&self) -> (Value, Value) {
        let mut status = self.engineer.env.status().await;
        let policy = status["daemon"]["policy"].take();
        (policy, status["profiles"][0].take())
    }

    /// The ids and severities of the doctor's findings about policies.
    async fn findings(&self) -> Vec<(String, String)> {
        let args = ["doctor", "--no-message", "--json"];
        let output = self.engineer.env.claviger(&args).await;
        let report: Value = serde_json::from_str(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        findings
            .map(|finding| (text(finding, "id"), text(finding, "severity")))
            .filter(|(id, _)| id.contains("policy"))
            .collect()
    }

    async fn metrics(&self) -> Vec<String> {
        let output = self.engineer.env.claviger(&["metrics"]).await;
        let lines = output.succeeded().lines();
        let of_policy = lines.filter(|line| line.starts_with("claviger_policy_"));
        of_policy.map(str::to_owned).collect()
    }

    /// The file of the last good policy.
    fn file(&self) -> PathBuf {
        let files = fs::read_dir(self.engineer.env.state_dir()).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let is_policy = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("policy") && name.ends_with(".json")
        };
        files.find(is_policy).expect("the file of the policy")
    }
}

fn response(status: &str, body: &str) -> String {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}")
}

#[tokio::test]
async fn the_policy_in_force_is_in_every_report() {
    let machine = Machine::new().await;
    let env = &machine.engineer.env;
    machine.publish(42, "").await;
    env.helper().await.printed(KEY);

    let (policy, profile) = machine.reported().await;
    assert_eq!(profile["state"], "ready", "{profile}");
    assert_eq!(profile["policy_denial"], Value::Null, "{profile}");
    let found = ["place", "state", "counter", "watch_s", "max_age_s", "error"];
    let found = found.map(|name| policy[name].clone());
    let expected = [
        json!(machine.place()),
        json!("in-force"),
        json!(42),
        json!(10),
        json!(7 * 24 * 3600),
        Value::Null,
    ];
    assert_eq!(found, expected, "{policy}");
    for name in ["issued_at", "seen_at", "key_id"] {
        assert!(policy[name].is_string(), "{policy}");
    }
    let text = env.claviger(&["status"]).await;
    assert!(text.succeeded().contains("\npolicy 42, seen "), "{text:?}");

    let seen: Timestamp = policy["seen_at"].as_str().unwrap().parse().unwrap();
    let seen = seen.as_second();
    let samples = machine.metrics().await;
    for sample in [
        "claviger_policy_counter 42".to_owned(),
        "claviger_policy_in_force 1".to_owned(),
        "claviger_policy_error 0".to_owned(),
        format!("claviger_policy_seen_timestamp_seconds {seen}"),
    ] {
        assert!(samples.contains(&sample), "{sample}: {samples:?}");
    }
    assert_eq!(machine.findings().await, []);

    let kept = json_of(env, &["policy", "show", "--json"]).await;
    for name in ["counter", "issued_at", "key_id", "seen_at", "place"] {
        assert_eq!(kept[name], policy[name], "{name}: {kept}");
    }
    assert_eq!(kept["verified"], true);
    assert_eq!(kept["in_force"][0]["profile"], "p");
    assert_eq!(kept["in_force"][0]["allowed"], true);

    // An older policy is refused, which is news.
    machine.publish(41, "").await;
    until("a look that is refused", SOON, async || {
        machine.reported().await.0["error"].is_string()
    })
    .await;
    let (policy, profile) = machine.reported().await;
    assert_eq!(policy["counter"], 42, "{policy}");
    assert_eq!(policy["state"], "in-force", "{policy}");
    let error = policy["error"].as_str().unwrap();
    assert!(error.contains("cannot be rolled back"), "{error}");
    assert_eq!(profile["state"], "ready", "{profile}");
    let samples = machine.metrics().await;
    assert!(
        samples.contains(&"claviger_policy_error 1".to_owned()),
        "{samples:?}"
    );
    let expected = [("machine.policy-unavailable", "warning")];
    let expected = expected.map(|(id, severity)| (id.to_owned(), severity.to_owned()));
    assert_eq!(machine.findings().await, expected);

    let tail = env.claviger(&["audit", "tail", "-n", "100"]).await;
    let key_id = policy["key_id"].as_str().unwrap();
    for part in [
        format!(" policy   accepted 42: signed by {key_id}\n"),
        " policy   refused: the published policy has the counter 41".to_owned(),
    ] {
        // A line is cut at 80 columns.
        let part = part.chars().take(60).collect::<String>();
        assert!(tail.succeeded().contains(&part), "{part}\n{}", tail.stdout);
    }
    let records = env
        .claviger(&["audit", "tail", "-n", "100", "--json"])
        .await;
    let records = records.succeeded().lines();
    let mut grants = records
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["event"] == "grant");
    assert!(grants.all(|grant| grant["policy"] == 42));
}

#[tokio::test]
async fn a_policy_that_does_not_arrive_is_named_with_its_place() {
    let machine = Machine::new().await;
    let env = &machine.engineer.env;
    let show = ["policy", "show"];
    let nothing = ["kept no central policy yet", "run claviger refresh"];
    env.claviger(&show).await.failed(8, &nothing);
    let refused = ["has not arrived from", "404"];
    env.helper().await.failed(7, &refused);

    let (policy, profile) = machine.reported().await;
    assert_eq!(policy["state"], "missing", "{policy}");
    assert_eq!(policy["counter"], Value::Null, "{policy}");
    assert!(policy["error"].is_string(), "{policy}");
    assert_eq!(
        (&profile["state"], &profile["error_code"]),
        (&json!("denied"), &json!(7)),
        "{profile}"
    );
    let denial = profile["policy_denial"].as_str().unwrap();
    assert!(denial.contains("has not arrived from"), "{denial}");
    let status = env.claviger(&["status", "--exit-status"]).await;
    assert_eq!(status.code, Some(7), "{status:?}");
    let place = format!("no policy has arrived from {}", machine.place());
    assert!(status.stdout.contains(&place), "{status:?}");
    let samples = machine.metrics().await;
    let expected = ["claviger_policy_error 1", "claviger_policy_in_force 0"];
    assert_eq!(samples, expected);
    let expected = [("machine.policy-missing", "fatal")];
    let expected = expected.map(|(id, severity)| (id.to_owned(), severity.to_owned()));
    assert_eq!(machine.findings().await, expected);
}

#[tokio::test]
async fn a_profile_that_the_policy_denies_is_shown_with_its_message() {
    let machine = Machine::new().await;
    let env = &machine.engineer.env;
    let message = "your laptop was reported stolen; call 1234";
    let rule = format!("[rule.stolen]\nprofiles = [\"p\"]\ndisabled = \"{message}\"\n");
    machine.publish(42, &rule).await;
    env.helper().await.failed(7, &[message]);
    let (policy, profile) = machine.reported().await;
    assert_eq!(policy["state"], "in-force", "{policy}");
    let denial = format!("{message} (rule 'stolen' of the company's policy)");
    assert_eq!(profile["policy_denial"], denial, "{profile}");
    assert_eq!(
        (&profile["state"], &profile["error_code"]),
        (&json!("denied"), &json!(7)),
        "{profile}"
    );
    let status = env.claviger(&["status"]).await;
    let status = status.succeeded().replace("\n  ", " ");
    assert!(status.contains(&format!("p: {denial} hint: ")), "{status}");
    let show = env.claviger(&["policy", "show"]).await;
    for part in [
        "counter          42\n",
        ", verified\n",
        "no keys\n",
        message,
    ] {
        assert!(show.succeeded().contains(part), "{part}\n{}", show.stdout);
    }
}

#[tokio::test]
async fn a_kept_policy_that_is_not_valid_is_not_shown() {
    let machine = Machine::new().await;
    let env = &machine.engineer.env;
    let show = ["policy", "show"];
    machine.publish(42, "").await;
    env.helper().await.printed(KEY);
    env.claviger(&show).await.succeeded();
    env.claviger(&["stop"]).await.succeeded();

    let file = machine.file();
    let good = fs::read_to_string(&file).unwrap();
    // One character of the signature.
    let (start, end) = good.split_at(good.find("\",\"seen_at").unwrap() - 20);
    let other = if end.starts_with('A') { 'B' } else { 'A' };
    fs::write(&file, format!("{start}{other}{}", &end[1..])).unwrap();
    let refused = ["the policy in '", "signature", "run claviger refresh"];
    env.claviger(&show).await.failed(2, &refused);
    fs::write(&file, "{}").unwrap();
    let refused = ["is not a policy of this version", "correct that file"];
    env.claviger(&show).await.failed(2, &refused);
    fs::write(&file, &good).unwrap();
    set_mode(file.parent().unwrap(), 0o777);
    env.claviger(&show).await.failed(2, &["cannot be read"]);
    set_mode(file.parent().unwrap(), 0o700);
    env.claviger(&show).await.succeeded();

    env.edit_config(|config| config.replace("url = ", "#url = "));
    let refused = ["names no place of a central policy", "[policy]"];
    env.claviger(&show).await.failed(2, &refused);
    let warned = env.claviger(&["config", "check"]).await;
    assert!(
        warned.stderr.contains("no central policy is in force"),
        "{warned:?}"
    );
}
