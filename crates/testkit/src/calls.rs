//! The system calls that a closure makes, counted by the kernel's own account: a seccomp listener.
//!
//! The closure runs on a thread of its own, under a filter that reports every call to another thread, which writes
//! it down and lets it go on. That needs no privilege, no tracer and no program, and sees this one thread only.
#![expect(unsafe_code, reason = "seccomp(2) and its listener have no wrapper")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::resume_unwind;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::c_long;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::thread::set_no_new_privs;

/// How long the thread may take to install its filter before the test is told instead of waiting for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// What stands in for the listener's number before there is one, and when there is none.
const NOT_YET: RawFd = -1;
const FAILED: RawFd = -2;

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
    let listener = AtomicI32::new(NOT_YET);
    let (outcome, supervised) = thread::scope(|scope| {
        let counted = scope.spawn(|| {
            let installed = install();
            // No system call between the filter and this: nobody would answer it yet.
            listener.store(*installed.as_ref().unwrap_or(&FAILED), Ordering::Release);
            installed?;
            mark();
            let value = body();
            mark();
            Ok::<T, String>(value)
        });
        let supervised = wait_for(&listener).and_then(|listener| answer_all(&listener, judge));
        (counted.join().unwrap_or_else(|panic| resume_unwind(panic)), supervised)
    });
    let value = outcome?;
    supervised.map(|()| value)
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

/// Puts a filter on the calling thread that reports every call; returns where it reports to.
fn install() -> Result<RawFd, String> {
    const REPORT: u32 = 0x7fc0_0000; // SECCOMP_RET_USER_NOTIF
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    set_no_new_privs(true).map_err(|error| format!("no_new_privs: {error}"))?;
    let mut report = libc::sock_filter { code: RETURN, jt: 0, jf: 0, k: REPORT };
    let program = libc::sock_fprog { len: 1, filter: &raw mut report };
    // SAFETY: seccomp reads `len` instructions at `filter` and copies them: one, which lives until the end of this
    // function.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            ptr::from_ref(&program),
        )
    };
    match i32::try_from(answer) {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(format!("seccomp: {}", io::Error::last_os_error())),
    }
}

/// The two threads cannot wait for each other by a call, because the first one's calls wait for the second.
fn wait_for(listener: &AtomicI32) -> Result<OwnedFd, String> {
    let limit = Instant::now() + PATIENCE;
    loop {
        match listener.load(Ordering::Acquire) {
            FAILED => return Err("no filter".to_owned()),
            NOT_YET if Instant::now() > limit => return Err("the filter was never installed".to_owned()),
            NOT_YET => thread::yield_now(),
            // SAFETY: an OwnedFd needs a descriptor that nobody else closes: seccomp opened this one, and the
            // thread that called it only handed the number over.
            number => return Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        }
    }
}

/// Has the calls between the marks judged, until the thread ends; what it started is answered until that ends, too. When
/// that fails the caller closes the listener, and calls fail with ENOSYS instead of waiting for ever.
fn answer_all(listener: &OwnedFd, mut judge: impl FnMut(Made) -> Option<i32>) -> Result<(), String> {
    let mut marks = 0;
    let mut thread = None;
    let mut limit = None;
    while limit.is_none_or(|limit| Instant::now() < limit) {
        if limit.is_some() && !has_report(listener)? {
            break;
        }
        let report = match receive(listener) {
            // What asked was killed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => continue,
            received => received.map_err(|error| format!("seccomp listener: {error}"))?,
        };
        let number = c_long::from(report.data.nr);
        let mut errno = None;
        if number == MARK && report.data.args[0] == MARK_ARGUMENT.cast_unsigned() {
            marks += 1;
            thread = Some(report.pid);
        } else if marks == 1 {
            let by_child = thread != Some(report.pid);
            errno = judge(Made { number, arguments: report.data.args, by_child });
        }
        match answer(listener, report.id, errno) {
            // What asked was killed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            answered => answered.map_err(|error| format!("seccomp listener: {error}"))?,
        }
        if number == libc::SYS_exit && thread == Some(report.pid) {
            limit = Some(Instant::now() + PATIENCE);
        }
    }
    Ok(())
}

/// Waits for the next report. False when nobody is left who could make one (5.8), or for too long.
fn has_report(listener: &OwnedFd) -> Result<bool, String> {
    let patience = Timespec::try_from(PATIENCE).map_err(|error| error.to_string())?;
    let mut asked = [PollFd::new(listener, PollFlags::IN)];
    loop {
        match poll(&mut asked, Some(&patience)) {
            Ok(_) => return Ok(asked[0].revents().contains(PollFlags::IN)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(format!("seccomp listener: {error}")),
        }
    }
}

fn receive(listener: &OwnedFd) -> io::Result<libc::seccomp_notif> {
    loop {
        // SAFETY: every field of a seccomp_notif is a number, for which all zeros is a value; the kernel demands it.
        let mut report: libc::seccomp_notif = unsafe { mem::zeroed() };
        // SAFETY: the request writes one seccomp_notif to the pointer, which is that of a live local.
        let answer =
            unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut report) };
        match io::Error::last_os_error() {
            _ if answer == 0 => return Ok(report),
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}

/// Lets the call go on, or fail without being made.
fn answer(listener: &OwnedFd, id: u64, errno: Option<i32>) -> io::Result<()> {
    const CONTINUE: u32 = 1; // SECCOMP_USER_NOTIF_FLAG_CONTINUE (5.5)
    let mut answer = match errno {
        Some(errno) => libc::seccomp_notif_resp { id, val: 0, error: -errno, flags: 0 },
        None => libc::seccomp_notif_resp { id, val: 0, error: 0, flags: CONTINUE },
    };
    // SAFETY: the request reads one seccomp_notif_resp from the pointer, which is that of a live local.
    match unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
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
