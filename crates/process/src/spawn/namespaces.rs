//! Namespaces by name, and the id maps of a new user namespace.

use std::fmt::Write;
use std::os::fd::OwnedFd;

use kernel::{Errno, Error, Kind, Result};
use procfs::How;

use crate::handle::Process;

/// A set of kinds of namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Namespaces(u64);

impl Namespaces {
    /// None.
    pub const NONE: Self = Self(0);
    /// Offsets of clocks (5.6).
    pub const TIME: Self = Self(0x80);
    /// Mounts.
    pub const MOUNT: Self = Self(0x2_0000);
    /// The view of control groups.
    pub const CGROUP: Self = Self(0x200_0000);
    /// Host and domain name.
    pub const UTS: Self = Self(0x400_0000);
    /// System V IPC and POSIX message queues.
    pub const IPC: Self = Self(0x800_0000);
    /// Ids of users and groups, and capabilities.
    pub const USER: Self = Self(0x1000_0000);
    /// Ids of processes.
    pub const PID: Self = Self(0x2000_0000);
    /// Network devices, addresses, routes and ports.
    pub const NETWORK: Self = Self(0x4000_0000);

    /// By the name of the public surface.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "user" => Self::USER,
            "pid" => Self::PID,
            "mount" => Self::MOUNT,
            "network" => Self::NETWORK,
            "ipc" => Self::IPC,
            "uts" => Self::UTS,
            "cgroup" => Self::CGROUP,
            "time" => Self::TIME,
            _ => return None,
        })
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True when it has all of the other.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As `CLONE_NEW*`.
    pub(super) const fn flags(self) -> u64 {
        self.0
    }
}

/// The ids of a new user namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserNamespace {
    /// Of users.
    pub uid_map: Vec<IdMap>,
    /// Of groups.
    pub gid_map: Vec<IdMap>,
    /// Whether setgroups(2) works in it. Without privilege over ours it may not.
    pub setgroups: bool,
}

/// A range of ids inside that stands for one outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMap {
    /// The first id in the new namespace.
    pub inside: u32,
    /// The first id in ours.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl UserNamespace {
    /// Writes the maps of a child that is held back, and lets it go. Each takes one write, and setgroups has to be
    /// decided before the map of groups: an unprivileged writer of that map must have given it up.
    pub(super) fn give(&self, child: &Process, release: &OwnedFd) -> Result<()> {
        let directory = child.directory()?;
        for (file, text) in self.files() {
            let opened = directory.open(file.as_bytes(), How::WRITE)?;
            let written = rustix::io::write(&opened, text.as_bytes());
            written.map_err(|errno| Error::os("write", errno).at(format!("/proc/{}/{file}", child.pid())))?;
        }
        match rustix::io::write(release, &[1]) {
            // It was killed meanwhile: its exit tells.
            Ok(_) | Err(Errno::PIPE) => Ok(()),
            Err(errno) => Err(Error::os("write", errno)),
        }
    }
}

impl UserNamespace {
    /// The files of a process that make up its maps, in the order in which they are to be written. A map that is not given
    /// stays empty, as it was.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, String)> {
        let setgroups = if self.setgroups { "allow" } else { "deny" };
        let all = [
            ("uid_map", lines(&self.uid_map)),
            ("setgroups", setgroups.to_owned()),
            ("gid_map", lines(&self.gid_map)),
        ];
        all.into_iter().filter(|(_, text)| !text.is_empty())
    }
}

fn lines(maps: &[IdMap]) -> String {
    maps.iter().fold(String::new(), |mut text, map| {
        let _infallible = writeln!(text, "{} {} {}", map.inside, map.outside, map.count);
        text
    })
}

/// What was refused is the start, whatever refused it.
pub(super) fn unmapped(error: Error) -> Error {
    error.kind_is(Kind::SpawnFailed).stage(kernel::fork::Stage::IdMap.name())
}
