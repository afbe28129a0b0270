//! The packages as their distributions' checkers see them, their checksums and their SBOMs.

use std::{fs, process::Command};

use serde_json::Value;

use super::package::{Format, Version, directory, find};
use crate::support::test_env::ProgramOutput;

fn run(program: &str, args: &[&str]) -> ProgramOutput {
    let output = Command::new(program)
        .args(args)
        .current_dir(directory())
        .output();
    ProgramOutput::from(output.unwrap())
}

/// Remarks that do not hold are in `packaging/linux/deb/lintian-overrides`, each with its reason.
#[test]
fn lintian_has_no_remark() {
    let deb = Format::Deb.file(Version::Own);
    let args = [
        "--allow-root",
        "--display-info",
        "--pedantic",
        "--fail-on",
        "error,warning,info,pedantic",
    ];
    let output = run("lintian", &[&args[..], &[deb.to_str().unwrap()]].concat());
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), ""),
        "{output:?}"
    );
}

/// Remarks that do not hold are in `packaging/linux/rpm/rpmlint.toml`, each with its reason.
#[test]
fn rpmlint_has_no_remark() {
    let rpm = Format::Rpm.file(Version::Own);
    let config = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/packaging/linux/rpm/rpmlint.toml"
    );
    let output = run("rpmlint", &["--config", config, rpm.to_str().unwrap()]);
    assert!(
        output.stdout.contains("0 errors, 0 warnings"),
        "{}",
        output.stdout
    );
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn the_checksums_are_those_of_all_packages() {
    let output = run("sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    for (start, end) in [
        ("claviger_", ".deb"),
        ("claviger-", ".rpm"),
        ("claviger-", ".tar.gz"),
    ] {
        let package = find(&directory(), start, end);
        let name = package.file_name().unwrap().to_str().unwrap();
        assert!(
            output.stdout.contains(&format!("{name}: OK\n")),
            "{output:?}"
        );
        println!("{name}: {} bytes", fs::metadata(&package).unwrap().len());
    }
}

#[test]
fn every_package_has_an_sbom_of_both_programs() {
    for (start, end) in [
        ("claviger_", ".deb"),
        ("claviger-", ".rpm"),
        ("claviger-", ".tar.gz"),
    ] {
        let file = find(&directory(), start, &format!("{end}.cdx.json"));
        let text = fs::read_to_string(&file).unwrap();
        let sbom: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&sbom["bomFormat"], &sbom["specVersion"]),
            (&"CycloneDX".into(), &"1.5".into())
        );
        assert_eq!(sbom["metadata"]["component"]["name"], "claviger");
        let components = sbom["components"].as_array().unwrap();
        let names: Vec<_> = components
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        for name in [
            "claviger-helper",
            "claviger-wire",
            "aws-lc-rs",
            "rustls",
            "tokio",
        ] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        // Those of tests and of other systems are not compiled in.
        for name in ["proptest", "windows-sys", "security-framework"] {
            assert!(!names.contains(&name), "{name}: {names:?}");
        }
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")));
    }
}
