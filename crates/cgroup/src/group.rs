//! One group as a handle: a directory descriptor with its identity, opened once and never looked up again.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::{Capabilities, Errno, Error, Feature, Kind, Result};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, unlinkat};

use crate::layout::{Layout, Version};
use crate::lookup::{Identity, Lookup, Place};
use crate::matcher::Matcher;
use crate::name::{check_name, check_path};
use crate::top::{Line, Top, enter};
use crate::{membership, tree};

/// A control group.
///
/// The handle holds two descriptors: that of the group's directory, and (shared with every group reached from
/// it) that of the mount's top. Removing the group makes every operation answer `Gone`, also when a group of
/// the same name is made afterwards.
#[derive(Debug)]
pub struct Cgroup {
    directory: OwnedFd,
    identity: Identity,
    top: Arc<Top>,
    path: PathBuf,
}

impl Cgroup {
    /// Opens the group that `/proc/<pid>/cgroup` calls `path`, in the hierarchy that is named, else in
    /// [`Layout::preferred`].
    ///
    /// # Errors
    /// `NotFound` when there is no such group or hierarchy, or no mount reaches it; `InvalidArgument` for a
    /// path that is not absolute, contains NUL or a newline, or names a file; `Escape` for `..`, and for a
    /// group covered by a mount; those of procfs.
    pub fn open(path: &Path, hierarchy: Option<&Matcher>) -> Result<Self> {
        Self::open_with(path, hierarchy, Lookup::strongest(Capabilities::here()))
    }

    /// [`Cgroup::open`] with a given strategy.
    ///
    /// # Errors
    /// Those of [`Cgroup::open`].
    pub fn open_with(path: &Path, hierarchy: Option<&Matcher>, lookup: Lookup) -> Result<Self> {
        check_path(path)?;
        let (top, rest) = enter(path, hierarchy, lookup)?;
        Self::reach(Arc::new(top), &rest, path.to_path_buf())
    }

    /// Makes a group; those above it must exist.
    ///
    /// # Errors
    /// `EEXIST` when it exists already, `PermissionDenied`, `EAGAIN` when the parent's limit of descendants
    /// is reached, and those of [`Cgroup::open`].
    pub fn create(path: &Path, hierarchy: Option<&Matcher>) -> Result<Self> {
        Self::create_with(path, hierarchy, Lookup::strongest(Capabilities::here()))
    }

