//! The /proc directory of one particular process.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use kernel::pidfd::{Credentials, Ids};
use kernel::{Errno, Error, Kind, Result};
use procfs::{How, Procfs};

use crate::handle::{Process, ProcessInfo};

/// The /proc directory of a process that is held: never that of another with the same number.
///
/// The directory is opened by number; *then* the handle is asked whether the process still exists. If it does, the
/// number was its own all along, and so is the directory, which from then on fails instead of changing owner.
#[derive(Debug)]
pub struct Directory {
    procfs: Arc<Procfs>,
    opened: OwnedFd,
    pid: i32,
}

impl Directory {
    /// Finds the process with this id and holds it by its directory: as good as a handle, but for waiting.
    pub(crate) fn find(pid: i32) -> Result<Self> {
        let no_process = |why| Error::new(Kind::InvalidArgument, "openat2", why).pid(pid);
        if pid <= 0 {
            return Err(no_process("a pid is positive"));
        }
        let nobody = |error: Error| match error.kind() {
            // As pidfd_open(2) says it.
            Kind::NotFound => Error::os("openat2", Errno::SRCH).kind_is(Kind::NotFound).pid(pid),
            _ => error.pid(pid),
        };
        let procfs = procfs::shared()?;
        let directory = Self { opened: procfs.open_pid_dir(pid).map_err(nobody)?, procfs, pid };
        // A thread has a directory too, which is not listed.
        match directory.info() {
            Ok(info) if info.ids.pid != info.ids.tgid => Err(no_process("the id is that of a thread")),
            Err(error) if error.kind() == Kind::Gone => Err(error.kind_is(Kind::NotFound)),
            answer => answer.map(|_| directory),
        }
    }

    pub(crate) fn of(process: &Process, procfs: Arc<Procfs>) -> Result<Self> {
        let pid = process.pid();
        let opened = procfs.open_pid_dir(pid);
        if !process.exists()? {
            return Err(Error::os("openat2", Errno::SRCH).detail("the process has ended").pid(pid));
        }
        Ok(Self { opened: opened?, procfs, pid })
    }

    /// Opens a file below it.
    ///
    /// # Errors
    /// [`Kind::Gone`] once the process was reaped; otherwise those of [`Procfs::open_in`].
    pub fn open(&self, path: &[u8], how: How) -> Result<OwnedFd> {
        self.through(path, |procfs, directory| procfs.open_in(directory, path, how))
    }

    /// Reads a file below it.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn read(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.through(path, |procfs, directory| procfs.read_in(directory, path))
    }

    /// Reads where a link below it leads.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn readlink(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.through(path, |procfs, directory| procfs.readlink_in(directory, path))
    }

    /// Writes a file below it with one write(2).
    ///
    /// # Errors
    /// As [`Directory::open`], and those of [`Procfs::write`].
    pub fn write(&self, path: &[u8], data: &[u8]) -> Result<()> {
        self.through(path, |procfs, directory| procfs.write_in(directory, path, data))
    }

    /// Lists a directory below it.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn readdir(&self, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.through(path, |procfs, directory| procfs.readdir_in(directory, path))
    }

    pub(crate) fn info(&self) -> Result<ProcessInfo> {
        let status = procfs::parse::status(&self.read(b"status")?);
        let odd = || Error::new(Kind::Os, "read", "status lacks an id").at("status").pid(self.pid);
        let all = |ids: procfs::parse::Ids| [ids.real, ids.effective, ids.saved, ids.filesystem];
        Ok(ProcessInfo {
            ids: Ids {
                pid: status.pid().ok_or_else(odd)?,
                tgid: status.tgid().ok_or_else(odd)?,
                ppid: status.ppid().ok_or_else(odd)?,
            },
            credentials: Credentials {
                uid: status.uid().map(all).ok_or_else(odd)?,
                gid: status.gid().map(all).ok_or_else(odd)?,
            },
            cgroup_id: None,
        })
    }

    /// Through this directory, and what is not opened in a procfs without global files through one that has them.
    fn through<T>(&self, path: &[u8], work: impl Fn(&Procfs, BorrowedFd<'_>) -> Result<T>) -> Result<T> {
        work(&self.procfs, self.opened.as_fd())
            .or_else(
                |error| if error.kind() == Kind::Masked { self.unmasked(error, work) } else { Err(error) },
            )
            .map_err(|error| self.ended(path, error))
    }

    #[cold]
    fn unmasked<T>(&self, masked: Error, work: impl Fn(&Procfs, BorrowedFd<'_>) -> Result<T>) -> Result<T> {
        let Some(procfs) = self.procfs.less_masked()? else { return Err(masked) };
        let directory = procfs.open_pid_dir(self.pid);
        // While ours still leads to the process, the number is its own, and so is the other directory.
        if self.is_gone() {
            return Err(Error::os("openat2", Errno::SRCH));
        }
        work(&procfs, directory?.as_fd())
    }

    /// Below the directory of a process that is gone, the kernel finds nothing (ENOENT) or nobody (ESRCH). Whether
    /// the file or the process is missing, the directory itself tells: its `stat` goes with the process.
    fn ended(&self, path: &[u8], error: Error) -> Error {
        let ended = error.is(Errno::SRCH) || (error.is(Errno::NOENT) && self.is_gone());
        let error = error.at(format!("/proc/{}/{}", self.pid, String::from_utf8_lossy(path))).pid(self.pid);
        if ended { error.kind_is(Kind::Gone) } else { error }
    }

    fn is_gone(&self) -> bool {
        self.procfs.open_in(self.opened.as_fd(), b"stat", How::PATH).is_err()
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.as_fd()
    }
}
