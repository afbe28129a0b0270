//! The default browser. Windows shows notifications only of programs that are registered with an
//! `AppUserModelID`, which an installer does; this version has none.

use url::Url;

use super::{DesktopError, Notification, Reach, opener};

pub(super) async fn notify(_: &Notification, _: Reach) -> Result<(), DesktopError> {
    Err(DesktopError::new("not supported on Windows"))
}

pub(super) async fn open(page: &Url) -> Result<(), DesktopError> {
    opener::open(page).await
}
