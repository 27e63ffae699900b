//! The handle: opening one, and opening files through it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kernel::{Errno, Error, Feature, Kind, Result};
use rustix::fs::{AtFlags, FileType, fstat, statat};
use rustix::process::{Pid, test_kill_process};

use crate::base::Base;
use crate::how::How;
use crate::info::{Info, MountIdSource, Origin, Resolver, Subset};
use crate::lookup::magic::{self, Exposure};
use crate::lookup::{self, Crossing, Start};
use crate::mount_id::Mounts;
use crate::options::{Options, Strategy};
use crate::root::{self, Root};
use crate::subpath::{Owner, Subpath};

/// A /proc that cannot be lied about. Every operation acts on exactly the file that was asked for, or fails.
#[derive(Debug)]
pub struct Procfs {
    pub(crate) root: Root,
    pub(crate) info: Info,
    pub(crate) strategy: Strategy,
    pub(crate) retry_attached: bool,
    reads_what_it_covers: bool,
}

impl Procfs {
    /// Opens the strongest procfs that can be had; [`Procfs::info`] tells which that is.
    ///
    /// # Errors
    /// - [`Kind::Unsupported`] when it is less than [`Options::require`] insists on.
    /// - [`Kind::NotFound`], [`Kind::NotProcfs`] when there is no genuine procfs at /proc either.
    ///
    /// # Kernel
    /// 5.8 and `CAP_SYS_ADMIN` for a masked instance of our own, 5.2 and `CAP_SYS_ADMIN` for any detached one;
    /// below that the /proc of the host is used, and what is mounted over it is refused when met.
    pub fn open(options: &Options) -> Result<Self> {
        Self::open_with(options, &Strategy::here())
    }

    /// [`Procfs::open`] with chosen means.
    ///
    /// # Errors
    /// As [`Procfs::open`].
    pub fn open_with(options: &Options, strategy: &Strategy) -> Result<Self> {
        options.check()?;
        let mut attempts = strategy.ruled_out.clone();
        let root = root::open(options, strategy, &mut attempts)?;
        let info = Info {
            origin: root.origin,
            detached: root.origin.is_detached(),
            subset: root.subset,
            resolver: strategy.resolver,
            mount_id: root.mount_ids,
            attempts,
        };
        options.accept(&info)?;
        let &Options { retry_attached, allow_same_procfs: reads_what_it_covers, .. } = options;
        Ok(Self { root, info, strategy: strategy.clone(), retry_attached, reads_what_it_covers })
    }

    /// What was achieved.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Opens a file.
    ///
    /// An ordinary link in the last place (`self`, `mounts`) is followed, a magic one is not unless
    /// [`How::follow`] says so. A global file that this handle hides is opened through an unmasked one that is
    /// made for this call and closed before it returns; so is a process that it hides although it exists.
    ///
    /// # Errors
    /// - [`Kind::NotFound`], [`Kind::PermissionDenied`], [`Kind::Gone`] as the kernel says. A denial that is due to
    ///   the root being detached says so in its hint: see [`Options::retry_attached`].
    /// - [`Kind::Overmount`] when something is mounted over the file or on the way to it. When that is the same part
    ///   of the same procfs, the hint says so: see [`How::allowing_same_procfs`].
    /// - [`Kind::Busy`] when a magic link could not be followed for all that was mounted and unmounted meanwhile.
    /// - [`Kind::MagicLink`] when a magic link is in the path, or at its end without [`How::follow`].
    /// - [`Kind::Escape`] for an absolute path and for `..`.
    /// - [`Kind::Masked`] when the file may be hidden and no less masked procfs could be opened.
    /// - [`Kind::InvalidArgument`] for a NUL, and for an id that is not positive.
    /// - [`Kind::Unsupported`] when a filter has taken away what the handle relies on since a root was opened that can
    ///   be mounted over.
    #[inline]
    pub fn open_file(&self, base: &Base, path: &[u8], how: How) -> Result<OwnedFd> {
        self.open_below_root(*base, path, how).map_err(|error| error.at(base.show(path)))
    }

    /// Opens the directory of the process with this number, for reading. Once it is known to be the directory of
    /// the right process (the pidfd that was opened before it is alive), it stays so: after that process has
    /// ended, look-ups in it fail, whatever the number is used for.
    ///
    /// # Errors
    /// As [`Procfs::open_file`]; [`Kind::NotFound`] when there is no such process.
    pub fn open_pid_dir(&self, pid: i32) -> Result<OwnedFd> {
        self.open_file(&Base::Pid(pid), b"", How::READ.directory()).map_err(|error| error.pid(pid))
    }

