//! Ending everything in a group and below, forks included.

mod one_by_one;
mod version_1;

use std::time::Duration;

use kernel::fork::remember_killed;
use kernel::ready::Deadline;
use kernel::{Errno, Error, Feature, Kind, Result};
use rustix::fs::OFlags;

use crate::empty::until_empty;
use crate::group::Cgroup;
use crate::layout::Version;
use crate::{bystander, freeze, interface, protect, signal, tree};

const FILE: &[u8] = b"cgroup.kill";
/// How long the killed may take before it is looked what holds them; doubled each time, since the look costs. Three
/// hundred die within 30 ms.
const FIRST_PATIENCE: Duration = Duration::from_millis(40);
const LONGEST_PATIENCE: Duration = Duration::from_millis(320);

/// How everything in a group is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killing {
    /// One write to cgroup.kill (5.14): no fork gets away. What it does not reach is signalled.
    AtOnce,
    /// The group is frozen as far as it can be, each process is held, seen to be in the group still, and
    /// signalled; again and again, until none is left. What outruns this in a group that cannot be frozen is
    /// left over.
    OneByOne,
}

impl Killing {
    /// What this group allows. cgroup.kill is missing before 5.14 and in version 1, and the top of a delegated
    /// tree refuses it.
    ///
    /// # Errors
    /// `Gone`, `InvalidArgument` for the root, and those of open(2).
    pub fn suited(group: &Cgroup) -> Result<Self> {
        if group.version() == Version::V1 {
            return Ok(Self::OneByOne);
        }
        match open(group) {
            Ok(_) => Ok(Self::AtOnce),
            Err(error) if matches!(error.kind(), Kind::Unsupported | Kind::PermissionDenied) => {
                Ok(Self::OneByOne)
            }
            Err(error) => Err(error),
        }
    }
}

impl Cgroup {
    /// Sends SIGKILL to every process in the group and below, also to those being forked meanwhile, and
    /// resolves when none is left alive; they may still have to be reaped by their parents. In a threaded group
    /// these are the processes that have a thread in it.
    ///
    /// A freeze is withdrawn, so that it is no trap for whatever joins the group next. The freezer of version 1
    /// lets no signal through: its groups are thawed with all below, and a process that another such group
    /// holds is let out of it, by thawing that group, or if strangers live there by moving the process up.
    ///
    /// Dropping the future ends the wait; the signals are sent.
    ///
    /// # Errors
    /// `SelfProtected` when this process, or a thread of it, is in the group or below; `Leftovers` with the
    /// processes that live after the deadline; `Gone`; `PermissionDenied` with the first process that may not
    /// be signalled; `InvalidArgument` for the root.
    pub async fn kill(&self, deadline: Deadline) -> Result<()> {
        protect::refuse_own(self, "kill")?;
        self.end(Killing::suited(self)?, None, deadline).await
    }

    /// [`Cgroup::kill`] with a given strategy.
    ///
    /// # Errors
    /// Those of [`Cgroup::kill`]; `Unsupported` for [`Killing::AtOnce`] where it is not possible.
    pub async fn kill_with(&self, killing: Killing, deadline: Deadline) -> Result<()> {
        protect::refuse_own(self, "kill")?;
        self.end(killing, None, deadline).await
    }

    /// [`Cgroup::kill`] without the refusal: where this process is in the group, it ends here, as the last one
    /// if they are killed one by one.
    ///
    /// # Errors
    /// Those of [`Cgroup::kill`] but `SelfProtected`.
    pub async fn kill_including_self(&self, deadline: Deadline) -> Result<()> {
        self.kill_including_self_with(Killing::suited(self)?, deadline).await
    }

    /// [`Cgroup::kill_including_self`] with a given strategy.
    ///
    /// # Errors
    /// Those of [`Cgroup::kill_with`] but `SelfProtected`.
    pub async fn kill_including_self_with(&self, killing: Killing, deadline: Deadline) -> Result<()> {
        match protect::refuse_own(self, "kill") {
            Err(error) if error.kind() == Kind::SelfProtected => {
                self.end(killing, error.about_pid(), deadline).await
            }
            answer => {
                answer?;
                self.end(killing, None, deadline).await
            }
        }
    }

    /// `own` is the id of this process, if it is in the group.
    async fn end(&self, killing: Killing, own: Option<i32>, deadline: Deadline) -> Result<()> {
        demand_not_root(self)?;
        let outcome = match killing {
            Killing::AtOnce => match self.kill_at_once(deadline).await {
                // A threaded group: the kernel kills whole domains only.
                Err(error) if error.is(Errno::OPNOTSUPP) => one_by_one::kill(self, own, deadline).await,
                outcome => outcome,
            },
            Killing::OneByOne => one_by_one::kill(self, own, deadline).await,
        };
        match outcome {
            // It was there when we began, and whoever removed it has seen it empty.
            Err(error) if error.kind() == Kind::Gone => Ok(()),
            outcome => outcome,
        }
    }

