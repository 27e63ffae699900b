//! The look-up by openat2(2): one call, atomic against mounts and renames (5.6).
//!
//! References: openat2(2).

use std::os::fd::OwnedFd;

use kernel::Errno;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::Start;
use crate::subpath::Subpath;

/// EAGAIN means that a mount or rename anywhere on the system raced with a `..` inside a link. Under a storm of
/// renames on every core one look-up in a thousand still fails after this many attempts.
const ATTEMPTS: u32 = 128;

/// # Errors
/// What the kernel said; `EAGAIN` when it said so every time.
#[inline]
pub(crate) fn open(start: Start<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd, Errno> {
    match attempt(start, path, flags) {
        Err(Errno::AGAIN | Errno::INTR) => retry(start, path, flags),
        answer => answer,
    }
}

#[inline]
fn attempt(start: Start<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let same_mount = ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    // All of a mount is below its root: there the kernel need not look for that as well, which takes a twentieth of the call.
    let resolve = if start.is_root { same_mount } else { same_mount | ResolveFlags::BENEATH };
    openat2(start.dir, path.as_c_str()?, flags, Mode::empty(), resolve)
}

#[cold]
fn retry(start: Start<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd, Errno> {
    for _ in 1..ATTEMPTS {
        match attempt(start, path, flags) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            answer => return answer,
        }
    }
    Err(Errno::AGAIN)
}
