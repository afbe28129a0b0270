//! The system's function that opens a page.

use url::Url;

use super::DesktopError;
use crate::sync;

/// Opens `page`, on a thread of its own: the function may wait for the browser.
pub(super) async fn open(page: &Url) -> Result<(), DesktopError> {
    let page = page.clone();
    let opened = tokio::task::spawn_blocking(move || webbrowser::open(page.as_str())).await;
    match opened {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(DesktopError::new(error.to_string())),
        Err(error) => Err(DesktopError::new(sync::interruption(&error).to_owned())),
    }
}
