//! Every file that the packages install, with its owner and mode, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use flate2::read::ZlibDecoder;
use serde_json::Value;

use super::{
    CLAVIGER,
    package::{Format, Version},
    root::{Entry, Root},
};
use crate::support::{namespace::User, test_env::ProgramOutput};

/// The programs and what both formats install besides, with the modes.
const BOTH: [(&str, u32); 9] = [
    ("/usr/bin/claviger", 0o755),
    ("/usr/bin/claviger-helper", 0o755),
    ("/usr/share/bash-completion/completions/claviger", 0o644),
    (SCHEMA, 0o644),
    ("/usr/share/doc/claviger/examples/alerts.yml", 0o644),
    ("/usr/share/doc/claviger/examples/config.toml", 0o644),
    ("/usr/share/doc/claviger/examples/dashboard.json", 0o644),
    ("/usr/share/doc/claviger/examples/hardening.conf", 0o644),
    ("/usr/share/fish/vendor_completions.d/claviger.fish", 0o644),
];

/// The configuration's schema.
const SCHEMA: &str = "/usr/share/claviger/config.schema.json";

/// The files that only Debian has, or has elsewhere.
const DEB: [&str; 5] = [
    "/usr/share/doc/claviger/changelog.gz",
    "/usr/share/doc/claviger/copyright",
    "/usr/share/doc/claviger/third-party.txt.gz",
    "/usr/share/lintian/overrides/claviger",
    "/usr/share/zsh/vendor-completions/_claviger",
];

/// The files that only Red Hat has, or has elsewhere.
const RPM: [&str; 5] = [
    "/usr/share/doc/claviger/CHANGELOG.md",
    "/usr/share/licenses/claviger/LICENSE-APACHE",
    "/usr/share/licenses/claviger/LICENSE-MIT",
    "/usr/share/licenses/claviger/third-party.txt",
    "/usr/share/zsh/site-functions/_claviger",
];

/// The links for Claude Desktop, which the rpm has as copies.
const DESKTOP: &str = "/usr/bin/claviger-helper-desktop";
const DESKTOP_PAGE: &str = "/usr/share/man/man1/claviger-helper-desktop.1.gz";

/// The link with which Debian enables the socket.
const ENABLED: &str = "/etc/systemd/user/sockets.target.wants/claviger.socket";

fn file(mode: u32) -> Entry {
    Entry::File {
        mode,
        uid: 0,
        gid: 0,
    }
}

/// The names of the files in a directory of the source tree or the root.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn expected(format: Format, root: &Root) -> BTreeMap<String, Entry> {
    let mut files: BTreeMap<_, _> = BOTH
        .into_iter()
        .map(|(path, mode)| (path.to_owned(), file(mode)))
        .collect();
    let own = match format {
        Format::Deb => DEB,
        Format::Rpm => RPM,
    };
    files.extend(own.map(|path| (path.to_owned(), file(0o644))));
    let program = match format {
        Format::Deb => Entry::Link("claviger-helper".into()),
        Format::Rpm => file(0o755),
    };
    files.insert(DESKTOP.to_owned(), program);

    let systemd = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/linux/systemd");
    for directory in ["system", "user", "user-preset"] {
        for name in names(&systemd.join(directory)) {
            files.insert(format!("/usr/lib/systemd/{directory}/{name}"), file(0o644));
        }
    }
    if format == Format::Deb {
        // Debian 12 looks for units in /lib first, which is a link to /usr/lib.
        let unit = Entry::Link("/lib/systemd/user/claviger.socket".into());
        files.insert(ENABLED.to_owned(), unit);
    }
    let pages = root.run(User::Root, CLAVIGER, &["man", "/tmp/pages"]);
    assert_eq!(pages.code, Some(0), "{pages:?}");
    let pages = names(&root.outside("/tmp/pages"));
    assert!(pages.len() > 2, "{pages:?}");
    for page in pages {
        files.insert(format!("/usr/share/man/man1/{page}.gz"), file(0o644));
    }
    let page = match format {
        Format::Deb => Entry::Link("claviger-helper.1.gz".into()),
        Format::Rpm => file(0o644),
    };
    files.insert(DESKTOP_PAGE.to_owned(), page);
    files
}

#[test]
fn the_package_installs_these_files_alone() {
    for format in [Format::Deb, Format::Rpm] {
        let root = Root::debian();
        let before = root.files();
        format.install(&root, Version::Own);
        let mut installed = root.files();
        installed.retain(|path, entry| before.get(path) != Some(entry));
        fs::create_dir(root.outside("/tmp/pages")).unwrap();
        assert_eq!(installed, expected(format, &root), "{format:?}");
    }
}

