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
        self.procfs.open_in(self.opened.as_fd(), path, how).map_err(|error| self.ended(path, error))
    }

    /// Reads a file below it.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn read(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.procfs.read_in(self.opened.as_fd(), path).map_err(|error| self.ended(path, error))
    }

    /// Reads where a link below it leads.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn readlink(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.procfs.readlink_in(self.opened.as_fd(), path).map_err(|error| self.ended(path, error))
    }

    /// Writes a file below it with one write(2).
    ///
    /// # Errors
    /// As [`Directory::open`], and those of [`Procfs::write`].
    pub fn write(&self, path: &[u8], data: &[u8]) -> Result<()> {
        self.procfs.write_in(self.opened.as_fd(), path, data).map_err(|error| self.ended(path, error))
    }

    /// Lists a directory below it.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn readdir(&self, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.procfs.readdir_in(self.opened.as_fd(), path).map_err(|error| self.ended(path, error))
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

    /// Below the directory of a process that is gone, the kernel finds nothing (ENOENT) or nobody (ESRCH). Whether
    /// the file or the process is missing, the directory itself tells: its `stat` goes with the process.
    fn ended(&self, path: &[u8], error: Error) -> Error {
        let ended = error.is(Errno::SRCH)
            || (error.is(Errno::NOENT)
                && self.procfs.open_in(self.opened.as_fd(), b"stat", How::PATH).is_err());
        let error = error.at(format!("/proc/{}/{}", self.pid, String::from_utf8_lossy(path))).pid(self.pid);
        if ended { error.kind_is(Kind::Gone) } else { error }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.as_fd()
    }
}
