//! Where a look-up in procfs begins: a base by name or number, or one particular process.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use kernel::Result;
use procfs::{Base, How, Procfs};

use crate::handle::Process;

/// A base of procfs, or a process that is held: then every answer is about that process, or kind `Gone`.
#[derive(Debug, Clone)]
pub enum Place {
    /// The root, this process, a thread of it, or whoever has a number now.
    Base(Base),
    /// This very process.
    Of(Process),
}

impl Place {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of [`Procfs::open_file`] or [`Directory::open`](crate::Directory::open).
    pub fn open(&self, procfs: &Arc<Procfs>, path: &[u8], how: How) -> Result<OwnedFd> {
        match self {
            Self::Base(base) => procfs.open_file(base, path, how),
            Self::Of(process) => process.directory_in(Arc::clone(procfs))?.open(path, how),
        }
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`Place::open`], and the errno of read(2).
    pub fn read(&self, procfs: &Arc<Procfs>, path: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Base(base) => procfs.read(base, path),
            Self::Of(process) => process.directory_in(Arc::clone(procfs))?.read(path),
        }
    }

    /// Writes a file with one write(2), once it is known to be the one that was asked for.
    ///
    /// # Errors
    /// As [`Place::open`], and the errno of write(2).
    pub fn write(&self, procfs: &Arc<Procfs>, path: &[u8], data: &[u8]) -> Result<()> {
        match self {
            Self::Base(base) => procfs.write(base, path, data),
            Self::Of(process) => process.directory_in(Arc::clone(procfs))?.write(path, data),
        }
    }

    /// Lists a directory, without `.` and `..`.
    ///
    /// # Errors
    /// As [`Place::open`], and the errno of getdents(2).
    pub fn readdir(&self, procfs: &Arc<Procfs>, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        match self {
            Self::Base(base) => procfs.readdir(base, path),
            Self::Of(process) => process.directory_in(Arc::clone(procfs))?.readdir(path),
        }
    }

    /// Reads where a link leads, without following it.
    ///
    /// # Errors
    /// As [`Place::open`]; [`Kind::InvalidArgument`](kernel::Kind::InvalidArgument) for what is no link.
    pub fn readlink(&self, procfs: &Arc<Procfs>, path: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Base(base) => procfs.readlink(base, path),
            Self::Of(process) => process.directory_in(Arc::clone(procfs))?.readlink(path),
        }
    }
}
