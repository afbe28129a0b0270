use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::secret::Secret;

fn principal(user: &str) -> Principal {
    Principal {
        user: user.to_owned(),
        host: "laptop-7".to_owned(),
        home: None,
        variables: [("TEAM".to_owned(), Secret::new("core".to_owned()))]
            .into_iter()
            .collect(),
    }
}

fn resolve(template: &str, user: &str) -> Result<String, String> {
    let template = Template::parse(template).map_err(|error| error.to_string())?;
    template
        .resolve(&principal(user))
        .map_err(|error| error.to_string())
}

#[test]
fn every_placeholder_and_escape_is_replaced() {
    for (template, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("{user}", "ana"),
        (
            "secret/{user}/{host}/{env:TEAM}",
            "secret/ana/laptop-7/core",
        ),
        ("{user}{user}", "anaana"),
        ("{{user}}", "{user}"),
        ("{{{user}}}", "{ana}"),
        ("ü{user}ü", "üanaü"),
    ] {
        assert_eq!(
            resolve(template, "ana").as_deref(),
            Ok(expected),
            "{template}"
        );
    }
}

#[test]
fn the_user_is_a_template() {
    assert_eq!(Template::parse("{user}"), Ok(Template::user()));
}

#[test]
fn the_text_is_kept() {
    assert_eq!(
        Template::parse("a/{{{user}").unwrap().as_str(),
        "a/{{{user}"
    );
}

#[test]
fn mistakes_in_a_template_are_errors() {
    let unknown = |placeholder: &str| {
        format!(
            "unknown placeholder '{placeholder}'; expected '{{user}}', '{{host}}' or '{{env:NAME}}'"
        )
    };
    let unclosed = |at: usize| {
        format!("'{{' at character {at} is not closed; write '{{{{' for a literal brace")
    };
    let unopened = |at: usize| {
        format!("'}}' at character {at} has no matching '{{'; write '}}}}' for a literal brace")
    };
    for (template, expected) in [
        ("{usr}", unknown("{usr}")),
        ("{}", unknown("{}")),
        ("{env:}", unknown("{env:}")),
        ("{env:A-B}", unknown("{env:A-B}")),
        ("{ENV:A}", unknown("{ENV:A}")),
        ("{claim:sub}", unknown("{claim:sub}")),
        ("{\n}", unknown("{\\n}")),
        ("ü{user", unclosed(2)),
        ("{us{er}", unclosed(1)),
        ("a}b", unopened(2)),
        ("{user}}", unopened(7)),
    ] {
        assert_eq!(resolve(template, "ana"), Err(expected), "{template}");
    }
}

#[test]
fn values_that_change_the_meaning_are_errors() {
    let contains = |character: &str, at: usize| {
        format!(
            "'{{user}}' contains {character} at character {at}; expected ASCII letters, digits and '._@+=-'"
        )
    };
    for (user, expected) in [
        ("", "'{user}' is empty".to_owned()),
        (".", "'{user}' is '.' or '..'".to_owned()),
        ("..", "'{user}' is '.' or '..'".to_owned()),
        ("-rf", "'{user}' starts with '-'".to_owned()),
        ("a/b", contains("'/'", 2)),
        ("a\\b", contains("'\\\\'", 2)),
        ("john smith", contains("' '", 5)),
        ("a\n", contains("'\\n'", 2)),
        ("%2e", contains("'%'", 1)),
        ("a?", contains("'?'", 2)),
        ("a#", contains("'#'", 2)),
        ("müller", contains("'ü'", 2)),
        (
            &"u".repeat(256),
            "'{user}' has 256 characters; expected at most 255".to_owned(),
        ),
    ] {
        assert_eq!(resolve("x/{user}", user), Err(expected), "{user:?}");
    }
    assert_eq!(
        resolve("{user}", "a.b_c@d+e=f-9").as_deref(),
        Ok("a.b_c@d+e=f-9")
    );
}

#[test]
fn an_unset_variable_is_an_error() {
    assert_eq!(
        resolve("{env:NOPE}", "ana").unwrap_err(),
        "'{env:NOPE}' is not set in the client's environment"
    );
}

/// Resolves with the claims of a token.
fn resolve_with_claims(template: &str, claims: Value) -> Result<String, String> {
    let template = Template::parse_with_claims(template).map_err(|error| error.to_string())?;
    let Value::Object(claims) = claims else {
        panic!("not an object");
    };
    template
        .resolve_with_claims(&principal("ana"), &claims)
        .map_err(|error| error.to_string())
}

