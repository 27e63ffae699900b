//! Making each system call of an operation fail, one after the other, in every way that matters.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use libc::c_long;

use crate::Census;
use crate::calls::supervise;
use crate::spare::{is_spared, would_wait_for_ever};
use crate::without::name_of;

/// How calls fail: interrupted, in want of something that passes, broken, forbidden, missing.
const ERRNOS: &[i32] = &[
    libc::EINTR,
    libc::EAGAIN,
    libc::EMFILE,
    libc::ENFILE,
    libc::ENOMEM,
    libc::EIO,
    libc::EPERM,
    libc::ENOSYS,
];
/// Of those, one of a kind, for every change.
const ERRNOS_IN_SHORT: &[i32] = &[libc::EINTR, libc::EMFILE, libc::EPERM];

/// How calls are to fail: in one way of each kind, in every way with `PROCWARD_FAULTS=1`, in none with `PROCWARD_FAULTS=0`.
#[must_use]
pub fn errnos() -> &'static [i32] {
    match std::env::var("PROCWARD_FAULTS").as_deref() {
        Ok("0") => &[],
        Ok(_) => ERRNOS,
        Err(_) => ERRNOS_IN_SHORT,
    }
}

/// What an operation did about calls that failed: for each call, how often it succeeded all the same, and how often it failed.
#[derive(Debug, Default)]
pub struct Faults {
    outcomes: BTreeMap<c_long, (usize, usize)>,
}

impl Faults {
    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.outcomes.values().map(|(succeeded, failed)| succeeded + failed).sum()
    }
}

impl Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cell = |(call, (succeeded, failed)): (&c_long, &(usize, usize))| {
            format!("{} {succeeded}+{failed}", name_of(*call))
        };
        f.write_str(&self.outcomes.iter().map(cell).collect::<Vec<_>>().join(", "))
    }
}

/// Runs `operation` once for each of its calls and each of these errors, with that call failing, on what `prepare` made for
/// it, and has `check` look at every outcome. At the end nothing may be left behind.
///
/// Only what the operation's own thread calls fails, not what a child of it does.
///
/// # Errors
/// What keeps this machine from doing so: see [`count_syscalls`](crate::count_syscalls).
///
/// # Panics
/// When the operation fails without a fault or panics, and when something is left behind: also what another test of the same
/// program has under way all the time, so that one test does all operations.
pub fn fail_each_call<S: Sync, T: Send, E: Debug + Send>(
    errnos: &[i32],
    prepare: impl Fn() -> S,
    operation: impl Fn(&S) -> Result<T, E> + Sync,
    check: impl Fn(S, Result<T, E>),
) -> Result<Faults, String> {
    // The first run may set up what stays.
    let subject = prepare();
    let outcome = operation(&subject);
    assert_succeeds(&outcome);
    check(subject, outcome);
    let subject = prepare();
    let (outcome, made) = run(|| operation(&subject), None)?;
    assert_succeeds(&outcome);
    check(subject, outcome);
    let before = Census::take();
    let mut faults = Faults::default();
    for nth in 0..made.count {
        for errno in errnos {
            let subject = prepare();
            let (outcome, made) = run(|| operation(&subject), Some((nth, *errno)))?;
            if let Some(call) = made.failed {
                let (succeeded, failed) = faults.outcomes.entry(call).or_default();
                *if outcome.is_ok() { succeeded } else { failed } += 1;
            }
            check(subject, outcome);
        }
    }
    before.assert_unchanged();
    Ok(faults)
}

fn assert_succeeds<T, E: Debug>(outcome: &Result<T, E>) {
    if let Err(error) = outcome {
        panic!("fails without a fault: {error:?}");
    }
}

/// What was seen of one run.
#[derive(Debug, Default)]
struct Seen {
    /// How many calls could have failed.
    count: usize,
    /// Which one did.
    failed: Option<c_long>,
}

fn run<T: Send>(
    operation: impl FnOnce() -> T + Send,
    fault: Option<(usize, i32)>,
) -> Result<(T, Seen), String> {
    let mut seen = Seen::default();
    let value = supervise(operation, |made| {
        if made.by_child || is_spared(made.number, &made.arguments) {
            return None;
        }
        let nth = seen.count;
        seen.count += 1;
        let (_, errno) = fault.filter(|(at, _)| *at == nth)?;
        if would_wait_for_ever(made.number, errno) {
            return None;
        }
        seen.failed = Some(made.number);
        Some(errno)
    })?;
    Ok((value, seen))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use rustix::fs::{CWD, Mode, OFlags, openat};

    use super::*;

    #[test]
    fn every_call_fails_once_in_every_way() {
        let open = |(): &()| openat(CWD, "/dev/null", OFlags::RDONLY, Mode::empty());
        let failures = RefCell::new(Vec::new());
        let check = |(), outcome: Result<_, rustix::io::Errno>| failures.borrow_mut().extend(outcome.err());
        let Ok(faults) = fail_each_call(ERRNOS, || (), open, check) else { return };
        assert_eq!(faults.runs(), ERRNOS.len());
        let expected: Vec<_> =
            ERRNOS.iter().map(|errno| rustix::io::Errno::from_raw_os_error(*errno)).collect();
        assert_eq!(failures.into_inner(), expected);
    }

    #[test]
    #[should_panic(expected = "fails without a fault")]
    fn an_operation_that_never_works_proves_nothing() {
        let _ = fail_each_call(ERRNOS, || (), |()| Err::<(), _>(io::ErrorKind::Other), |(), _| {});
    }
}
