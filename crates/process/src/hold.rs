//! The two ways of holding a process: by a pidfd, or, where there are none, by its directory in /proc.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use kernel::pidfd::{self, Scope};
use kernel::ready::{self, Deadline, Watched};
use kernel::{Errno, Error, Feature, Kind, Result};
use procfs::Base;
use procfs::parse::Stat;

use crate::directory::Directory;

/// What stands for one process and no other.
#[derive(Debug)]
pub(crate) enum Hold {
    /// A pidfd.
    Handle(Handle),
    /// Its directory, which fails once it was reaped instead of changing owner. Nothing announces its end.
    Directory(Directory),
}

/// A pidfd, and the one registration of it that all who wait share.
#[derive(Debug)]
pub(crate) struct Handle {
    pidfd: Arc<OwnedFd>,
    watched: ready::Shared,
}

impl Handle {
    pub(crate) fn new(pidfd: OwnedFd) -> Self {
        Self { pidfd: Arc::new(pidfd), watched: ready::Shared::default() }
    }

    /// The registration with the runtime of whoever waits first.
    pub(crate) fn watch(&self) -> Result<Arc<Watched>> {
        self.watched.readable(&self.pidfd)
    }

    /// By what the kernel tells of the descriptor, where signals cannot be used to ask.
    fn exists_by_fdinfo(&self) -> Result<bool> {
        const REAPED: i32 = -1;
        let file = format!("fdinfo/{}", self.pidfd.as_raw_fd());
        let fdinfo = procfs::parse::fdinfo(&procfs::shared()?.read(&Base::OwnProcess, file.as_bytes())?);
        Ok(fdinfo.pid() != Some(REAPED))
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Hold {
    /// The pidfd.
    pub(crate) fn handle(&self) -> Result<&Handle> {
        match self {
            Self::Handle(handle) => Ok(handle),
            Self::Directory(_) => Err(Error::new(
                Kind::Unsupported,
                "pidfd_open",
                "there is no pidfd: the process is held by its directory in /proc",
            )
            .lacks(Feature::PidfdOpen)
            .hint(Feature::PidfdOpen.fix())),
        }
    }

    /// True until it exits; a zombie is not alive.
    pub(crate) fn is_alive(&self) -> Result<bool> {
        match self {
            Self::Handle(handle) => {
                let now = Deadline::after(std::time::Duration::ZERO);
                ready::blocking(handle.as_fd(), now).map(|ended| !ended)
            }
            Self::Directory(directory) => {
                stat(directory).map(|stat| stat.is_some_and(|stat| !stat.is_zombie()))
            }
        }
    }

    /// True until it was reaped.
    pub(crate) fn exists(&self, by_signal: bool) -> Result<bool> {
        match self {
            Self::Directory(directory) => stat(directory).map(|stat| stat.is_some()),
            Self::Handle(handle) if !by_signal => handle.exists_by_fdinfo(),
            Self::Handle(handle) => match pidfd::send_signal(handle.as_fd(), 0, Scope::Handle) {
                Ok(()) => Ok(true),
                // It exists, and is not ours to signal.
                Err(error) if error.is(Errno::PERM) => Ok(true),
                Err(error) if error.kind() == Kind::Gone => Ok(false),
                Err(error) => Err(error),
            },
        }
    }

    /// Sends a signal to this process or none. The kernel takes the directory of a process for a pidfd of it.
    pub(crate) fn send_signal(&self, signal: i32, scope: Scope) -> Result<()> {
        match self {
            Self::Handle(handle) => pidfd::send_signal(handle.as_fd(), signal, scope),
            Self::Directory(directory) => pidfd::send_signal(directory.as_fd(), signal, scope),
        }
    }
}

/// The first line of its directory; `None` once it was reaped.
pub(crate) fn stat(directory: &Directory) -> Result<Option<Stat>> {
    match directory.read(b"stat") {
        Ok(text) => procfs::parse::stat(&text).map(Some),
        Err(error) if error.kind() == Kind::Gone => Ok(None),
        Err(error) => Err(error),
    }
}
