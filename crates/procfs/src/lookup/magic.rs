//! Following a magic link in the last component, on request: the one way out of procfs.

use std::os::fd::{AsFd, OwnedFd};

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{FileType, Mode, OFlags, openat};

use super::mount_table::Watch;
use super::{Crossing, Start, explain, openat2, walk};
use crate::info::Resolver;
use crate::mount_id::Mounts;
use crate::subpath::Subpath;

/// Under a storm of mounts the following is undone and made again this many times.
const ATTEMPTS: u32 = 128;

/// What may be mounted over a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Nothing, ever.
    Nothing,
    /// What was mounted when the tree was copied.
    Fixed,
    /// Anything, at any moment.
    Changing,
}

/// Opens `path`, and what it stands for when its last component is a magic link.
///
/// The resolver is asked first, so that everything but a magic link is opened by the usual rules. Then the
/// directory is looked up by the resolver, and the link followed from there. A link that is exposed is checked to
/// belong to the mount of its directory. Between that and the following a mount can come and go, and what was
/// opened does not tell: so the mount table is watched, and the answer counts if nothing was mounted meanwhile.
// Kept out of the look-ups that follow no link, which it would weigh down.
#[inline(never)]
pub(crate) fn open(
    resolver: Resolver,
    mounts: Mounts<'_>,
    start: Start<'_>,
    path: &Subpath,
    flags: OFlags,
    exposure: Exposure,
) -> Result<OwnedFd> {
    match resolver {
        Resolver::Openat2 => match openat2::open(start, path, flags) {
            Ok(opened) => return Ok(opened),
            Err(Errno::LOOP) => {}
            // Which mounts are allowed is known to the usual look-up, and no magic link stands below one of them.
            Err(Errno::XDEV) if start.crossing == Crossing::SameProcfs => {
                return super::open(resolver, mounts, start, path, flags);
            }
            Err(errno) => match explain(mounts, start, path, flags, errno) {
                // One that we may not read: whether it is the last component is seen below.
                error if errno == Errno::ACCESS && error.kind() == Kind::MagicLink => {}
                error => return Err(error),
            },
        },
        Resolver::Walk => match walk::open(mounts, start, path, flags) {
            Err(error) if error.kind() == Kind::MagicLink => {}
            answer => return answer,
        },
    }
    let Some((parent, name)) = path.split_last() else { return Err(replaced()) };
    // Refuses a magic link that is not in the last place.
    let open_parent = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = super::open(resolver, mounts, start, &parent, open_parent)?;
    let follow = || openat(&parent, name, flags, Mode::empty()).map_err(|errno| Error::os("openat", errno));
    match exposure {
        Exposure::Nothing => follow(),
        Exposure::Fixed => {
            check(mounts, &parent, name)?;
            follow()
        }
        Exposure::Changing => {
            for _ in 0..ATTEMPTS {
                let watch = Watch::begin(mounts)?;
                check(mounts, &parent, name)?;
                let answer = follow();
                if watch.saw_nothing()? {
                    return answer;
                }
            }
            Err(Error::os("openat", Errno::AGAIN)
                .kind_is(Kind::Busy)
                .detail("something is mounted or unmounted all the time"))
        }
    }
}

/// Refuses a link that is mounted over.
fn check(mounts: Mounts<'_>, parent: &OwnedFd, name: &[u8]) -> Result<()> {
    let bare = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = openat(parent, name, bare, Mode::empty()).map_err(|errno| Error::os("openat", errno))?;
    let link = mounts.look(link.as_fd())?;
    if link.mount != mounts.look(parent.as_fd())?.mount {
        return Err(Error::os("openat", Errno::XDEV)
            .kind_is(Kind::Overmount)
            .detail("something is mounted over the link"));
    }
    if link.file_type == FileType::Symlink { Ok(()) } else { Err(replaced()) }
}

/// The resolver met a magic link that is no longer there: the path changes while it is looked up.
fn replaced() -> Error {
    Error::os("openat", Errno::LOOP).kind_is(Kind::MagicLink).detail("a link was there, and then was not")
}