#[test]
fn a_claim_of_the_login_is_replaced() {
    let claims = json!({"sub": "0a-1", "preferred_username": "ana@example.com", "x.y-z_0": "q"});
    for (template, expected) in [
        ("llm/{claim:preferred_username}", "llm/ana@example.com"),
        ("{claim:sub}/{user}/{claim:x.y-z_0}", "0a-1/ana/q"),
        ("{{claim:sub}}", "{claim:sub}"),
    ] {
        let resolved = resolve_with_claims(template, claims.clone());
        assert_eq!(resolved.as_deref(), Ok(expected), "{template}");
    }
    for template in [
        "{claim:}",
        "{claim:a b}",
        "{claim:a/b}",
        "{claim:ü}",
        "{claim}",
    ] {
        let error = resolve_with_claims(template, claims.clone()).unwrap_err();
        assert!(error.ends_with("'{env:NAME}' or '{claim:NAME}'"), "{error}");
    }
    let template = Template::parse_with_claims("{claim:a}/{env:E}/{claim:b}").unwrap();
    assert_eq!(template.claim_names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(template.env_names().collect::<Vec<_>>(), ["E"]);
}

#[test]
fn a_claim_that_is_no_path_segment_is_an_error() {
    let other = "expected a string";
    for (value, problem) in [
        (Value::Null, "is missing; expected a string"),
        (json!(["ana"]), "is a list; expected a string"),
        (json!({"en": "ana"}), other),
        (json!(7), "is a number; expected a string"),
        (json!(true), other),
        (json!(""), "is empty"),
        (json!(".."), "is '.' or '..'"),
        (json!("."), "is '.' or '..'"),
        (json!("-x"), "starts with '-'"),
        (json!("a/b"), "contains '/' at character 2; expected ASCII"),
        (json!("../sys"), "contains '/' at character 3"),
        (json!("a\nb"), "contains '\\n' at character 2"),
        (json!("a%2fb"), "contains '%' at character 2"),
        (json!("a b"), "contains ' ' at character 2"),
        (json!("x".repeat(256)), "has 256 characters"),
    ] {
        let error = resolve_with_claims("llm/{claim:name}", json!({"name": value})).unwrap_err();
        assert!(error.starts_with("'{claim:name}' "), "{error}");
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(
        resolve_with_claims("{claim:other}", json!({"name": "ana"})),
        Err("'{claim:other}' is missing; expected a string".to_owned())
    );
}

#[test]
fn an_error_of_a_claim_names_it() {
    let of = |name: &str| format!("{{claim:{name}}}");
    for error in [
        ResolveError::NoClaim("sub".to_owned()),
        ResolveError::NotText("sub".to_owned(), "a list"),
        ResolveError::Empty(of("sub")),
        ResolveError::Dots(of("sub")),
        ResolveError::TooLong(of("sub"), 300),
    ] {
        assert_eq!((error.claim(), error.variable()), (Some("sub"), None));
    }
    assert_eq!(ResolveError::Empty("{env:A}".to_owned()).claim(), None);
    assert_eq!(ResolveError::NotSet("A".to_owned()).claim(), None);
}

#[test]
fn the_variables_are_listed() {
    let template = Template::parse("{env:A}/{user}/{env:B_2}").unwrap();
    assert_eq!(template.env_names().collect::<Vec<_>>(), ["A", "B_2"]);
}

proptest! {
    #[test]
    fn no_value_adds_a_segment(user in ".{0,8}|[./%-]{0,4}", host in "\\PC{0,8}") {
        let template = Template::parse("secret/x-{user}/{host}/.{user}").unwrap();
        let principal = Principal { user, host, ..principal("") };
        if let Ok(path) = template.resolve(&principal) {
            let segments = path.split('/').collect::<Vec<_>>();
            prop_assert_eq!(segments.len(), 4);
            prop_assert!(segments.iter().all(|segment| !["", ".", ".."].contains(segment)));
            let url = url::Url::parse(&format!("https://vault.example/v1/{path}")).unwrap();
            prop_assert_eq!(url.path(), format!("/v1/{path}"));
        }
    }

    #[test]
    fn no_claim_adds_a_segment(claim in ".{0,8}|[./%-]{0,4}") {
        let template = Template::parse_with_claims("secret/{claim:c}/.{claim:c}").unwrap();
        let claims = [("c".to_owned(), Value::from(claim))].into_iter().collect();
        if let Ok(path) = template.resolve_with_claims(&principal(""), &claims) {
            let url = url::Url::parse(&format!("https://vault.example/v1/{path}")).unwrap();
            prop_assert_eq!(url.path_segments().unwrap().count(), 4);
            prop_assert_eq!(url.path(), format!("/v1/{path}"));
        }
    }

    #[test]
    fn no_template_panics(text in "[{}user:ü]{0,16}|.{0,16}") {
        let _ = Template::parse(&text);
        let _ = Template::parse_with_claims(&text);
    }

    #[test]
    fn escaped_text_is_itself(text in ".{0,16}") {
        let escaped = text.replace('{', "{{").replace('}', "}}");
        let template = Template::parse(&escaped).unwrap();
        prop_assert_eq!(template.resolve(&principal("ana")), Ok(text));
    }
}

#[test]
fn the_hint_names_the_variable_that_only_the_client_can_set() {
    let unset = ResolveError::NotSet("TEAM".to_owned());
    assert_eq!(unset.variable(), Some("TEAM"));
    assert_eq!(unset.hint(), "set 'TEAM' in the client's environment");
    let wrong = [
        ResolveError::Empty("{env:TEAM}".to_owned()),
        ResolveError::Dots("{env:TEAM}".to_owned()),
        ResolveError::LeadingDash("{env:TEAM}".to_owned()),
        ResolveError::TooLong("{env:TEAM}".to_owned(), 300),
        ResolveError::Character {
            placeholder: "{env:TEAM}".to_owned(),
            character: '/',
            at: 1,
        },
    ];
    for error in wrong {
        assert_eq!(error.variable(), Some("TEAM"), "{error}");
        assert_eq!(error.hint(), "correct 'TEAM' in the client's environment");
    }
    for error in [
        ResolveError::NoHome,
        ResolveError::Empty("{user}".to_owned()),
        ResolveError::Dots("{host}".to_owned()),
    ] {
        assert_eq!(error.variable(), None, "{error}");
    }
}
