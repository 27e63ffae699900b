//! The look-up by openat2(2): one call, atomic against mounts and renames (5.6).
//!
//! References: openat2(2).

use std::os::fd::{BorrowedFd, OwnedFd};

use kernel::Errno;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::subpath::Subpath;

/// EAGAIN means that a mount or rename anywhere on the system raced with a `..` inside a link. Under a storm of
/// renames on every core one look-up in a thousand still fails after this many attempts.
const ATTEMPTS: u32 = 128;

/// # Errors
/// What the kernel said; `EAGAIN` when it said so every time.
#[inline]
pub(crate) fn open(dir: BorrowedFd<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd, Errno> {
    match attempt(dir, path, flags) {
        Err(Errno::AGAIN | Errno::INTR) => retry(dir, path, flags),
        answer => answer,
    }
}

#[inline]
fn attempt(dir: BorrowedFd<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    openat2(dir, path.as_c_str()?, flags, Mode::empty(), resolve)
}

#[cold]
fn retry(dir: BorrowedFd<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd, Errno> {
    for _ in 1..ATTEMPTS {
        match attempt(dir, path, flags) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            answer => return answer,
        }
    }
    Err(Errno::AGAIN)
}
