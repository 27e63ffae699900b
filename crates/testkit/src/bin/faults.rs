//! `faults COMMAND [ARG...]`: runs a command that may have its own calls fail; see `testkit::run_to_order`.
//!
//! Exits as the command does; with 125 when it cannot be run so, as env(1) and timeout(1) do.
#![expect(clippy::print_stderr, reason = "a program tells its user what is wrong")]

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use testkit::{exit_code, run_to_order};

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let Some((program, arguments)) = words.split_first() else {
        return fail("usage: faults COMMAND [ARG...]");
    };
    match run_to_order(program, arguments) {
        Ok(status) => ExitCode::from(exit_code(status)),
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("faults: {message}");
    ExitCode::from(125)
}
