//! The interactive sign-in: what a browser and a person need.

mod loopback;
