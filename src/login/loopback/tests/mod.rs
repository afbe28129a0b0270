//! The listener from the browser's side of the connection: raw requests over TCP.

mod browser;
mod foreign;
mod load;
mod outcome;
mod sign_in;

use super::Callback;
use crate::secret::Secret;

/// Different in each part, and recognisable in any output.
const STATE: &str = "st4te-canary-5c0ffee5";
const CODE: &str = "c0de-canary-f00dcafe";

fn code() -> Callback {
    Callback::Code(Secret::new(CODE.to_owned()))
}

/// The target of the right callback.
fn right() -> String {
    format!("/callback?code={CODE}&state={STATE}")
}
