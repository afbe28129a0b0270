//! The daemon turns to the user on its own, because a client's key needs a login: a notification,
//! and the browser if the configuration allows it. Whether it may is [`PromptBudget`]'s decision.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::target::Target;
use crate::{
    client_variables::ClientVariables,
    composition::InForce,
    config::Notifications,
    desktop::{Desktop, DesktopError, Notification, Reach},
    login::{AskingClient, Entered, Flow, LoginEvent, PromptBudget},
    server::{daemon::Daemon, limits::LONGEST_DEADLINE},
    sync,
};

/// What the user has been asked, and where.
pub(in crate::server) struct Prompts {
    desktop: Arc<dyn Desktop>,
    budget: Mutex<PromptBudget>,
    /// Whether an error of the desktop is in the log.
    has_failed: AtomicBool,
}

impl Prompts {
    /// The user has not been asked anything.
    pub(in crate::server) fn new(desktop: Arc<dyn Desktop>) -> Self {
        Self {
            desktop,
            budget: Mutex::default(),
            has_failed: AtomicBool::new(false),
        }
    }

    async fn notify(&self, profile: &str, source: &str, reach: Reach) {
        let notification = Notification {
            title: format!("Sign in for '{profile}'"),
            body: format!("'{source}' needs a new sign-in: run claviger login {profile}"),
        };
        match self.desktop.notify(&notification, reach).await {
            Ok(()) => tracing::info!(profile, source, "notified the user: a login is required"),
            Err(error) => self.on_failure("notify the user", &error),
        }
    }

    /// Logs the first failure: a machine without a desktop stays one.
    fn on_failure(&self, action: &str, error: &impl fmt::Display) {
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            tracing::info!(%error, "cannot {action}");
        }
    }
}

impl Daemon {
    /// Turns to the user, if the budget allows it: `client` has asked for the key of `profile`,
    /// which requires a login. Returns at once, so that the client is not delayed.
    pub(in crate::server) fn prompt(
        self: &Arc<Self>,
        in_force: &InForce,
        profile: &str,
        variables: &ClientVariables,
        client: AskingClient,
    ) {
        let source = in_force.broker.source(profile, variables);
        // The login of a program that the source runs is made there.
        let Ok(Some(sign_in)) = source.sign_in() else {
            return;
        };
        let settings = sign_in.settings();
        let reach = match in_force.config.daemon.notifications {
            Notifications::Auto => Some(Reach::Running),
            Notifications::On => Some(Reach::Any),
            Notifications::Off => None,
        };
        let (opens, reach) = {
            let mut budget = sync::lock(&self.prompts.budget);
            let may_open = settings.may_prompt && !settings.is_device;
            let made = self.logins.made(sign_in.source());
            // Both: a page is a notification, too.
            (
                may_open && budget.open(self.clock.now().tick, client),
                reach.filter(|_| budget.notify(sign_in.source(), made, client)),
            )
        };
        if !opens && reach.is_none() {
            return;
        }
        let daemon = Arc::clone(self);
        let target = Target {
            in_force: in_force.clone(),
            profile: profile.to_owned(),
            variables: variables.clone(),
            sign_in,
        };
        tokio::spawn(async move {
            let opened = match opens {
                true => daemon.sign_in_by_browser(&target).await,
                false => Ok(false),
            };
            if let Err(error) = &opened {
                daemon.prompts.on_failure("open the browser", error);
            }
            if let (Ok(false) | Err(_), Some(reach)) = (opened, reach) {
                let source = target.sign_in.source();
                daemon.prompts.notify(&target.profile, source, reach).await;
            }
        });
    }

    /// Signs the user in, in the browser that the daemon opens, and waits for the end. Returns
    /// whether the user has seen a page: one that `claviger login` opens counts.
    async fn sign_in_by_browser(&self, target: &Target) -> Result<bool, DesktopError> {
        let mut watch = match self.logins.enter(target.login(Flow::Configured)) {
            Entered::Watching {
                watch,
                is_joined: false,
            } => watch,
            Entered::Watching { .. } => return Ok(true),
            Entered::Busy { .. } => return Ok(false),
        };
        let mut has_opened = false;
        while let Some(event) = watch.next().await {
            match event {
                LoginEvent::Browser { url, .. } => {
                    // An error drops the watch, which ends the login.
                    self.prompts.desktop.open(&url).await?;
                    has_opened = true;
                }
                LoginEvent::Ended(Ok(_)) => {
                    // The error is in the profile's status.
                    let _ = target.new_key(self.until(LONGEST_DEADLINE)).await;
                }
                // A failure is in the log.
                LoginEvent::Fallback(_)
                | LoginEvent::Device { .. }
                | LoginEvent::Exchanging
                | LoginEvent::Ended(Err(_)) => {}
            }
        }
        // The time without a request starts now.
        self.on_request();
        Ok(has_opened)
    }
}
