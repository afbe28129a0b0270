//! What a person sees, step by step.

use super::*;

const NOW: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn started(joined: bool) -> LoginReport {
    LoginReport::Started {
        profile: "work".to_owned(),
        source: "sso".to_owned(),
        host: "idp.test".to_owned(),
        joined,
    }
}

fn page() -> LoginReport {
    LoginReport::Browser {
        url: "https://idp.test/authorize?x=1".to_owned(),
        redirect_port: Some(8400),
    }
}

fn code(expires_at: i64) -> LoginReport {
    LoginReport::Device {
        user_code: "ABCD-\u{1b}[2JEFGH".to_owned(),
        verification_uri: "https://idp.test/device".to_owned(),
        verification_uri_complete: Some("https://idp.test/device?code=ABCD-EFGH".to_owned()),
        expires_at: at(expires_at),
    }
}

fn fallback(to: &str, reason: Option<&str>) -> LoginReport {
    LoginReport::Fallback {
        to: to.to_owned(),
        reason: reason.map(str::to_owned),
    }
}

fn shown(browser: Browser, is_terminal: bool, steps: &[LoginReport]) -> (Progress, String) {
    let mut progress = Progress::new(browser, is_terminal);
    let mut err = Vec::new();
    for step in steps {
        progress.on_step(&mut err, step, at(NOW));
    }
    (progress, String::from_utf8(err).unwrap())
}

#[test]
fn the_page_is_opened_once_and_its_address_is_shown_in_any_case() {
    for (browser, joined, opens) in [
        (Browser::Available, false, true),
        (Browser::Available, true, false),
        (Browser::Unwanted, false, false),
        (Browser::Missing("there is no display"), false, false),
    ] {
        let (progress, text) = shown(browser, true, &[started(joined), page()]);
        assert_eq!(progress.opens(&page()), opens);
        assert!(!progress.opens(&code(NOW)));
        assert_eq!(text.contains("opening the browser"), opens, "{text}");
        assert_eq!(text.contains("joins it"), joined, "{text}");
        assert!(
            text.contains("\n  https://idp.test/authorize?x=1\n"),
            "{text}"
        );
        let forwards = text.contains("ssh -L 8400:127.0.0.1:8400 ");
        assert_eq!(forwards, !opens, "{text}");
        assert!(text.ends_with("Ctrl-C cancels ...\n"), "{text}");
    }
}

#[test]
fn without_a_browser_the_reason_and_the_other_way_are_named() {
    let missing = Browser::Missing("there is no display");
    let (_, text) = shown(missing, false, &[started(false), fallback("device", None)]);
    let expected = "there is no display: sign in with a code instead of the browser\n";
    assert_eq!(text, expected);
    let url = fallback("url", Some("'idp.test' refused the login"));
    let (_, text) = shown(missing, false, &[started(false), url]);
    assert_eq!(
        text.replace("\n  ", " "),
        "there is no display, and a code is not possible ('idp.test' refused the login): open the page \
         yourself\n"
    );
}

#[test]
fn a_code_is_shown_with_its_page_and_its_end() {
    let (_, text) = shown(
        Browser::Available,
        false,
        &[started(false), code(NOW + 899)],
    );
    assert_eq!(
        text,
        "to sign in at idp.test, open this address on any device:\n  https://idp.test/device\n\
         and enter the code: ABCD-[2JEFGH\n\
         or open this address, which contains the code:\n  \
         https://idp.test/device?code=ABCD-EFGH\n\
         the code expires in 14 min; waiting ...\n"
    );
}

#[test]
fn a_terminal_has_a_countdown_that_is_redrawn_and_removed_and_a_qr_code() {
    let (mut progress, text) = shown(Browser::Available, true, &[started(false), code(NOW + 899)]);
    assert!(text.contains('█') && text.contains("14:59"), "{text}");
    let mut err = Vec::new();
    for second in [1, 839, 840, 2000] {
        progress.draw(&mut err, at(NOW + second));
    }
    progress.on_step(&mut err, &LoginReport::Exchanging, at(NOW));
    let drawn = String::from_utf8(err).unwrap();
    let times: Vec<_> = drawn.split(CLEAR).skip(1).collect();
    assert_eq!(times.len(), 5, "{drawn:?}");
    for (time, expected) in times.iter().zip(["14:58", "1:00", "0:59", "0:00"]) {
        assert!(time.contains(expected), "{time}");
    }
    assert!(
        times[4].contains("completing the sign-in at idp.test"),
        "{drawn:?}"
    );
    // There is no code any more.
    let mut err = Vec::new();
    progress.draw(&mut err, at(NOW));
    assert!(err.is_empty());
}

#[test]
fn an_interruption_says_what_becomes_of_the_sign_in() {
    for (steps, expected) in [
        (
            vec![started(false), page()],
            "cancelled; nothing has changed\n",
        ),
        (
            vec![started(true), page()],
            "interrupted; the command that started the sign-in goes on\n",
        ),
        (
            vec![started(false), page(), LoginReport::Exchanging],
            "interrupted; the sign-in is being completed all the same\n",
        ),
    ] {
        let (mut progress, _) = shown(Browser::Available, false, &steps);
        let mut err = Vec::new();
        progress.on_interrupted(&mut err);
        assert_eq!(String::from_utf8(err).unwrap(), expected);
    }
}
