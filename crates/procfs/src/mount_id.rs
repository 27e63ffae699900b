//! Which file a descriptor is, and which mount it belongs to: the one look that every check is made of.
//!
//! Names in the mount table are not used: they are racy, and blind to detached mounts.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use kernel::{Errno, Error, Feature, Kind, Result};
use rustix::fs::{AtFlags, FileType, OFlags, PROC_SUPER_MAGIC, Statx, StatxFlags, fstat, fstatfs, statx};

use crate::content;
use crate::info::MountIdSource;
use crate::lookup::{Crossing, Start, walk};
use crate::parse;
use crate::subpath::Subpath;

/// `STATX_MNT_ID_UNIQUE` (6.8), which rustix does not name.
pub(crate) const MNT_ID_UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// What a look at a descriptor told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) file_type: FileType,
    pub(crate) inode: u64,
    /// `None` when mounts cannot be told apart; then the file is known to belong to some procfs.
    pub(crate) mount: Option<u64>,
}

/// How mounts are told apart, and the root through which fdinfo is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mounts<'a> {
    pub(crate) source: MountIdSource,
    pub(crate) root: BorrowedFd<'a>,
}

impl<'a> Mounts<'a> {
    /// Finds the best source that answers for this root, none better than `best`.
    ///
    /// # Errors
    /// Passing conditions only (no descriptor, no memory): they are no reason to settle for less.
    pub(crate) fn settle(best: MountIdSource, root: BorrowedFd<'a>) -> Result<(Self, Seen)> {
        use MountIdSource::{Fdinfo, None, Statx, Unique};
        for source in [Unique, Statx, Fdinfo].into_iter().skip_while(|source| *source != best) {
            let mounts = Self { source, root };
            match mounts.look(root) {
                Ok(seen) => return Ok((mounts, seen)),
                Err(error) if is_passing(&error) => return Err(error),
                Err(_) => {}
            }
        }
        let mounts = Self { source: None, root };
        Ok((mounts, mounts.look(root)?))
    }

    /// Looks at a descriptor: one system call where statx knows mount ids.
    pub(crate) fn look(self, fd: BorrowedFd<'_>) -> Result<Seen> {
        match self.source {
            MountIdSource::Unique => look_by_statx(fd, MNT_ID_UNIQUE),
            MountIdSource::Statx => look_by_statx(fd, StatxFlags::MNT_ID),
            MountIdSource::Fdinfo => self.look_by_fdinfo(fd),
            MountIdSource::None => look_by_type(fd),
        }
    }

    /// Reads `mnt_id` from our own fdinfo.
    ///
    /// The way there is checked by file system type alone, for mount ids are what is being asked for. A forged
    /// procfs file mounted over it is therefore compared by inode, which fdinfo tells since 5.14.
    fn look_by_fdinfo(self, fd: BorrowedFd<'_>) -> Result<Seen> {
        let seen = look_by_type(fd)?;
        let path = Subpath::below(format!("thread-self/fdinfo/{}", fd.as_raw_fd()).as_bytes())?;
        let blind = Mounts { source: MountIdSource::None, root: self.root };
        let start = Start { dir: self.root, is_root: true, mount: None, crossing: Crossing::Refused };
        let file = walk::open(blind, start, &path, OFlags::RDONLY | OFlags::CLOEXEC)?;
        let told = parse::fdinfo(&content::read_all(file.as_fd())?);
        if told.inode().is_some_and(|inode| inode != seen.inode) {
            return Err(Error::new(
                Kind::Overmount,
                "fdinfo",
                "the fdinfo of a descriptor is about another file",
            ));
        }
        match told.mount_id() {
            Some(mount) => Ok(Seen { mount: Some(mount), ..seen }),
            None => Err(Error::new(Kind::Unsupported, "fdinfo", "the kernel tells no mount id")),
        }
    }
}

fn look_by_statx(fd: BorrowedFd<'_>, wanted: StatxFlags) -> Result<Seen> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let answer = statx(fd, "", flags, StatxFlags::TYPE | StatxFlags::INO | wanted).map_err(refuse_statx)?;
    if !StatxFlags::from_bits_retain(answer.stx_mask).contains(wanted) {
        return Err(Error::new(Kind::Unsupported, "statx", "the kernel tells no mount id"));
    }
    let Statx { stx_mode, stx_ino, stx_mnt_id, .. } = answer;
    Ok(Seen { file_type: FileType::from_raw_mode(stx_mode.into()), inode: stx_ino, mount: Some(stx_mnt_id) })
}

/// It was there when the root was opened, so a filter has been installed since: the feature is named, for who can do
/// without.
fn refuse_statx(errno: Errno) -> Error {
    let error = Error::os("statx", errno);
    if !matches!(errno, Errno::NOSYS | Errno::PERM) {
        return error;
    }
    error
        .kind_is(Kind::Unsupported)
        .lacks(Feature::StatxMntId)
        .hint("statx was taken away after this procfs was opened: open it anew")
}

/// Without mount ids: at least it must be a procfs.
fn look_by_type(fd: BorrowedFd<'_>) -> Result<Seen> {
    if !is_procfs(fd)? {
        return Err(Error::new(Kind::Overmount, "fstatfs", "another file system is mounted here"));
    }
    let stat = fstat(fd).map_err(|errno| Error::os("fstat", errno))?;
    Ok(Seen { file_type: FileType::from_raw_mode(stat.st_mode), inode: stat.st_ino, mount: None })
}

/// True when the file belongs to a procfs, genuine or mounted over.
pub(crate) fn is_procfs(fd: BorrowedFd<'_>) -> Result<bool> {
    let answer = fstatfs(fd).map_err(|errno| Error::os("fstatfs", errno))?;
    Ok(answer.f_type == PROC_SUPER_MAGIC)
}

/// True when a failure says something about the moment, not about the kernel.
pub(crate) fn is_passing(error: &Error) -> bool {
    matches!(
        error.errno(),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::AGAIN | Errno::NOBUFS)
    )
}
