//! How the server for the policy is reached.

use super::Publisher;
use crate::support::{
    KEY, TestEnv,
    proxy::{ProxyReply, ProxyServer},
};

/// A name that only a proxy knows.
const HOST: &str = "policies.corp.example";

/// The proxy of the policy, or the one of everything.
#[tokio::test]
async fn the_policy_is_fetched_through_the_configured_proxy() {
    for is_own in [true, false] {
        let publisher = Publisher::start_as(&[HOST]).await;
        publisher.publish("").await;
        let proxy = ProxyServer::start(ProxyReply::Forward).await;
        let setting = format!("proxy = \"http://{}\"\n", proxy.host());
        let env = TestEnv::with_fixed_key();
        publisher.configure(&env, if is_own { &setting } else { "" });
        env.edit_config(|config| {
            let config = config.replace("https://127.0.0.1", &format!("https://{HOST}"));
            match is_own {
                true => config,
                false => format!("{config}[network]\n{setting}"),
            }
        });
        env.helper().await.printed(KEY);
        assert_eq!(publisher.statuses(), [200]);
        let requests = proxy.requests();
        assert!(
            requests[0].starts_with(&format!("CONNECT {HOST}:")),
            "{requests:?}"
        );
    }
}

/// It is fetched for no client: a client's variables choose neither proxy nor CA.
#[tokio::test]
async fn a_clients_variables_do_not_lead_to_another_server() {
    let publisher = Publisher::start().await;
    publisher.publish("").await;
    let proxy = ProxyServer::start(ProxyReply::Forward).await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let own = env.write_file("other-ca.pem", "no certificate");
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        env.set_variable(name, &format!("http://{}", proxy.host()));
    }
    env.set_variable("SSL_CERT_FILE", &own);
    env.helper().await.printed(KEY);
    assert_eq!(publisher.statuses(), [200]);
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
}
