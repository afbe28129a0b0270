//! The content of the settings, and each form of it.

use std::path::Path;

use serde_json::{Value, json};

use super::{Helper, Platform, Profile, Settings, claude_code, desktop, format};
use crate::{
    claude_code::variables::BYPASSES,
    config::{Config, parse},
};

const GATEWAY: &str = "https://gw.example.com";

/// A configuration with these profiles and their gateways, if they have one.
fn config(profiles: &[(&str, &str)]) -> Config {
    let mut text = "version = 1\nsource.s = { type = 'exec', command = ['/bin/key'] }\n".to_owned();
    for (name, gateway) in profiles {
        text.push_str(&format!("[profile.{name}]\nsource = 's'\n"));
        if !gateway.is_empty() {
            text.push_str(&format!("gateway = '{gateway}'\n"));
        }
    }
    parse(Path::new("/c.toml"), &text).unwrap()
}

fn code(profiles: &[(&str, &str)], name: Option<&str>, platform: Platform) -> Settings {
    let config = config(profiles);
    let profile = Profile::select(&config, name).unwrap();
    claude_code::managed(&profile, &Helper::installed(platform, None), true)
}

fn of_desktop(gateway: &str) -> Settings {
    let config = config(&[("default", gateway)]);
    let profile = Profile::select(&config, None).unwrap();
    let helper = Helper::installed_for_desktop(Platform::Windows, None);
    desktop::managed(&profile, &helper).unwrap()
}

fn value<'s>(settings: &'s Settings, key: &str) -> &'s Value {
    &settings.values()[key]
}

#[test]
fn the_url_and_the_cache_lifetime_are_set_and_nothing_gets_round_them() {
    let settings = code(
        &[("default", "https://gw.example.com/eu/")],
        None,
        Platform::Linux,
    );
    let mut env = value(&settings, "env").as_object().unwrap().clone();
    assert_eq!(
        env.remove("ANTHROPIC_BASE_URL"),
        Some(json!("https://gw.example.com/eu"))
    );
    assert_eq!(
        env.remove("CLAUDE_CODE_API_KEY_HELPER_TTL_MS"),
        Some(json!("300000"))
    );
    let blank: Vec<_> = env
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let mut expected: Vec<_> = BYPASSES
        .iter()
        .map(|bypass| (bypass.name, json!("")))
        .collect();
    expected.sort_by_key(|(name, _)| *name);
    assert_eq!(blank, expected);
    let keys: Vec<_> = settings.values().keys().collect();
    assert_eq!(keys, ["apiKeyHelper", "env", "otelHeadersHelper"]);
    assert!(settings.warnings().is_empty());
}

#[test]
fn the_profile_is_named_only_if_the_gateway_does_not_select_it() {
    const OTHER: &str = "https://other.example.com";
    for (profiles, name, expected) in [
        (&[("a", GATEWAY)][..], None, None),
        (&[("default", GATEWAY), ("b", OTHER)], Some("b"), None),
        (&[("a", GATEWAY), ("b", GATEWAY)], Some("b"), Some("b")),
        (
            &[("default", GATEWAY), ("b", GATEWAY)],
            Some("b"),
            Some("b"),
        ),
        (&[("default", GATEWAY), ("b", GATEWAY)], None, None),
    ] {
        let settings = code(profiles, name, Platform::Linux);
        let profile = expected.map_or_else(String::new, |name| format!(" --profile {name}"));
        let helper = format!("exec /usr/bin/claviger-helper{profile}");
        assert_eq!(*value(&settings, "apiKeyHelper"), json!(helper), "{name:?}");
        let headers = format!("{helper} --format headers");
        assert_eq!(*value(&settings, "otelHeadersHelper"), json!(headers));
    }
}

