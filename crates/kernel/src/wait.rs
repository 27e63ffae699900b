//! How a child ended: waitid(2) on exactly one pidfd, and the wait status that everything else is told by.
//!
//! # Safety
//! `waitid` is called raw because rustix does not return the resource usage.
#![expect(unsafe_code, reason = "waitid with resource usage is not in rustix")]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::io::Errno;

use crate::error::{Error, Result};

/// The status word of wait4(2); the same encoding that `PIDFD_GET_INFO` uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub i32);

/// What a status word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It called exit with this code.
    Exited(u8),
    /// A signal ended it.
    Signaled {
        /// The number of the signal.
        signal: i32,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
    /// A signal stopped it.
    Stopped {
        /// The number of the signal.
        signal: i32,
        /// The ptrace event, when a tracer's trap stopped it.
        trap_cause: Option<i32>,
    },
    /// It goes on after a stop.
    Continued,
}

impl Status {
    /// Takes the word apart, as the macros of wait(2) do.
    #[must_use]
    pub const fn decode(self) -> Change {
        const CONTINUED: i32 = 0xffff;
        const SIGTRAP: i32 = 5;
        let low = self.0 & 0x7f;
        let second = (self.0 >> 8) & 0xff;
        if self.0 == CONTINUED {
            Change::Continued
        } else if self.0 & 0xff == 0x7f {
            let event = self.0 >> 16;
            let trap_cause = if second == SIGTRAP && event != 0 { Some(event) } else { None };
            Change::Stopped { signal: second, trap_cause }
        } else if low == 0 {
            Change::Exited(second.to_le_bytes()[0])
        } else {
            Change::Signaled { signal: low, core_dumped: self.0 & 0x80 != 0 }
        }
    }

    /// Builds the word from what waitid(2) returns in `si_code` and `si_status`.
    const fn from_siginfo(code: i32, status: i32) -> Self {
        Self(match code {
            libc::CLD_EXITED => (status & 0xff) << 8,
            libc::CLD_DUMPED => status | 0x80,
            libc::CLD_STOPPED | libc::CLD_TRAPPED => (status << 8) | 0x7f,
            libc::CLD_CONTINUED => 0xffff,
            _ => status,
        })
    }
}

/// What a child used, itself and its own reaped children.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time in user mode.
    pub user: Duration,
    /// Time in the kernel.
    pub system: Duration,
    /// The largest resident set, in bytes.
    pub max_rss_bytes: u64,
    /// Page faults without input or output.
    pub minor_faults: u64,
    /// Page faults that had to read.
    pub major_faults: u64,
    /// Reads of block devices.
    pub block_inputs: u64,
    /// Writes to block devices.
    pub block_outputs: u64,
    /// Times it gave the processor up.
    pub voluntary_switches: u64,
    /// Times the processor was taken from it.
    pub involuntary_switches: u64,
}

/// Which changes to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// The end; it is reaped.
    Exit,
    /// Stops and continuations since last asked.
    StopOrContinue,
}

/// Which child to ask about.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'fd> {
    /// The one behind this handle (5.4).
    Handle(BorrowedFd<'fd>),
    /// The one with this id: for a child of ours that nobody has reaped, and therefore still its own.
    Number(i32),
}

/// Asks whether a child changed, without waiting; `None` when it did not.
///
/// # Errors
/// `ECHILD` when it is not our child, or somebody else reaped it.
pub fn poll(child: Whom<'_>, events: Events) -> Result<Option<(Status, Usage)>> {
    const P_PID: libc::c_int = 1;
    const P_PIDFD: libc::c_int = 3;
    let (kind, id) = match child {
        Whom::Handle(pidfd) => (P_PIDFD, pidfd.as_raw_fd()),
        Whom::Number(pid) => (P_PID, pid),
    };
    let options = match events {
        Events::Exit => libc::WEXITED,
        Events::StopOrContinue => libc::WSTOPPED | libc::WCONTINUED,
    } | libc::WNOHANG;
    // SAFETY: siginfo_t and rusage are plain integers for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: waitid requires writable siginfo and rusage or null; both are live locals, and the descriptor
        // is borrowed, so it is open.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_waitid,
                kind,
                id,
                std::ptr::from_mut(&mut info),
                options,
                std::ptr::from_mut(&mut usage),
            )
        };
        if answer == 0 {
            break;
        }
        match Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO) {
            Errno::INTR => {}
            // A non-blocking pidfd answers so instead of returning nothing.
            Errno::AGAIN => return Ok(None),
            errno => return Err(Error::os("waitid", errno)),
        }
    }
    // SAFETY: the kernel filled the SIGCHLD member of the union, or left the zeroes that stand for "no change".
    let pid = unsafe { info.si_pid() };
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: a non-zero pid means that the SIGCHLD member of the union is filled.
    let status = unsafe { info.si_status() };
    Ok(Some((Status::from_siginfo(info.si_code, status), Usage::from(&usage))))
}

impl From<&libc::rusage> for Usage {
    fn from(raw: &libc::rusage) -> Self {
        let count = |value: libc::c_long| u64::try_from(value).unwrap_or(0);
        let time = |value: libc::timeval| {
            Duration::from_secs(count(value.tv_sec)) + Duration::from_micros(count(value.tv_usec))
        };
        Self {
            user: time(raw.ru_utime),
            system: time(raw.ru_stime),
            max_rss_bytes: count(raw.ru_maxrss).saturating_mul(1024),
            minor_faults: count(raw.ru_minflt),
            major_faults: count(raw.ru_majflt),
            block_inputs: count(raw.ru_inblock),
            block_outputs: count(raw.ru_oublock),
            voluntary_switches: count(raw.ru_nvcsw),
            involuntary_switches: count(raw.ru_nivcsw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_decode_as_wait_does() {
        let rows = [
            (0x0700, Change::Exited(7)),
            (0xff00, Change::Exited(255)),
            (0x0000, Change::Exited(0)),
            (0x0009, Change::Signaled { signal: 9, core_dumped: false }),
            (0x0086, Change::Signaled { signal: 6, core_dumped: true }),
            (0x137f, Change::Stopped { signal: 19, trap_cause: None }),
            (0x4_057f, Change::Stopped { signal: 5, trap_cause: Some(4) }),
            (0xffff, Change::Continued),
        ];
        for (word, change) in rows {
            assert_eq!(Status(word).decode(), change, "{word:#x}");
        }
    }

    #[test]
    fn siginfo_and_status_word_say_the_same() {
        assert_eq!(Status::from_siginfo(libc::CLD_EXITED, 7), Status(0x700));
        assert_eq!(Status::from_siginfo(libc::CLD_KILLED, 9), Status(9));
        assert_eq!(Status::from_siginfo(libc::CLD_DUMPED, 6), Status(0x86));
        assert_eq!(Status::from_siginfo(libc::CLD_STOPPED, 19), Status(0x137f));
        assert_eq!(Status::from_siginfo(libc::CLD_CONTINUED, 18), Status(0xffff));
    }
}