    async fn kill_at_once(&self, deadline: Deadline) -> Result<()> {
        let file = open(self)?;
        self.give_up_births();
        interface::put(self, &file, FILE, b"1")?;
        // Killed tasks leave the freezer of version 2 by themselves; the request would stay.
        let thawed = freeze::withdraw(self);
        until_dead(self, deadline).await?;
        thawed.map_err(stays_frozen)
    }
}

impl Cgroup {
    /// Nobody can be born in this group or those below any more; to join them is harmless. Those that vanish meanwhile, or
    /// cannot be looked at, need no care or get none.
    fn give_up_births(&self) {
        let own = self.identity();
        remember_killed(own.device, own.inode);
        for path in tree::below(self).unwrap_or_default() {
            if let Ok(group) = self.descendant(&path) {
                let below = group.identity();
                remember_killed(below.device, below.inode);
            }
        }
    }
}

/// Waits for those who were killed, and sees to those whom that did not reach: cgroup.kill signals the first
/// thread of each process, and where that one has ended and others live on, nobody gets it (6.18); and the version
/// 1 freezer lets nothing through.
async fn until_dead(group: &Cgroup, deadline: Deadline) -> Result<()> {
    let mut patience = FIRST_PATIENCE;
    while !until_empty(group, Deadline::after(deadline.remaining_up_to(patience))).await? {
        if deadline.has_passed() {
            return Err(leftovers(group));
        }
        // Who cannot be listed or signalled is left to the deadline, and named there.
        let _ = signal::send(group, signal::KILL, |_| true);
        version_1::let_out(group, None);
        patience = LONGEST_PATIENCE.min(patience.saturating_mul(2));
    }
    Ok(())
}

fn open(group: &Cgroup) -> Result<std::os::fd::OwnedFd> {
    interface::open_feature(group, FILE, OFlags::WRONLY, Feature::CgroupV2Kill)
}

/// The root holds everybody.
pub(crate) fn demand_not_root(group: &Cgroup) -> Result<()> {
    // Each is as old as its version; version 1 has its only in the root, version 2 everywhere else.
    let is_root = match group.version() {
        Version::V1 => group.look_up(b"release_agent", OFlags::PATH).is_ok(),
        Version::V2 => {
            matches!(group.look_up(b"cgroup.events", OFlags::PATH), Err(Errno::NOENT)) && group.exists()?
        }
    };
    if is_root {
        let detail = "the root of a hierarchy can be neither frozen nor killed";
        return Err(Error::new(Kind::InvalidArgument, "kill", detail).at(group.path()));
    }
    if group.exists()? {
        return Ok(());
    }
    Err(Error::new(Kind::Gone, "kill", "the group was removed").at(group.path()))
}

fn leftovers(group: &Cgroup) -> Error {
    let error = Error::new(Kind::Leftovers, "kill", "not every process ended before the deadline");
    bystander::explain(error.at(group.path()), bystander::living(group))
}

fn stays_frozen(error: Error) -> Error {
    error.context("everything was killed, and the group stays frozen")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::matcher::Matcher;

    /// Asked of the question alone: a mistake must not end the machine.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a magic link of our own process")]
    fn the_root_of_every_hierarchy_is_told_from_other_groups() {
        testkit::require!(cgroup2, freezer1, pids1);
        // Elsewhere "/" is some group of the initial namespace.
        let initial = Path::new("cgroup:[4026531835]");
        if std::fs::read_link("/proc/self/ns/cgroup").is_ok_and(|found| found != initial) {
            return;
        }
        let controller = |name: &str| Matcher::Controller(name.to_owned());
        let rows = [
            (Matcher::Unified, testkit::ScratchGroup::v2("root")),
            (controller("freezer"), testkit::ScratchGroup::v1("freezer", "root")),
            (controller("pids"), testkit::ScratchGroup::v1("pids", "root")),
        ];
        for (matcher, scratch) in rows {
            let root = Cgroup::open(Path::new("/"), Some(&matcher)).unwrap();
            assert_eq!(demand_not_root(&root).unwrap_err().kind(), Kind::InvalidArgument, "{matcher}");
            let group = Cgroup::open(Path::new(scratch.name()), Some(&matcher)).unwrap();
            demand_not_root(&group).unwrap();
            drop(scratch);
            assert_eq!(demand_not_root(&group).unwrap_err().kind(), Kind::Gone, "{matcher}");
        }
    }
}
