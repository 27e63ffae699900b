//! Where the hierarchies are mounted, and in which version. The only place that opens a path by name: the
//! mount points that mountinfo lists, each verified once it is open.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use kernel::{Errno, Error, Result};
use procfs::parse::{self, Membership, Mount};
use procfs::{Base, Procfs};
use rustix::fs::{
    Access, AtFlags, CWD, Mode as FileMode, OFlags, StatVfsMountFlags, accessat, fstatfs, fstatvfs, openat,
};

use crate::lookup::Place;
use crate::matcher::Matcher;

/// How the host uses control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Version 2 at /sys/fs/cgroup, or version 2 alone. A version 1 hierarchy that some program mounted
    /// elsewhere for itself does not change that.
    Unified,
    /// Both versions, version 1 leading.
    Hybrid,
    /// Version 1 alone.
    Legacy,
    /// None is mounted where this thread can see it.
    None,
}

/// The version of a hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// One hierarchy for each controller or set of controllers.
    V1,
    /// One hierarchy for all.
    V2,
}

impl Version {
    /// 1 or 2.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// What statfs(2) answers for its file system.
    const fn magic(self) -> i64 {
        match self {
            Self::V1 => 0x0027_e0eb,
            Self::V2 => 0x6367_7270,
        }
    }
}

/// What this thread sees of control groups.
#[derive(Debug, Clone)]
pub struct Layout {
    /// How the host uses them.
    pub mode: Mode,
    /// Every hierarchy of /proc/self/cgroup, mounted or not.
    pub hierarchies: Vec<Hierarchy>,
}

/// One hierarchy.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    /// The number in `/proc/<pid>/cgroup`; 0 is version 2.
    pub id: u32,
    /// Its version.
    pub version: Version,
    /// The version 1 controllers attached to it.
    pub controllers: Vec<String>,
    /// The name it was mounted with, in version 1.
    pub name: Option<String>,
    /// Where it can be reached, in the order of mounting.
    pub mounts: Vec<MountPoint>,
}

/// One mount of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// Where it is mounted.
    pub path: PathBuf,
    /// The group that is the top of this mount, as `/proc/<pid>/cgroup` would write it; mostly `/`.
    pub root: Vec<u8>,
    /// True when groups may be made directly below the top: neither read-only nor forbidden to this process.
    pub writable: bool,
    id: u64,
}

impl Layout {
    /// Reads the mounts and hierarchies that the calling thread sees, and verifies each mount by opening it.
    ///
    /// # Errors
    /// Those of reading and parsing procfs, and of opening a mount point, except that a mount point out of
    /// our reach is left out.
    pub fn detect(procfs: &Procfs) -> Result<Self> {
        let memberships = parse::cgroup(&procfs.read(&Base::this_thread(), b"cgroup")?)?;
        let mounts = parse::mountinfo(&procfs.read(&Base::this_thread(), b"mountinfo")?)?;
        let mut hierarchies: Vec<Hierarchy> = memberships.into_iter().map(Hierarchy::unmounted).collect();
        for mount in &mounts {
            let Some(version) = version_of(mount) else { continue };
            let Some(at) = hierarchies.iter().position(|hierarchy| hierarchy.owns(mount, version)) else {
                continue;
            };
            let Some(point) = MountPoint::verify(mount, version)? else { continue };
            for hierarchy in &mut hierarchies {
                // Where mount ids do not tell, the one that was mounted last covers those before it.
                hierarchy.mounts.retain(|earlier| earlier.path != point.path);
            }
            hierarchies.get_mut(at).into_iter().for_each(|hierarchy| hierarchy.mounts.push(point.clone()));
        }
        Ok(Self { mode: mode_of(&hierarchies), hierarchies })
    }

    /// The version that leads: 2 when unified, 1 when hybrid or legacy.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        match self.mode {
            Mode::Unified => Some(Version::V2),
            Mode::Hybrid | Mode::Legacy => Some(Version::V1),
            Mode::None => None,
        }
    }

    /// True when version 2 leads.
    #[must_use]
    pub const fn is_unified(&self) -> bool {
        matches!(self.mode, Mode::Unified)
    }

    /// The hierarchy that a matcher names.
    #[must_use]
    pub fn hierarchy(&self, matcher: &Matcher) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| {
            matcher.selects(hierarchy.id, &hierarchy.controllers, hierarchy.name.as_deref())
        })
    }

    /// The hierarchy that is meant when none is named: version 2 wherever it is mounted, else the version 1
    /// freezer.
    #[must_use]
    pub fn preferred(&self) -> Matcher {
        match self.hierarchy(&Matcher::Unified) {
            Some(unified) if !unified.mounts.is_empty() => Matcher::Unified,
            _ => Matcher::Controller("freezer".to_owned()),
        }
    }
}

impl Hierarchy {
    fn unmounted(membership: Membership) -> Self {
        let Membership { hierarchy: id, controllers, name, .. } = membership;
        let version = if id == 0 { Version::V2 } else { Version::V1 };
        Self { id, version, controllers, name, mounts: Vec::new() }
    }

    /// Version 1 tells hierarchies apart by the options of their superblock, among which stand flags that
    /// name nothing (`xattr`, `clone_children`, `release_agent=…`).
    fn owns(&self, mount: &Mount, version: Version) -> bool {
        let has =
            |wanted: &[u8]| mount.super_options.split(|byte| *byte == b',').any(|option| option == wanted);
        self.version == version
            && (version == Version::V2
                || match &self.name {
                    Some(name) => has(format!("name={name}").as_bytes()),
                    None => self.controllers.iter().all(|controller| has(controller.as_bytes())),
                })
    }

