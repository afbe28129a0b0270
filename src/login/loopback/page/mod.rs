//! The pages that the browser shows: one template, without script or remote parts.

use http::StatusCode;

use super::callback::Foreign;
use crate::network::one_line;

/// It allows [`STYLE`], by its hash, and nothing else. `default-src` does not cover the last three.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-zsqbph/BqmIEBvlK8C0XbZQtbEkJ9GqYIgmz3QWgB3M='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Colours are the browser's own where possible. The contrast of the others is at least 4.5 to 1
/// (WCAG 2.2, 1.4.3), against white and against the `#121212` of Chromium's dark canvas.
const STYLE: &str = include_str!("style.css");

/// How the sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The code was exchanged, and the tokens are good.
    SignedIn {
        /// The account's name, if the identity provider tells it.
        name: Option<String>,
    },
    /// The identity provider refused, or its answer could not be used.
    Failed {
        /// The page's heading, such as "Sign-in failed".
        title: String,
        /// What happened, in a sentence.
        reason: String,
        /// What to do next, in a sentence.
        what_to_do: String,
    },
}

/// An HTML document, with the status that it is sent with.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) html: String,
}

/// What a page tells at a glance: its colour and its mark.
#[derive(Clone, Copy)]
enum Kind {
    Good,
    Bad,
    Note,
}

impl Page {
    /// The page of the browser that has signed in, and of its reloads.
    pub(super) fn outcome(outcome: &Outcome) -> Self {
        let html = match outcome {
            Outcome::SignedIn { name } => {
                let reason = match name {
                    Some(name) => format!("Signed in as {}.", one_line(name)),
                    None => "The sign-in is complete.".to_owned(),
                };
                let next = "You can close this tab and go back to your terminal.";
                html(Kind::Good, "You are signed in", &reason, next)
            }
            Outcome::Failed {
                title,
                reason,
                what_to_do,
            } => html(Kind::Bad, title, reason, what_to_do),
        };
        Self {
            status: StatusCode::OK,
            html,
        }
    }

    /// The page of a callback that is not part of the sign-in.
    pub(super) fn foreign(foreign: &Foreign) -> Self {
        let next = match foreign {
            Foreign::State => {
                "Your sign-in goes on. Close this tab, and continue in the tab that the sign-in \
                 opened last."
            }
            Foreign::Issuer { .. } => {
                "Your sign-in goes on. Close this tab. If this happens again, send this text to \
                 your administrator."
            }
            Foreign::Repeated(_) | Foreign::Incomplete => {
                "Stop the sign-in in your terminal, and start it again. If this happens again, \
                 send this text to your administrator."
            }
        };
        let title = "Not part of this sign-in";
        Self {
            status: StatusCode::BAD_REQUEST,
            html: html(Kind::Note, title, &foreign.to_string(), next),
        }
    }
}

/// The template. All texts are escaped here.
fn html(kind: Kind, title: &str, reason: &str, next: &str) -> String {
    let (class, mark) = match kind {
        Kind::Good => ("good", "M7 12.5l3.5 3.5L17 9"),
        Kind::Bad => ("bad", "M8.5 8.5l7 7M15.5 8.5l-7 7"),
        Kind::Note => ("note", "M12 7v6M12 16.5v.01"),
    };
    let [title, reason, next] = [title, reason, next].map(escaped);
    format!(
        include_str!("template.html"),
        style = STYLE,
        class = class,
        mark = mark,
        title = title,
        reason = reason,
        next = next,
    )
}

/// For text between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{Engine as _, prelude::BASE64_STANDARD};

    use super::*;

    const HOSTILE: [&str; 4] = [
        "<script>alert(1)</script>",
        "\" onload=\"alert(1)",
        "</title></style><img src=//evil.example/x>",
        "&lt;b&gt; 'x' \u{202e}",
    ];

    fn failed(text: &str) -> Outcome {
        Outcome::Failed {
            title: text.to_owned(),
            reason: text.to_owned(),
            what_to_do: text.to_owned(),
        }
    }

    fn signed_in(name: &str) -> Outcome {
        let name = Some(name.to_owned());
        Outcome::SignedIn { name }
    }

    fn pages() -> Vec<Page> {
        let issuer = Foreign::Issuer {
            expected: "https://login.example/".to_owned(),
            got: "'https://login.example'".to_owned(),
        };
        vec![
            Page::outcome(&signed_in("jo@example.com")),
            Page::outcome(&Outcome::SignedIn { name: None }),
            Page::outcome(&failed("Sign-in failed")),
            Page::foreign(&Foreign::State),
            Page::foreign(&issuer),
            Page::foreign(&Foreign::Repeated("code")),
            Page::foreign(&Foreign::Incomplete),
        ]
    }

    #[test]
    fn the_policy_allows_the_style() {
        let hash = BASE64_STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        let expected = format!("style-src 'sha256-{hash}';");
        assert!(CONTENT_SECURITY_POLICY.contains(&expected), "{expected}");
        // Only the element with this hash: attributes would need another rule.
        for page in pages() {
            assert_eq!(page.html.matches("style").count(), 2, "{}", page.html);
        }
    }

    #[test]
    fn pages_are_small_and_complete() {
        for Page { html, .. } in pages() {
            assert!(html.len() < 4096, "{}", html.len());
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
            for once in ["<title>", "<h1>", "<main ", "name=\"viewport\""] {
                assert_eq!(html.matches(once).count(), 1, "{once}");
            }
            for never in [
                "<script", "src=", "href=", "url(", "@import", "<img", "<form",
            ] {
                assert!(!html.contains(never), "{never}");
            }
        }
    }

    #[test]
    fn texts_are_escaped() {
        let tags = |page: &Page| page.html.matches(['<', '>', '"']).count();
        for text in HOSTILE {
            let plain = [
                Page::outcome(&failed("plain")),
                Page::outcome(&signed_in("plain")),
                Page::foreign(&Foreign::Issuer {
                    expected: "plain".to_owned(),
                    got: "plain".to_owned(),
                }),
            ];
            let hostile = [
                Page::outcome(&failed(text)),
                Page::outcome(&signed_in(text)),
                Page::foreign(&Foreign::Issuer {
                    expected: text.to_owned(),
                    got: text.to_owned(),
                }),
            ];
            for (plain, hostile) in plain.iter().zip(&hostile) {
                assert_eq!(tags(plain), tags(hostile), "{}", hostile.html);
                assert!(!hostile.html.contains(text), "{text}");
            }
        }
        assert_eq!(escaped("a&b<c>\"d'"), "a&amp;b&lt;c&gt;&quot;d&#39;");
    }

    #[test]
    fn a_name_is_one_short_line() {
        let long = Page::outcome(&signed_in(&"x\n\u{202e}".repeat(5000)));
        assert!(long.html.len() < 4096);
        assert!(!long.html.contains('\u{202e}'));
    }
}
