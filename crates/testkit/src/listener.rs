//! A seccomp listener: the kernel reports calls of one thread, and of all that it starts, and waits for an answer to each.
//!
//! That needs no tracer, and no privilege with `no_new_privs`. What is reported is told by a filter; the thread that
//! installs it runs beside the one that answers.
#![expect(unsafe_code, reason = "seccomp(2) and its listener have no wrapper")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::resume_unwind;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::{c_long, sock_filter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::thread::{gettid, set_no_new_privs};

/// How long the thread may take to install its filter, and what it started to end after it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a judge is asked whether it has had enough, when nothing is reported.
const IDLE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// What stands in for the listener's number before there is one, and when there is none.
const NOT_YET: RawFd = -1;
const FAILED: RawFd = -2;

const REPORT: u32 = 0x7fc0_0000; // SECCOMP_RET_USER_NOTIF
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// A system call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    id: u64,
    /// The thread that makes it, and whether that is the one that runs the body.
    pub(crate) thread: u32,
    pub(crate) is_first: bool,
    pub(crate) number: c_long,
    pub(crate) arguments: [u64; 6],
    /// Where the caller goes on.
    pub(crate) instruction: u64,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    /// With this number of errno, without being made.
    Fail(i32),
    /// This, without being made.
    Answer(i64),
}

/// Who says what becomes of calls.
pub(crate) trait Judge {
    fn judge(&mut self, report: &Report) -> Verdict;
    /// Nothing was reported for a while.
    fn idle(&mut self) {}
}

/// Runs `body` on a thread of its own whose calls, and those of all that it starts, are judged, but for the `unreported`.
///
/// # Errors
/// What keeps this machine from doing so: before Linux 5.5, or where a filter refuses seccomp(2).
///
/// # Panics
/// When `body` does.
pub(crate) fn supervise<T: Send>(
    unreported: &[c_long],
    body: impl FnOnce() -> T + Send,
    judge: &mut impl Judge,
) -> Result<T, String> {
    let (listener, thread) = (AtomicI32::new(NOT_YET), AtomicI32::new(0));
    let (outcome, supervised) = thread::scope(|scope| {
        let supervised = scope.spawn(|| {
            thread.store(gettid().as_raw_nonzero().get(), Ordering::Release);
            let installed = install(unreported);
            // No system call between the filter and this: nobody would answer it yet.
            listener.store(*installed.as_ref().unwrap_or(&FAILED), Ordering::Release);
            installed?;
            Ok::<T, String>(body())
        });
        let answered = wait_for(&listener).and_then(|listener| {
            answer_all(&listener, thread.load(Ordering::Acquire).cast_unsigned(), judge)
        });
        (supervised.join().unwrap_or_else(|panic| resume_unwind(panic)), answered)
    });
    let value = outcome?;
    supervised.map(|()| value)
}

/// Puts a filter on the calling thread that reports every call but these; returns where it reports to.
fn install(unreported: &[c_long]) -> Result<RawFd, String> {
    let filter = compile(unreported)?;
    let outcome = match set_filter(&filter) {
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
            set_no_new_privs(true).map_err(|error| format!("no_new_privs: {error}"))?;
            set_filter(&filter)
        }
        outcome => outcome,
    };
    outcome.map_err(|error| format!("seccomp: {error}"))
}

/// A comparison a number, each of which jumps to the end.
fn compile(unreported: &[c_long]) -> Result<Vec<sock_filter>, String> {
    const LOAD_NUMBER: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS, and the number stands first
    const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    let mut filter = vec![sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 }];
    for (at, number) in unreported.iter().enumerate() {
        let jt = u8::try_from(unreported.len() - at).map_err(|error| error.to_string())?;
        let k = u32::try_from(*number).map_err(|error| error.to_string())?;
        filter.push(sock_filter { code: JUMP_IF_EQUAL, jt, jf: 0, k });
    }
    filter.extend([REPORT, ALLOW].map(|k| sock_filter { code: RETURN, jt: 0, jf: 0, k }));
    Ok(filter)
}

fn set_filter(filter: &[sock_filter]) -> io::Result<RawFd> {
    let len = u16::try_from(filter.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    // SAFETY: seccomp reads `len` instructions at `filter` and copies them; both are those of the slice.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            ptr::from_ref(&program),
        )
    };
    match RawFd::try_from(answer) {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(io::Error::last_os_error()),
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

/// Has calls judged until the thread ends; what it started is answered until that ends, too. When that fails the caller
/// closes the listener, and calls fail with ENOSYS instead of waiting for ever.
fn answer_all(listener: &OwnedFd, first: u32, judge: &mut impl Judge) -> Result<(), String> {
    let failed = |error: io::Error| format!("seccomp listener: {error}");
    let mut limit = None;
    while limit.is_none_or(|limit| Instant::now() < limit) {
        match wait(listener).map_err(|error| failed(error.into()))? {
            Next::Over => break,
            // What was started sleeps on: whoever started it ends it.
            Next::Nothing if limit.is_some() => break,
            Next::Nothing => judge.idle(),
            Next::Report => {
                let Some(report) = unless_killed(receive(listener)).map_err(failed)? else { continue };
                let report = Report {
                    id: report.id,
                    thread: report.pid,
                    is_first: report.pid == first,
                    number: c_long::from(report.data.nr),
                    arguments: report.data.args,
                    instruction: report.data.instruction_pointer,
                };
                unless_killed(answer(listener, report.id, judge.judge(&report))).map_err(failed)?;
                if report.number == libc::SYS_exit && report.is_first {
                    limit = Some(Instant::now() + PATIENCE);
                }
            }
        }
    }
    Ok(())
}

/// Who asked may be killed meanwhile.
fn unless_killed<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        outcome => outcome.map(Some),
    }
}

enum Next {
    Report,
    Nothing,
    /// Nobody is left who could make a call (5.8).
    Over,
}

fn wait(listener: &OwnedFd) -> Result<Next, Errno> {
    let mut asked = [PollFd::new(listener, PollFlags::IN)];
    match poll(&mut asked, Some(&IDLE)) {
        Ok(0) | Err(Errno::INTR) => Ok(Next::Nothing),
        Ok(_) if asked[0].revents().contains(PollFlags::IN) => Ok(Next::Report),
        Ok(_) => Ok(Next::Over),
        Err(error) => Err(error),
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

fn answer(listener: &OwnedFd, id: u64, verdict: Verdict) -> io::Result<()> {
    const CONTINUE: u32 = 1; // SECCOMP_USER_NOTIF_FLAG_CONTINUE (5.5)
    let mut answer = libc::seccomp_notif_resp { id, val: 0, error: 0, flags: 0 };
    match verdict {
        Verdict::GoOn => answer.flags = CONTINUE,
        Verdict::Fail(errno) => answer.error = -errno,
        Verdict::Answer(value) => answer.val = value,
    }
    // SAFETY: the request reads one seccomp_notif_resp from the pointer, which is that of a live local.
    match unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