/// The example is a good managed configuration.
#[test]
fn the_example_is_accepted() {
    let root = Root::debian();
    Format::Deb.install(&root, Version::Own);
    let example = "/usr/share/doc/claviger/examples/config.toml";
    let checked = root.run(User::Ana, CLAVIGER, &["config", "check", example]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

/// The schema is that of the program beside it.
#[test]
fn the_schema_is_that_of_the_program() {
    let root = Root::debian();
    Format::Deb.install(&root, Version::Own);
    let printed = root.run(User::Ana, CLAVIGER, &["config", "schema"]);
    let installed = fs::read_to_string(root.outside(SCHEMA)).unwrap();
    assert_eq!(printed.succeeded(), installed);
}

#[test]
fn bash_completes_commands() {
    const COMPLETE: &str = r#"source /usr/share/bash-completion/completions/claviger
        COMP_WORDS=(claviger st) COMP_CWORD=1
        _claviger claviger st claviger
        echo "${COMPREPLY[*]}""#;
    let root = Root::debian();
    Format::Deb.install(&root, Version::Own);
    let completed = root.run(User::Ana, "/bin/bash", &["-euc", COMPLETE]);
    assert_eq!(completed.succeeded(), "status stop\n");
}

/// What the packages require is there on the oldest supported systems, and is all that the daemon
/// needs: rpm's database in the tests has nothing that could provide it.
#[test]
fn the_requirements_are_those_of_the_programs() {
    let rpm = Format::Rpm.file(Version::Own);
    let rpm = rpm.to_str().unwrap();
    let requires = query("rpm", &["-qp", "--requires", rpm]);
    let own: BTreeSet<_> = requires
        .lines()
        .filter(|line| !line.starts_with("rpmlib("))
        .collect();
    assert_eq!(
        own,
        BTreeSet::from(["/bin/sh", "libc.so.6(GLIBC_2.28)(64bit)"])
    );
    let deb = Format::Deb.file(Version::Own);
    let depends = query("dpkg-deb", &["--field", deb.to_str().unwrap(), "Depends"]);
    assert_eq!(depends, "libc6 (>= 2.28)\n");

    let root = Root::debian();
    Format::Deb.install(&root, Version::Own);
    let program = fs::read(root.outside(CLAVIGER)).unwrap();
    let needed: Vec<u32> = versions(&program);
    assert!(needed.iter().any(|minor| *minor <= 28), "{needed:?}");
    assert!(needed.iter().all(|minor| *minor <= 28), "{needed:?}");
    // Static: no interpreter, no library.
    let helper = fs::read(root.outside(super::HELPER)).unwrap();
    assert_eq!(versions(&helper), [0; 0]);
    assert!(!helper.windows(10).any(|part| part == b"/ld-linux-"));
}

/// Scanners find the dependencies in the program itself, also without the SBOM beside the package.
#[test]
fn the_programs_contain_the_list_of_their_dependencies() {
    let root = Root::debian();
    Format::Deb.install(&root, Version::Own);
    let daemon = dependencies(&root.outside(CLAVIGER));
    let lock = include_str!("../../../Cargo.lock");
    let locked = lock.split("[[package]]").filter_map(|package| {
        let value = |key: &str| Some(package.split_once(key)?.1.split('"').next()?.to_owned());
        Some((value("\nname = \"")?, value("\nversion = \"")?))
    });
    let locked: BTreeSet<_> = locked.collect();
    assert!(daemon.is_subset(&locked), "{daemon:#?}");
    for name in ["aws-lc-rs", "rustls", "tokio", "claviger-wire"] {
        assert!(
            daemon.iter().any(|(own, _)| own == name),
            "{name}: {daemon:#?}"
        );
    }
    // The shim has none but the wire.
    let shim = dependencies(&root.outside(super::HELPER));
    let shim: Vec<_> = shim.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(shim, ["claviger-helper", "claviger-wire"]);
}

/// Name and version of each package that is compiled into a program, as `cargo auditable` records
/// them: JSON, compressed, in a section of its own.
fn dependencies(program: &Path) -> BTreeSet<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let section = directory.path().join("section");
    let dump = format!(".dep-v0={}", section.display());
    let output = std::process::Command::new("objcopy")
        .args(["--dump-section", &dump])
        .arg(program)
        .arg(directory.path().join("copy"))
        .output();
    ProgramOutput::from(output.unwrap()).succeeded();
    let list: Value =
        serde_json::from_reader(ZlibDecoder::new(fs::File::open(section).unwrap())).unwrap();
    let packages = list["packages"].as_array().unwrap();
    // Those that only run in the compiler have the kind `build`.
    let packages = packages.iter().filter(|package| package["kind"] != "build");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    packages
        .map(|package| (text(&package["name"]), text(&package["version"])))
        .collect()
}

/// The second numbers of the symbol versions `GLIBC_2.N` in a program.
fn versions(program: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(program);
    let versions = text.split("GLIBC_2.").skip(1);
    let number = |rest: &str| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    versions.filter_map(number).collect()
}

fn query(program: &str, args: &[&str]) -> String {
    let output = std::process::Command::new(program).args(args).output();
    ProgramOutput::from(output.unwrap()).succeeded().to_owned()
}
