//! A desktop that remembers what it has shown.

use std::sync::Mutex;

use async_trait::async_trait;
use url::Url;

use super::{Desktop, DesktopError, Notification, Reach};
use crate::sync;

/// A desktop that remembers what it has shown.
#[derive(Debug, Default)]
pub(crate) struct FakeDesktop {
    /// The notifications, each with its reach.
    pub(crate) notifications: Mutex<Vec<(Notification, Reach)>>,
    /// The pages.
    pub(crate) pages: Mutex<Vec<Url>>,
    /// Why it opens no page.
    pub(crate) no_browser: Option<DesktopError>,
}

#[async_trait]
impl Desktop for FakeDesktop {
    async fn notify(&self, notification: &Notification, reach: Reach) -> Result<(), DesktopError> {
        sync::lock(&self.notifications).push((notification.clone(), reach));
        Ok(())
    }

    async fn open(&self, page: &Url) -> Result<(), DesktopError> {
        sync::lock(&self.pages).push(page.clone());
        self.no_browser.clone().map_or(Ok(()), Err)
    }
}
