//! The program `without`, run as CI runs it.
#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests are about starting a program")]

use std::process::{Command, Output};

fn without(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_without")).args(arguments).output();
    output.unwrap_or_else(|error| panic!("without {arguments:?}: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The filter below is `unshare`, because a program that says what it was answered is on every machine.
fn refusal(errno: &str) -> String {
    text(&without(&["--errno", errno, "unshare", "--", "sh", "-c", "LC_ALL=C unshare -m true"]).stderr)
}

#[test]
fn a_call_is_answered_with_the_error_that_was_asked_for() {
    assert!(refusal("ENOSYS").contains("Function not implemented"), "{}", refusal("ENOSYS"));
    assert!(refusal("EPERM").contains("Operation not permitted"), "{}", refusal("EPERM"));
}

#[test]
fn the_command_exits_as_it_does_without_us() {
    let output = without(&["openat2", "fsopen", "--", "sh", "-c", "echo here; exit 7"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(7), "here\n".to_owned()));
}

#[test]
fn no_new_privs_is_set_only_for_those_who_need_it() {
    testkit::require!(root, mounts);
    let output = without(&["openat2", "--", "grep", "NoNewPrivs", "/proc/self/status"]);
    assert_eq!(text(&output.stdout), "NoNewPrivs:\t0\n");
}

#[test]
fn a_bad_request_exits_with_125_and_a_missing_command_with_127() {
    let bad = without(&["openat3", "--", "true"]);
    assert_eq!(bad.status.code(), Some(125));
    assert!(text(&bad.stderr).starts_with("without: unknown system call `openat3`"), "{}", text(&bad.stderr));
    assert_eq!(without(&["openat2", "--", "/nonexistent"]).status.code(), Some(127));
    assert_eq!(without(&["openat2", "--", "/"]).status.code(), Some(126));
}
