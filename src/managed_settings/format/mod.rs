//! The forms in which settings are distributed.
//!
//! The output depends on the settings alone: the same ones give the same bytes, in sorted order.

mod mobileconfig;
mod plist;
mod reg;

pub(crate) use self::{mobileconfig::mobileconfig, plist::plist, reg::reg};
