//! Opening a path below a directory without leaving its mount: by the kernel in one call, or step by step.
//!
//! Both resolvers follow one contract. Only files of the mount that the look-up starts in are opened; a mount in
//! the way is [`Kind::Overmount`], unless it shows what it covers and the caller allowed that. Magic links are never
//! followed. Of ordinary links the walk knows `self`, `thread-self`, `net` and `mounts` at the root, the only ones
//! that a kernel without unusual drivers has; it refuses others, while openat2 follows those that stay below the
//! root.

pub(crate) mod magic;
mod mount_table;
mod openat2;
pub(crate) mod walk;

use std::os::fd::{BorrowedFd, OwnedFd};

use kernel::{Errno, Error, Feature, Kind, Result};
use rustix::fs::OFlags;

use crate::info::{MountIdSource, Resolver};
use crate::mount_id::Mounts;
use crate::subpath::Subpath;

/// Where a look-up starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) dir: BorrowedFd<'a>,
    /// True for the root of a procfs, the only place where links are followed.
    pub(crate) is_root: bool,
    /// The mount it belongs to, when that is known already.
    pub(crate) mount: Option<u64>,
    /// What is done about a mount in the way.
    pub(crate) crossing: Crossing,
}

/// What is done about a mount in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// It is refused.
    Refused,
    /// It is refused, and when it shows what it covers the error says so. From the root of a procfs only.
    Explained,
    /// It is refused unless it shows what it covers. From the root of a procfs only.
    SameProcfs,
}

/// Opens `path` below `start`.
///
/// # Errors
/// [`Kind::Overmount`], [`Kind::MagicLink`] and [`Kind::Escape`] as above; else what the kernel said.
#[inline]
pub(crate) fn open(
    resolver: Resolver,
    mounts: Mounts<'_>,
    start: Start<'_>,
    path: &Subpath,
    flags: OFlags,
) -> Result<OwnedFd> {
    match resolver {
        Resolver::Walk => walk::open(mounts, start, path, flags),
        Resolver::Openat2 => openat2::open(start, path, flags)
            .or_else(|errno| cross_or_explain(mounts, start, path, flags, errno)),
    }
}

/// What comes of a refusal.
#[cold]
fn cross_or_explain(
    mounts: Mounts<'_>,
    start: Start<'_>,
    path: &Subpath,
    flags: OFlags,
    errno: Errno,
) -> Result<OwnedFd> {
    let may_cross = start.crossing == Crossing::SameProcfs && mounts.source != MountIdSource::None;
    if errno == Errno::XDEV && may_cross {
        // Which mount it is that stands in the way is seen by the walk only, if it can tell mounts apart.
        return walk::open(mounts, start, path, flags);
    }
    Err(explain(mounts, start, path, flags, errno))
}

/// Finds out what three numbers of openat2 stand for by walking the path: the answer is the same, the walk knows
/// at which component and why. Costs nothing unless something was refused.
fn explain(mounts: Mounts<'_>, start: Start<'_>, path: &Subpath, flags: OFlags, errno: Errno) -> Error {
    let error = Error::os("openat2", errno);
    let presumed = match errno {
        Errno::XDEV => Kind::Overmount,
        Errno::LOOP => Kind::MagicLink,
        Errno::ACCESS => Kind::PermissionDenied,
        Errno::AGAIN => {
            return error.kind_is(Kind::Busy).detail("something is mounted or renamed all the time");
        }
        Errno::NOSYS => return error.lacks(Feature::Openat2).hint(Feature::Openat2.fix()),
        Errno::INVAL => return error.kind_is(Kind::InvalidArgument).detail("flags that openat2 refuses"),
        _ => return error,
    };
    // Nothing is opened for use by the explanation, so that opening has no side effects.
    let harmless = (flags & (OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC)) | OFlags::PATH;
    let strict = flags.contains(OFlags::NOFOLLOW) && !flags.contains(OFlags::PATH);
    match (errno, walk::open(mounts, start, path, harmless)) {
        // The kernel asks whether we may read a magic link before it refuses to follow it.
        (Errno::ACCESS, Err(found)) if found.kind() == Kind::MagicLink => found,
        (Errno::ACCESS, _) => error,
        // By now another mount or link may be in the way than the one that openat2 met.
        (_, Err(found)) if found.kind() == presumed || found.kind() == Kind::Escape => {
            let hint = found.advice().map(str::to_owned);
            let error = error.kind_is(found.kind()).detail(found.to_string());
            match hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        }
        // With O_PATH a link in the last place is no obstacle, so it was the only one.
        (Errno::LOOP, Ok(_)) if strict => error.detail("a link, which was not to be followed"),
        _ => error.kind_is(presumed),
    }
}
