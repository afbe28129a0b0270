//! Scripts that install Claviger's managed configuration, for MDMs that run scripts.
//!
//! No MDM distributes a file of TOML by itself. A script works with all of them, and does what a
//! copied file lacks: it replaces the former configuration at once, gives the file to root
//! (Administrators), as the daemon demands, and keeps a backup. It contains no secret, as no
//! configuration does.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What the configuration takes the place of in a script.
const PLACEHOLDER: &str = "@CONFIGURATION@\n";

/// The line that ends the configuration in the shell script.
const END: &str = "CLAVIGER_CONFIGURATION";

/// The length of a line of Base64, as in MIME (RFC 2045).
const LINE: usize = 76;

/// The script for Linux and macOS that installs `configuration`.
#[must_use]
pub(crate) fn shell_script(configuration: &str) -> String {
    let text = format!("{}\n", configuration.trim_end_matches('\n'));
    let mut end = END.to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    let script = include_str!("install.sh").replace(END, &end);
    script.replacen(PLACEHOLDER, &text, 1)
}

/// The PowerShell script for Windows that installs `configuration`.
#[must_use]
pub(crate) fn powershell_script(configuration: &str) -> String {
    let encoded = STANDARD.encode(configuration);
    let mut text = String::with_capacity(encoded.len());
    for (at, c) in encoded.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push('\n');
    include_str!("install.ps1").replacen(PLACEHOLDER, &text, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of the here-document in `script`.
    fn embedded(script: &str) -> &str {
        let (_, rest) = script.split_once("<<'").unwrap();
        let (end, rest) = rest.split_once("'\n").unwrap();
        let (text, _) = rest.split_once(&format!("\n{end}\n")).unwrap();
        text
    }

    #[test]
    fn the_shell_script_contains_the_configuration_as_it_is() {
        for configuration in [
            "version = 1\n",
            "a = '$HOME `x` \\ \"'\n\n# é\n",
            "a = '''\nCLAVIGER_CONFIGURATION\nCLAVIGER_CONFIGURATION_\n'''\n",
            "a = '@CONFIGURATION@\n'",
        ] {
            let script = shell_script(configuration);
            assert_eq!(embedded(&script), configuration.trim_end_matches('\n'));
        }
    }

    #[test]
    fn the_powershell_script_contains_the_bytes_of_the_configuration() {
        for len in [0, 1, 57, 58, 1000] {
            let configuration = "é# '@\n".repeat(len);
            let script = powershell_script(&configuration);
            assert!(script.is_ascii());
            let (_, rest) = script.split_once("@'\n").unwrap();
            let (text, _) = rest.split_once("\n'@").unwrap();
            assert!(text.lines().all(|line| line.len() <= LINE));
            let bytes = STANDARD.decode(text.replace('\n', "")).unwrap();
            assert_eq!(bytes, configuration.as_bytes());
        }
    }
}
