//! A managed policy stays in force over a user's own configuration.

use super::Publisher;
use crate::support::namespace::{Namespace, User};

const MANAGED: &str = "/etc/claviger/config.toml";
const OWN: &str = "/home/ana/.config/claviger/config.toml";
const CA: &str = "/etc/claviger/policy-ca.pem";
const KEY: &str = "sk-of-ana-herself";

/// A configuration whose profile has a source of this name.
fn config(source: &str, more: &str) -> String {
    format!(
        "version = 1\n{more}[profile.default]\nsource = \"{source}\"\n[source.{source}]\n\
         type = \"exec\"\ncommand = [\"/bin/echo\", \"{KEY}\"]\n"
    )
}

/// A machine on which ana may have a configuration of her own, below a policy.
async fn machine(publisher: &Publisher) -> Namespace {
    let machine = Namespace::new();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    machine.directory("/etc/claviger", User::Root, 0o755);
    machine.write(CA, User::Root, &publisher.ca.pem);
    let managed = config("corp", "allow_user_config = true\n");
    let managed = format!("{managed}{}", publisher.table(CA));
    machine.write(MANAGED, User::Root, &managed);
    let rule = "[rule.list]\nallowed_sources = [\"corp\"]\n";
    publisher.publish(rule).await;
    machine
}

fn stop(machine: &Namespace) {
    let stopped = machine.run(User::Ana, "claviger", &["stop"], &[]);
    stopped.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_configuration_of_a_users_own_ends_it() {
    let publisher = Publisher::start().await;
    let machine = machine(&publisher).await;
    machine.helper(User::Ana, &[]).printed(KEY);
    stop(&machine);

    machine.write(OWN, User::Ana, &config("corp", ""));
    machine.helper(User::Ana, &[]).printed(KEY);
    stop(&machine);
    let denied = "the source 'own' is not allowed by rule 'list'";
    machine.write(OWN, User::Ana, &config("own", ""));
    machine.helper(User::Ana, &[]).failed(7, &[denied]);

    // While the daemon runs, and with a policy of her own, which permits everything.
    let hers = Publisher::start().await;
    hers.replace(hers.sign_as(9, "").await.as_bytes());
    machine.write("/home/ana/ca.pem", User::Ana, &hers.ca.pem);
    let own = format!("{}{}", config("own", ""), hers.table("/home/ana/ca.pem"));
    machine.write(OWN, User::Ana, &own);
    machine.helper(User::Ana, &[]).failed(7, &[denied]);
    stop(&machine);
    machine.helper(User::Ana, &[]).failed(7, &[denied]);
    stop(&machine);
    let elsewhere = "/home/ana/config.toml";
    machine.write(elsewhere, User::Ana, &own);
    let variables = [("CLAVIGER_CONFIG", elsewhere)];
    machine.helper(User::Ana, &variables).failed(7, &[denied]);
    assert!(hers.statuses().is_empty());
    let state = machine.outside("/home/ana/.local/state/claviger/policy.json");
    let stored = std::fs::read_to_string(state).unwrap();
    assert!(!stored.contains(hers.url().as_str()));
}

/// Without a managed one, it is the user's own business.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_managed_policy_a_users_own_is_in_force() {
    let publisher = Publisher::start().await;
    publisher
        .publish("[rule.off]\ndisabled = \"closed\"\n")
        .await;
    let machine = Namespace::new();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    let managed = config("corp", "allow_user_config = true\n");
    machine.write(MANAGED, User::Root, &managed);
    machine.write("/home/ana/ca.pem", User::Ana, &publisher.ca.pem);
    let own = format!(
        "{}{}",
        config("own", ""),
        publisher.table("/home/ana/ca.pem")
    );
    machine.write(OWN, User::Ana, &own);
    machine.helper(User::Ana, &[]).failed(7, &["closed"]);
}
