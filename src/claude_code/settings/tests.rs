//! The order of the files, and what of each the client uses.

use super::*;

/// Directories with settings.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn read(&self) -> Settings {
        let path = |name| self.0.path().join(name);
        Settings::read(&SettingsPlaces {
            managed: vec![path("managed")],
            home: Some(path("home")),
            directory: None,
            project: Some(path("project")),
        })
    }

    /// The values of a variable, the one in force first.
    fn variable(&self, name: &str) -> Vec<String> {
        let settings = self.read();
        let values = settings.variable(name);
        values
            .map(|setting| setting.value.expose().to_owned())
            .collect()
    }
}

#[test]
fn the_last_file_wins() {
    let fixture = Fixture::new();
    let files = [
        "home/.claude/settings.json",
        "project/.claude/settings.json",
        "project/.claude/settings.local.json",
        "managed/managed-settings.json",
        "managed/managed-settings.d/10-a.json",
        "managed/managed-settings.d/20-b.json",
    ];
    let mut expected: Vec<String> = Vec::new();
    for file in files {
        assert_eq!(fixture.variable("X"), expected);
        fixture.write(file, &format!(r#"{{"env":{{"X":"{file}"}}}}"#));
        expected.insert(0, file.to_owned());
    }
    fixture.write("managed/managed-settings.d/30.txt", r#"{"env":{"X":"no"}}"#);
    assert_eq!(fixture.variable("X"), expected);
}

#[test]
fn a_broken_file_is_a_fact_and_the_others_count() {
    for (text, expected) in [
        (r#"{"env":"#, "invalid JSON"),
        ("/* a */ {}", "invalid JSON"),
        ("[]", "expected a JSON object"),
        (r#"{"apiKeyHelper":5}"#, "'apiKeyHelper' has a value"),
        (r#"{"env":["X=1"]}"#, "'env' has a value"),
    ] {
        let fixture = Fixture::new();
        fixture.write("home/.claude/settings.json", text);
        fixture.write("project/.claude/settings.json", r#"{"env":{"X":"1"}}"#);
        let settings = fixture.read();
        let error = settings.layers[0].contents.as_ref().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fixture.variable("X"), ["1"]);
    }
}

#[test]
fn of_a_managed_file_only_the_wrong_key_is_ignored() {
    let fixture = Fixture::new();
    let text = "\u{feff}{\"apiKeyHelper\": [], \"env\": {\"X\": 5, \"Y\": {}, \"Z\": true}}";
    fixture.write("managed/managed-settings.json", text);
    let settings = fixture.read();
    let contents = settings.layers[0].contents.as_ref().unwrap();
    assert_eq!(contents.ignored, ["apiKeyHelper"]);
    assert_eq!(fixture.variable("X"), ["5"]);
    assert_eq!(fixture.variable("Y"), [""; 0]);
    assert_eq!(fixture.variable("Z"), ["true"]);
}

#[test]
fn an_empty_file_is_an_empty_object_and_a_directory_is_unreadable() {
    let fixture = Fixture::new();
    fixture.write("home/.claude/settings.json", "\n");
    fs::create_dir_all(fixture.0.path().join("managed/managed-settings.json")).unwrap();
    let settings = fixture.read();
    assert!(settings.layers[0].contents.is_ok());
    let error = settings.layers[1].contents.as_ref().unwrap_err();
    assert_eq!(
        *error,
        FileError::Unreadable("not a regular file".to_owned())
    );
}

#[test]
fn no_value_is_shown() {
    let fixture = Fixture::new();
    let text = r#"{"apiKeyHelper": "echo sk-canary", "env": {"ANTHROPIC_API_KEY": "sk-canary"}}"#;
    fixture.write("home/.claude/settings.json", text);
    let shown = format!("{:?}", fixture.read());
    assert!(
        shown.contains("ANTHROPIC_API_KEY") && !shown.contains("canary"),
        "{shown}"
    );
}

#[test]
fn the_users_settings_may_be_elsewhere_and_those_in_the_home_directory_a_projects() {
    let fixture = Fixture::new();
    fixture.write("home/.claude/settings.json", "{}");
    fixture.write("other/settings.json", "{}");
    let path = |name| Some(fixture.0.path().join(name));
    for (directory, project, expected) in [
        (None, path("home"), &[Scope::User][..]),
        (None, path("other"), &[Scope::User]),
        (path("other"), path("home"), &[Scope::User, Scope::Project]),
        (path("none"), path("home"), &[Scope::Project]),
    ] {
        let settings = Settings::read(&SettingsPlaces {
            home: path("home"),
            directory: directory.clone(),
            project,
            ..SettingsPlaces::default()
        });
        let scopes: Vec<_> = settings.layers.iter().map(|layer| layer.scope).collect();
        assert_eq!(scopes, expected, "{directory:?}");
    }
}
