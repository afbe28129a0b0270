//! The winget manifests, which must have what the schemas of version 1.6 require.

use std::{collections::HashMap, fs, path::Path, process::Command};

use tempfile::TempDir;

use super::msi::installer;

/// Each manifest with the keys that its schema requires.
const MANIFESTS: [(&str, &str, &[&str]); 3] = [
    ("", "version", &["DefaultLocale"]),
    (
        ".installer",
        "installer",
        &[
            "Architecture",
            "InstallerUrl",
            "InstallerSha256",
            "InstallerType",
            "ProductCode",
        ],
    ),
    (
        ".locale.en-US",
        "defaultLocale",
        &[
            "PackageLocale",
            "Publisher",
            "PackageName",
            "License",
            "ShortDescription",
        ],
    ),
];

/// The scalars of a manifest, at whatever depth. The first of equal keys counts.
fn scalars(yaml: &str) -> HashMap<String, String> {
    let mut scalars = HashMap::new();
    for line in yaml.lines() {
        let line = line.trim_start_matches([' ', '-']);
        if let Some((key, value)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
            let value = value.trim_matches('"').to_owned();
            scalars.entry(key.to_owned()).or_insert(value);
        }
    }
    scalars
}

#[test]
fn the_manifests_describe_the_installer() {
    let directory = TempDir::new().unwrap();
    let installer = installer();
    let name = installer.file_name().unwrap().to_str().unwrap();
    fs::copy(&installer, directory.path().join(name)).unwrap();
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/winget/build"))
        .env("CLAVIGER_PACKAGES", directory.path())
        .env("CLAVIGER_RELEASE_URL", "https://releases.test/v1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let version = env!("CARGO_PKG_VERSION");
    let folder = directory
        .path()
        .join("winget/manifests/c/Claviger/Claviger")
        .join(version);
    for (part, kind, required) in MANIFESTS {
        let manifest = folder.join(format!("Claviger.Claviger{part}.yaml"));
        let text = fs::read_to_string(manifest).unwrap();
        assert!(!text.contains('@'), "{text}");
        let scalars = scalars(&text);
        let value = |key: &str| scalars.get(key).map(String::as_str).unwrap_or_default();
        assert_eq!(value("PackageIdentifier"), "Claviger.Claviger");
        assert_eq!(value("PackageVersion"), version);
        assert_eq!(value("ManifestType"), kind);
        assert_eq!(value("ManifestVersion"), "1.6.0");
        for key in required {
            assert_ne!(value(key), "", "{key} in {text}");
        }
        if kind == "installer" {
            assert_eq!(
                value("InstallerUrl"),
                format!("https://releases.test/v1/{name}")
            );
            let sum = Command::new("sha256sum").arg(&installer).output().unwrap();
            let sum = String::from_utf8(sum.stdout).unwrap().to_uppercase();
            assert_eq!(Some(value("InstallerSha256")), sum.split(' ').next());
        }
    }
}
