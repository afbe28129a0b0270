//! The interactive sign-in, which runs in the daemon: no token crosses the border of a process. The
//! command `claviger login` watches it, opens the browser and shows the progress.
//!
//! - `logins`: one login at a time; those for the same source share it
//! - `attempt`: one login, from the check of the store to the outcome
//! - `flow`: how the user can sign in
//! - `event`: what a watcher gets
//! - `error`: why a user is not signed in
//! - `prompt`: when the daemon turns to the user on its own
//! - `loopback`: the listener that the browser is redirected to, and its pages

mod attempt;
mod error;
mod event;
#[cfg(test)]
pub(crate) mod fake;
mod flow;
mod logins;
mod loopback;
mod prompt;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    error::LoginError,
    event::{Fallback, LoginEvent},
    flow::Flow,
    logins::{Entered, LoginKey, LoginRequest, Logins, Watch},
    prompt::{AskingClient, PromptBudget},
};
