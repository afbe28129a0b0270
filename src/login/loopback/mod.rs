//! The loopback redirect of a sign-in in the browser (RFC 8252 section 7.3): a listener for one
//! callback, and the pages that it shows.
//!
//! Every program of the machine and every web page can send requests to the listener. A callback
//! counts if it has the `state` of this sign-in (RFC 6749 section 10.12) and comes from the issuer
//! that was asked (RFC 9207); `error` is believed only then. All other requests get an answer, and
//! the listener goes on waiting.
//!
//! - `callback`: which callback belongs to this sign-in, and what it contains
//! - `request`: which request is a callback
//! - `connection`: HTTP on one connection
//! - `listener`: connections and callbacks, from the first to the last
//! - `page`: what the browser shows

mod callback;
mod connection;
mod listener;
mod page;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    callback::{Callback, ExpectedCallback},
    listener::{LoopbackListener, RedirectSettings},
    page::Outcome,
};
