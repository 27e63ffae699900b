//! Signalling by number, for where there are no handles.
//!
//! # Safety
//! rustix signals by number, too, but takes named signals only; kill(2) takes two integers.
#![expect(unsafe_code, reason = "kill(2) with any signal")]

use rustix::io::Errno;

use crate::error::{Error, Kind, Result};

/// Sends a signal to whichever process has this id now.
///
/// # Errors
/// [`Kind::Gone`] when no process has it, [`Kind::PermissionDenied`], [`Kind::InvalidArgument`] for a signal that does
/// not exist, and for an id that is not positive: those mean groups of processes.
pub fn send(pid: i32, signal: i32) -> Result<()> {
    let refused = |errno| {
        let error = Error::os("kill", errno).pid(pid);
        if errno == Errno::INVAL { error.kind_is(Kind::InvalidArgument) } else { error }
    };
    if pid <= 0 {
        return Err(refused(Errno::INVAL));
    }
    // SAFETY: kill asks for nothing of its arguments.
    if unsafe { libc::kill(pid, signal) } == 0 {
        return Ok(());
    }
    Err(refused(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_and_nonsense_is_refused() {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        send(own, 0).unwrap();
        assert_eq!(send(own, 1000).unwrap_err().kind(), Kind::InvalidArgument);
        assert_eq!(send(i32::MAX, 0).unwrap_err().kind(), Kind::Gone);
        for group in [0, -1, -own] {
            assert_eq!(send(group, 0).unwrap_err().kind(), Kind::InvalidArgument);
        }
    }
}
