//! The Homebrew formula, of which only the syntax can be tried here.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

fn build(packages: &Path) -> Output {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/homebrew/build"))
        .env("CLAVIGER_PACKAGES", packages)
        .env("CLAVIGER_VERSION", "1.2.3")
        .env("CLAVIGER_RELEASE_URL", "https://releases.test/v1")
        .output()
        .unwrap()
}

#[test]
fn the_formula_names_each_archive_with_its_checksum() {
    const ARCHIVES: [(&str, &str); 3] = [
        (
            "claviger-1.2.3-macos-universal.tar.gz",
            // sha256sum of the text "a", and so on
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        (
            "claviger-1.2.3-linux-x86_64.tar.gz",
            "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
        ),
        (
            "claviger-1.2.3-linux-aarch64.tar.gz",
            "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6",
        ),
    ];
    let packages = TempDir::new().unwrap();
    let none = build(packages.path());
    assert_eq!(none.status.code(), Some(69), "{none:?}");

    for (index, ((name, _), text)) in ARCHIVES.into_iter().zip(["a", "b", "c"]).enumerate() {
        fs::write(packages.path().join(name), text).unwrap();
        let output = build(packages.path());
        assert!(output.status.success(), "{output:?}");
        let formula = packages.path().join("claviger.rb");
        let checked = Command::new("ruby").arg("-c").arg(&formula).output();
        assert!(checked.unwrap().status.success());
        let formula = fs::read_to_string(formula).unwrap();
        assert!(!formula.contains('@'), "{formula}");
        for (at, (name, sum)) in ARCHIVES.into_iter().enumerate() {
            let lines = [
                format!("url \"https://releases.test/v1/{name}\"\n"),
                format!("sha256 \"{sum}\"\n"),
            ];
            for line in lines {
                assert_eq!(formula.contains(&line), at <= index, "{line} in {formula}");
            }
        }
    }
}