    /// Opens a file below a directory that was opened through a procfs handle, by the same rules. No less masked
    /// procfs is tried. Errors show the path as it was given.
    ///
    /// # Errors
    /// As [`Procfs::open_file`]; [`Kind::Masked`] where the same directory of a less masked procfs would do.
    pub fn open_in(&self, dir: BorrowedFd<'_>, path: &[u8], how: How) -> Result<OwnedFd> {
        self.open_below(dir, path, how).map_err(|error| error.at(String::from_utf8_lossy(path).into_owned()))
    }

    fn open_below(&self, dir: BorrowedFd<'_>, path: &[u8], how: How) -> Result<OwnedFd> {
        let start = Start { dir, is_root: false, mount: None, crossing: Crossing::Refused };
        let path = Subpath::below(path)?;
        self.open_once(start, &path, how).map_err(|error| {
            if error.is(Errno::NOENT) && self.withholds(|| self.open_once(start, &path, How::PATH)) {
                return error.kind_is(Kind::Masked).detail("a procfs without global files does not open it");
            }
            error
        })
    }

    // From `open_file` down to the system call the way of success is `#[inline]`, and what only failures need stands
    // apart, `#[cold]`: so the layers become one small function and cost next to nothing.
    #[inline]
    fn open_below_root(&self, base: Base, path: &[u8], how: How) -> Result<OwnedFd> {
        let path = Subpath::new(base, path)?;
        let how = if self.reads_what_it_covers { how.allowing_same_procfs() } else { how };
        self.open_or_ask_the_host(&path, how).or_else(|error| self.open_if_hidden(error, &path, how))
    }

    /// The second look-up through a procfs that hides less, where there is reason for it.
    #[cold]
    fn open_if_hidden(&self, missing: Error, path: &Subpath, how: How) -> Result<OwnedFd> {
        if !missing.is(Errno::NOENT) || !self.may_hide(path) {
            return Err(missing);
        }
        // Depth one by construction: the retry is a plain look-up, and made only through a handle that hides less.
        match self.less_masked() {
            Ok(Some(other)) => other.open_or_ask_the_host(path, how),
            Ok(None) => {
                Err(missing.kind_is(Kind::Masked).detail("hidden here, and no other procfs could be opened"))
            }
            Err(error) => Err(error),
        }
    }

    /// One look-up from the root.
    #[inline]
    pub(crate) fn open_here(&self, path: &Subpath, how: How) -> Result<OwnedFd> {
        let crossing = if self.info.origin.is_free_of_overmounts() {
            Crossing::Refused
        } else if how.allows_same_procfs() {
            Crossing::SameProcfs
        } else {
            Crossing::Explained
        };
        let start = Start { dir: self.root.fd.as_fd(), is_root: true, mount: self.root.mount, crossing };
        self.open_once(start, path, how)
    }

