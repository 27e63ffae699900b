//! Open files of procfs: reading them, writing to them, and telling which file one is.

use std::os::fd::BorrowedFd;

use kernel::{Errno, Error, Kind, Result};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, StatxFlags, fstat, statx};
use rustix::io::{pread, read, write};

use crate::mount_id::MNT_ID_UNIQUE;

/// A page: the most that procfs usually hands out at once.
const PAGE: usize = 4096;
/// More than procfs ever hands out at once; a caller's buffer may be larger.
const LARGEST_READ: usize = 1 << 20;

/// Reads from where the file stands to its end, whatever size it claims. A short read is no sign of the end:
/// procfs stops after a record.
///
/// # Errors
/// [`Kind::Gone`] when its process ended; else what read(2) said.
pub fn read_all(file: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut content = Vec::with_capacity(PAGE);
    loop {
        if content.capacity() == content.len() {
            content.reserve(content.len().max(PAGE));
        }
        match read(file, spare_capacity(&mut content)) {
            Ok(0) => return Ok(content),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os("read", errno)),
        }
    }
}

/// Reads once, at most `most` bytes, from where the file stands. Nothing at all means that this is the end.
///
/// # Errors
/// As [`read_all`].
pub fn read_some(file: BorrowedFd<'_>, most: usize) -> Result<Vec<u8>> {
    once(most, "read", |buffer| read(file, buffer))
}

/// Reads once, at most `most` bytes, from `position`, and leaves where the file stands.
///
/// # Errors
/// As [`read_all`].
pub fn read_at(file: BorrowedFd<'_>, most: usize, position: u64) -> Result<Vec<u8>> {
    once(most, "pread64", |buffer| pread(file, buffer, position))
}

fn once(
    most: usize,
    op: &'static str,
    mut call: impl FnMut(&mut [u8]) -> std::result::Result<usize, Errno>,
) -> Result<Vec<u8>> {
    let mut content = vec![0; most.min(LARGEST_READ)];
    loop {
        match call(&mut content) {
            Ok(taken) => {
                content.truncate(taken);
                return Ok(content);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os(op, errno)),
        }
    }
}

/// Writes with one write(2), because files of procfs take a value whole or not at all; returns how many bytes
/// were taken.
///
/// # Errors
/// [`Kind::InvalidArgument`] when the kernel refuses the value; [`Kind::Gone`] when its process ended.
pub fn write_once(file: BorrowedFd<'_>, data: &[u8]) -> Result<usize> {
    loop {
        match write(file, data) {
            Ok(taken) => return Ok(taken),
            // Interrupted before anything was taken.
            Err(Errno::INTR) => {}
            Err(Errno::INVAL) => return Err(Error::os("write", Errno::INVAL).kind_is(Kind::InvalidArgument)),
            Err(errno) => return Err(Error::os("write", errno)),
        }
    }
}

/// Which file an open descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The number of its file system's device.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Type and permissions, as stat(2) encodes them.
    pub mode: u32,
    /// The mount it was opened through; `None` where statx tells none (before 5.8, or filtered).
    pub mount_id: Option<u64>,
}

/// Tells which file a descriptor is.
///
/// # Errors
/// What fstat(2) said.
pub fn identify(file: BorrowedFd<'_>) -> Result<FileIdentity> {
    let stat = fstat(file).map_err(|errno| Error::os("fstat", errno))?;
    let told = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID | MNT_ID_UNIQUE);
    let has_id =
        |mask: u32| StatxFlags::from_bits_retain(mask).intersects(StatxFlags::MNT_ID | MNT_ID_UNIQUE);
    Ok(FileIdentity {
        device: stat.st_dev,
        inode: stat.st_ino,
        mode: stat.st_mode,
        mount_id: told.ok().filter(|told| has_id(told.stx_mask)).map(|told| told.stx_mnt_id),
    })
}
