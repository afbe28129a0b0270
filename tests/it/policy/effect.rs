//! What a policy means for the profiles of a configuration.

use serde_json::json;

use super::{Engineer, json_of};

#[tokio::test]
async fn the_effect_on_a_configuration_is_shown() {
    let engineer = Engineer::new();
    let env = &engineer.env;
    let policy = engineer.file(
        "lists.toml",
        "version = 1\ncounter = 1\n\
         [rule.gateway]\nallowed_gateways = [\"https://gw.example.com\"]\n\
         [rule.source]\nprofiles = [\"home\"]\nallowed_sources = [\"corp\"]\n",
    );
    let config = engineer.file(
        "config.toml",
        "version = 1\n[profile.work]\ngateway = \"https://gw.example.com\"\nsource = \"corp\"\n\
         [profile.both]\ngateway = \"https://gw.example.com\"\ngateways = [\"https://b.example.com\"]\n\
         source = \"corp\"\n\
         [profile.home]\ngateway = \"https://gw.example.com\"\nsource = \"own\"\n\
         [source.corp]\ntype = \"exec\"\ncommand = [\"/bin/key\"]\n\
         [source.own]\ntype = \"exec\"\ncommand = [\"/bin/key\"]\n",
    );
    let show = ["policy", "show", &policy, "--config", &config];
    let json = json_of(env, &[&show[..], &["--json"]].concat()).await;
    let effects = json["in_force"].as_array().unwrap();
    let effects: Vec<_> = effects
        .iter()
        .map(|effect| {
            (
                effect["profile"].as_str().unwrap(),
                &effect["allowed"],
                &effect["denials"],
            )
        })
        .collect();
    let of_list = |what: &str, rule: &str| {
        json!([format!(
            "{what} is not allowed by rule '{rule}' of the company's policy"
        )])
    };
    assert_eq!(
        effects,
        [
            (
                "both",
                &json!(true),
                &of_list("the gateway 'https://b.example.com'", "gateway")
            ),
            (
                "home",
                &json!(false),
                &of_list("the source 'own'", "source")
            ),
            ("work", &json!(true), &json!([])),
        ]
    );
    let output = env.claviger(&show).await;
    assert!(
        output
            .succeeded()
            .contains("keys are allowed for some gateways"),
        "{output:?}"
    );
    let missing = [&show[..], &["--profile", "x"]].concat();
    env.claviger(&missing)
        .await
        .failed(2, &["has no profile 'x'"]);
}
