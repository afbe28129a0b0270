//! Sign-in at real identity providers, and what follows: keys for the day.

mod browser;
mod chromium;
mod claude;
mod client_key;
mod desktop;
mod device;
mod discovery;
mod figures;
mod fixture;
mod lock;
mod machine;
mod providers;
mod refresh;
mod restart;
mod trouble;
mod vault;
mod vault_oidc;
