//! Variables of the client's environment that the daemon asks for.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use claviger_wire::{MAX_BODY, Response, Token, Variable, Variables};

use crate::harness::{SECRET, TestEnv, credential, run};

fn ask(names: &[&str]) -> Vec<u8> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Response::Variables { names }.encode()
}

fn variable(name: &str, value: &str) -> Variable {
    Variable {
        name: name.to_owned(),
        value: Token::new(value.into()),
    }
}

#[test]
fn without_a_question_there_is_one_request_and_no_variable_in_it() {
    let env = TestEnv::new();
    let daemon = env.serve(vec![credential(SECRET)]);
    run(env.shim(&[]).env("TEAM", "core")).printed(&format!("{SECRET}\n"));
    let requests = daemon.join().unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].variables, Variables::OnRequest);
}

#[test]
fn what_is_asked_for_and_set_is_sent_in_the_same_request_and_nothing_else() {
    let env = TestEnv::new();
    let names = ["UNSET", "VAULT_TOKEN", "EMPTY", "TEAM"];
    let daemon = env.serve(vec![ask(&names), credential(SECRET)]);
    let mut shim = env.shim(&["--profile", "work"]);
    shim.env("TEAM", "core")
        .env("VAULT_TOKEN", "s.canary=1")
        .env("EMPTY", "")
        .env("OTHER", "not sent");
    run(&mut shim).printed(&format!("{SECRET}\n"));
    let [first, second] = daemon.join().unwrap().try_into().unwrap();
    assert_eq!(first.variables, Variables::OnRequest);
    let expected = Variables::Sent(vec![
        variable("VAULT_TOKEN", "s.canary=1"),
        variable("EMPTY", ""),
        variable("TEAM", "core"),
    ]);
    assert_eq!(second.variables, expected);
    assert!(!format!("{second:?}").contains("canary"), "{second:?}");
    assert_eq!(
        (first.profile, first.pid, first.cache_lifetime_ms),
        (second.profile, second.pid, second.cache_lifetime_ms)
    );
}

#[test]
fn a_second_question_is_an_error() {
    let env = TestEnv::new();
    let daemon = env.serve(vec![ask(&["TEAM"]), ask(&["TEAM"])]);
    run(env.shim(&[]).env("TEAM", SECRET)).failed(8, &["'TEAM' twice", "hint: try again"]);
    assert_eq!(daemon.join().unwrap().len(), 2);
}

#[test]
fn values_that_cannot_be_sent_are_named_and_not_shown() {
    let long = "v".repeat(MAX_BODY);
    for (value, problem) in [
        (OsStr::from_bytes(b"sk-canary-5f3a9c\xff"), "is not UTF-8"),
        (OsStr::new(&long), "bytes together"),
    ] {
        let env = TestEnv::new();
        let daemon = env.serve(vec![ask(&["TEAM", "TOKEN"])]);
        let output = run(env.shim(&[]).env("TOKEN", value));
        output.failed(2, &["'TOKEN'", problem]);
        assert!(!output.stderr.contains("vvv"), "{output:?}");
        assert_eq!(daemon.join().unwrap().len(), 1);
    }
    // As long as a request can be.
    let env = TestEnv::new();
    let daemon = env.serve(vec![ask(&["TOKEN"]), credential(SECRET)]);
    run(env.shim(&[]).env("TOKEN", &long[200..])).printed(&format!("{SECRET}\n"));
    daemon.join().unwrap();
}
