//! The suite that every source passes: it issues, renews or reissues, expires, is refused, hangs,
//! ends mid-answer, answers garbage, is revoked and is cancelled, and no secret is in any output.
//!
//! `fixture` says what a source must be able to do in a test, `suite` and `memory` what must then
//! be seen: `memory` that no secret stays behind. The other files are one source each. That no
//! secret leaks is checked when a fixture's machine is dropped.

mod chain;
mod exec;
mod fixture;
mod jwt;
mod lease;
mod memory;
mod oauth_machine;
mod oauth_user;
mod suite;
mod vault;

/// Runs the whole suite with each fixture, in a module of its name.
macro_rules! sources {
    ($($name:ident => $fixture:ty,)+) => {$(
        mod $name {
            use super::{memory, suite};

            type Fixture = $fixture;

            #[tokio::test]
            async fn issues_and_serves_from_memory() {
                suite::issues_and_serves_from_memory::<Fixture>().await;
            }

            #[tokio::test]
            async fn renews_or_reissues() {
                suite::renews_or_reissues::<Fixture>().await;
            }

            #[tokio::test]
            async fn an_expired_or_replaced_key_is_not_served() {
                suite::an_expired_or_replaced_key_is_not_served::<Fixture>().await;
            }

            #[tokio::test]
            async fn a_revoked_login_is_reported() {
                suite::a_revoked_login_is_reported::<Fixture>().await;
            }

            #[tokio::test]
            async fn the_cached_key_outlives_every_fault() {
                suite::the_cached_key_outlives_every_fault::<Fixture>().await;
            }

            #[tokio::test]
            async fn a_fault_at_the_first_fetch_is_an_error_and_heals() {
                suite::a_fault_at_the_first_fetch_is_an_error_and_heals::<Fixture>().await;
            }

            #[tokio::test]
            async fn a_client_that_gives_up_cancels_nothing() {
                suite::a_client_that_gives_up_cancels_nothing::<Fixture>().await;
            }

            #[tokio::test]
            async fn no_secret_outlives_its_use_in_memory() {
                memory::no_secret_outlives_its_use::<Fixture>().await;
            }

            #[tokio::test]
            async fn a_rejected_key_does_not_stay_in_memory() {
                memory::a_rejected_key_does_not_stay::<Fixture>().await;
            }

            #[tokio::test]
            async fn no_secret_is_in_memory_at_the_daemons_end() {
                memory::no_secret_is_there_at_the_end::<Fixture>().await;
            }
        }
    )+};
}

sources! {
    a_secret_of_vault => super::vault::KvFixture,
    a_lease_of_vault => super::lease::LeaseFixture,
    a_signed_jwt => super::jwt::JwtFixture,
    a_program => super::exec::ExecFixture,
    a_machine_of_an_identity_provider => super::oauth_machine::OauthMachineFixture,
    a_user_of_an_identity_provider => super::oauth_user::OauthUserFixture,
    a_secret_of_vault_by_a_signed_jwt => super::chain::ChainFixture,
}
