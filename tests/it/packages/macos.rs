//! The installer for macOS: what it contains, and its scripts with the commands of a Mac replaced.
//! Only a Mac can build, sign and run it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::support::process::{binary, require_root};

/// Assembles the tree once, with the programs of this machine in place of a Mac's.
fn layout() -> &'static Path {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    LAYOUT.get_or_init(|| {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(top.join("packaging/macos/build"))
            .arg("--layout-only")
            .env("CLAVIGER_PROGRAMS", binary("claviger").parent().unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let root = String::from_utf8(output.stdout).unwrap();
        PathBuf::from(root.trim()).parent().unwrap().to_owned()
    })
}

/// The modes of the files and directories below `directory`, by their paths; a link's target.
fn entries(directory: &Path) -> BTreeMap<String, Result<u32, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(directory).unwrap();
            let entry = match fs::read_link(&path) {
                Ok(target) => Err(target),
                Err(_) => Ok(metadata.mode() & 0o7777),
            };
            found.insert(format!("/{}", name.display()), entry);
            if metadata.is_dir() {
                left.push(path);
            }
        }
    }
    found
}

#[test]
fn the_tree_has_the_programs_and_the_modes_of_system_files() {
    let entries = entries(&layout().join("root"));
    for program in ["claviger", "claviger-helper"] {
        assert_eq!(entries[&format!("/usr/local/bin/{program}")], Ok(0o755));
    }
    assert_eq!(
        entries["/usr/local/bin/claviger-helper-desktop"],
        Err("claviger-helper".into())
    );
    for file in [
        "claviger/config.schema.json",
        "man/man1/claviger.1",
        "man/man1/claviger-helper.1",
        "bash-completion/completions/claviger",
        "zsh/site-functions/_claviger",
        "fish/vendor_completions.d/claviger.fish",
        "doc/claviger/LICENSE-MIT",
        "doc/claviger/examples/config.toml",
    ] {
        assert_eq!(
            entries[&format!("/usr/local/share/{file}")],
            Ok(0o644),
            "{file}"
        );
    }
    // Never a configuration: an upgrade would replace the company's.
    let configuration = "/Library/Application Support/Claviger";
    assert_eq!(entries[configuration], Ok(0o755));
    let below = entries
        .keys()
        .filter(|path| path.starts_with(configuration));
    assert_eq!(below.count(), 1);
    let writable = entries
        .iter()
        .filter(|(_, entry)| matches!(entry, Ok(mode) if mode & 0o022 != 0));
    assert_eq!(writable.count(), 0, "{entries:?}");
}

#[test]
fn descriptions_are_valid() {
    const CHECK: &str = "import plistlib, sys, xml.dom.minidom\n\
        xml.dom.minidom.parse(sys.argv[1])\n\
        for path in sys.argv[2:]:\n    \
            plist = plistlib.load(open(path, 'rb'))\n    \
            assert path.endswith('/' + plist['Label'] + '.plist'), plist\n    \
            assert plist['ProgramArguments'][0] == '/usr/local/bin/claviger', plist\n";
    let agents = fs::read_dir(layout().join("root/Library/LaunchAgents")).unwrap();
    let agents: Vec<_> = agents.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(agents.len(), 1, "{agents:?}");
    let description = layout().join("Distribution.xml");
    let text = fs::read_to_string(&description).unwrap();
    assert!(
        !text.contains("@V") && text.contains(env!("CARGO_PKG_VERSION")),
        "{text}"
    );
    let output = Command::new("python3")
        .args(["-c", CHECK])
        .arg(description)
        .args(agents)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A Mac on which two users are logged in; its commands write their arguments to `calls`.
struct Mac {
    directory: TempDir,
}

impl Mac {
    fn new() -> Self {
        let mac = Self {
            directory: TempDir::new().unwrap(),
        };
        let window = "/System/Library/CoreServices/loginwindow.app/Contents/MacOS/loginwindow";
        let users = format!(
            "printf '%s\\n' '  501 {window}' '    0 {window}' '  502 {window}' '  503 /bin/zsh'"
        );
        mac.command("ps", &users);
        for name in ["launchctl", "pkgutil"] {
            mac.command(name, "echo \"${0##*/} $*\" >>\"${0%/*}/calls\"");
        }
        mac
    }

    fn command(&self, name: &str, script: &str) {
        let path = self.directory.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, script: &Path, args: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.directory.path().display());
        let mut command = Command::new("bash");
        command.arg(script).args(args).env_clear().env("PATH", path);
        command.output().unwrap()
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.directory.path().join("calls")).unwrap_or_default()
    }
}

