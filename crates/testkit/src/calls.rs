//! The system calls that a closure makes, counted by the kernel's own account: a seccomp listener.
//!
//! The closure runs on a thread of its own, under a filter that reports every call to another thread, which writes
//! it down and lets it go on. That needs no privilege, no tracer and no program, and sees this one thread only.
#![expect(unsafe_code, reason = "the marks are calls that nobody would make")]

use libc::c_long;

use crate::listener::{self, Judge, Report, Verdict};

/// Calls that a closure makes for its memory, and that a warm allocator saves: not counted.
const MEMORY: [c_long; 5] =
    [libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise];

/// A call that nothing makes by itself, before and after the closure: it has side effects nowhere, and its first
/// argument tells it from others.
const MARK: c_long = libc::SYS_getpgid;
const MARK_ARGUMENT: c_long = -0x5e5e;

/// Runs `body` on a thread of its own and returns what it returned, with the numbers of the system calls that it
/// made, in the order of their first use, each with how often it was made. Calls for memory are left out.
///
/// # Errors
/// What keeps this machine from counting: before Linux 5.5, or where a filter refuses seccomp(2).
///
/// # Panics
/// When `body` does.
pub fn count_syscalls<T: Send>(body: impl FnOnce() -> T + Send) -> Result<(T, Vec<(c_long, usize)>), String> {
    list_syscalls(body).map(|(value, calls)| (value, tally(&calls)))
}

/// A system call that is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Its number.
    pub number: c_long,
    /// What it is given.
    pub arguments: [u64; 6],
    /// By something that the closure started, not by its own thread.
    pub by_child: bool,
}

/// The same, with every single call, those for memory too, in their order.
///
/// # Errors
/// As [`count_syscalls`].
///
/// # Panics
/// Likewise.
pub fn list_syscalls<T: Send>(body: impl FnOnce() -> T + Send) -> Result<(T, Vec<Made>), String> {
    let mut list = Vec::new();
    let value = supervise(body, |made| {
        list.push(made);
        None
    })?;
    Ok((value, list))
}

/// Runs `body` on a thread of its own and asks about each of its calls whether it is to fail, and how: a number of errno.
///
/// # Errors
/// As [`count_syscalls`].
///
/// # Panics
/// Likewise.
pub(crate) fn supervise<T: Send>(
    body: impl FnOnce() -> T + Send,
    judge: impl FnMut(Made) -> Option<i32>,
) -> Result<T, String> {
    let marked = || {
        mark();
        let value = body();
        mark();
        value
    };
    listener::supervise(&[], marked, &mut Marked { marks: 0, judge })
}

/// Asks about what is called between the marks.
struct Marked<F> {
    marks: usize,
    judge: F,
}

impl<F: FnMut(Made) -> Option<i32>> Judge for Marked<F> {
    fn judge(&mut self, report: &Report) -> Verdict {
        if report.number == MARK && report.arguments[0] == MARK_ARGUMENT.cast_unsigned() {
            self.marks += 1;
            return Verdict::GoOn;
        }
        if self.marks != 1 {
            return Verdict::GoOn;
        }
        let made = Made { number: report.number, arguments: report.arguments, by_child: !report.is_first };
        (self.judge)(made).map_or(Verdict::GoOn, Verdict::Fail)
    }
}

fn tally(calls: &[Made]) -> Vec<(c_long, usize)> {
    let mut counts: Vec<(c_long, usize)> = Vec::new();
    for call in calls.iter().map(|made| &made.number).filter(|call| !MEMORY.contains(call)) {
        match counts.iter_mut().find(|(known, _)| known == call) {
            Some((_, count)) => *count += 1,
            None => counts.push((*call, 1)),
        }
    }
    counts
}

fn mark() {
    // SAFETY: getpgid takes a number and touches no memory; no process has this one.
    unsafe { libc::syscall(MARK, MARK_ARGUMENT) };
}

#[cfg(test)]
mod tests {
    use rustix::process::{getpgid, getppid, getuid};

    use super::*;

    #[test]
    fn each_call_is_counted_and_what_the_thread_does_besides_is_not() {
        let counted = count_syscalls(|| {
            let _ = (getppid(), getuid(), getuid(), getpgid(None));
            7
        });
        let Ok((value, calls)) = counted else { return };
        assert_eq!(value, 7);
        assert_eq!(calls, [(libc::SYS_getppid, 1), (libc::SYS_getuid, 2), (libc::SYS_getpgid, 1)]);
    }

    #[test]
    fn a_panic_inside_continues_outside() {
        let panic = std::panic::catch_unwind(|| count_syscalls(|| panic!("from inside"))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"from inside"));
    }
}
