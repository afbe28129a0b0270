//! The user's desktop: shows a notification, and opens a page in the browser. For the daemon, whose
//! environment names no display.
//!
//! The file of each system has the same functions: `notify` and `open`.

#[cfg(test)]
pub(crate) mod fake;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(target_os = "macos", windows))]
mod opener;
#[cfg(windows)]
mod windows;

use std::time::Duration;

use async_trait::async_trait;
use tokio::time;
use url::Url;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(target_os = "macos")]
use self::macos as system;
#[cfg(windows)]
use self::windows as system;

/// The longest time for a notification, or for the start of a browser. A desktop that asks which
/// browser it is to open waits for the user.
const LIMIT: Duration = Duration::from_secs(60);

/// A text for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notification {
    /// One line.
    pub(crate) title: String,
    /// What to do. Some desktops take it for markup, so it contains none.
    pub(crate) body: String,
}

/// Which desktops show a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that are running.
    Running,
    /// Also those whose program must be started for it.
    Any,
}

/// Why the user sees nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DesktopError(String);

impl DesktopError {
    /// An error with this reason.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The desktop of a user.
#[async_trait]
pub(crate) trait Desktop: Send + Sync {
    /// Shows a notification.
    ///
    /// # Errors
    ///
    /// [`DesktopError`] if there is no desktop, or it shows none.
    async fn notify(&self, notification: &Notification, reach: Reach) -> Result<(), DesktopError>;

    /// Opens a page in the browser.
    ///
    /// # Errors
    ///
    /// [`DesktopError`] if there is no desktop, or it opens none.
    async fn open(&self, page: &Url) -> Result<(), DesktopError>;
}

/// The desktop of the user that this process runs as.
pub(crate) struct SystemDesktop;

#[async_trait]
impl Desktop for SystemDesktop {
    async fn notify(&self, notification: &Notification, reach: Reach) -> Result<(), DesktopError> {
        limited(system::notify(notification, reach)).await
    }

    async fn open(&self, page: &Url) -> Result<(), DesktopError> {
        // The server names the page: anything else might start a program.
        if !matches!(page.scheme(), "http" | "https") {
            let reason = format!("'{}' is not an address of the web", page.scheme());
            return Err(DesktopError(reason));
        }
        limited(system::open(page)).await
    }
}

async fn limited(work: impl Future<Output = Result<(), DesktopError>>) -> Result<(), DesktopError> {
    let timed_out = || DesktopError(format!("no answer within {} s", LIMIT.as_secs()));
    let result = time::timeout(LIMIT, work).await;
    result.unwrap_or_else(|_| Err(timed_out()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_an_address_of_the_web_is_opened() {
        for page in ["file:///etc/passwd", "javascript:1", "vscode://open"] {
            let page: Url = page.parse().unwrap();
            let error = SystemDesktop.open(&page).await.unwrap_err();
            assert!(error.to_string().contains(page.scheme()), "{error}");
        }
    }
}
