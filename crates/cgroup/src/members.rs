//! Who is in a group: joining, asking, listing.

use std::os::fd::{AsFd, BorrowedFd};

use kernel::{Capabilities, Errno, Error, Feature, Kind, Result, pidfd};
use procfs::{Base, Procfs, parse};
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::layout::Version;
use crate::top::Line;
use crate::{interface, membership, tree};

/// How far a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The group alone.
    Itself,
    /// The group and all below it.
    Subtree,
}

impl Cgroup {
    /// Moves a process into the group, with all its threads. Rare moves take about 10 ms since 6.0: the
    /// kernel waits for every CPU first. A process that has ended and was not reaped is accepted and not
    /// moved.
    ///
    /// # Errors
    /// `NotFound` when there is no such process; `Busy` when the group has controllers enabled for groups
    /// below it and so may hold no processes; `PermissionDenied` without write access to this group and to
    /// the nearest one above both, or from outside its cgroup namespace; `InvalidArgument` for a kernel
    /// thread; `Gone`.
    pub fn add(&self, pid: i32) -> Result<()> {
        if pid <= 0 {
            // The kernel takes 0 for the writer, which would be whatever thread runs this.
            return Err(Error::new(Kind::InvalidArgument, "write", "a pid is positive").pid(pid));
        }
        let file = interface::open(self, b"cgroup.procs", OFlags::WRONLY)?;
        interface::put(self, &file, b"cgroup.procs", pid.to_string().as_bytes()).map_err(|error| {
            let error = error.pid(pid);
            match error.errno() {
                Some(Errno::SRCH) => error.kind_is(Kind::NotFound),
                // With nsdelegate: one of the two groups is outside our cgroup namespace.
                Some(Errno::NOENT) => error.kind_is(Kind::PermissionDenied),
                _ => error,
            }
        })
    }

