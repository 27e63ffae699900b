//! The groups below a group.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{Dir, FileType, OFlags};

use crate::group::Cgroup;

/// The names of the groups directly below, sorted.
pub(crate) fn children(group: &Cgroup) -> Result<Vec<OsString>> {
    let names = list_own(group)?;
    Ok(names.iter().map(|name| OsStr::from_bytes(name).to_owned()).collect())
}

/// The paths of all groups below, relative to `group`, each after those above it. A group that vanishes
/// meanwhile is left out, one that appears may be.
pub(crate) fn below(group: &Cgroup) -> Result<Vec<Vec<u8>>> {
    let mut found = list_own(group)?;
    let mut visited = 0;
    while let Some(path) = found.get(visited).cloned() {
        match list(group, &path) {
            Ok(names) => found.extend(names.iter().map(|name| join(&path, name))),
            Err(Errno::NOENT | Errno::NODEV) => {}
            Err(errno) => return Err(Error::os("getdents64", errno).at(group.path())),
        }
        visited += 1;
    }
    Ok(found)
}

fn list_own(group: &Cgroup) -> Result<Vec<Vec<u8>>> {
    let gone = || Error::os("getdents64", Errno::NOENT).kind_is(Kind::Gone).at(group.path());
    match list(group, b"") {
        // A removed directory can still be listed, and is empty.
        Ok(names) if names.is_empty() && !group.exists()? => Err(gone()),
        Ok(names) => Ok(names),
        Err(Errno::NOENT | Errno::NODEV) => Err(gone()),
        Err(errno) => Err(Error::os("getdents64", errno).at(group.path())),
    }
}

/// A path below a group: `name` in `directory`, which is empty for the group itself.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, name].join(&b'/') }
}

fn list(group: &Cgroup, path: &[u8]) -> rustix::io::Result<Vec<Vec<u8>>> {
    names_in(group.look_up(path, OFlags::RDONLY | OFlags::DIRECTORY)?)
}

/// The names of the groups in an open directory, sorted.
pub(crate) fn names_in(directory: OwnedFd) -> rustix::io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::new(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if entry.file_type() == FileType::Directory && name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}
