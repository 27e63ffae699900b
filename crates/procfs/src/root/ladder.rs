//! The steps of the ladder: the one place of procward that opens a path by name, and that path is /proc.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen, open_tree,
};

use crate::info::{Attempt, Origin};
use crate::options::Options;

pub(super) const HOST: &str = "/proc";

/// Takes one step; true beside the descriptor when it hides processes.
pub(super) fn take(
    origin: Origin,
    options: &Options,
    attempts: &mut Vec<Attempt>,
) -> Result<(OwnedFd, bool)> {
    match origin {
        Origin::Fsopen => new_instance(options, attempts),
        Origin::OpenTree => copy_of_host(OpenTreeFlags::empty()),
        Origin::OpenTreeRecursive => copy_of_host(OpenTreeFlags::AT_RECURSIVE),
        Origin::Host => host(),
    }
}

/// A procfs of our own (5.2). It needs `CAP_SYS_ADMIN` in the user namespace of our pid namespace, and is refused
/// where the procfs that we can see has parts hidden by mounts.
fn new_instance(options: &Options, attempts: &mut Vec<Attempt>) -> Result<(OwnedFd, bool)> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| Error::os("fsopen", errno))?;
    let masked = !options.unmasked && mask(context.as_fd(), attempts);
    fsconfig_create(context.as_fd()).map_err(|errno| Error::os("fsconfig", errno))?;
    // Not read-only: labels and limits are written through it, and through directories of processes that are held
    // open. Those could be opened for writing in another mount only by number, which may be another process's by then.
    let safe = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, safe)
        .map_err(|errno| Error::os("fsmount", errno))?;
    Ok((mount, masked))
}

/// Hides global files and the processes that we may not trace, so that little can be done with a leaked
/// descriptor. The subset comes first: where it is unknown (before 5.8) all instances share one superblock, and
/// `hidepid` would change the /proc of everybody.
fn mask(context: BorrowedFd<'_>, attempts: &mut Vec<Attempt>) -> bool {
    for (key, value, step) in
        [("subset", "pid", "subset=pid"), ("hidepid", "ptraceable", "hidepid=ptraceable")]
    {
        if let Err(errno) = fsconfig_set_string(context, key, value) {
            attempts.push(Attempt::failed(step, Error::os("fsconfig", errno)));
            return false;
        }
    }
    true
}

/// A private copy of the mount at /proc (5.2, immune to propagation since 5.12). Without `AT_RECURSIVE` it leaves
/// behind what is mounted over it, which the kernel refuses (EINVAL) where those mounts are locked.
fn copy_of_host(recursive: OpenTreeFlags) -> Result<(OwnedFd, bool)> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW
        | recursive;
    open_tree(CWD, HOST, flags)
        .map(|tree| (tree, false))
        .map_err(|errno| Error::os("open_tree", errno).at(HOST))
}

fn host() -> Result<(OwnedFd, bool)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, HOST, flags, Mode::empty()).map(|root| (root, false)).map_err(|errno| {
        let error = Error::os("openat", errno).at(HOST);
        // A link or a file: a procfs has a directory for its root.
        if errno == Errno::NOTDIR { error.kind_is(Kind::NotProcfs) } else { error }
    })
}

/// Asks whether a new instance may be masked, without making one.
pub(crate) fn probe_mask() -> std::result::Result<(), Errno> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), "subset", "pid")
}