    /// [`Cgroup::create`] with a given strategy.
    ///
    /// # Errors
    /// Those of [`Cgroup::create`].
    pub fn create_with(path: &Path, hierarchy: Option<&Matcher>, lookup: Lookup) -> Result<Self> {
        check_path(path)?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::os("mkdirat", Errno::EXIST)
                .detail("the top of a hierarchy always exists")
                .at(path));
        };
        Self::open_with(parent, hierarchy, lookup)?.create_child(name)
    }

    /// Opens the group that a process is in, in the hierarchy that is named, else in [`Layout::preferred`].
    /// For a process that is held, see [`still_held`](crate::still_held).
    ///
    /// # Errors
    /// `NotFound` when there is no such process; `Gone` when the process has ended and its group was removed;
    /// `Escape` when the group lies outside our cgroup namespace; those of [`Cgroup::open`].
    pub fn of(pid: i32, hierarchy: Option<&Matcher>) -> Result<Self> {
        let matcher = match hierarchy {
            Some(matcher) => matcher.clone(),
            None => Layout::detect(&*procfs::shared()?)?.preferred(),
        };
        let path = membership::path_of(pid, &matcher)?;
        Self::open(&path, Some(&matcher)).map_err(|error| {
            // The kernel says so of a zombie whose group was removed.
            let removed =
                error.kind() == Kind::NotFound && path.as_os_str().as_bytes().ends_with(b" (deleted)");
            if removed { error.kind_is(Kind::Gone).pid(pid) } else { error.pid(pid) }
        })
    }

    /// Opens a group directly below.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no group can have, `NotFound`, and `Gone` when this group was
    /// removed.
    pub fn child(&self, name: &OsStr) -> Result<Self> {
        check_name(name)?;
        self.descendant(name.as_bytes())
    }

    /// Opens the group at a path below this one.
    pub(crate) fn descendant(&self, path: &[u8]) -> Result<Self> {
        let full = self.path.join(OsStr::from_bytes(path));
        match self.look_up(path, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(directory) => Self::hold(directory, Arc::clone(&self.top), full),
            Err(errno) => Err(self.or_gone(self.top.failed(errno).at(full))),
        }
    }

    /// Makes a group directly below.
    ///
    /// # Errors
    /// Those of [`Cgroup::create`], and `Gone` when this group was removed.
    pub fn create_child(&self, name: &OsStr) -> Result<Self> {
        check_name(name)?;
        let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
        mkdirat(&self.directory, name, mode).map_err(|errno| {
            let error = Error::os("mkdirat", errno).at(self.path.join(name));
            self.or_gone(match errno {
                Errno::NAMETOOLONG => error.kind_is(Kind::InvalidArgument),
                Errno::ACCESS | Errno::PERM | Errno::ROFS => {
                    error.kind_is(Kind::PermissionDenied).hint(Feature::CgroupV2Write.fix())
                }
                _ => error,
            })
        })?;
        self.child(name).inspect_err(|_| {
            // What cannot be handed over is not left behind. It is empty: nobody knows of it yet, or it stays.
            let _stays = unlinkat(&self.directory, name, AtFlags::REMOVEDIR);
        })
    }

    /// The names of the groups directly below, sorted.
    ///
    /// # Errors
    /// `Gone`, `PermissionDenied`.
    pub fn children(&self) -> Result<Vec<OsString>> {
        tree::children(self)
    }

    /// The version of its hierarchy.
    #[must_use]
    pub fn version(&self) -> Version {
        self.top.version
    }

    /// Which hierarchy it belongs to.
    #[must_use]
    pub fn hierarchy(&self) -> &Matcher {
        &self.top.matcher
    }

    /// The path it was opened by, as `/proc/<pid>/cgroup` writes it. For people: nothing is looked up by it,
    /// except to remove the group, and then the identity decides.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Device and inode number. In version 2 the inode number is the kernel's id of the group.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn top(&self) -> &Top {
        &self.top
    }

    /// Opens `path` below this group, with the strategy of this handle.
    pub(crate) fn look_up(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.top.lookup.open(self.directory.as_fd(), path, flags)
    }

    /// The way from the top to this group.
    pub(crate) fn line(&self) -> Result<Line> {
        self.top.line(self.path.as_os_str().as_bytes())
    }

    /// True while the directory has its files: a removed group has lost them, whatever the kernel offers.
    pub(crate) fn exists(&self) -> Result<bool> {
        match self.look_up(b"cgroup.procs", OFlags::PATH) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NODEV) => Ok(false),
            Err(errno) => Err(Error::os(self.top.lookup.call(), errno).at(&self.path)),
        }
    }

    /// # Errors
    /// `Gone` when it does not exist any more.
    pub(crate) fn must_exist(&self) -> Result<()> {
        if self.exists()? {
            return Ok(());
        }
        Err(Error::new(Kind::Gone, "openat", "the group was removed").at(&self.path))
    }

    /// Turns "not found" into `Gone` where the reason is that this group was removed.
    pub(crate) fn or_gone(&self, error: Error) -> Error {
        let removed = match error.errno() {
            Some(Errno::NODEV) => true,
            Some(Errno::NOENT) => matches!(self.exists(), Ok(false)),
            _ => false,
        };
        if removed { error.kind_is(Kind::Gone) } else { error }
    }

    fn reach(top: Arc<Top>, rest: &[u8], path: PathBuf) -> Result<Self> {
        let directory = top
            .lookup
            .open(top.directory.as_fd(), rest, OFlags::PATH | OFlags::DIRECTORY)
            .map_err(|errno| top.failed(errno).at(&path))?;
        Self::hold(directory, top, path)
    }

    /// Holds the group whose directory was opened, below the same top.
    pub(crate) fn sibling(&self, directory: OwnedFd, path: &Path) -> Result<Self> {
        Self::hold(directory, Arc::clone(&self.top), path.to_path_buf())
    }

    fn hold(directory: OwnedFd, top: Arc<Top>, path: PathBuf) -> Result<Self> {
        let place = Place::of(directory.as_fd()).map_err(|errno| Error::os("statx", errno).at(&path))?;
        Ok(Self { directory, identity: place.identity, top, path })
    }
}

impl AsFd for Cgroup {
    /// The directory (`O_PATH`), as clone3(2) takes it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}
