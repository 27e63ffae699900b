//! Look-up below a directory of a hierarchy: never out of it, never onto another mount, never through a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kernel::{Capabilities, Errno, Feature};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, makedev, openat, openat2, statx,
};

/// How paths are looked up. Both give the same answers; only the first is atomic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// One openat2(2) (5.6).
    Openat2,
    /// One component after the other, each compared with the mount it must be on. A mount that is put over a
    /// component and taken away again in between is not noticed; without statx(2) mount ids (5.8) mounts are
    /// told apart by device alone.
    Walk,
}

/// What a group is known by: the inode number is not used again while the system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device of the hierarchy.
    pub device: u64,
    /// The inode number of the directory; in version 2 the kernel's id of the group.
    pub inode: u64,
}

/// Where a descriptor leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) identity: Identity,
    /// The mount it was reached through, where the kernel tells.
    pub(crate) mount: Option<u64>,
    is_link: bool,
}

impl Place {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let told = match statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID) {
            Ok(told) => told,
            // Kernels before 4.11 and old seccomp profiles lack statx.
            Err(Errno::NOSYS | Errno::PERM) => return Self::without_mount(fd),
            Err(errno) => return Err(errno),
        };
        let device = makedev(told.stx_dev_major, told.stx_dev_minor);
        let tells_mount = told.stx_mask & StatxFlags::MNT_ID.bits() != 0;
        Ok(Self {
            identity: Identity { device, inode: told.stx_ino },
            mount: tells_mount.then_some(told.stx_mnt_id),
            is_link: FileType::from_raw_mode(told.stx_mode.into()) == FileType::Symlink,
        })
    }

    fn without_mount(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let told = fstat(fd)?;
        Ok(Self {
            identity: Identity { device: told.st_dev, inode: told.st_ino },
            mount: None,
            is_link: FileType::from_raw_mode(told.st_mode) == FileType::Symlink,
        })
    }

    fn is_on_the_mount_of(&self, other: &Self) -> bool {
        self.identity.device == other.identity.device && self.mount == other.mount
    }
}

impl Lookup {
    /// The strongest that the kernel has.
    #[must_use]
    pub fn strongest(capabilities: &Capabilities) -> Self {
        if capabilities.has(Feature::Openat2) { Self::Openat2 } else { Self::Walk }
    }

    /// The system call that it makes, for errors.
    pub(crate) const fn call(self) -> &'static str {
        match self {
            Self::Openat2 => "openat2",
            Self::Walk => "openat",
        }
    }

    /// Opens `path`, a relative path without `..`, below `top`. `EXDEV` is the answer to a mount in the way,
    /// `ELOOP` to a link; neither belongs into a hierarchy of groups.
    pub(crate) fn open(self, top: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match self {
            Self::Openat2 => open_at_once(top, if path.is_empty() { b"." } else { path }, flags),
            Self::Walk => walk(top, path, flags),
        }
    }
}

fn open_at_once(top: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    const ATTEMPTS: usize = 64;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_XDEV
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(top, path, flags, Mode::empty(), resolve) {
            // A rename or mount anywhere on the system raced with the look-up, so the kernel could not vouch
            // for it.
            Err(Errno::AGAIN | Errno::INTR) => {}
            answer => return answer,
        }
    }
    Err(Errno::AGAIN)
}

fn walk(top: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let start = Place::of(top)?;
    let mut components: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
    let Some(last) = components.pop() else {
        return openat(top, c".", flags, Mode::empty());
    };
    let mut reached: Option<OwnedFd> = None;
    for name in components {
        let from = reached.as_ref().map_or(top, AsFd::as_fd);
        let next = step(from, name, &start)?.0;
        reached = Some(next);
    }
    let from = reached.as_ref().map_or(top, AsFd::as_fd);
    let (found, _) = step(from, last, &start)?;
    if flags.contains(OFlags::PATH) && !flags.contains(OFlags::DIRECTORY) {
        return Ok(found);
    }
    // What was found is known to be harmless to open. What gets opened may be another one, made under the same name
    // meanwhile, but must be of the hierarchy, too.
    let opened = openat(from, last, flags, Mode::empty())?;
    if Place::of(opened.as_fd())?.is_on_the_mount_of(&start) { Ok(opened) } else { Err(Errno::XDEV) }
}

fn step(from: BorrowedFd<'_>, name: &[u8], start: &Place) -> rustix::io::Result<(OwnedFd, Place)> {
    let next = openat(from, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let place = Place::of(next.as_fd())?;
    if place.is_link {
        return Err(Errno::LOOP);
    }
    if place.is_on_the_mount_of(start) { Ok((next, place)) } else { Err(Errno::XDEV) }
}
