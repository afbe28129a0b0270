//! The package of a company, which `tests/run` builds for the example of a managed configuration.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path};

use serde_json::Value;

use super::{
    CLAVIGER, HELPER,
    package::{Format, Version},
    root::{Entry, Root},
};
use crate::{doctor::Diagnosis, support::namespace::User};

const CONFIGURATION: &str = "/etc/claviger/config.toml";
const SETTINGS: &str = "/etc/claude-code/managed-settings.d/50-claviger.json";
const EXAMPLE: &str = "packaging/examples/config.toml";

/// Both packages on a machine. Result: the configuration is in force for users, who can only read
/// it, and neither Claviger nor its diagnosis finds fault with it or with the managed settings.
fn the_companys_configuration_is_in_force(format: Format) {
    let root = Root::debian();
    format.install(&root, Version::Own);
    let before = root.files();
    format.install_company(&root);

    let mut installed = root.files();
    // Debian has a page with the licence, too.
    installed.retain(|path, entry| before.get(path) != Some(entry) && path.starts_with("/etc"));
    let file = Entry::File {
        mode: 0o644,
        uid: 0,
        gid: 0,
    };
    let expected = [CONFIGURATION, SETTINGS].map(|path| (path.to_owned(), file.clone()));
    assert_eq!(installed, BTreeMap::from(expected));
    for path in [CONFIGURATION, SETTINGS] {
        for directory in Path::new(path).ancestors().skip(1) {
            let metadata = fs::metadata(root.outside(directory.to_str().unwrap())).unwrap();
            assert_eq!(
                (metadata.mode() & 0o7777, metadata.uid(), metadata.gid()),
                (0o755, 0, 0),
                "{directory:?}"
            );
        }
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    assert_eq!(
        fs::read(root.outside(CONFIGURATION)).unwrap(),
        fs::read(example).unwrap()
    );
    let settings = fs::read(root.outside(SETTINGS)).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    let helper = settings["apiKeyHelper"].as_str().unwrap();
    assert!(helper.contains(HELPER), "{settings:#}");
    assert_eq!(
        settings["env"]["ANTHROPIC_BASE_URL"],
        "https://llm-gateway.example.com"
    );

    let checked = root.run(User::Ana, CLAVIGER, &["config", "check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let args = ["doctor", "--no-start", "--no-message", "--json"];
    let mut doctor = root.command(User::Ana, CLAVIGER, &args);
    let output = doctor.env_remove("CLAVIGER_TIMEOUT_MS").output();
    let diagnosis = Diagnosis::new(&output.unwrap().into());
    for finding in diagnosis.findings() {
        let id = finding["id"].as_str().unwrap();
        let is_of_settings = id.starts_with("client.") || id.starts_with("machine.");
        assert!(
            !is_of_settings || finding["severity"] == "note",
            "{finding:#}"
        );
    }
}

#[test]
fn deb_the_companys_configuration_is_in_force() {
    the_companys_configuration_is_in_force(Format::Deb);
}

#[test]
fn rpm_the_companys_configuration_is_in_force() {
    the_companys_configuration_is_in_force(Format::Rpm);
}
