//! What the daemon has asked the user on its own, and where.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    desktop::{Desktop, Notification, Reach},
    login::PromptBudget,
};

/// What the user has been asked, and where.
pub(super) struct Prompts {
    pub(super) desktop: Arc<dyn Desktop>,
    pub(super) budget: Mutex<PromptBudget>,
    /// Whether an error of the desktop is in the log.
    has_failed: AtomicBool,
}

impl Prompts {
    /// The user has not been asked anything.
    pub(super) fn new(desktop: Arc<dyn Desktop>) -> Self {
        Self {
            desktop,
            budget: Mutex::default(),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Says which login is required, and how it is made.
    pub(super) async fn notify(&self, profile: &str, source: &str, reach: Reach) {
        let notification = Notification {
            title: format!("Sign in for '{profile}'"),
            body: format!("'{source}' needs a new sign-in: run claviger login {profile}"),
        };
        match self.desktop.notify(&notification, reach).await {
            Ok(()) => tracing::info!(
                event = "login-notified",
                profile,
                source,
                "notified the user: a login is required"
            ),
            Err(error) => self.on_failure("notify the user", &error),
        }
    }

    /// Logs the first failure: a machine without a desktop stays one.
    pub(super) fn on_failure(&self, action: &str, error: &impl fmt::Display) {
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            tracing::info!(event = "desktop-failed", %error, "cannot {action}");
        }
    }
}
