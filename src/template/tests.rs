use proptest::prelude::*;

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
    fn no_template_panics(text in "[{}user:ü]{0,16}|.{0,16}") {
        let _ = Template::parse(&text);
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
