//! The network settings of the table `network`, a source and a profile together.

use std::{collections::BTreeSet, path::Path};

use super::{
    super::table::{NetworkConfig, SourceConfig},
    parse,
};

#[test]
fn the_nearest_network_settings_apply() {
    let text = "
version = 1
[network]
proxy = 'http://far.example:1'
ca_file = '/far.pem'
[profile.p]
source = 's'
gateway = 'https://g.example'
proxy = 'off'
headers = { x-pass_file = '/run/{env:PASS}' }
[profile.q]
source = 's'
gateway = 'https://g.example'
[profile.r]
source = 's'
[source.s]
type = 'vault'
address = 'https://v.example'
path = 'a/b'
field = 'f'
proxy = 'environment'
no_proxy = 'v.example'
";
    let config = parse(Path::new("/c.toml"), text).unwrap();
    let proxy = |text: &str| Some(text.parse().unwrap());
    let far = NetworkConfig {
        proxy: proxy("http://far.example:1"),
        no_proxy: None,
        ca_file: Some("/far.pem".parse().unwrap()),
    };
    assert_eq!(config.profiles["q"].network(), far);
    // It sends no probe, so that [network] does not concern it.
    assert_eq!(config.profiles["r"].network(), NetworkConfig::default());
    assert_eq!(config.profiles["p"].network().proxy, proxy("off"));
    assert_eq!(config.profiles["p"].network().ca_file, far.ca_file);
    let SourceConfig::Vault(vault) = &config.sources["s"] else {
        panic!("not a vault");
    };
    assert_eq!(vault.network.proxy, proxy("environment"));
    assert_eq!(vault.network.no_proxy, Some("v.example".parse().unwrap()));
    assert_eq!(vault.network.ca_file, far.ca_file);
    // The client is asked for them.
    let names = |profile| config.client_variables(profile);
    let of_p = names("p");
    assert!(
        of_p.contains("HTTPS_PROXY") && of_p.contains("no_proxy"),
        "{of_p:?}"
    );
    let all: BTreeSet<_> = config
        .profiles
        .keys()
        .flat_map(|name| names(name))
        .collect();
    assert!(all.contains("PASS"), "of a header's file");
    assert_eq!(all.len(), 9);
}
