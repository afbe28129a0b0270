//! What a session knows, and what follows from it. Pure.

use std::{mem, sync::Arc, time::Duration};

use super::super::{
    record::{Record, Request},
    server::TokenResponse,
    tokens::Tokens,
};
use crate::{
    clock::{Now, Timestamp},
    secret::Secret,
    source::SourceError,
    store::StoreError,
};

/// What a session knows of its login.
#[derive(Default)]
pub(super) struct State {
    /// Whether the store was read, or written.
    is_loaded: bool,
    record: Option<Arc<Record>>,
    /// Whether the store lacks what is in memory.
    is_unsaved: bool,
    save_error: Option<StoreError>,
    use_: Use,
    /// The tokens of a sign-in or of the store, if a caller may have them without a request.
    ready: Option<(Request, Tokens)>,
    /// The number of attempts to obtain tokens, and the result of the last one.
    attempts: u64,
    last: Option<(Request, Result<Tokens, SourceError>)>,
    /// Why there is no login any more.
    ended: Option<String>,
}

/// What is known of the use of the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Use {
    /// It has been sent, or that is not known: it comes from the store.
    #[default]
    Used,
    /// The server has just issued it.
    Unused,
    /// It was sent and the answer was lost: the server may have replaced it.
    AnswerLost,
}

/// What a caller that wants tokens does next.
pub(super) enum Next {
    /// It has them.
    Ready(Tokens),
    /// It refreshes.
    Refresh(Secret, Arc<Record>),
    /// The user must sign in, for this reason.
    SignIn(String),
}

impl State {
    pub(super) fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    pub(super) fn record(&self) -> Option<&Arc<Record>> {
        self.record.as_ref()
    }

    pub(super) fn save_error(&self) -> Option<&StoreError> {
        self.save_error.as_ref()
    }

    /// Takes note of what the store has.
    pub(super) fn on_loaded(&mut self, record: Option<Record>, now: Now) {
        self.is_loaded = true;
        self.ready = record.as_ref().and_then(|record| {
            let tokens = Tokens::restored(record.tokens.as_ref()?, now);
            Some((record.request.clone(), tokens))
        });
        self.record = record.map(Arc::new);
        self.use_ = Use::Used;
    }

    /// Takes note that the store has something else than a login.
    pub(super) fn on_unreadable(&mut self, reason: String) {
        self.is_loaded = true;
        self.ended = Some(reason);
    }

    /// Puts a login in force that has been stored.
    pub(super) fn begin(&mut self, record: Record, request: Request, tokens: Tokens) {
        *self = Self {
            is_loaded: true,
            record: Some(Arc::new(record)),
            use_: Use::Unused,
            ready: Some((request, tokens)),
            attempts: self.attempts,
            ..Self::default()
        };
    }

    /// Ends the login, because of `reason` if the user did not end it. Returns what it was.
    pub(super) fn end(&mut self, reason: Option<String>) -> Option<Arc<Record>> {
        let record = self.record.take();
        *self = Self {
            is_loaded: true,
            is_unsaved: self.is_unsaved,
            attempts: self.attempts,
            ended: reason,
            ..Self::default()
        };
        record
    }

    /// Drops all tokens. A login must be read from the store again; that there is none stays known.
    pub(super) fn forget(&mut self) {
        self.ready = None;
        self.last = None;
        if self.record.is_some() {
            *self = Self {
                attempts: self.attempts,
                ..Self::default()
            };
        }
    }

    /// Notes that the store may lack what is in memory.
    pub(super) fn set_unsaved(&mut self) {
        self.is_unsaved = true;
    }

    /// What the store lacks: a record, or its removal. `None` if it lacks nothing.
    pub(super) fn unsaved(&self) -> Option<Option<Arc<Record>>> {
        (self.is_unsaved && self.is_loaded).then(|| self.record.clone())
    }

    /// Takes note of how it went to write [`Self::unsaved`].
    pub(super) fn on_saved(&mut self, error: Option<StoreError>) {
        self.is_unsaved = error.is_some();
        self.save_error = error;
    }

