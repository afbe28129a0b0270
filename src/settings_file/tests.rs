use proptest::prelude::*;
use serde_json::json;

use super::*;

fn path(dotted: &str) -> Vec<String> {
    dotted.split('.').map(str::to_owned).collect()
}

fn parse(syntax: Syntax, text: &str) -> Document {
    Document::parse(syntax, text).unwrap()
}

/// Documents of every language, with what people write into them.
const DOCUMENTS: &[(Syntax, &str)] = &[
    (Syntax::Json, "{}\n"),
    (Syntax::Json, "{\n  \"a\": 1\n}\n"),
    (
        Syntax::Json,
        "{\n    // why\n    \"a\": [1, 2], // here\n    \"t\": {\n        \"x\": true\n    }\n}",
    ),
    // An object in one line stays so unless a key is added to it.
    (
        Syntax::Json,
        "{\r\n\t\"u\": {\"x\": \"1\"},\r\n\t/* b */\r\n\t\"b\": null\r\n}\r\n",
    ),
    (Syntax::Toml, ""),
    (
        Syntax::Toml,
        "# mine\na = 1 # one\n\n[t]\nx = \"1\"\n\n[t.deep]\ny = [1,\n  2]\n",
    ),
    (Syntax::Toml, "a = 1\r\n[t]\r\nx = 2\r\n"),
    (Syntax::Yaml, ""),
    (
        Syntax::Yaml,
        "# mine\na: 1   # one\nt:\n  # x\n  x: \"1\"\n\n# b\nb: [1, 2]\n",
    ),
    (Syntax::Yaml, "---\nt: {}\nb:\n- 1\n- x: 2\n"),
    (
        Syntax::Yaml,
        "a: |\n  t:\n    x: 1\nt:\n    x: 1\r\n    y: 2\r\n",
    ),
];

#[test]
fn what_is_set_is_read_and_what_is_removed_leaves_no_trace() {
    let settings = [
        ("helper", json!("exec '/a b/x' \"y\" # no: comment\\")),
        ("t.new", json!("https://gw.example.com/v1")),
        ("t.deep.er.command", json!("/bin/x")),
        ("p.q.args", json!(["--client", "codex"])),
        ("p.q.number", json!(5000)),
    ];
    for (syntax, text) in DOCUMENTS {
        let mut document = parse(*syntax, text);
        let tables = settings
            .each_ref()
            .map(|(key, _)| document.existing_tables(&path(key)));
        for (key, value) in &settings {
            document.set(&path(key), value).unwrap();
        }
        let set = document.to_string();
        let mut document = parse(*syntax, &set);
        for (key, value) in &settings {
            assert_eq!(
                document.get(&path(key)).as_ref(),
                Some(value),
                "{key} in {set}"
            );
        }
        for line in text.lines().filter(|line| line.contains(['#', '/'])) {
            assert!(set.contains(line.trim_end()), "{line:?} is not in {set}");
        }
        for ((key, _), kept) in settings.iter().zip(tables).rev() {
            document.remove(&path(key), kept).unwrap();
        }
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let removed = document.to_string();
        assert_eq!(
            removed.trim_end(),
            format!("{text}{end}").trim_end(),
            "from {set}"
        );
    }
}

#[test]
fn a_value_is_replaced_in_its_place() {
    for (syntax, text, expected) in [
        (
            Syntax::Json,
            "{\n  \"a\": \"old\", // why\n  \"b\": 1\n}\n",
            "{\n  \"a\": \"new\", // why\n  \"b\": 1\n}\n",
        ),
        (
            Syntax::Toml,
            "a = \"old\" # why\nb = 1\n",
            "a = \"new\" # why\nb = 1\n",
        ),
        (
            Syntax::Yaml,
            "a: old\nb: 1 # why\n",
            "a: \"new\"\nb: 1 # why\n",
        ),
    ] {
        let mut document = parse(syntax, text);
        document.set(&path("a"), &json!("new")).unwrap();
        assert_eq!(document.to_string(), expected);
    }
}

#[test]
fn a_mistake_has_a_line_and_a_column_and_shows_nothing_of_the_text() {
    for (syntax, text, line) in [
        (Syntax::Json, "{\n  \"a\": sk-canary\n}", 2),
        (Syntax::Json, "{\n  \"a\": 1\n  \"sk-canary\": 1\n}", 2),
        (Syntax::Json, "{\"a\": 'sk-canary'}", 1),
        (Syntax::Json, "[1]", 1),
        (Syntax::Toml, "a = 1\nb = sk-canary\n", 2),
        (Syntax::Toml, "a = 1\na = 2\n", 2),
        (Syntax::Yaml, "a: 1\nb: \"sk-canary\n", 2),
        (Syntax::Yaml, "- 1\n", 1),
        (Syntax::Yaml, "a: 1\n---\nb: 1\n", 1),
    ] {
        let Err(error) = Document::parse(syntax, text) else {
            panic!("{text} was parsed");
        };
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(
            error.column >= 1 && !error.problem.contains("canary"),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_table_is_not_replaced_by_one() {
    for (syntax, text) in [
        (Syntax::Json, "{\"t\": [1]}\n"),
        (Syntax::Toml, "t = [1]\n"),
        (Syntax::Yaml, "t: [1]\n"),
    ] {
        let mut document = parse(syntax, text);
        let error = document.set(&path("t.x.y"), &json!(1)).unwrap_err();
        assert!(error.to_string().starts_with("'t"), "{error}");
        assert_eq!(document.to_string(), text);
    }
    // A flow mapping is valid YAML, and not edited line by line.
    let mut document = parse(Syntax::Yaml, "t: {x: 1}\n");
    let error = document.set(&path("t.y"), &json!(1)).unwrap_err();
    assert_eq!(error, EditError::Form(path("t.y")));
    assert_eq!(document.to_string(), "t: {x: 1}\n");
}

#[test]
fn only_white_space_and_braces_are_nothing() {
    for (syntax, text, expected) in [
        (Syntax::Json, "", true),
        (Syntax::Json, " { \n }\n", true),
        (Syntax::Json, "{ // mine\n}", false),
        (Syntax::Toml, "\n", true),
        (Syntax::Toml, "# mine\n", false),
        (Syntax::Yaml, "", true),
    ] {
        assert_eq!(parse(syntax, text).is_blank(), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_value_in_every_language(text in "\\PC{0,40}") {
        for syntax in [Syntax::Json, Syntax::Toml, Syntax::Yaml] {
            let mut document = parse(syntax, "");
            document.set(&path("a.b"), &json!(text)).unwrap();
            let again = parse(syntax, &document.to_string());
            prop_assert_eq!(again.get(&path("a.b")), Some(json!(text)));
        }
    }
}
