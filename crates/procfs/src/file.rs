//! What is done with files: whole reads, single writes, listings, links, and our own descriptors.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{FileType, RawDir, fstat, readlinkat};

use crate::base::Base;
use crate::content::{read_all, write_once};
use crate::handle::Procfs;
use crate::how::How;

impl Procfs {
    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`Procfs::open_file`]; [`Kind::Gone`] when its process ended meanwhile.
    pub fn read(&self, base: &Base, path: &[u8]) -> Result<Vec<u8>> {
        let file = self.open_file(base, path, How::READ)?;
        read_all(file.as_fd()).map_err(|error| error.at(base.show(path)))
    }

    /// [`Procfs::read`] below a directory, as [`Procfs::open_in`].
    ///
    /// # Errors
    /// As [`Procfs::read`].
    pub fn read_in(&self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<Vec<u8>> {
        let file = self.open_in(dir, path, How::READ)?;
        read_all(file.as_fd()).map_err(|error| error.at(String::from_utf8_lossy(path).into_owned()))
    }

    /// Writes `data` with one write(2), because files of procfs take a value whole or not at all.
    ///
    /// # Errors
    /// As [`Procfs::open_file`]; [`Kind::InvalidArgument`] when the kernel refuses the value, [`Kind::Os`] when it
    /// took only a part of it.
    pub fn write(&self, base: &Base, path: &[u8], data: &[u8]) -> Result<()> {
        let file = self.open_file(base, path, How::WRITE)?;
        put(&file, data).map_err(|error| error.at(base.show(path)))
    }

    /// [`Procfs::write`] below a directory, as [`Procfs::open_in`].
    ///
    /// # Errors
    /// As [`Procfs::write`].
    pub fn write_in(&self, dir: BorrowedFd<'_>, path: &[u8], data: &[u8]) -> Result<()> {
        let file = self.open_in(dir, path, How::WRITE)?;
        put(&file, data).map_err(|error| error.at(String::from_utf8_lossy(path).into_owned()))
    }

    /// Lists a directory, without `.` and `..`, in the order of the kernel. The root of a masked procfs lists
    /// processes only.
    ///
    /// # Errors
    /// As [`Procfs::open_file`].
    pub fn readdir(&self, base: &Base, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        let directory = self.open_file(base, path, How::READ.directory())?;
        names(&directory).map_err(|error| error.at(base.show(path)))
    }

    /// [`Procfs::readdir`] below a directory, as [`Procfs::open_in`].
    ///
    /// # Errors
    /// As [`Procfs::readdir`].
    pub fn readdir_in(&self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        let directory = self.open_in(dir, path, How::READ.directory())?;
        names(&directory).map_err(|error| error.at(String::from_utf8_lossy(path).into_owned()))
    }

    /// Reads a link, magic or ordinary: bytes, since names of files are.
    ///
    /// # Errors
    /// As [`Procfs::open_file`]; [`Kind::InvalidArgument`] when it is no link.
    pub fn readlink(&self, base: &Base, path: &[u8]) -> Result<Vec<u8>> {
        if let Some(target) = self.readlink_at_once(*base, path).map_err(|error| error.at(base.show(path)))? {
            return Ok(target);
        }
        let link = self.open_file(base, path, How::PATH)?;
        target(&link).map_err(|error| error.at(base.show(path)))
    }

    /// [`Procfs::readlink`] below a directory, as [`Procfs::open_in`].
    ///
    /// # Errors
    /// As [`Procfs::readlink`].
    pub fn readlink_in(&self, dir: BorrowedFd<'_>, path: &[u8]) -> Result<Vec<u8>> {
        let link = self.open_in(dir, path, How::PATH)?;
        target(&link).map_err(|error| error.at(String::from_utf8_lossy(path).into_owned()))
    }

    /// Where a descriptor of this process really points: a path, or `pipe:[…]`, `anon_inode:…` and the like; a
    /// deleted file shows ` (deleted)` after its last path.
    ///
    /// # Errors
    /// As [`Procfs::readlink`]; [`Kind::NotFound`] when no such descriptor is open, [`Kind::InvalidArgument`] for
    /// a negative number.
    pub fn fd_path(&self, fd: RawFd) -> Result<Vec<u8>> {
        if fd < 0 {
            let why = format!("{fd} is no descriptor");
            return Err(Error::new(Kind::InvalidArgument, "readlinkat", why));
        }
        self.readlink(&Base::this_thread(), format!("fd/{fd}").as_bytes())
    }

    /// Opens again what a descriptor of this process refers to, with other flags.
    ///
    /// # Errors
    /// As [`Procfs::open_file`]; [`Kind::Stale`] when another file was opened (the descriptor was replaced
    /// meanwhile, or something lies in the way), [`Kind::InvalidArgument`] for a descriptor of a link.
    pub fn reopen(&self, fd: BorrowedFd<'_>, how: How) -> Result<OwnedFd> {
        let base = Base::this_thread();
        let path = format!("fd/{}", fd.as_raw_fd());
        let at = |error: Error| error.at(base.show(path.as_bytes()));
        let identify = |fd: BorrowedFd<'_>| fstat(fd).map_err(|errno| at(Error::os("fstat", errno)));
        let before = identify(fd)?;
        if FileType::from_raw_mode(before.st_mode) == FileType::Symlink {
            return Err(at(Error::os("openat", Errno::LOOP)
                .kind_is(Kind::InvalidArgument)
                .detail("a link itself")));
        }
        let opened = self.open_file(&base, path.as_bytes(), how.follow())?;
        let after = identify(opened.as_fd())?;
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino) {
            return Err(at(Error::new(
                Kind::Stale,
                "openat",
                "another file was opened than the descriptor refers to",
            )));
        }
        Ok(opened)
    }
}

/// Files of procfs take a value whole or not at all, but not all of them say so.
fn put(file: &OwnedFd, data: &[u8]) -> Result<()> {
    let taken = write_once(file.as_fd(), data)?;
    if taken == data.len() {
        return Ok(());
    }
    Err(Error::new(Kind::Os, "write", format!("only {taken} of {} bytes were taken", data.len())))
}

fn names(directory: &OwnedFd) -> Result<Vec<Vec<u8>>> {
    let mut buffer = Vec::with_capacity(8192);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|errno| Error::os("getdents64", errno))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

/// Reads the link that the descriptor itself is (2.6.39).
fn target(link: &OwnedFd) -> Result<Vec<u8>> {
    match readlinkat(link, "", Vec::new()) {
        Ok(target) => Ok(target.into_bytes()),
        // With an empty path the kernel says so of everything that is no link.
        Err(Errno::NOENT | Errno::INVAL) => {
            Err(Error::os("readlinkat", Errno::INVAL).kind_is(Kind::InvalidArgument).detail("not a link"))
        }
        Err(errno) => Err(Error::os("readlinkat", errno)),
    }
}
