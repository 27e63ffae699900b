//! `without [--errno ERRNO] CALL... -- COMMAND [ARG...]`: runs a command that the kernel seems to lack calls for.
//!
//! Exits as the command does; with 125 when the request is bad, 126 when the command cannot be run and 127 when
//! there is none, as env(1) and timeout(1) do.
#![expect(clippy::print_stderr, reason = "a program tells its user what is wrong")]
#![expect(clippy::disallowed_methods, reason = "starting a program is what this one is for")]

use std::env;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use testkit::without::{Request, install};

fn main() -> ExitCode {
    let request = match Request::parse(env::args_os().skip(1)) {
        Ok(request) => request,
        Err(message) => return fail(125, &message),
    };
    if let Err(message) = install(&request.calls, request.errno) {
        return fail(125, &message);
    }
    // Returns only when it fails.
    let error = Command::new(&request.program).args(&request.arguments).exec();
    let status = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
    fail(status, &format!("{}: {error}", request.program.display()))
}

fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("without: {message}");
    ExitCode::from(status)
}