    /// [`Cgroup::add`] for a process that is held, by whoever can say whether it still `exists`. It must do so before
    /// and after the move, or the answer is `Gone`: then the number may have been given away in between, and a
    /// stranger moved.
    ///
    /// # Errors
    /// `Gone`, and those of [`Cgroup::add`].
    pub fn add_held(&self, pid: i32, exists: impl Fn() -> Result<bool>) -> Result<()> {
        let still = || match exists() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::os("write", Errno::SRCH).pid(pid)),
            Err(error) => Err(error),
        };
        still()?;
        self.add(pid)?;
        still()
    }

    /// True when the process with this id is in this very group; one in a group below is not. An id that no
    /// process has is in no group.
    ///
    /// # Errors
    /// Those of `pidfd_open(2)` and procfs.
    ///
    /// # Kernel
    /// 5.3. Without `pidfd_open` the path in /proc is followed by number, as the pid was given.
    pub fn contains(&self, pid: i32) -> Result<bool> {
        if !Capabilities::here().has(Feature::PidfdOpen) {
            return self.path_leads_here(pid);
        }
        match pidfd::open(pid) {
            Ok(handle) => self.contains_held(pid, Some(handle.as_fd()), || Ok(exists(handle.as_fd()))),
            Err(error) if error.kind() == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// [`Cgroup::contains`] for a process that is held: no other can be meant. In version 2 since 6.13 one
    /// question to the kernel about its pidfd, answered by identity; else its path in /proc is followed, and the
    /// answer counts only if the process still `exists` afterwards.
    ///
    /// # Errors
    /// Those of procfs and of `exists`.
    pub fn contains_held(
        &self,
        pid: i32,
        pidfd: Option<BorrowedFd<'_>>,
        exists: impl Fn() -> Result<bool>,
    ) -> Result<bool> {
        if self.version() == Version::V2
            && let Some(process) = pidfd
            && let Ok(info) = pidfd::info(process)
            && let Some(id) = info.cgroup_id
        {
            return Ok(id == self.identity().inode);
        }
        let found = self.path_leads_here(pid);
        if exists()? { found } else { Ok(false) }
    }

    /// [`Cgroup::contains_held`], with [`Reach::Subtree`] also for a process in a group below.
    ///
    /// # Errors
    /// Those of [`Cgroup::contains_held`].
    pub fn holds(
        &self,
        reach: Reach,
        pid: i32,
        pidfd: Option<BorrowedFd<'_>>,
        exists: impl Fn() -> Result<bool>,
    ) -> Result<bool> {
        if self.contains_held(pid, pidfd, &exists)? {
            return Ok(true);
        }
        if reach == Reach::Itself {
            return Ok(false);
        }
        let found = self.path_passes_here(pid);
        if exists()? { found } else { Ok(false) }
    }

    /// The process ids in the group, ascending. Processes outside our pid namespace have none and are left
    /// out. In the subtree, what vanishes meanwhile is left out, and what moves may be missed or listed
    /// although it left.
    ///
    /// # Errors
    /// `Gone`; `Unsupported` for a threaded group, whose processes are those of its thread domain.
    pub fn pids(&self, reach: Reach) -> Result<Vec<i32>> {
        let mut pids = interface::numbers(&interface::read(self, b"cgroup.procs")?);
        if reach == Reach::Subtree {
            for group in tree::below(self)? {
                match interface::read(self, &tree::join(&group, b"cgroup.procs")) {
                    Ok(content) => pids.extend(interface::numbers(&content)),
                    // Removed meanwhile, or threaded, and then listed by the domain above it.
                    Err(error)
                        if matches!(error.errno(), Some(Errno::NOENT | Errno::NODEV | Errno::OPNOTSUPP)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        pids.sort_unstable();
        // A process that forks or moves while version 1 lists can appear twice.
        pids.dedup();
        Ok(pids)
    }

    fn path_leads_here(&self, pid: i32) -> Result<bool> {
        Ok(self.line_of(pid)?.is_some_and(|line| line.leads_to(self.identity())))
    }

    fn path_passes_here(&self, pid: i32) -> Result<bool> {
        Ok(self.line_of(pid)?.is_some_and(|line| line.passes(self.identity())))
    }

    /// The way to the group of a process, by its path in /proc.
    fn line_of(&self, pid: i32) -> Result<Option<Line>> {
        let memberships = match membership::memberships(Base::Pid(pid), b"cgroup") {
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone) => return Ok(None),
            answer => answer?,
        };
        let Some(path) = self.top().matcher.path_of(&memberships) else { return Ok(None) };
        self.top().line(path).map(Some)
    }
}

/// The ids of the tasks in the group at `path` below `group`, ascending. A group below that vanished has none.
pub(crate) fn tasks(group: &Cgroup, path: &[u8]) -> Result<Vec<i32>> {
    let file: &[u8] = match group.version() {
        Version::V1 => b"tasks",
        Version::V2 => b"cgroup.threads",
    };
    match interface::read(group, &tree::join(path, file)) {
        Ok(content) => {
            let mut tasks = interface::numbers(&content);
            tasks.sort_unstable();
            Ok(tasks)
        }
        Err(error) if !path.is_empty() && matches!(error.errno(), Some(Errno::NOENT | Errno::NODEV)) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// [`tasks`] of the group and all below it.
pub(crate) fn tasks_of_all(group: &Cgroup) -> Result<Vec<i32>> {
    let mut found = tasks(group, b"")?;
    for path in tree::below(group)? {
        found.extend(tasks(group, &path)?);
    }
    Ok(found)
}

/// The process that a task belongs to, as far as /proc shows it.
pub(crate) fn process_of(procfs: &Procfs, task: i32) -> Option<i32> {
    parse::status(&procfs.read(&Base::Pid(task), b"status").ok()?).tgid()
}

/// False once it was reaped. Without permission to signal it, it still exists.
fn exists(process: BorrowedFd<'_>) -> bool {
    let answer = pidfd::send_signal(process, 0, pidfd::Scope::Handle);
    !matches!(answer, Err(error) if error.kind() == Kind::Gone)
}
