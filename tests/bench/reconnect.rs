//! A refresh over TLS, on the open connection and on a new one: a connection is closed half a
//! second after its last request, because its buffers contain the request's secrets.

use std::time::Duration;

use serde_json::json;

use crate::{
    fixture::{KEY, plain, variables},
    measure::{Ms, Samples, call, ratio},
    support::{
        Bao, TestEnv,
        tls::Ca,
        vault_config::{token_auth, vault_config},
    },
};

/// The number of refreshes of each kind.
const REFRESHES: usize = 20;

/// Longer than a connection stays open.
const PAUSE: Duration = Duration::from_millis(1_200);

pub(crate) async fn run() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    bao.put("k", json!({"api_key": KEY})).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    let ca = format!("ca_file = \"{}\"", env.write_file("ca.pem", &ca.pem));
    let auth = token_auth(&token);
    env.write_config(&vault_config(&bao.tls_url(), "secret/k", &ca, &auth));
    env.helper().await.printed(KEY);

    let command = env.command("claviger", &["refresh"]);
    let mut refresh = plain(command.as_std().get_program().as_ref());
    refresh.arg("refresh").envs(variables(command.as_std()));
    let [mut open, mut new] = <[Samples; 2]>::default();
    for _ in 0..REFRESHES {
        // The passing of time is what is measured.
        tokio::time::sleep(PAUSE).await;
        new.push(call(&mut refresh).0);
        open.push(call(&mut refresh).0);
    }

    println!("\nclaviger refresh, TLS, {REFRESHES} of each         p50       max   p50 ÷ first's");
    let first = open.median();
    for (name, samples) in [("open connection", &open), ("new connection", &new)] {
        println!(
            "  {name:28} {:>9} {:>9} {:>15.2}",
            Ms(samples.median()),
            Ms(samples.max()),
            ratio(samples.median(), first),
        );
    }
}