#[test]
fn a_profile_that_settings_cannot_be_made_for_is_an_error() {
    let two = [("team-a", GATEWAY), ("team-b", GATEWAY)];
    for (profiles, name, expected) in [
        (&two[..], None, "ambiguous profile: 'team-a' or 'team-b'"),
        (
            &two,
            Some("x"),
            "unknown profile 'x'; expected 'team-a' or 'team-b'",
        ),
        (
            &[("a", "")],
            None,
            "profile 'a' has no 'gateway', so the client's base URL is not known",
        ),
    ] {
        let config = config(profiles);
        let error = Profile::select(&config, name).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    // The shim of Claude Desktop gets neither a profile nor a base URL.
    let config = config(&[("default", GATEWAY), ("b", GATEWAY)]);
    let profile = Profile::select(&config, Some("b")).unwrap();
    let helper = Helper::installed_for_desktop(Platform::Macos, None);
    let error = desktop::managed(&profile, &helper).unwrap_err();
    assert!(
        error.to_string().contains("does not get profile 'b'"),
        "{error}"
    );
}

#[test]
fn claude_desktop_reads_strings_only() {
    let settings = of_desktop(GATEWAY);
    assert!(settings.values().values().all(Value::is_string));
    assert_eq!(*value(&settings, "inferenceGatewayBaseUrl"), json!(GATEWAY));
    assert_eq!(
        *value(&settings, "inferenceCredentialHelper"),
        json!(r"C:\Program Files\Claviger\claviger-helper-desktop.exe")
    );
    assert_eq!(
        *value(&settings, "inferenceCredentialHelperTtlSec"),
        json!("3600")
    );
    assert!(settings.warnings().is_empty());
    assert_eq!(of_desktop("http://127.0.0.1:4000").warnings().len(), 1);
}

/// Reads the values of a registration file as the registry editor does.
fn registry(text: &str) -> (String, Vec<(String, String)>) {
    let mut lines = text.split_terminator("\r\n");
    assert_eq!(lines.next(), Some("Windows Registry Editor Version 5.00"));
    assert_eq!(lines.next(), Some(""));
    let key = lines.next().unwrap().strip_prefix('[').unwrap();
    let key = key.strip_suffix(']').unwrap().to_owned();
    let value = |line: &str| {
        let (name, data) = line.split_once('=').unwrap();
        let text = match data.strip_prefix("hex(1):") {
            Some(hex) => {
                let bytes = hex
                    .split(',')
                    .map(|byte| u8::from_str_radix(byte, 16).unwrap());
                let bytes: Vec<_> = bytes.collect();
                let units = bytes
                    .chunks(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
                let text = String::from_utf16(&units.collect::<Vec<_>>()).unwrap();
                text.strip_suffix('\0').unwrap().to_owned()
            }
            None => {
                let quoted = data.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
                let text = quoted.replace(r"\\", "\0").replace("\\\"", "\"");
                assert!(!text.contains('\\'), "{quoted}");
                text.replace('\0', "\\")
            }
        };
        (name.trim_matches('"').to_owned(), text)
    };
    (key, lines.map(value).collect())
}

#[test]
fn a_registration_file_has_what_the_client_reads() {
    for path in [
        r"C:\Program Files\Claviger\claviger-helper.exe",
        r"C:\Werkzeuge für alle\𝄞\claviger-helper.exe",
    ] {
        let config = config(&[("default", GATEWAY)]);
        let profile = Profile::select(&config, None).unwrap();
        let helper = Helper::at(Platform::Windows, path).unwrap();
        let settings = claude_code::managed(&profile, &helper, false);
        let text = String::from_utf8(format::reg(&settings)).unwrap();
        assert!(text.is_ascii());
        let (key, values) = registry(&text);
        assert_eq!(key, r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\ClaudeCode");
        let [(name, json)] = values.as_slice() else {
            panic!("{values:?}");
        };
        assert_eq!(name, "Settings");
        let read: Value = serde_json::from_str(json).unwrap();
        assert_eq!(read, Value::Object(settings.values().clone()));
        assert_eq!(read["apiKeyHelper"], json!(format!("\"{path}\"")));

        let settings = desktop::managed(&profile, &helper).unwrap();
        let text = String::from_utf8(format::reg(&settings)).unwrap();
        assert!(text.is_ascii());
        let (key, values) = registry(&text);
        assert_eq!(key, r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Claude");
        let read = values.into_iter().map(|(name, text)| (name, json!(text)));
        assert_eq!(read.collect::<serde_json::Map<_, _>>(), *settings.values());
    }
}

/// The identifiers and UUIDs of a configuration profile.
fn identity(settings: &Settings) -> Vec<String> {
    let read = plist::Value::from_reader_xml(&*format::mobileconfig(settings)).unwrap();
    let profile = read.as_dictionary().unwrap();
    let payload = profile.get("PayloadContent").unwrap().as_array().unwrap()[0].clone();
    let payload = payload.into_dictionary().unwrap();
    let identity = [profile, &payload].map(|dictionary| {
        ["PayloadIdentifier", "PayloadUUID"]
            .map(|key| dictionary.get(key).unwrap().as_string().unwrap().to_owned())
    });
    identity.into_iter().flatten().collect()
}

#[test]
fn an_update_has_the_identity_of_what_it_replaces() {
    let of = |gateway: &str| code(&[("default", gateway)], None, Platform::Macos);
    let first = identity(&of(GATEWAY));
    assert_eq!(identity(&of("https://new.example.com")), first);
    let mut all = [
        first,
        identity(&code(&[("eu", GATEWAY)], None, Platform::Macos)),
        identity(&of_desktop(GATEWAY)),
    ]
    .concat();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "{all:?}");
}
