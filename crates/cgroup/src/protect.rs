//! Refusing to freeze or end ourselves, or whom the caller names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use kernel::{Error, Kind, Result, pidfd};
use procfs::Base;
use procfs::parse::{self, Membership};

use crate::group::Cgroup;
use crate::interface;
use crate::layout::Version;

/// Refuses when a thread of this process is in `group` or below it.
///
/// Somebody who moves this process into the group after the question is not noticed.
pub(crate) fn refuse_own(group: &Cgroup, op: &'static str) -> Result<()> {
    Whereabouts::own().refuse(group, op)
}

/// Where the threads of a process are, in every hierarchy: read once, however many groups are asked about.
///
/// Version 1 and threaded groups of version 2 place threads one by one, and there every thread counts. Any other group
/// of version 2 has all threads of a process in it and below, or none: for our own process the thread that asks stands
/// for them all, of which a program of Node has a dozen. In another process the one that is known may have ended, and
/// is then where it was.
#[derive(Debug)]
pub struct Whereabouts {
    pid: i32,
    known: Known,
}

#[derive(Debug)]
enum Known {
    /// Of our own process, read when it is asked for: of all threads, and of one.
    Own { all: OnceLock<Places>, one: OnceLock<Places> },
    /// Of all threads of another.
    Other(Places),
}

/// The groups of each thread; as a rule all are in the same.
type Places = Vec<Vec<Membership>>;

impl Whereabouts {
    /// Where this process is when it is first asked about.
    #[must_use]
    pub fn own() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self { pid, known: Known::Own { all: OnceLock::new(), one: OnceLock::new() } }
    }

    /// Where another one is now. One that does not exist is nowhere; one that /proc hides from us cannot be found, and that
    /// is an error.
    pub(crate) fn of(pid: i32) -> Result<Self> {
        let places = match read_all(Base::Pid(pid)) {
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone) => {
                // A /proc with hidepid shows no difference between a process that is hidden and none.
                if pidfd::open(pid).is_ok() {
                    return Err(error.kind_is(Kind::PermissionDenied).context("protect").pid(pid));
                }
                Places::new()
            }
            answer => answer?,
        };
        Ok(Self { pid, known: Known::Other(places) })
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
        let places = match &self.known {
            Known::Other(places) => places,
            Known::Own { all, .. } if places_threads(group) => once(all, || read_all(Base::OwnProcess))?,
            Known::Own { one, .. } => once(one, || read_one(Base::this_thread()))?,
        };
        let paths: BTreeSet<&[u8]> =
            places.iter().filter_map(|place| group.top().matcher.path_of(place)).collect();
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

/// Where the type cannot be learnt, as in the root, which has none, it may.
fn places_threads(group: &Cgroup) -> bool {
    let read = || interface::read(group, b"cgroup.type");
    group.version() == Version::V1
        || !read().is_ok_and(|kind| matches!(kind.as_slice(), b"domain\n" | b"domain threaded\n"))
}

fn once(places: &OnceLock<Places>, read: impl FnOnce() -> Result<Places>) -> Result<&Places> {
    if let Some(known) = places.get() {
        return Ok(known);
    }
    let read = read()?;
    Ok(places.get_or_init(|| read))
}

fn read_one(base: Base) -> Result<Places> {
    let content = procfs::shared()?.read(&base, b"cgroup")?;
    Ok(vec![parse::cgroup(&content)?])
}

fn read_all(base: Base) -> Result<Places> {
    let procfs = procfs::shared()?;
    let mut contents = BTreeSet::new();
    for tid in procfs.readdir(&base, b"task")? {
        match procfs.read(&base, &[b"task/", tid.as_slice(), b"/cgroup"].concat()) {
            // A thread that ended, and is in no group.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone) => {}
            answer => drop(contents.insert(answer?)),
        }
    }
    contents.iter().map(|content| parse::cgroup(content)).collect()
}
