//! Refusing to freeze or end ourselves, or whom the caller names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use kernel::{Error, Kind, Result, pidfd};
use procfs::parse::{self, Membership};
use procfs::{Base, Procfs};

use crate::group::Cgroup;

/// Refuses when a thread of this process is in `group` or below it.
///
/// Somebody who moves this process into the group after the question is not noticed.
pub(crate) fn refuse_own(group: &Cgroup, op: &'static str) -> Result<()> {
    Whereabouts::own()?.refuse(group, op)
}

/// Where the threads of a process are, in every hierarchy: read once, however many groups are asked about. Every
/// thread counts: version 1 and threaded groups of version 2 place them one by one.
#[derive(Debug)]
pub struct Whereabouts {
    pid: i32,
    places: Vec<Vec<Membership>>,
}

impl Whereabouts {
    /// Where this process is now.
    ///
    /// # Errors
    /// Those of procfs.
    pub fn own() -> Result<Self> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        Self::read(Base::OwnProcess, own)
    }

    /// One that does not exist is nowhere; one that /proc hides from us cannot be found, and that is an error.
    pub(crate) fn of(pid: i32) -> Result<Self> {
        match Self::read(Base::Pid(pid), pid) {
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone) => {
                // A /proc with hidepid shows no difference between a process that is hidden and none.
                if pidfd::open(pid).is_ok() {
                    return Err(error.kind_is(Kind::PermissionDenied).context("protect").pid(pid));
                }
                Ok(Self { pid, places: Vec::new() })
            }
            answer => answer,
        }
    }

    fn read(base: Base, pid: i32) -> Result<Self> {
        let procfs = procfs::shared()?;
        let mut contents = BTreeSet::new();
        for tid in procfs.readdir(&base, b"task")? {
            contents.extend(memberships(&procfs, base, &tid)?);
        }
        // As a rule all threads are in the same groups.
        let places = contents.iter().map(|content| parse::cgroup(content)).collect::<Result<_>>()?;
        Ok(Self { pid, places })
    }

    /// True when one of the threads is in `group` or below it.
    ///
    /// # Errors
    /// Those of looking its group up.
    pub fn are_in(&self, group: &Cgroup) -> Result<bool> {
        Ok(self.place_in(group)?.is_some())
    }

    /// Refuses when one of the threads is in `group` or below it.
    ///
    /// # Errors
    /// [`Kind::SelfProtected`], and those of [`Whereabouts::are_in`].
    pub fn refuse(&self, group: &Cgroup, op: &'static str) -> Result<()> {
        let Some(path) = self.place_in(group)? else { return Ok(()) };
        let (pid, place) = (self.pid, OsStr::from_bytes(path));
        let detail = if place == group.path() {
            format!("process {pid} is in this group:")
        } else {
            format!("process {pid} is in '{}', below this group:", place.display())
        };
        Err(Error::new(Kind::SelfProtected, op, detail).at(group.path()).pid(pid))
    }

    fn place_in(&self, group: &Cgroup) -> Result<Option<&[u8]>> {
        let paths: BTreeSet<&[u8]> =
            self.places.iter().filter_map(|place| group.top().matcher.path_of(place)).collect();
        for path in paths {
            // By identity along the way down, not by comparing names: what a path is called depends on who reads
            // it.
            if group.top().line(path)?.passes(group.identity()) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

/// `None` for a thread that ended, and is in no group.
fn memberships(procfs: &Procfs, base: Base, tid: &[u8]) -> Result<Option<Vec<u8>>> {
    match procfs.read(&base, &[b"task/", tid, b"/cgroup"].concat()) {
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone) => Ok(None),
        answer => answer.map(Some),
    }
}
