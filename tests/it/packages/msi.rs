//! The installer for Windows, which Wine runs.
//!
//! Wine enforces no access list and migrates no features: those are compared with the installer's
//! tables alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::package;
use crate::support::{
    KEY,
    poll::{SOON, until},
    test_env::ProgramOutput,
    wine::Wine,
};

const PROGRAMS: &str = r"C:\Program Files\Claviger";
const CONFIGURATION: &str = r"C:\ProgramData\Claviger";
/// The list of installed products.
const UNINSTALL: &str = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall";

/// What is installed without options.
const FILES: [&str; 7] = [
    "LICENSE-APACHE.txt",
    "LICENSE-MIT.txt",
    "claviger-helper-desktop.exe",
    "claviger-helper.exe",
    "claviger.exe",
    "config.example.toml",
    "third-party.txt",
];

/// The installer under test.
pub(super) fn installer() -> PathBuf {
    package::find(&package::directory(), "claviger-", "-x64.msi")
}

/// Packs the programs of `installer` as another version, into `directory`.
fn packed(installer: &Path, version: &str, directory: &Path) -> PathBuf {
    let files = TempDir::new().unwrap();
    run(Command::new("msiextract")
        .arg("--directory")
        .args([files.path(), installer]));
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/windows/build");
    run(Command::new(build)
        .env("CLAVIGER_PROGRAMS", files.path().join("Claviger"))
        .env("CLAVIGER_PACKAGES", directory)
        .env("CLAVIGER_VERSION", version));
    directory.join(format!("claviger-{version}-x64.msi"))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The rows of one of the installer's tables.
fn table(installer: &Path, name: &str) -> Vec<Vec<String>> {
    let text = run(Command::new("msiinfo")
        .arg("export")
        .args([installer.as_os_str(), name.as_ref()]));
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    // The first three lines are the columns, their types and the keys.
    text.lines().skip(3).map(cells).collect()
}

/// The second cell of the row whose first is `key`.
fn value(rows: &[Vec<String>], key: &str) -> String {
    let row = rows.iter().find(|row| row[0] == key);
    row.unwrap_or_else(|| panic!("{key} is not in {rows:?}"))[1].clone()
}

/// Runs the installer without its dialogs; it must succeed.
async fn msiexec(wine: &Wine, action: &str, installer: &Path, options: &[&str]) {
    let installer = Wine::foreign(installer);
    let args = [&[action, &installer, "/qn"], options].concat();
    let output = wine.run("msiexec", &args).await;
    assert_eq!(output.code, Some(0), "{args:?}: {output:?}");
}

async fn program(wine: &Wine, name: &str, args: &[&str]) -> ProgramOutput {
    wine.run(&format!(r"{PROGRAMS}\{name}"), args).await
}

/// The names in a directory of Windows, sorted; none if it does not exist.
fn names(wine: &Wine, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(wine.path(directory)).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A configuration of the user's own, whose source prints [`KEY`].
async fn write_user_config(wine: &Wine) {
    let output = wine.run("cmd", &["/c", "echo %APPDATA%"]).await;
    let directory = wine.path(output.succeeded().trim()).join("Claviger");
    fs::create_dir_all(&directory).unwrap();
    let config = format!(
        "version = 1\n[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\n\
         command = ['C:\\windows\\system32\\cmd.exe', '/c', 'echo {KEY}']\n"
    );
    fs::write(directory.join("config.toml"), config).unwrap();
}

#[tokio::test]
async fn every_change_of_version_ends_the_daemon_and_the_helper_goes_on() {
    let (wine, directory) = (Wine::new().await, TempDir::new().unwrap());
    let own = installer();
    let later = packed(&own, "99.0.0", directory.path());
    write_user_config(&wine).await;
    for (index, (installer, version)) in [
        (&own, env!("CARGO_PKG_VERSION")),
        (&later, "99.0.0"),
        (&own, env!("CARGO_PKG_VERSION")),
    ]
    .into_iter()
    .enumerate()
    {
        let before = wine.processes("claviger.exe");
        assert_eq!(before.len(), index.min(1), "{version}");
        msiexec(&wine, "/i", installer, &[]).await;
        let ended = async || wine.processes("claviger.exe").is_empty();
        until("the daemon has ended", SOON, ended).await;
        assert_eq!(names(&wine, PROGRAMS), FILES, "{version}");
        for helper in ["claviger-helper.exe", "claviger-helper-desktop.exe"] {
            program(&wine, helper, &[]).await.printed(KEY);
        }
        let products = wine.run("reg", &["query", UNINSTALL, "/s"]).await;
        let versions = products.stdout.matches("DisplayVersion").count();
        assert!(products.stdout.contains(version), "{products:?}");
        assert_eq!(versions, 1, "{products:?}");
    }
    msiexec(&wine, "/x", &own, &[]).await;
    assert!(wine.processes("claviger.exe").is_empty());
    assert!(!wine.path(PROGRAMS).exists());
    assert!(!wine.path(CONFIGURATION).exists());
}

#[tokio::test]
async fn an_installation_works_and_leaves_what_is_not_its_own() {
    let (wine, own) = (Wine::new().await, installer());
    msiexec(&wine, "/i", &own, &[]).await;
    let version = program(&wine, "claviger.exe", &["--version"]).await;
    let expected = format!("claviger {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(version.succeeded().trim(), expected);

    assert_eq!(names(&wine, CONFIGURATION), [""; 0]);
    let config = format!(r"{CONFIGURATION}\config.toml");
    fs::write(wine.path(&config), "version = 1\n").unwrap();
    msiexec(&wine, "/x", &own, &[]).await;
    assert!(!wine.path(PROGRAMS).exists());
    assert!(wine.path(&config).exists());
}

#[test]
fn only_administrators_write_the_directory_of_the_configuration() {
    let own = installer();
    let rows = table(&own, "MsiLockPermissionsEx");
    assert_eq!(rows.len(), 1);
    let [_, directory, kind, sddl, condition] = &rows[0][..] else {
        panic!("{rows:?}");
    };
    assert_eq!((&**kind, &**condition), ("CreateFolder", ""));
    assert_eq!(table(&own, "CreateFolder")[0][0], *directory);
    // The owner is Administrators, nothing is inherited (P), users (BU) only read and execute.
    assert!(sddl.starts_with("O:BAG:SYD:PAI"), "{sddl}");
    let entries: Vec<_> = sddl.split('(').skip(1).collect();
    assert_eq!(
        entries,
        [
            "A;OICI;FA;;;SY)",
            "A;OICI;FA;;;BA)",
            "A;OICI;0x1200a9;;;BU)"
        ]
    );
}

#[test]
fn the_installer_is_for_the_machine_and_replaces_every_version() {
    let own = installer();
    let properties = table(&own, "Property");
    assert_eq!(value(&properties, "ALLUSERS"), "1");
    assert_eq!(
        value(&properties, "ProductVersion"),
        env!("CARGO_PKG_VERSION")
    );
    let code = value(&properties, "UpgradeCode");
    // It never changes: an installer with another one would leave this version in place.
    assert_eq!(code, "{5D2C3F1E-1C0B-5A9E-9B6F-6F1D0C5A7B42}");
    let upgrade = &table(&own, "Upgrade")[..];
    let [row] = upgrade else {
        panic!("{upgrade:?}");
    };
    // From 0.0.0 on (256), without a maximum; the features of the other version are kept (1).
    assert_eq!(
        row[..5],
        [&*code, "0.0.0", "", "", "257"].map(str::to_owned)
    );
    // 64-bit components (256): in 'Program Files', not in 'Program Files (x86)'.
    let components = table(&own, "Component");
    assert!(
        components.iter().all(|row| row[3] == "256"),
        "{components:?}"
    );
    assert!(!table(&own, "File").is_empty());
    let tables = run(Command::new("msiinfo").arg("tables").arg(&own));
    assert!(!tables.contains("Environment"), "{tables}");
}

#[test]
fn daemons_end_before_their_program_is_removed() {
    let actions = table(&installer(), "InstallExecuteSequence");
    let at = |name: &str| {
        let row = actions.iter().find(|row| row[0] == name);
        row.unwrap()[2].parse::<u32>().unwrap()
    };
    let expected = [
        "InstallInitialize",
        "RemoveExistingProducts",
        "DeleteTask",
        "StopDaemons",
        "RemoveFiles",
        "InstallFiles",
        "CreateTask",
        "InstallFinalize",
    ];
    assert!(expected.is_sorted_by_key(|name| at(name)), "{actions:?}");
}

/// `LOGONTASK=1` selects the feature, which makes the task and removes it again.
#[test]
fn the_logon_task_is_a_feature_that_is_selected() {
    let own = installer();
    let features = table(&own, "Feature");
    let level = |name: &str| {
        let row = features.iter().find(|row| row[0] == name);
        row.unwrap()[5].parse::<u32>().unwrap()
    };
    // Windows Installer installs the features up to INSTALLLEVEL, 1 without an option.
    assert_eq!((level("Claviger"), level("LogonTask")), (1, 2));
    let condition = ["LogonTask", "1", "LOGONTASK=1"].map(str::to_owned);
    assert_eq!(table(&own, "Condition"), [condition]);
    let secure = value(&table(&own, "Property"), "SecureCustomProperties");
    assert!(secure.split(';').any(|name| name == "LOGONTASK"));

    let sequence = table(&own, "InstallExecuteSequence");
    for (action, command, condition) in [
        (
            "CreateTask",
            r#"/Create /F /TN Claviger /XML "[InstallFolder]claviger-task.xml""#,
            "&LogonTask=3",
        ),
        (
            "DeleteTask",
            "/Delete /F /TN Claviger",
            "&LogonTask=2 AND !LogonTask=3",
        ),
    ] {
        assert_eq!(value(&sequence, action), condition);
        let actions = table(&own, "CustomAction");
        let row = actions.iter().find(|row| row[0] == action).unwrap();
        assert_eq!(row[2..4], ["SchTasks", command]);
    }
}

#[test]
fn two_installers_of_the_same_programs_are_equal() {
    let own = installer();
    let installers = [(), ()].map(|()| {
        let directory = TempDir::new().unwrap();
        fs::read(packed(&own, "99.0.0", directory.path())).unwrap()
    });
    assert!(installers[0] == installers[1]);
}
