//! What the mount table of this thread says: what a mount shows, and whether anything was mounted meanwhile.
//!
//! The table is a procfs file like any other, and read by the same rules; it is never asked by name. It knows the
//! mounts of the namespace that this thread is in, not those of detached trees.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kernel::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fstat};

use super::{Crossing, Start, walk};
use crate::content;
use crate::info::MountIdSource;
use crate::mount_id::{Mounts, is_passing};
use crate::parse;
use crate::subpath::Subpath;

/// True when `found`, the root of a mount, is the file called `covered` (`/sys/kernel`) of the procfs that the
/// look-up started in: the mount shows what it covers.
///
/// The same device is the same superblock, and in it the root of a mount is told by its name. That is no race: no
/// global file of procfs is ever renamed, and `found` keeps the mount, and so its id, from being used again. Files
/// of processes are left out, for a number may name another process by now.
///
/// # Errors
/// Passing conditions only; whatever else keeps us from the answer makes it false.
pub(super) fn shows_what_it_covers(
    mounts: Mounts<'_>,
    found: BorrowedFd<'_>,
    covered: &[u8],
) -> Result<bool> {
    match root_of(mounts, found, covered) {
        Ok(root) => Ok(root.is_some_and(|root| root == covered)),
        Err(error) if is_passing(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

fn root_of(mounts: Mounts<'_>, found: BorrowedFd<'_>, covered: &[u8]) -> Result<Option<Vec<u8>>> {
    let first = covered.split(|byte| *byte == b'/').nth(1).unwrap_or_default();
    let device =
        |fd| fstat(fd).map(|stat: rustix::fs::Stat| stat.st_dev).map_err(|errno| Error::os("fstat", errno));
    if first.iter().all(u8::is_ascii_digit) || device(found)? != device(mounts.root)? {
        return Ok(None);
    }
    // The table has the ids that are used again, never the unique ones.
    let source = match mounts.source {
        MountIdSource::Unique => MountIdSource::Statx,
        other => other,
    };
    let Some(id) = (Mounts { source, ..mounts }).look(found)?.mount else { return Ok(None) };
    let table = parse::mountinfo(&content::read_all(open(mounts)?.as_fd())?)?;
    Ok(table.into_iter().find(|mount| u64::from(mount.id) == id).map(|mount| mount.root))
}

fn open(mounts: Mounts<'_>) -> Result<OwnedFd> {
    // Refused outright when it is mounted over itself: to explain that, the table would be needed.
    let start = Start { dir: mounts.root, is_root: true, mount: None, crossing: Crossing::Refused };
    let path = Subpath::below(b"thread-self/mountinfo")?;
    walk::open(mounts, start, &path, OFlags::RDONLY | OFlags::CLOEXEC)
}

/// Sees whether anything is mounted or unmounted in the namespace of this thread.
///
/// The kernel counts these events under the lock that look-ups validate themselves against: a look-up that met a
/// mount is not over before the event was counted.
pub(super) struct Watch(OwnedFd);

impl Watch {
    /// Begins to watch.
    pub(super) fn begin(mounts: Mounts<'_>) -> Result<Self> {
        open(mounts).map(Self)
    }

    /// True when nothing has happened since.
    pub(super) fn saw_nothing(&self) -> Result<bool> {
        let mut table = [PollFd::new(&self.0, PollFlags::PRI)];
        poll(&mut table, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))
            .map_err(|errno| Error::os("poll", errno))?;
        Ok(table.iter().all(|table| table.revents().is_empty()))
    }
}
