//! Every file of a preset, and what is made of it.

use std::{collections::BTreeSet, fs, path::Path};

use toml::Value;

use super::{
    Checklist, Fact, Facts, GATEWAYS, IDPS, PLAIN, Preset, gateway, gateways, idp, idps,
    placeholder::names, plain_gateway, plain_source,
};

/// Facts with a value for every placeholder.
fn facts() -> Facts {
    let mut facts = Facts::new(false);
    for (fact, value) in [
        (
            Fact::Issuer,
            "https://login.microsoftonline.com/TENANT/v2.0",
        ),
        (Fact::ClientId, "CLIENT"),
        (Fact::RedirectUri, "http://127.0.0.1/callback"),
        (Fact::Scope, "openid api"),
        (Fact::Audience, "AUDIENCE"),
    ] {
        facts.set(fact, value);
    }
    facts
}

fn all() -> impl Iterator<Item = &'static Preset> {
    IDPS.iter().chain(GATEWAYS.iter()).chain(PLAIN.iter())
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Table(table) => table.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_file_is_a_preset() {
    for (folder, presets) in [("idp", &IDPS), ("gateway", &GATEWAYS), ("plain", &PLAIN)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/preset");
        let files = fs::read_dir(path.join(folder)).unwrap();
        let files: BTreeSet<_> = files
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let have: BTreeSet<_> = presets
            .iter()
            .map(|preset| preset.name.to_owned())
            .collect();
        assert_eq!(have, files, "in {folder}");
    }
    assert_eq!((idps().count(), gateways().count()), (7, 6));
    assert!(idp("litellm").is_none() && gateway("okta").is_none());
    assert!(plain_source("gateway").is_none() && plain_gateway().is_some());
}

/// A question that no key uses is useless, and a placeholder without one is never replaced.
#[test]
fn every_answer_is_part_of_a_key() {
    for preset in all() {
        let keys = Value::Table(preset.keys.clone());
        let used: BTreeSet<_> = texts(&keys).into_iter().flat_map(names).collect();
        let defaults = preset.asks.iter().filter_map(|ask| ask.default.as_deref());
        let asked: BTreeSet<_> = preset.asks.iter().map(|ask| ask.name.as_str()).collect();
        assert_eq!(used, asked, "{}", preset.name);
        assert!(defaults.flat_map(names).all(|name| asked.contains(name)));
    }
}

/// Both are asked in one go.
#[test]
fn no_gateway_asks_for_what_a_source_calls_by_the_same_name() {
    let names = |presets: &[&'static Preset]| -> BTreeSet<_> {
        let asks = presets.iter().flat_map(|preset| &preset.asks);
        asks.map(|ask| ask.name.as_str()).collect()
    };
    let of_gateways: Vec<_> = gateways().chain(plain_gateway()).collect();
    let of_sources: Vec<_> = idps().chain(plain_source("vault")).collect();
    assert!(names(&of_gateways).is_disjoint(&names(&of_sources)));
}

#[test]
fn messages_are_complete_and_short() {
    for preset in all() {
        let checklist = preset.checklist(&facts());
        let learned = preset.learn(&facts());
        let Checklist { token, .. } = preset.checklist(&idp("entra").unwrap().learn(&facts()));
        let remedies = preset.errors.iter().map(|known| {
            let (code, description) = (known.code.as_deref(), known.description.as_deref());
            preset
                .remedy(code.unwrap_or("x"), description, &facts())
                .unwrap()
        });
        let reasons = preset.rules.iter().map(|rule| rule.reason.clone());
        let contents = ["key_set", "user_claim"].map(|name| learned.get(name));
        let all = checklist.provider.into_iter().chain(checklist.gateway);
        for text in all.chain(token).chain(remedies).chain(reasons) {
            assert!(!text.contains(['<', '>', '{']), "{}: {text}", preset.name);
            assert!(text.chars().count() < 300, "{}: {text}", preset.name);
        }
        assert_eq!(
            contents.iter().all(Option::is_some),
            idp(preset.name).is_some()
        );
    }
}

#[test]
fn an_error_is_known_by_its_code_and_description() {
    let remedy = |idp: &str, code: &str, description: &str| {
        let preset = super::idp(idp).unwrap();
        preset.remedy(code, Some(description), &facts())
    };
    for (idp, code, description, part) in [
        (
            "entra",
            "invalid_request",
            "AADSTS50011: The redirect URI",
            "http://127.0.0.1/callback",
        ),
        (
            "entra",
            "invalid_request",
            "AADSTS500113: No reply",
            "it has none",
        ),
        (
            "entra",
            "invalid_grant",
            "AADSTS65001: consent",
            "'openid api'",
        ),
        (
            "okta",
            "access_denied",
            "User is not assigned to the client application.",
            "assign you",
        ),
        (
            "okta",
            "access_denied",
            "Policy evaluation failed for this request",
            "policy rule",
        ),
        (
            "auth0",
            "access_denied",
            "Service not found: https://x",
            "AUDIENCE",
        ),
        ("google", "org_internal", "", "CLIENT"),
        (
            "keycloak",
            "not_allowed",
            "Offline tokens not allowed for the user or client",
            "role",
        ),
        (
            "cognito",
            "redirect_mismatch",
            "",
            "http://127.0.0.1/callback",
        ),
    ] {
        let found = remedy(idp, code, description).unwrap_or_default();
        assert!(found.contains(part), "{idp} {code}: {found}");
    }
    for (idp, code, description) in [
        ("entra", "invalid_grant", "AADSTS500119: another"),
        ("okta", "invalid_grant", "Policy evaluation failed"),
        ("ping", "access_denied", "no"),
    ] {
        assert_eq!(remedy(idp, code, description), None, "{idp} {code}");
    }
    assert_eq!(idp("entra").unwrap().remedy("x", None, &facts()), None);
}

#[test]
fn what_tokens_contain_follows_from_the_configuration() {
    let entra = idp("entra").unwrap();
    let key_set = entra.learn(&facts()).get("key_set");
    let expected = "https://login.microsoftonline.com/TENANT/discovery/v2.0/keys";
    assert_eq!(key_set.as_deref(), Some(expected));

    let auth0 = idp("auth0").unwrap();
    assert_eq!(
        auth0.learn(&facts()).get("audience").as_deref(),
        Some("AUDIENCE")
    );
    let mut of_id_token = Facts::new(true);
    of_id_token.set(Fact::ClientId, "CLIENT");
    let audience = auth0.learn(&of_id_token).get("audience");
    assert_eq!(audience.as_deref(), Some("CLIENT"));
}