    /// The number of attempts so far, for [`Self::result_since`].
    pub(super) fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The result of an attempt for `request` that ended since there were `seen`.
    pub(super) fn result_since(
        &self,
        seen: u64,
        request: &Request,
    ) -> Option<Result<Tokens, SourceError>> {
        let (of, result) = self.last.as_ref()?;
        (self.attempts > seen && of == request).then(|| result.clone())
    }

    /// Takes note of an attempt to obtain tokens for `request`.
    pub(super) fn on_attempt(&mut self, request: Request, result: Result<Tokens, SourceError>) {
        self.attempts += 1;
        self.last = Some((request, result));
    }

    /// Returns what a caller does that wants tokens for `request`. A refresh has then begun.
    pub(super) fn next(&mut self, request: &Request, now: Now) -> Next {
        let Some(record) = self.record.clone() else {
            let ended = self.ended.clone();
            return Next::SignIn(ended.unwrap_or_else(|| "no user is signed in".to_owned()));
        };
        match &record.refresh_token {
            // Once: the caller that comes back wants others.
            Some(token) => match self.ready.take() {
                Some((of, tokens)) if of == *request && !tokens.is_expired(now) => {
                    Next::Ready(tokens)
                }
                _ => Next::Refresh(token.clone(), record),
            },
            None => match self.ready.clone() {
                _ if record.is_over(now.wall) => Next::SignIn(
                    "the login has expired, and the server issued no refresh token".to_owned(),
                ),
                Some((of, tokens)) if of == *request => Next::Ready(tokens),
                _ => Next::SignIn(
                    "the login is for other scopes, or another resource or audience, than the \
                     configuration asks for"
                        .to_owned(),
                ),
            },
        }
    }

    /// Marks the refresh token as sent. Returns what was known of it before.
    pub(super) fn on_sent(&mut self) -> Use {
        match self.use_ {
            Use::Unused => mem::replace(&mut self.use_, Use::Used),
            other => other,
        }
    }

    /// Takes note that the server did not act on a request with the refresh token.
    pub(super) fn on_not_used(&mut self, before: Use) {
        self.use_ = before;
    }

    /// Takes note that the answer to a request with the refresh token was lost.
    pub(super) fn on_answer_lost(&mut self) {
        self.use_ = Use::AnswerLost;
    }

    /// Takes note of a refresh for `request`. The store lacks it if the refresh token is another
    /// one.
    pub(super) fn on_refreshed(&mut self, request: Request, response: &TokenResponse) {
        let Some(record) = &mut self.record else {
            return;
        };
        self.use_ = Use::Used;
        let record = Arc::make_mut(record);
        let before = record.clone();
        record.request = request;
        let issued = response.refresh_token.as_ref();
        if let Some(new) = issued.filter(|new| record.refresh_token.as_ref() != Some(new)) {
            record.refresh_token = Some(new.clone());
            record.rotates = true;
            record.login.expires_at = None;
            self.use_ = Use::Unused;
        }
        if let Some(lifetime) = response.refresh_lifetime {
            record.login.expires_at = end(response.obtained, lifetime);
        }
        self.is_unsaved |= *record != before;
    }

    /// Replaces the claims, and what is shown of them. Returns whether that is another thing, which
    /// the store lacks.
    pub(super) fn on_claims(&mut self, change: impl FnOnce(&mut Record)) -> bool {
        let Some(record) = &mut self.record else {
            return false;
        };
        let record = Arc::make_mut(record);
        let before = record.login.clone();
        change(record);
        let is_changed = record.login != before;
        self.is_unsaved |= is_changed;
        is_changed
    }
}

/// The end of a refresh token that is valid for `lifetime`; 0 is without an end.
pub(in super::super) fn end(obtained: Now, lifetime: Duration) -> Option<Timestamp> {
    match lifetime.is_zero() {
        true => None,
        false => obtained.wall.checked_add(lifetime).ok(),
    }
}
