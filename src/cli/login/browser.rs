//! Whether this process can open a browser, and opening it.

use std::io;

/// The browser of the person who runs the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Browser {
    /// It can be opened.
    Available,
    /// It cannot be opened, for this reason.
    Missing(&'static str),
    /// The user opens the page.
    Unwanted,
}

impl Browser {
    /// That of this process's environment.
    pub(super) fn of_this_process() -> Self {
        Self::of(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    }

    /// That of an environment in which `is_set` tells what is set and not empty.
    ///
    /// An SSH session has no browser, or one that the user does not see. BROWSER counts in all
    /// cases: only a person sets it.
    fn of(is_set: impl Fn(&str) -> bool) -> Self {
        let has_display = cfg!(any(windows, target_os = "macos"))
            || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
                .into_iter()
                .any(&is_set);
        if is_set("BROWSER") {
            Self::Available
        } else if is_set("SSH_CONNECTION") {
            Self::Missing("this is an SSH session")
        } else if has_display {
            Self::Available
        } else {
            Self::Missing("there is no display")
        }
    }
}

/// Opens `url` in the user's browser.
///
/// # Errors
///
/// No program that opens one was found, or it failed.
pub(super) fn open(url: &str) -> io::Result<()> {
    webbrowser::open(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_needs_a_display_that_the_user_sees() {
        let browser = |set: &[&str]| Browser::of(|name| set.contains(&name));
        for (set, expected) in [
            (&["DISPLAY"][..], None),
            (&["WAYLAND_DISPLAY"], None),
            (&["WSL_DISTRO_NAME"], None),
            (&["BROWSER"], None),
            (&["BROWSER", "SSH_CONNECTION"], None),
            (&["SSH_CONNECTION"], Some("this is an SSH session")),
            (
                &["SSH_CONNECTION", "DISPLAY"],
                Some("this is an SSH session"),
            ),
        ] {
            let expected = expected.map_or(Browser::Available, Browser::Missing);
            assert_eq!(browser(set), expected, "{set:?}");
        }
        let expected = match cfg!(any(windows, target_os = "macos")) {
            true => Browser::Available,
            false => Browser::Missing("there is no display"),
        };
        assert_eq!(browser(&[]), expected);
    }

    #[test]
    fn only_an_address_of_the_web_is_opened() {
        for url in ["file:///etc/passwd", "/usr/bin/true", "javascript:1"] {
            assert!(open(url).is_err(), "{url}");
        }
    }
}
