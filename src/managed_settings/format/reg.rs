//! A file for the registry editor of Windows.
//!
//! It contains ASCII only. So it is the same in every encoding that the editor reads, and remains
//! readable when a shell's redirection changes the encoding, as that of PowerShell does.

use serde_json::Value;

use crate::managed_settings::{Client, Settings};

/// The value that contains all of Claude Code's settings, as JSON in one line.
const CLAUDE_CODE_VALUE: &str = "Settings";

/// The settings as a registration file.
#[must_use]
pub(crate) fn reg(settings: &Settings) -> Vec<u8> {
    let key = settings.client.registry_key();
    let mut lines = vec![
        "Windows Registry Editor Version 5.00".to_owned(),
        String::new(),
        format!("[{key}]"),
    ];
    match settings.client {
        Client::ClaudeCode => {
            let json = ascii(&Value::Object(settings.values.clone()).to_string());
            lines.push(format!("\"{CLAUDE_CODE_VALUE}\"={}", data(&json)));
        }
        Client::ClaudeDesktop => lines.extend(settings.values.iter().map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("\"{name}\"={}", data(&text))
        })),
    }
    let mut text = lines.join("\r\n");
    text.push_str("\r\n");
    text.into_bytes()
}

/// JSON without other characters than those of ASCII.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::new(), |mut text, c| {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
        text
    })
}

/// A value of type `REG_SZ`: quoted, or the bytes of its UTF-16 if it is not ASCII.
fn data(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""));
    }
    let units = text.encode_utf16().chain([0]);
    let bytes = units.flat_map(u16::to_le_bytes);
    let bytes: Vec<_> = bytes.map(|byte| format!("{byte:02x}")).collect();
    format!("hex(1):{}", bytes.join(","))
}