#[test]
fn the_agent_is_loaded_for_each_user_who_is_logged_in() {
    let script = layout().join("scripts/postinstall");
    let mac = Mac::new();
    let output = mac.run(&script, &["claviger.pkg", "/", "/"]);
    assert!(output.status.success(), "{output:?}");
    let mut expected = String::new();
    for user in [501, 502] {
        expected += &format!("launchctl bootout gui/{user}/com.claviger.daemon\n");
        expected += &format!(
            "launchctl bootstrap gui/{user} /Library/LaunchAgents/com.claviger.daemon.plist\n"
        );
    }
    assert_eq!(mac.calls(), expected);

    // The volume is another one than that of the running system.
    let mac = Mac::new();
    let output = mac.run(
        &script,
        &["claviger.pkg", "/Volumes/Other", "/Volumes/Other"],
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(mac.calls(), "");
}

#[test]
fn an_installation_of_homebrew_is_not_replaced() {
    let script = layout().join("scripts/preinstall");
    let (mac, volume) = (Mac::new(), TempDir::new().unwrap());
    let bin = volume.path().join("usr/local/bin");
    let run = || {
        mac.run(
            &script,
            &["claviger.pkg", "/", volume.path().to_str().unwrap()],
        )
    };
    assert!(run().status.success());
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("claviger"), "an older version").unwrap();
    assert!(run().status.success());
    std::os::unix::fs::symlink("../Cellar/claviger", bin.join("claviger-helper")).unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("hint: "));
}

#[test]
fn removal_leaves_the_configuration_and_other_files() {
    require_root();
    for configured in [false, true] {
        let (mac, root) = (Mac::new(), TempDir::new().unwrap());
        let copied = Command::new("cp")
            .args(["-a", "--no-target-directory"])
            .args([&layout().join("root"), root.path()])
            .status();
        assert!(copied.unwrap().success());
        // Not the one of this machine, which would stop daemons of other tests.
        let program = root.path().join("usr/local/bin/claviger");
        fs::copy(mac.directory.path().join("launchctl"), program).unwrap();
        let config = root
            .path()
            .join("Library/Application Support/Claviger/config.toml");
        let foreign = root.path().join("usr/local/bin/other");
        fs::write(&foreign, "").unwrap();
        if configured {
            fs::write(&config, "version = 1\n").unwrap();
        }
        // It removes itself.
        let script = mac.directory.path().join("uninstall.sh");
        let installed = "usr/local/share/claviger/uninstall.sh";
        fs::copy(root.path().join(installed), &script).unwrap();
        let output = mac.run(&script, &[root.path().to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let left = entries(root.path());
        let files = left
            .keys()
            .filter(|path| !root.path().join(&path[1..]).is_dir());
        let files: Vec<_> = files.map(String::as_str).collect();
        let config = "/Library/Application Support/Claviger/config.toml";
        let others = ["/usr/local/bin/calls", "/usr/local/bin/other"];
        let expected: Vec<_> = configured
            .then_some(config)
            .into_iter()
            .chain(others)
            .collect();
        assert_eq!(files, expected);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            stdout.contains("the managed configuration"),
            configured,
            "{stdout}"
        );
        assert!(
            mac.calls().contains("pkgutil --forget com.claviger.pkg"),
            "{}",
            mac.calls()
        );
    }
}
