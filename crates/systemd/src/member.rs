//! The processes that a scope is to hold, and whether `/proc` says that it holds them.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use kernel::pidfd::{self, Scope};
use kernel::{Errno, Error, Kind, Result};
use procfs::Base;
use procfs::parse::{self, Membership};

/// A process to be tracked.
#[derive(Debug)]
pub struct Member {
    pub(crate) pid: i32,
    pub(crate) pidfd: Option<OwnedFd>,
}

impl Member {
    /// By its pidfd where there is one: a number alone may have been given to another process before it is looked up.
    #[must_use]
    pub const fn new(pid: i32, pidfd: Option<OwnedFd>) -> Self {
        Self { pid, pidfd }
    }

    /// Where the process is when it is in the scope, and what is said of it when it is elsewhere.
    pub(crate) fn place(&self, unit: &str) -> Result<std::result::Result<PathBuf, String>> {
        let place = place_of(Base::Pid(self.pid), unit);
        // After the look: what was read is about this process if it still has its number now.
        match &self.pidfd {
            Some(held) if is_gone(held) => Err(self.gone()),
            _ => place.map_err(|error| match error.kind() {
                Kind::NotFound | Kind::Gone => self.gone(),
                _ => error,
            }),
        }
    }

    fn gone(&self) -> Error {
        Error::new(Kind::Gone, "StartTransientUnit", "the process ended before it was tracked").pid(self.pid)
    }
}

/// A zombie still has its number, and is refused no signal 0.
fn is_gone(held: &OwnedFd) -> bool {
    pidfd::send_signal(held.as_fd(), 0, Scope::Handle).is_err_and(|error| error.is(Errno::SRCH))
}

/// Whether this process is in the unit, itself or below.
pub(crate) fn holds_us(unit: &str) -> Result<bool> {
    let below = |membership: &Membership| {
        membership.path.split(|byte| *byte == b'/').any(|name| name == unit.as_bytes())
    };
    Ok(memberships(Base::OwnProcess)?.iter().any(below))
}

fn place_of(base: Base, unit: &str) -> Result<std::result::Result<PathBuf, String>> {
    let memberships = memberships(base)?;
    // Version 2 where it leads, else the hierarchy that systemd keeps for itself; both in the hybrid layout.
    let tracking =
        |membership: &&Membership| membership.hierarchy == 0 || membership.name.as_deref() == Some("systemd");
    let is_there = |membership: &&Membership| {
        membership.path.strip_suffix(unit.as_bytes()).is_some_and(|above| above.ends_with(b"/"))
    };
    let mut there: Vec<_> = memberships.iter().filter(tracking).filter(is_there).collect();
    there.sort_by_key(|membership| membership.hierarchy);
    if let Some(membership) = there.first() {
        return Ok(Ok(PathBuf::from(OsString::from_vec(membership.path.clone()))));
    }
    let paths =
        memberships.iter().filter(tracking).map(|membership| String::from_utf8_lossy(&membership.path));
    Ok(Err(paths.collect::<Vec<_>>().join(" and ")))
}

fn memberships(base: Base) -> Result<Vec<Membership>> {
    parse::cgroup(&procfs::shared()?.read(&base, b"cgroup")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_elsewhere_is_said_to_be_there() {
        let own = Member::new(std::process::id().cast_signed(), None);
        let elsewhere = own.place("no-such.scope").unwrap().unwrap_err();
        assert!(elsewhere.starts_with('/'), "{elsewhere}");
        assert!(!holds_us("no-such.scope").unwrap());
    }

    #[test]
    fn a_process_that_ended_is_gone() {
        testkit::require!(pidfd);
        let mut child = testkit::sleeper();
        let held = pidfd::open(child.pid()).unwrap();
        let member = Member::new(child.pid(), Some(held));
        assert!(member.place("no-such.scope").unwrap().is_err());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(member.place("no-such.scope").unwrap_err().kind(), Kind::Gone);
    }

    #[test]
    fn a_number_of_nobody_is_gone() {
        assert_eq!(Member::new(1 << 22, None).place("a.scope").unwrap_err().kind(), Kind::Gone);
    }
}
