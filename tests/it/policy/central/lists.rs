//! The lists of a policy, and the oldest version: what they permit and what they deny.

use super::{Publisher, stop};
use crate::support::{KEY, TestEnv, jwt::SigningKey, test_env::ProgramOutput};

const GATEWAY: &str = "https://gw.example.com";

/// Publishes a policy with `permits`, by which there is a key; then one with `denies`. Returns the
/// shim's outputs.
async fn by_both(
    publisher: &Publisher,
    env: &TestEnv,
    [permits, denies]: [&str; 2],
) -> [ProgramOutput; 2] {
    publisher.publish(permits).await;
    let permitted = env.helper().await;
    // A daemon that starts looks at its first request.
    stop(env).await;
    publisher.publish(denies).await;
    [permitted, env.helper().await]
}

fn rule(line: &str) -> String {
    format!("[rule.list]\n{line}\n")
}

/// Asserts that the second one is denied by the rule.
#[track_caller]
fn assert_denied(output: &ProgramOutput, what: &str) {
    let denial = format!(
        "claviger: no key for profile 'default': {what} is not allowed by rule 'list' of the \
         company's policy.\nhint: ask the administrators"
    );
    output.failed(7, &[&denial]);
}

#[tokio::test]
async fn allowed_gateways() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    env.edit_config(|config| {
        let table = "[profile.default]\n";
        let gateways = format!(
            "{table}gateway = \"{GATEWAY}\"\ngateways = [\"https://b.example.com\"]\nprobe = \"off\"\n"
        );
        config.replace(table, &gateways)
    });
    publisher.configure(&env, "");
    let both = rule(&format!(
        "allowed_gateways = [\"{GATEWAY}\", \"https://b.example.com\"]"
    ));
    let one = rule(&format!("allowed_gateways = [\"{GATEWAY}\"]"));
    let [permitted, denied] = by_both(&publisher, &env, [&both, &one]).await;
    permitted.printed(KEY);
    // A client that names no gateway could be one of either.
    assert_denied(&denied, "the gateway 'https://b.example.com'");
    let client = async |url| {
        let gateway = [("ANTHROPIC_BASE_URL", url)];
        env.helper_with(&[], &gateway).await
    };
    client(GATEWAY).await.printed(KEY);
    client("https://gw.example.com/").await.printed(KEY);
    assert_denied(
        &client("https://b.example.com").await,
        "the gateway 'https://b.example.com'",
    );
}

#[tokio::test]
async fn allowed_audiences() {
    let publisher = Publisher::start().await;
    let env = TestEnv::new();
    let key = env.write_secret_file("key.pem", &SigningKey::new().private_pem());
    env.write_config(&format!(
        "[profile.default]\nsource = \"minted\"\n[source.minted]\ntype = \"jwt\"\n\
         algorithm = \"EdDSA\"\nkey_file = \"{key}\"\nissuer = \"https://claviger.example.com\"\n\
         subject = \"ana\"\naudience = \"llm-gateway\"\nttl = \"1h\"\n"
    ));
    publisher.configure(&env, "");
    let [permitted, denied] = by_both(
        &publisher,
        &env,
        [
            &rule("allowed_audiences = [\"other\", \"llm-gateway\"]"),
            &rule("allowed_audiences = [\"other\"]"),
        ],
    )
    .await;
    assert_eq!(permitted.code, Some(0), "{permitted:?}");
    assert_denied(&denied, "the audience 'llm-gateway'");
}

#[tokio::test]
async fn allowed_sources() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let [permitted, denied] = by_both(
        &publisher,
        &env,
        [
            &rule("allowed_sources = [\"corp\"]"),
            &rule("allowed_sources = [\"vault\"]"),
        ],
    )
    .await;
    permitted.printed(KEY);
    assert_denied(&denied, "the source 'corp'");
}

#[tokio::test]
async fn the_oldest_version() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let own = env!("CARGO_PKG_VERSION");
    let [permitted, denied] = by_both(
        &publisher,
        &env,
        [
            &format!("minimum_version = \"{own}\"\n"),
            "minimum_version = \"99.0.0\"\n",
        ],
    )
    .await;
    permitted.printed(KEY);
    denied.failed(
        7,
        &[
            &format!("this is Claviger {own}"),
            "the company's policy demands at least 99.0.0",
            "hint: update Claviger",
        ],
    );
}

/// A list is for the profiles and users that the rule names.
#[tokio::test]
async fn a_list_of_another_profile_restricts_nothing() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let other = rule("profiles = [\"other\"]\nallowed_sources = [\"vault\"]");
    publisher.publish(&other).await;
    env.helper().await.printed(KEY);
}
