//! When the daemon turns to the user on its own: seldom, and never twice for the same reason.
//!
//! Pure: the time, and what is known about the client and the machine, are arguments.

use std::{collections::BTreeMap, time::Duration};

use crate::{client_kind::HelperContext, clock::Tick};

/// The shortest time between two browsers that the daemon opens. A user who has closed one has
/// other things to do.
const BROWSER_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// What the user has been asked already.
#[derive(Debug, Default)]
pub(crate) struct PromptBudget {
    /// By source: how many logins there had been when the user was notified.
    notified: BTreeMap<String, u64>,
    opened: Option<Tick>,
}

/// The client whose request needs a login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskingClient {
    /// Why it asks.
    pub(crate) context: HelperContext,
    /// Whether its process is known.
    pub(crate) has_session: bool,
}

impl PromptBudget {
    /// Whether the user is notified that the last one of the `logins` made at `source` has ended:
    /// once for each, and not for a client for which no person waits.
    pub(crate) fn notify(&mut self, source: &str, logins: u64, client: AskingClient) -> bool {
        if client.context == HelperContext::Background {
            return false;
        }
        let before = self.notified.insert(source.to_owned(), logins);
        before != Some(logins)
    }

    /// Whether the browser is opened for `client`: only for a person who waits, and once in
    /// [`BROWSER_INTERVAL`] for all sources together.
    pub(crate) fn open(&mut self, now: Tick, client: AskingClient) -> bool {
        let is_attended = client.has_session && client.context != HelperContext::Background;
        let is_early = self
            .opened
            .is_some_and(|opened| now.since(opened) < BROWSER_INTERVAL);
        if !is_attended || is_early {
            return false;
        }
        self.opened = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(context: HelperContext, has_session: bool) -> AskingClient {
        AskingClient {
            context,
            has_session,
        }
    }

    #[test]
    fn a_user_is_notified_once_for_each_login_that_ends() {
        let mut budget = PromptBudget::default();
        let person = client(HelperContext::Interactive, true);
        for (source, logins, expected) in [
            ("sso", 0, true),
            ("sso", 0, false),
            ("other", 0, true),
            ("sso", 1, true),
            ("sso", 1, false),
            ("other", 0, false),
            ("sso", 2, true),
        ] {
            let notified = budget.notify(source, logins, person);
            assert_eq!(notified, expected, "{source} {logins}");
        }
    }

    #[test]
    fn a_user_is_not_notified_for_a_client_in_the_background() {
        for (context, has_session, expected) in [
            (HelperContext::Unstated, false, true),
            (HelperContext::Interactive, false, true),
            (HelperContext::Rejected, true, true),
            (HelperContext::Background, false, false),
            (HelperContext::Background, true, false),
        ] {
            let mut budget = PromptBudget::default();
            let notified = budget.notify("sso", 0, client(context, has_session));
            assert_eq!(notified, expected, "{context:?} {has_session}");
            // A refusal costs nothing.
            let person = client(HelperContext::Interactive, true);
            assert_eq!(budget.notify("sso", 0, person), !notified);
        }
    }

    #[test]
    fn a_browser_opens_at_most_once_an_hour() {
        let mut budget = PromptBudget::default();
        let client = client(HelperContext::Unstated, true);
        let at = |minutes: u64| Tick(Duration::from_secs(60 * minutes));
        for (minutes, expected) in [(7, true), (8, false), (66, false), (67, true), (68, false)] {
            assert_eq!(budget.open(at(minutes), client), expected, "{minutes}");
        }
    }

    #[test]
    fn a_browser_opens_only_for_a_person() {
        for (context, has_session, expected) in [
            (HelperContext::Unstated, true, true),
            (HelperContext::Interactive, true, true),
            (HelperContext::Rejected, true, true),
            (HelperContext::Background, true, false),
            (HelperContext::Interactive, false, false),
            (HelperContext::Unstated, false, false),
        ] {
            let mut budget = PromptBudget::default();
            let opened = budget.open(Tick::default(), client(context, has_session));
            assert_eq!(opened, expected, "{context:?} {has_session}");
            // A refusal costs nothing.
            let person = client(HelperContext::Interactive, true);
            assert_eq!(budget.open(Tick::default(), person), !opened);
        }
    }
}
