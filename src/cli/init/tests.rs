//! What is asked, and what the answers become.

use std::path::Path;

use super::{
    answers::{Answers, Given},
    plan::{OTHER, Plan, gateways, sources},
};
use crate::{
    cli::CliError,
    config::{self, Config, Review},
    preset::Ask,
};

/// Answers each question with its example.
fn example(ask: &Ask, _: Option<&str>, problem: Option<&str>) -> Result<Option<String>, CliError> {
    assert_eq!(problem, None, "the example of '{}' is refused", ask.name);
    Ok(Some(ask.example.clone()))
}

fn plan(source: &str, gateway: &str) -> Plan {
    Plan::new(source, gateway, None).unwrap()
}

fn parsed(plan: &Plan, answers: &Answers) -> (String, Config) {
    let text = plan.text("work", answers);
    let config = config::parse(Path::new("/c.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let findings = Review::new(&text, &config).unwrap().into_findings();
    assert_eq!(findings, [], "{text}");
    (text, config)
}

fn given(pairs: &[(&str, &str)]) -> Given {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Takes only what is given, as without a terminal.
fn answered(plan: &Plan, pairs: &[(&str, &str)]) -> Result<Answers, String> {
    let default = |_: &Ask, default: Option<&str>, _: Option<&str>| Ok(default.map(str::to_owned));
    plan.answer(given(pairs), default)
        .map_err(|error| match error {
            CliError::Failure(failure) => failure.message,
            other => panic!("{other:?}"),
        })
}

#[test]
fn every_combination_is_a_valid_configuration() {
    let mut count = 0;
    for (source, _) in sources() {
        for (gateway, _) in gateways() {
            let plan = plan(source, gateway);
            let answers = plan.answer(Given::new(), example).unwrap();
            let (text, config) = parsed(&plan, &answers);
            let profile = &config.profiles["work"];
            assert_eq!(profile.preset.is_some(), gateway != OTHER, "{text}");
            let url = profile.gateway.as_ref().unwrap().as_url();
            assert_eq!(url.scheme(), "https");
            count += 1;
        }
    }
    assert_eq!(count, 8 * 7);
}

#[test]
fn every_way_to_log_in_to_vault_is_asked_for_what_it_needs() {
    let plan = plan("vault", OTHER);
    let method = plan.asks().find(|ask| ask.name == "method").unwrap();
    for choice in &method.choices {
        let answers = plan.answer(given(&[("method", choice)]), example).unwrap();
        let (text, _) = parsed(&plan, &answers);
        assert!(text.contains(&format!("method = \"{choice}\"")), "{text}");
    }
    let answers = answered(
        &plan,
        &[
            ("gateway_url", "https://g.example.com/"),
            ("address", "https://v.example.com"),
            ("path", "secret/llm/{user}"),
        ],
    );
    let (text, _) = parsed(&plan, &answers.unwrap());
    assert!(
        text.contains("gateway = \"https://g.example.com\""),
        "{text}"
    );
    assert!(text.contains("path = \"secret/llm/{user}\""), "{text}");
    assert!(text.contains("token_file = \"~/.vault-token\""), "{text}");
}

#[test]
fn missing_values_are_listed_with_their_flags() {
    let error = answered(&plan("okta", "litellm"), &[("server", "llm")]).unwrap_err();
    for part in ["--gateway-url https://", "--set org=", "--client-id "] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("server"), "{error}");
}

#[test]
fn a_wrong_value_is_refused_at_once() {
    let tenant = ("tenant", "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    for (source, gateway, pair, part) in [
        ("entra", OTHER, ("tenant", "common"), "3f2504e0"),
        (
            "entra",
            OTHER,
            ("tenant", "3f2504e04f8941d39a0c0305e82c3301"),
            "3f2504e0-",
        ),
        (
            "entra",
            "litellm",
            ("gateway_url", "https://x.example/v1"),
            "'/v1'",
        ),
        ("entra", "kong", ("gateway_url", "x.example"), "invalid URL"),
        ("okta", OTHER, ("org", "acme-admin.okta.com"), "'-admin'"),
        (
            "okta",
            OTHER,
            ("org", "https://acme.okta.com/oauth2"),
            "example.okta.com",
        ),
        ("cognito", OTHER, ("region", "eu/central"), "eu-central-1"),
        ("vault", OTHER, ("method", "kerberos"), "approle"),
        (
            "google",
            OTHER,
            ("client_secret_file", "secret"),
            "absolute path",
        ),
        ("vault", OTHER, ("field", "a\u{1b}"), "api_key"),
    ] {
        let plan = plan(source, gateway);
        let mut asked = 0;
        let result = plan.answer(given(&[pair]), |ask, _, _| {
            asked += 1;
            Ok(Some(ask.example.clone()))
        });
        let Err(CliError::Failure(failure)) = result else {
            panic!("{pair:?} is accepted");
        };
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    let error = answered(&plan("entra", OTHER), &[tenant, ("tenent", "x")]).unwrap_err();
    assert!(
        error.contains("'tenent'") && error.contains("tenant"),
        "{error}"
    );
    let error =
        plan("vault", OTHER).answer(given(&[("role_id", "x"), ("method", "token")]), example);
    assert!(error.is_err(), "a role belongs to another method");
}

#[test]
fn a_wrong_answer_is_asked_for_again_with_the_problem() {
    let plan = plan("auth0", OTHER);
    let mut problems = Vec::new();
    let answers = plan.answer(Given::new(), |ask, _, problem| {
        problems.extend(problem.map(|problem| (ask.name.clone(), problem.to_owned())));
        Ok(Some(match (ask.name.as_str(), problem) {
            ("auth0_domain", None) => "no host".to_owned(),
            _ => ask.example.clone(),
        }))
    });
    parsed(&plan, &answers.unwrap());
    let [(name, problem)] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert_eq!(name, "auth0_domain");
    assert!(problem.contains("example.eu.auth0.com"), "{problem}");
}

/// Cloudflare's address is made of other values, unless it is given.
#[test]
fn a_given_address_replaces_what_it_is_made_of() {
    let url = "https://ai.example.com/anthropic";
    let plan = Plan::new("entra", "cloudflare", Some(url)).unwrap();
    let answers = plan.answer(given(&[("gateway_url", url)]), |ask, default, problem| {
        assert!(!["account", "gateway_name"].contains(&ask.name.as_str()));
        example(ask, default, problem)
    });
    let (text, _) = parsed(&plan, &answers.unwrap());
    assert!(text.contains(&format!("gateway = \"{url}\"")), "{text}");
    let wrong = "https://ai.example.com";
    let result = plan.answer(given(&[("gateway_url", wrong)]), example);
    assert!(result.is_err(), "the preset's rule holds for it, too");
}
