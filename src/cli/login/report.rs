//! Who is signed in, until when, and what the clients get, on stdout.

use std::io::{self, Write};

use crate::{
    cli::output,
    clock::Timestamp,
    login_report::{KeyReport, LoginReport},
    status_report::UserLoginReport,
};

/// Prints the end of a login; nothing for other steps.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn print(out: &mut impl Write, report: &LoginReport, now: Timestamp) -> io::Result<()> {
    let LoginReport::SignedIn {
        profile,
        source,
        gateway,
        already,
        login,
        key,
    } = report
    else {
        return Ok(());
    };
    let state = match already {
        true => "already signed in",
        false => "signed in",
    };
    let text = format!(
        "{state} to source '{source}'{}",
        described(login, Some(now))
    );
    output::paragraph(out, &text)?;
    if let Some(key) = key {
        output::paragraph(out, &of_key(profile, gateway.as_deref(), key, now))?;
    }
    if let Some(warning) = &login.warning {
        output::paragraph(out, warning)?;
    }
    if *already {
        output::paragraph(out, "to sign in again, run claviger login with --force")?;
    }
    Ok(())
}

/// ` as jo (42), in eng, ops, until 2026-11-21T18:00:00Z (in 8 h)`; without `now` no relative time.
pub(in crate::cli) fn described(login: &UserLoginReport, now: Option<Timestamp>) -> String {
    let user = match (&login.name, &login.subject) {
        (Some(name), Some(subject)) if name != subject => format!(" as {name} ({subject})"),
        (Some(user), _) | (None, Some(user)) => format!(" as {user}"),
        (None, None) => String::new(),
    };
    let groups = match login.groups.as_slice() {
        [] => String::new(),
        groups => format!(", in {}", groups.join(", ")),
    };
    let end = match (login.expires_at, login.renewable) {
        (Some(at), _) => {
            let relative = now.map(|now| format!(" ({})", output::relative(at, now)));
            format!(", until {at}{}", relative.unwrap_or_default())
        }
        (None, true) => ", until the server ends it".to_owned(),
        (None, false) => String::new(),
    };
    format!("{user}{groups}{end}")
}

fn of_key(profile: &str, gateway: Option<&str>, key: &KeyReport, now: Timestamp) -> String {
    let gateway = gateway.map(|url| format!(" for {url}")).unwrap_or_default();
    let end = key.expires_at.map_or_else(String::new, |at| {
        format!(", which expires {}", output::relative(at, now))
    });
    let fingerprint = &key.fingerprint;
    format!("the clients of profile '{profile}' now use the key {fingerprint}{gateway}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn printed(already: bool, login: UserLoginReport, key: Option<KeyReport>) -> String {
        let report = LoginReport::SignedIn {
            profile: "work".to_owned(),
            source: "sso".to_owned(),
            gateway: Some("https://gw.test".to_owned()),
            already,
            login,
            key,
        };
        let mut out = Vec::new();
        print(&mut out, &report, time("2026-11-21T10:00:00Z")).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_end_says_who_until_when_and_what_the_clients_use() {
        let login = UserLoginReport {
            subject: Some("42".to_owned()),
            name: Some("jo".to_owned()),
            groups: vec!["eng".to_owned(), "ops".to_owned()],
            expires_at: Some(time("2026-11-21T18:00:00Z")),
            ..UserLoginReport::default()
        };
        let key = KeyReport {
            fingerprint: "ba7816bf8f01".to_owned(),
            expires_at: Some(time("2026-11-21T10:54:00Z")),
        };
        assert_eq!(
            printed(false, login.clone(), Some(key)),
            "signed in to source 'sso' as jo (42), in eng, ops, until 2026-11-21T18:00:00Z\n  \
             (in 8 h)\n\
             the clients of profile 'work' now use the key ba7816bf8f01 for https://gw.test,\n  \
             which expires in 54 min\n"
        );
        let text = printed(true, login, None);
        assert!(
            text.starts_with("already signed in to source 'sso' as jo"),
            "{text}"
        );
        assert!(text.ends_with("claviger login with --force\n"), "{text}");
    }

    #[test]
    fn a_login_that_is_not_stored_is_pointed_out() {
        let login = UserLoginReport {
            warning: Some("the login is not stored".to_owned()),
            ..UserLoginReport::default()
        };
        assert_eq!(
            printed(false, login, None),
            "signed in to source 'sso'\nthe login is not stored\n"
        );
    }

    #[test]
    fn what_the_server_does_not_say_is_left_out() {
        for (name, subject, renewable, expected) in [
            (None, None, false, "signed in to source 'sso'\n"),
            (Some("jo"), None, false, "signed in to source 'sso' as jo\n"),
            (None, Some("42"), false, "signed in to source 'sso' as 42\n"),
            (
                Some("jo"),
                Some("jo"),
                false,
                "signed in to source 'sso' as jo\n",
            ),
            (
                None,
                None,
                true,
                "signed in to source 'sso', until the server ends it\n",
            ),
            (
                Some("j\u{1b}[2Jo"),
                None,
                false,
                "signed in to source 'sso' as j[2Jo\n",
            ),
        ] {
            let login = UserLoginReport {
                name: name.map(str::to_owned),
                subject: subject.map(str::to_owned),
                renewable,
                ..UserLoginReport::default()
            };
            assert_eq!(printed(false, login, None), expected);
        }
    }
}
