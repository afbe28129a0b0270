//! The identity providers themselves, without Claviger: what its tests rely on.

mod client;
mod faults;
mod glewlwyd;
mod oidc_provider;
