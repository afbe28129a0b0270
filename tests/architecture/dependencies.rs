//! What the programs are built from.

use std::fs;

use toml::Table;

use crate::{source_tree::root, violations::Violations};

/// The registry, as the lock file names it. Its versions never change.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn read(file: &str) -> Table {
    let text = fs::read_to_string(root().join(file)).unwrap();
    toml::from_str(&text).unwrap()
}

#[test]
fn every_version_is_one_of_crates_io_with_its_checksum() {
    let lock = read("Cargo.lock");
    let mut violations = Violations::default();
    let mut own = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        match (package.get("source"), package.get("checksum")) {
            (None, None) => own.push(name),
            (Some(source), Some(_)) if source.as_str() == Some(REGISTRY) => {}
            (source, _) => violations.add(format!("{name}: {source:?}")),
        }
    }
    violations.assert_none("take it from crates.io");
    assert_eq!(own, ["claviger", "claviger-helper", "claviger-wire"]);
}

#[test]
fn the_shim_has_no_dependency_but_the_wire() {
    for (folder, expected) in [
        ("helper-shim", &["claviger-wire"][..]),
        ("helper-shim/wire", &[]),
    ] {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let names: Vec<_> = manifest["dependencies"]
            .as_table()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(names, expected, "{folder}");
        for table in ["target", "build-dependencies"] {
            assert!(!manifest.contains_key(table), "{folder}: {table}");
        }
    }
}
