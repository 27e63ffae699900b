//! A child that exits at once, for what only a real child can tell.
//!
//! # Safety
//! clone and waitid are called as their own files require.
#![expect(unsafe_code, reason = "clone, and a waitid flag that rustix lacks")]

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::clone::{Memory, Request, clone};
use super::stack::Stack;
use super::{Engine, child};
use crate::error::{Error, Result};

/// Creates a child that exits at once, reaps it, and returns its handle.
///
/// `namespaces` are `CLONE_NEW*` flags that it is created with. Nobody notices: it has no exit signal, so that no
/// `SIGCHLD` is sent, and a wait for any child passes it over.
///
/// # Errors
/// The errno of clone; `EAGAIN` and `ENOMEM` are passing conditions and prove nothing.
pub fn probe_exit(engine: Engine, namespaces: u64) -> Result<OwnedFd> {
    let stack = Stack::take().map_err(|errno| Error::os("mmap", errno))?;
    let entry = child::leave;
    let request = Request {
        memory: Memory::Shared,
        namespaces,
        exit_signal: 0,
        stack: &stack,
        cgroup: None,
        entry,
        argument: std::ptr::null(),
    };
    // SAFETY: clone requires an entry that is sound in shared memory, and a stack that stays until the child has
    // left: `leave` only exits, and the stack is kept until the child was reaped, or leaked.
    let cloned = unsafe { clone(engine.strategy, &request) };
    let (pid, pidfd) = match cloned {
        Ok(child) => child,
        Err(errno) => {
            stack.give_back();
            return Err(Error::os("clone3", errno));
        }
    };
    match reap(pid) {
        Ok(()) => {
            stack.give_back();
            Ok(pidfd)
        }
        Err(errno) => {
            std::mem::forget(stack);
            Err(Error::os("waitid", errno))
        }
    }
}

/// A child without an exit signal is waited for only on request, so its number is its own until we reap it. It takes
/// microseconds to exit.
fn reap(pid: i32) -> std::result::Result<(), Errno> {
    const P_PID: usize = 1;
    loop {
        let options = libc::WEXITED | libc::__WCLONE;
        // SAFETY: waitid requires writable memory for siginfo and rusage or null; null is passed for both.
        let answer = unsafe { libc::syscall(libc::SYS_waitid, P_PID, pid, 0_usize, options, 0_usize) };
        if answer == 0 {
            return Ok(());
        }
        match Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO) {
            Errno::INTR => {}
            errno => return Err(errno),
        }
    }
}
