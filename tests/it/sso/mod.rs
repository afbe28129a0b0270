//! Sign-in at real identity providers, and what follows: keys for the day.

mod browser;
mod claude;
mod client_key;
mod desktop;
mod device;
mod figures;
mod fixture;
mod machine;
mod refresh;
mod restart;
mod trouble;
mod vault;
mod vault_oidc;
