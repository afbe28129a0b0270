//! What the identity providers of the tests have in common: the front that counts their requests
//! and spoils their answers, and the person who signs in.

mod fault;
mod forward;
mod front;
mod html;
mod person;

pub(crate) use self::{
    fault::{Fault, Target},
    front::ProviderFront,
    person::{Page, Person},
};

/// The user of all identity providers.
pub(crate) const USER: &str = "ana";

/// The password of [`USER`].
pub(crate) const PASSWORD: &str = "canary-password-8e21";

/// The client without a secret, whose redirect is `http://127.0.0.1:PORT/callback`.
pub(crate) const PUBLIC_CLIENT: &str = "claviger";

/// The client with [`CLIENT_SECRET`].
pub(crate) const CONFIDENTIAL_CLIENT: &str = "claviger-secret";

/// The secret of [`CONFIDENTIAL_CLIENT`].
pub(crate) const CLIENT_SECRET: &str = "canary-client-secret-4bd0";
