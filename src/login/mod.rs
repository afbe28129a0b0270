//! The interactive sign-in, which runs in the daemon: no token crosses the border of a process. The
//! command `claviger login` watches it, opens the browser and shows the progress.
//!
//! - `logins`: one login at a time; those for the same source share it
//! - `attempt`: one login, from the check of the store to the outcome
//! - `event`: what a watcher is told
//! - `error`: why a user is not signed in
//! - `loopback`: the listener that the browser is redirected to, and its pages

mod attempt;
mod error;
mod event;
#[cfg(test)]
pub(crate) mod fake;
mod logins;
mod loopback;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    error::LoginError,
    event::{Fallback, LoginEvent},
    logins::{Entered, LoginKey, LoginRequest, Logins, Watch},
};
