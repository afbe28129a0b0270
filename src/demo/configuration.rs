//! The configuration of the demo's daemon, which is built from two facts and read from no file: a
//! managed configuration does not override it, and it can contain nothing else.

use std::path::Path;

use super::{issuer, places::DemoPlaces};
use crate::config::{self, Config, ConfigError};

/// The configuration's name in messages.
const NAME: &str = "the demo's configuration";

/// The profile that the demo's client asks for.
pub(super) const PROFILE: &str = "default";

/// Returns the configuration: a source that signs with the key in `places`, for a gateway on the
/// port `gateway` of 127.0.0.1.
///
/// # Errors
///
/// [`ConfigError`] if the directory's path cannot be in a configuration, as if it is not UTF-8.
pub(crate) fn configuration(places: &DemoPlaces, gateway: u16) -> Result<Config, ConfigError> {
    let key_file = places.signing_key().display().to_string();
    let text = format!(
        "version = 1\n\
         \n\
         [network]\n\
         proxy = \"off\"\n\
         \n\
         [profile.{PROFILE}]\n\
         gateway = \"http://127.0.0.1:{gateway}\"\n\
         source  = \"demo\"\n\
         \n\
         [source.demo]\n\
         type      = \"jwt\"\n\
         algorithm = \"EdDSA\"\n\
         key_file  = {key_file}\n\
         issuer    = \"claviger-demo\"\n\
         subject   = \"demo\"\n\
         audience  = \"{audience}\"\n\
         ttl       = \"1h\"\n",
        key_file = toml::Value::String(key_file),
        audience = issuer::AUDIENCE,
    );
    config::parse(Path::new(NAME), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_adds_nothing_to_it() {
        for name in ["demo", "a b", "x\"\n[source.other]\ntype = \"exec\"\n#"] {
            let places = DemoPlaces::new(std::env::temp_dir().join(name));
            let Ok(config) = configuration(&places, 4242) else {
                continue;
            };
            let names = |config: &Config| config.sources.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&config), ["demo"]);
            assert_eq!(config.profiles.keys().collect::<Vec<_>>(), [PROFILE]);
        }
        let plain = DemoPlaces::new(std::env::temp_dir().join("demo"));
        assert!(configuration(&plain, 4242).is_ok());
    }
}
