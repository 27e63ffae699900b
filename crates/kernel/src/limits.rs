//! Resource limits of this process and of others: prlimit(2), which rustix offers for changing only.
//!
//! # Safety
//! One system call that reads and writes two words each; both are live locals or absent.
#![expect(unsafe_code, reason = "prlimit(2) without a new limit is not in rustix")]

use rustix::io::Errno;
use rustix::process::Resource;

use crate::error::{Error, Kind, Result};

/// How much of a resource a process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Limit {
    /// The limit in force; [`Limit::INFINITY`] for none.
    pub soft: u64,
    /// How far the process may raise it; [`Limit::INFINITY`] for any.
    pub hard: u64,
}

impl Limit {
    /// No limit: `RLIM_INFINITY` as the kernel has it.
    pub const INFINITY: u64 = u64::MAX;
}

/// The limit of a process, or with 0 our own.
///
/// # Errors
/// [`Kind::Gone`] when there is no such process; [`Kind::PermissionDenied`] when it is another user's and we have no
/// `CAP_SYS_RESOURCE`.
pub fn get(pid: i32, resource: Resource) -> Result<Limit> {
    let mut now = Limit { soft: 0, hard: 0 };
    prlimit(pid, resource, None, Some(&mut now))?;
    Ok(now)
}

/// Changes the limit of a process, or with 0 our own.
///
/// # Errors
/// As [`get`]; [`Kind::PermissionDenied`] when a hard limit is to be raised without `CAP_SYS_RESOURCE`;
/// [`Kind::InvalidArgument`] when the soft limit is above the hard one.
pub fn set(pid: i32, resource: Resource, limit: Limit) -> Result<()> {
    prlimit(pid, resource, Some(&limit), None)
}

fn prlimit(pid: i32, resource: Resource, new: Option<&Limit>, old: Option<&mut Limit>) -> Result<()> {
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    let old = old.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: prlimit64 requires a null pointer or two readable words, and a null pointer or two writable ones; a
    // `Limit` is two words in the order of `struct rlimit64`, and both references live until it returns.
    let answer = unsafe { libc::syscall(libc::SYS_prlimit64, pid, resource as u32, new, old) };
    if answer == 0 {
        return Ok(());
    }
    let errno = Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO);
    let error = Error::os("prlimit64", errno);
    Err(match errno {
        Errno::SRCH => error.kind_is(Kind::Gone).pid(pid),
        Errno::INVAL => error.kind_is(Kind::InvalidArgument),
        _ if pid == 0 => error,
        _ => error.pid(pid),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_limits_are_read_and_changed_and_the_change_is_in_force() {
        // Of all, the one that no other test of this process can run into.
        let before = get(0, Resource::Core).unwrap();
        let lower = Limit { soft: 0, ..before };
        set(0, Resource::Core, lower).unwrap();
        assert_eq!(get(0, Resource::Core).unwrap(), lower);
        set(0, Resource::Core, before).unwrap();
        assert_eq!(get(std::process::id().cast_signed(), Resource::Core).unwrap(), before);
    }

    #[test]
    fn what_cannot_be_is_refused_by_kind() {
        assert_eq!(get(i32::MAX, Resource::Core).unwrap_err().kind(), Kind::Gone);
        let upside_down = Limit { soft: 2, hard: 1 };
        assert_eq!(set(0, Resource::Core, upside_down).unwrap_err().kind(), Kind::InvalidArgument);
    }
}
