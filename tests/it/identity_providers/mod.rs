//! The identity providers, the browser and the secret store themselves, without Claviger: what its
//! tests rely on.

mod browser;
mod client;
mod client_authentication;
mod faults;
mod glewlwyd;
mod oidc_provider;
mod secret_service;