    pub(crate) fn mounts(&self) -> Mounts<'_> {
        Mounts { source: self.root.mount_ids, root: self.root.fd.as_fd() }
    }

    #[inline]
    fn open_once(&self, start: Start<'_>, path: &Subpath, how: How) -> Result<OwnedFd> {
        let (resolver, mounts, own) = (self.info.resolver, self.mounts(), self.root.mount);
        self.open_by(resolver, mounts, own, start, path, how)
            .or_else(|error| self.open_if_deprived(error, start, path, how))
    }

    /// The second look-up by what no filter takes away, where there is reason for it.
    #[cold]
    fn open_if_deprived(&self, error: Error, start: Start<'_>, path: &Subpath, how: How) -> Result<OwnedFd> {
        if !self.info.origin.is_free_of_overmounts() || !self.was_deprived(&error) {
            return Err(error);
        }
        let (mounts, own) = self.mounts_in_need()?;
        let start = Start { mount: start.mount.and(own), ..start };
        self.open_by(Resolver::Walk, mounts, own, start, path, how)
    }

    /// True when a call that this handle relies on was taken away since it was opened, by a filter. Where nothing can be
    /// mounted over anything, the walk and fdinfo are as good as openat2 and statx; elsewhere the handle would become
    /// weaker than it says, and fails. EPERM may have other reasons: then the walk meets it as well.
    fn was_deprived(&self, error: &Error) -> bool {
        let lacks_openat2 = error.feature() == Some(Feature::Openat2) || error.is(Errno::PERM);
        let is_openat2 = self.info.resolver == Resolver::Openat2 && lacks_openat2;
        is_openat2 || error.feature() == Some(Feature::StatxMntId)
    }

    /// How mounts are told apart when statx may be gone, and which is ours.
    fn mounts_in_need(&self) -> Result<(Mounts<'_>, Option<u64>)> {
        let (root, mounts) = (self.root.fd.as_fd(), self.mounts());
        if let Ok(seen) = mounts.look(root) {
            return Ok((mounts, seen.mount));
        }
        let mounts = Mounts { source: MountIdSource::Fdinfo, ..mounts };
        Ok((mounts, mounts.look(root)?.mount))
    }

    /// One look-up by these means, to which our own mount is `own`.
    #[inline]
    fn open_by(
        &self,
        resolver: Resolver,
        mounts: Mounts<'_>,
        own: Option<u64>,
        start: Start<'_>,
        path: &Subpath,
        how: How,
    ) -> Result<OwnedFd> {
        let flags = how.to_flags(path.must_be_directory);
        if how.follows() {
            let exposure = self.exposure(mounts, own, start)?;
            return magic::open(resolver, mounts, start, path, flags, exposure);
        }
        lookup::open(resolver, mounts, start, path, flags)
    }

    /// What may be mounted over links. A directory that the caller holds is as good as this root when it belongs to
    /// the same mount; else it may come from a weaker procfs.
    fn exposure(&self, mounts: Mounts<'_>, own: Option<u64>, start: Start<'_>) -> Result<Exposure> {
        let is_ours = start.is_root || (own.is_some() && mounts.look(start.dir)?.mount == own);
        Ok(match self.info.origin {
            Origin::Fsopen | Origin::OpenTree if is_ours => Exposure::Nothing,
            Origin::OpenTreeRecursive if is_ours => Exposure::Fixed,
            _ => Exposure::Changing,
        })
    }

    /// True when a file that was not found may exist all the same.
    fn may_hide(&self, path: &Subpath) -> bool {
        // A miss below a process is final, but for what is there and not opened.
        let is_withheld = || self.withholds(|| self.open_here(path, How::PATH));
        match path.owner() {
            Owner::Everybody => self.info.subset == Subset::Pid,
            Owner::Ourselves => is_withheld(),
            Owner::Process(number) => self.hides(number) || is_withheld(),
        }
    }

    /// A miss of a process is not final where `hidepid` is in force and the process exists: signal 0 reaches what procfs
    /// hides, and EPERM proves it as well.
    fn hides(&self, number: i32) -> bool {
        let directory = statat(self.root.fd.as_fd(), number.to_string(), AtFlags::SYMLINK_NOFOLLOW);
        let exists = Pid::from_raw(number).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH));
        exists && matches!(directory, Err(Errno::NOENT))
    }

    /// True for a file that can be looked up and was not found when it was to be opened: so older kernels (5.10, no longer
    /// 6.1) treat what is in `net` of a process where there are no global files. Links are missed for what they lead to.
    fn withholds(&self, look_up: impl FnOnce() -> Result<OwnedFd>) -> bool {
        let is_file = |file| fstat(file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
        self.info.subset == Subset::Pid && look_up().is_ok_and(is_file)
    }

    /// Opens a procfs that hides less than this one, for one operation; `None` when there is none to be had.
    ///
    /// # Errors
    /// Passing ones, such as having no descriptors left.
    pub fn less_masked(&self) -> Result<Option<Self>> {
        let hides = |procfs: &Self| (procfs.info.subset == Subset::Pid, procfs.root.hides_processes);
        let options = Options { retry_attached: self.retry_attached, ..Options::unmasked() };
        match Self::open_with(&options, &self.strategy) {
            Ok(other) => Ok(Some(other).filter(|other| hides(other) < hides(self))),
            Err(error) if crate::mount_id::is_passing(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// True for a root that may be shared by the whole process: little can be done with it if it leaks.
    pub(crate) fn is_shareable(&self) -> bool {
        self.info.origin == Origin::Fsopen && self.info.subset == Subset::Pid && self.root.hides_processes
    }

    /// The same handle, for the whole process: see `shared`.
    pub(crate) fn kept_at(self, place: impl FnOnce(OwnedFd) -> OwnedFd) -> Self {
        Self { root: self.root.kept_at(place), ..self }
    }

    /// True when mounts can be told apart, so that an overmount is seen.
    #[must_use]
    pub fn sees_overmounts(&self) -> bool {
        self.info.resolver == Resolver::Openat2 || self.info.mount_id != MountIdSource::None
    }
}
