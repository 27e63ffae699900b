//! One interface file of a group: read whole, or written by one write(2); never created, never truncated.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use kernel::{Errno, Error, Feature, Kind, Result};
use rustix::fs::OFlags;
use rustix::io::{pread, retry_on_intr, write};

use crate::group::Cgroup;
use crate::name::check_name;

impl Cgroup {
    /// Reads an interface file.
    ///
    /// # Errors
    /// `Gone`; `Unsupported` (`ENOENT`) when the group exists and has no such file: this kernel lacks it, or
    /// its controller is not enabled here; `InvalidArgument` for what is no file name; `PermissionDenied`.
    pub fn read_file(&self, name: &OsStr) -> Result<Vec<u8>> {
        check_name(name)?;
        read(self, name.as_bytes())
    }

    /// Writes a value to an interface file, as it stands, by one write(2).
    ///
    /// # Errors
    /// Those of [`Cgroup::read_file`]; `InvalidArgument` when the kernel refuses the value; `Busy`.
    pub fn write_file(&self, name: &OsStr, value: &[u8]) -> Result<()> {
        check_name(name)?;
        let file = open(self, name.as_bytes(), OFlags::WRONLY)?;
        put(self, &file, name.as_bytes(), value)
    }
}

/// Opens the interface file at `path`, relative to the group.
pub(crate) fn open(group: &Cgroup, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
    group.look_up(path, flags).map_err(|errno| {
        let error =
            Error::os(group.top().lookup.call(), errno).at(group.path().join(OsStr::from_bytes(path)));
        match errno {
            Errno::NOENT => match group.exists() {
                Ok(true) => error.kind_is(Kind::Unsupported).detail(
                    "the group has no such file: the kernel lacks it, or its controller is not enabled here",
                ),
                Ok(false) => error.kind_is(Kind::Gone),
                Err(asking) => asking,
            },
            Errno::NODEV => error.kind_is(Kind::Gone),
            Errno::ISDIR => error.kind_is(Kind::InvalidArgument),
            Errno::XDEV | Errno::LOOP => error.kind_is(Kind::Escape),
            _ => error,
        }
    })
}

/// [`open`] for a file that every group but the root has since a certain kernel.
pub(crate) fn open_feature(group: &Cgroup, path: &[u8], flags: OFlags, feature: Feature) -> Result<OwnedFd> {
    open(group, path, flags).map_err(|error| {
        if error.kind() != Kind::Unsupported {
            return error;
        }
        // cgroup.events is as old as version 2, and only the root has none.
        match group.look_up(b"cgroup.events", OFlags::PATH) {
            Err(Errno::NOENT) => error
                .kind_is(Kind::InvalidArgument)
                .detail("the root of a hierarchy can be neither frozen nor killed"),
            _ => error.lacks(feature).hint(feature.fix()),
        }
    })
}

pub(crate) fn read(group: &Cgroup, path: &[u8]) -> Result<Vec<u8>> {
    let file = open(group, path, OFlags::RDONLY)?;
    get(group, &file, path)
}

/// Reads an open interface file from its beginning to its end.
pub(crate) fn get(group: &Cgroup, file: impl AsFd, path: &[u8]) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let offset = content.len().try_into().unwrap_or(u64::MAX);
        match retry_on_intr(|| pread(&file, &mut buffer, offset)) {
            Ok(0) => return Ok(content),
            Ok(count) => content.extend(buffer.iter().take(count)),
            Err(errno) => return Err(failed(group, "pread64", errno, path)),
        }
    }
}

/// Writes a whole value to an open interface file. The kernel takes it in one piece or not at all.
pub(crate) fn put(group: &Cgroup, file: impl AsFd, path: &[u8], value: &[u8]) -> Result<()> {
    match retry_on_intr(|| write(&file, value)) {
        Ok(count) if count == value.len() => Ok(()),
        Ok(_) => {
            Err(failed(group, "write", Errno::INVAL, path).detail("the kernel took a part of the value"))
        }
        Err(errno) => Err(failed(group, "write", errno, path)),
    }
}

/// The process or task ids of a listing. Those outside our pid namespace show as 0 and are left out.
pub(crate) fn numbers(content: &[u8]) -> Vec<i32> {
    let lines = content.split(|byte| *byte == b'\n');
    let numbers = lines.filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok());
    numbers.filter(|number: &i32| *number > 0).collect()
}

fn failed(group: &Cgroup, op: &'static str, errno: Errno, path: &[u8]) -> Error {
    let error = Error::os(op, errno).at(group.path().join(OsStr::from_bytes(path)));
    match errno {
        Errno::NODEV => error.kind_is(Kind::Gone),
        Errno::INVAL | Errno::RANGE | Errno::ISDIR => error.kind_is(Kind::InvalidArgument),
        // The group is threaded, or a threaded one would come to stand above a domain.
        Errno::OPNOTSUPP => error.hint("the group is threaded; address its thread domain instead"),
        _ => error,
    }
}
