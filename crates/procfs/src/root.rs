//! Getting a root: the ladder from an instance of our own down to the /proc of the host, and what was got.
//!
//! The steps are in `root/ladder.rs`. Every root is classified once, here, and never again: what it is cannot
//! change while its descriptor is open.

mod ladder;

pub(crate) use ladder::probe_mask;

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{AtFlags, statat};

use crate::info::{Attempt, MountIdSource, Origin, Subset};
use crate::mount_id::{Mounts, is_passing, is_procfs};
use crate::options::{Options, Strategy};

/// The inode number of every procfs root (`PROC_ROOT_INO`). A directory of procfs bound over /proc has another.
const ROOT_INODE: u64 = 1;

/// The verified root of a procfs.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) fd: Descriptor,
    pub(crate) origin: Origin,
    pub(crate) subset: Subset,
    /// True when processes that we may not trace are hidden (`hidepid`) because we asked for it.
    pub(crate) hides_processes: bool,
    pub(crate) mount_ids: MountIdSource,
    pub(crate) mount: Option<u64>,
}

/// Who closes the descriptor of a root.
#[derive(Debug)]
pub(crate) enum Descriptor {
    /// The handle that holds it.
    Owned(OwnedFd),
    /// Nobody: see `shared`, which lets go of it only once the number belongs to somebody else.
    Kept(ManuallyDrop<OwnedFd>),
}

impl Descriptor {
    /// Moves it to another number and gives up the right to close it: once the handle is let go of, the number
    /// may be somebody else's.
    fn kept_at(self, place: impl FnOnce(OwnedFd) -> OwnedFd) -> Self {
        match self {
            Self::Owned(fd) => Self::Kept(ManuallyDrop::new(place(fd))),
            kept @ Self::Kept(_) => kept,
        }
    }
}

impl Root {
    /// The same root, with its descriptor where `place` puts it, never closed by us.
    pub(crate) fn kept_at(self, place: impl FnOnce(OwnedFd) -> OwnedFd) -> Self {
        Self { fd: self.fd.kept_at(place), ..self }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Owned(fd) => fd.as_fd(),
            Self::Kept(fd) => fd.as_fd(),
        }
    }
}

/// Climbs down the ladder until a step holds; the steps that did not are added to `attempts`.
///
/// # Errors
/// [`Kind::NotFound`] or [`Kind::NotProcfs`] when not even the host has a procfs at /proc, and passing conditions
/// at once: running out of descriptors is no reason to settle for less.
pub(crate) fn open(options: &Options, strategy: &Strategy, attempts: &mut Vec<Attempt>) -> Result<Root> {
    let mut last = Error::new(Kind::Unsupported, "procfs", "no way to open a procfs is left to try");
    for origin in &strategy.origins {
        let step = ladder::take(*origin, options, attempts);
        match step
            .and_then(|(fd, hides_processes)| classify(fd, *origin, hides_processes, strategy.mount_ids))
        {
            Ok(root) => return Ok(root),
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => {
                attempts.push(Attempt::failed(origin.name(), error.clone()));
                last = error;
            }
        }
    }
    Err(last)
}

fn classify(fd: OwnedFd, origin: Origin, hides_processes: bool, best: MountIdSource) -> Result<Root> {
    let forged = |why| Err(Error::new(Kind::NotProcfs, "procfs", why).at(ladder::HOST));
    if !is_procfs(fd.as_fd())? {
        return forged("another file system is mounted at /proc");
    }
    let (mounts, seen) = Mounts::settle(best, fd.as_fd())?;
    if seen.inode != ROOT_INODE {
        return forged("a part of a procfs is mounted at /proc");
    }
    // Every procfs has a stat file unless it shows processes only. Its name is there even when something is
    // mounted over it.
    let subset = match statat(&fd, "stat", AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Subset::None,
        Err(Errno::NOENT) => Subset::Pid,
        Err(errno) => return Err(Error::os("newfstatat", errno)),
    };
    let (mount_ids, mount) = (mounts.source, seen.mount);
    Ok(Root { fd: Descriptor::Owned(fd), origin, subset, hides_processes, mount_ids, mount })
}
