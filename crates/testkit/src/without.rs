//! Taking system calls away: what the program `without` understands, and the filter that it installs.
//!
//! A fallback that is tested only where the call happens to be missing is not tested. A seccomp filter makes any
//! kernel answer as an older one does (`ENOSYS`), or as a container's profile does (`EPERM`); it is inherited by
//! everything below and cannot be taken off again.

mod filter;
mod names;

use std::ffi::{OsStr, OsString};

pub use filter::install;
use names::{CALLS, ERRNOS};
pub(crate) use names::{name_of, named_calls};

/// What `without` was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The error number that is answered.
    pub errno: u32,
    /// The calls that are answered with it.
    pub calls: Vec<Call>,
    /// The program to run.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// A system call, or those of it that have one argument of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number on this architecture.
    pub number: i64,
    /// The argument (0 to 5) that must be equal to a value, in its lower 32 bits.
    pub when: Option<(u8, u32)>,
}

/// How the program is called.
pub const USAGE: &str = "usage: without [--errno ERRNO] CALL... -- COMMAND [ARG...]

CALL   NAME, NUMBER, or NAME:ARG=VALUE (only when argument ARG, 0 to 5, equals VALUE)
ERRNO  what those calls answer: ENOSYS unless another name or number is given";

impl Request {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// A message that names the bad value and lists what is allowed.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let mut errno = libc::ENOSYS.cast_unsigned();
        let mut calls = Vec::new();
        loop {
            let Some(argument) = arguments.next() else {
                return Err(format!("no `--` with a command after it\n{USAGE}"));
            };
            match argument.to_str() {
                Some("--") => break,
                Some("--errno") => errno = parse_errno(arguments.next().as_deref())?,
                Some(rule) if !rule.starts_with('-') => calls.push(Call::parse(rule)?),
                _ => return Err(format!("unknown option `{}`\n{USAGE}", argument.display())),
            }
        }
        let Some(program) = arguments.next() else {
            return Err(format!("no command after `--`\n{USAGE}"));
        };
        if calls.is_empty() {
            return Err(format!("no system call to take away\n{USAGE}"));
        }
        Ok(Self { errno, calls, program, arguments: arguments.collect() })
    }
}

impl Call {
    /// Reads a rule as the program takes it: `openat2`, `waitid:0=3`.
    ///
    /// # Errors
    /// A message that names the bad value and lists what is allowed.
    pub fn parse(rule: &str) -> Result<Self, String> {
        let (name, condition) = match rule.split_once(':') {
            Some((name, condition)) => (name, Some(parse_condition(rule, condition)?)),
            None => (rule, None),
        };
        let known = CALLS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        let number = known.or_else(|| parse_number(name).map(i64::from));
        let Some(number) = number else {
            let allowed = names::list(CALLS);
            return Err(format!("unknown system call `{name}`; give its number, or one of: {allowed}"));
        };
        Ok(Self { number, when: condition })
    }
}

fn parse_condition(rule: &str, condition: &str) -> Result<(u8, u32), String> {
    let parsed = condition.split_once('=').and_then(|(argument, value)| {
        let argument = argument.parse().ok().filter(|argument| *argument <= 5)?;
        Some((argument, parse_number(value)?))
    });
    parsed.ok_or_else(|| {
        format!("bad condition `{condition}` in `{rule}`; write NAME:ARG=VALUE with ARG from 0 to 5, as in waitid:0=3")
    })
}

fn parse_errno(value: Option<&OsStr>) -> Result<u32, String> {
    let value = value.map(OsStr::to_string_lossy).unwrap_or_default();
    let known = ERRNOS.iter().find(|(known, _)| *known == value).map(|(_, errno)| *errno);
    // seccomp(2) answers MAX_ERRNO, 4095, for anything larger.
    let errno = known.or_else(|| parse_number(&value).filter(|errno| (1..=4095).contains(errno)));
    errno.ok_or_else(|| {
        format!("unknown error `{value}`; give a number from 1 to 4095, or one of: {}", names::list(ERRNOS))
    })
}

/// Decimal, or hexadecimal after `0x`, as ioctl requests are written.
fn parse_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, String> {
        Request::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn calls_come_before_the_command_and_its_options() {
        let request = parse("openat2 434 -- ls -l -- openat2").unwrap();
        let calls = [libc::SYS_openat2, 434].map(|number| Call { number, when: None });
        assert_eq!((request.errno, request.calls), (38, calls.to_vec()));
        assert_eq!((request.program, request.arguments.len()), (OsString::from("ls"), 3));
    }

    #[test]
    fn an_error_is_a_name_or_a_number() {
        assert_eq!(parse("--errno EPERM statx -- true").unwrap().errno, 1);
        assert_eq!(parse("--errno 22 statx -- true").unwrap().errno, 22);
    }

    #[test]
    fn a_condition_is_an_argument_and_its_value() {
        let calls = parse("waitid:0=3 ioctl:1=0xc040ff0b -- true").unwrap().calls;
        let when = [(libc::SYS_waitid, (0, 3)), (libc::SYS_ioctl, (1, 0xc040_ff0b))];
        assert_eq!(calls, when.map(|(number, when)| Call { number, when: Some(when) }));
    }

    #[test]
    fn a_bad_value_is_named_and_what_is_allowed_is_listed() {
        let bad = [
            ("openat3 -- true", "unknown system call `openat3`; give its number, or one of: ", "openat2"),
            ("--errno ENOPE statx -- true", "unknown error `ENOPE`; give a number from 1 to 4095", "ENOSYS"),
            ("--errno 4096 statx -- true", "unknown error `4096`", "ENOSYS"),
            ("--errno", "unknown error ``", "ENOSYS"),
            ("waitid:6=3 -- true", "bad condition `6=3` in `waitid:6=3`", "ARG from 0 to 5"),
            ("waitid:0 -- true", "bad condition `0` in `waitid:0`", "NAME:ARG=VALUE"),
            ("--error statx -- true", "unknown option `--error`", "usage: without"),
            ("statx true", "unknown system call `true`", "statx"),
            ("statx", "no `--` with a command after it", "usage: without"),
            ("statx --", "no command after `--`", "usage: without"),
            ("-- true", "no system call to take away", "usage: without"),
        ];
        for (line, start, allowed) in bad {
            let message = parse(line).unwrap_err();
            assert!(message.starts_with(start) && message.contains(allowed), "{line}: {message}");
        }
    }
}
