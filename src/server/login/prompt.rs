//! The daemon turns to the user on its own, because a client's key needs a login: a notification,
//! and the browser if the configuration allows it. The budget in `Prompts` decides if it may.

use std::sync::Arc;

use super::target::Target;
use crate::{
    client_variables::ClientVariables,
    composition::InForce,
    config::Notifications,
    desktop::{DesktopError, Reach},
    login::{AskingClient, Entered, Flow, LoginEvent},
    server::{daemon::Daemon, limits::LONGEST_DEADLINE},
    sync,
};

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