    /// Opens the mount through which `path` is reached, and says what is left of the path below it. A mount
    /// that may be written to goes before one that may not.
    ///
    /// # Errors
    /// `NotFound` when the hierarchy is not mounted, or only from another group down; those of open(2).
    pub(crate) fn enter(&self, path: &[u8]) -> Result<(OwnedFd, MountPoint, Vec<u8>)> {
        let reaching = |writable: bool| {
            self.mounts
                .iter()
                .filter(move |point| point.writable == writable)
                .filter_map(|point| Some((point, below(path, &point.root)?)))
        };
        let Some((point, rest)) = reaching(true).chain(reaching(false)).next() else {
            let detail = if self.mounts.is_empty() {
                "the hierarchy is not mounted"
            } else {
                "no mount of the hierarchy reaches this group"
            };
            return Err(not_reached(detail).at(Path::new(OsStr::from_bytes(path))));
        };
        let directory = point.open().map_err(|errno| Error::os("openat", errno).at(&point.path))?;
        if !point.is_behind(directory.as_fd(), self.version)? {
            return Err(not_reached("the mount was covered or replaced").at(&point.path));
        }
        Ok((directory, point.clone(), rest))
    }
}

fn not_reached(detail: &'static str) -> Error {
    Error::new(kernel::Kind::NotFound, "open", detail)
}

impl MountPoint {
    /// `None` when something else answers at the mount point, or nobody: covered, or out of our reach.
    fn verify(mount: &Mount, version: Version) -> Result<Option<Self>> {
        let path = PathBuf::from(OsStr::from_bytes(&mount.mount_point));
        let mut point = Self { path, root: mount.root.clone(), writable: false, id: mount.id.into() };
        let directory = match point.open() {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(Error::os("openat", errno).at(&point.path)),
        };
        if !point.is_behind(directory.as_fd(), version)? {
            return Ok(None);
        }
        point.writable = may_write(directory.as_fd()).is_ok();
        Ok(Some(point))
    }

    fn open(&self) -> rustix::io::Result<OwnedFd> {
        openat(CWD, &self.path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, FileMode::empty())
    }

    /// The file system type proves that it is a hierarchy; the mount id (5.8) that it is this one.
    fn is_behind(&self, directory: BorrowedFd<'_>, version: Version) -> Result<bool> {
        let found = fstatfs(directory).map_err(|errno| Error::os("fstatfs", errno).at(&self.path))?;
        let place = Place::of(directory).map_err(|errno| Error::os("statx", errno).at(&self.path))?;
        let right_type = i128::from(found.f_type) == i128::from(version.magic());
        Ok(right_type && place.mount.is_none_or(|mount| mount == self.id))
    }
}

/// Whether groups may be made in a directory, asked without making one.
pub(crate) fn may_write(directory: BorrowedFd<'_>) -> rustix::io::Result<()> {
    if fstatvfs(directory)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(Errno::ROFS);
    }
    accessat(directory, c".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
}

fn version_of(mount: &Mount) -> Option<Version> {
    match mount.filesystem.as_slice() {
        b"cgroup" => Some(Version::V1),
        b"cgroup2" => Some(Version::V2),
        _ => None,
    }
}

fn mode_of(hierarchies: &[Hierarchy]) -> Mode {
    let mounts = |version| {
        hierarchies.iter().filter(move |found| found.version == version).flat_map(|found| &found.mounts)
    };
    let leads = mounts(Version::V2).any(|point| point.path == Path::new("/sys/fs/cgroup"));
    match (mounts(Version::V2).next(), mounts(Version::V1).next()) {
        (Some(_), None) => Mode::Unified,
        (Some(_), Some(_)) if leads => Mode::Unified,
        (Some(_), Some(_)) => Mode::Hybrid,
        (None, Some(_)) => Mode::Legacy,
        (None, None) => Mode::None,
    }
}

/// What is left of `path` below `root`, without a leading slash; `None` when it is elsewhere. A root outside
/// our cgroup namespace begins with `/..`: how many groups lie between is not told, so nothing can be
/// subtracted.
pub(crate) fn below(path: &[u8], root: &[u8]) -> Option<Vec<u8>> {
    let components = |path: &[u8]| -> Vec<Vec<u8>> {
        path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let (path, root) = (components(path), components(root));
    let outside = |names: &[Vec<u8>]| names.iter().any(|name| name == b"..");
    if outside(&path) || outside(&root) {
        return None;
    }
    path.strip_prefix(root.as_slice()).map(|rest| rest.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_mount_is_subtracted_by_whole_components() {
        let rows: [(&str, &str, Option<&str>); 8] = [
            ("/a/b", "/", Some("a/b")),
            ("/", "/", Some("")),
            ("/docker/abc/x", "/docker/abc", Some("x")),
            ("/docker/abc", "/docker/abc", Some("")),
            ("/docker/abcd", "/docker/abc", None),
            ("/a", "/a/b", None),
            ("/a", "/../..", None),
            ("/../a", "/", None),
        ];
        for (path, root, rest) in rows {
            assert_eq!(
                below(path.as_bytes(), root.as_bytes()).as_deref(),
                rest.map(str::as_bytes),
                "{path} {root}"
            );
        }
    }
}
