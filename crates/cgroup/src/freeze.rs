//! Freezing and thawing: what was achieved is what the kernel reports, and a failure leaves nothing changed.

mod lease;
mod ledger;
mod stopped;
mod switch;
mod v1;
mod v2;

use kernel::ready::Deadline;
use kernel::{Capabilities, Error, Kind, Result};

use crate::events::{Events, Reading};
use crate::group::Cgroup;
use crate::layout::Version;
use crate::protect::Whereabouts;
use crate::{bystander, tree};

pub use lease::Lease;
pub use ledger::{keeps_frozen, thaw_for_good};
pub(crate) use stopped::waits_for_vfork_child;
pub use v1::Insistence;

/// Whether the tasks of a group run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreezeState {
    /// How far it is.
    pub phase: Phase,
    /// Whose request it is; `None` when thawed.
    pub by: Option<FrozenBy>,
}

/// How far a freeze is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No freeze is asked for.
    Thawed,
    /// It is asked for, and some task still runs.
    Freezing,
    /// Every task has stopped.
    Frozen,
}

/// Whose request froze a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrozenBy {
    /// Its own.
    Itself,
    /// That of a group above it, and it has none of its own.
    Ancestor,
}

/// What a thaw left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thaw {
    /// The group's own request is gone, and its tasks stay stopped by that of a group above it.
    pub still_frozen_by_ancestor: bool,
}

/// How the hierarchy of a group freezes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V1,
    V2,
}

impl Dialect {
    fn of(group: &Cgroup, op: &'static str) -> Result<Self> {
        match group.version() {
            Version::V2 => Ok(Self::V2),
            Version::V1 if group.top().has_freezer => Ok(Self::V1),
            Version::V1 => Err(Error::new(Kind::Unsupported, op, "this version 1 hierarchy has no freezer")
                .hint("use a group of version 2, or one of the hierarchy that has the freezer controller")
                .at(group.path())),
        }
    }
}

impl Cgroup {
    /// Freezes the group and all below it, and resolves when every task has stopped: when the kernel reports
    /// so, and (in version 2, where groups with tasks have groups below them, and the kernel reports too early)
    /// each such task is seen to.
    ///
    /// Dropping the future, an error or the deadline withdraws the request, unless it stood before. A group
    /// without tasks freezes at once, and whatever joins it later stops too.
    ///
    /// # Errors
    /// `SelfProtected` when this process, or a thread of it, is in the group or below; `TimedOut` with the
    /// processes that did not stop; `Closed` when it was thawed or killed by this process meanwhile, and when
    /// this process is ending; `Gone`; `PermissionDenied`, as for the top of a delegated tree;
    /// `InvalidArgument` for the root; `Unsupported` before 5.2, and in version 1 hierarchies without the
    /// freezer.
    pub async fn freeze(&self, deadline: Deadline) -> Result<Lease> {
        freeze_all(&[self], &[], deadline).await
    }

    /// [`Cgroup::freeze`] which also refuses when one of these processes is in the group or below.
    ///
    /// # Errors
    /// Those of [`Cgroup::freeze`].
    pub async fn freeze_protecting(&self, protect: &[i32], deadline: Deadline) -> Result<Lease> {
        freeze_all(&[self], protect, deadline).await
    }

    /// Withdraws the group's request, whoever made it; leases that are held have nothing left to thaw.
    /// Resolves when the kernel reports tasks running, or when it is known that a group above keeps them
    /// stopped. The deadline limits only this look: the request is withdrawn by then.
    ///
    /// # Errors
    /// `Gone`, `PermissionDenied`, `InvalidArgument` for the root, `Unsupported` as for [`Cgroup::freeze`].
    pub async fn thaw(&self, deadline: Deadline) -> Result<Thaw> {
        let dialect = Dialect::of(self, "thaw")?;
        ledger::thaw(self)?;
        let still_frozen_by_ancestor = match dialect {
            // Thawing is done when the write returns.
            Dialect::V1 => v1::state(self)?.by == Some(FrozenBy::Ancestor),
            Dialect::V2 if v2::is_asked_of_ancestor(self)? => true,
            // Where no request is in sight and the tasks stay stopped, it is above the top of our mount.
            Dialect::V2 => !Events::open(self)?.until(deadline, |now| Ok(!now.frozen)).await?,
        };
        Ok(Thaw { still_frozen_by_ancestor })
    }

    /// What the kernel reports now.
    ///
    /// # Errors
    /// `Gone`, `InvalidArgument` for the root, `Unsupported` as for [`Cgroup::freeze`].
    pub fn freeze_state(&self) -> Result<FreezeState> {
        match Dialect::of(self, "freeze_state")? {
            Dialect::V1 => v1::state(self),
            Dialect::V2 => v2::state(self),
        }
    }
}

/// Freezes many groups as one, of either version: asks all first, then waits for all. All are frozen, or none
/// is changed.
///
/// # Errors
/// Those of [`Cgroup::freeze`], for the first group that has one.
pub async fn freeze_all(groups: &[&Cgroup], protect: &[i32], deadline: Deadline) -> Result<Lease> {
    freeze_all_with(groups, protect, Insistence::suited(Capabilities::here()), deadline).await
}

/// [`freeze_all`] for groups that may be removed meanwhile: those are left out, and the others are frozen.
///
/// # Errors
/// Those of [`Cgroup::freeze`] but `Gone`.
pub async fn freeze_those_left(groups: &[&Cgroup], protect: &[i32], deadline: Deadline) -> Result<Lease> {
    let insistence = Insistence::suited(Capabilities::here());
    freeze_each(groups, protect, Vanished::LeftOut, insistence, deadline).await
}

/// [`freeze_all`] with a given strategy for the groups of version 1.
///
/// # Errors
/// Those of [`Cgroup::freeze`], for the first group that has one.
pub async fn freeze_all_with(
    groups: &[&Cgroup],
    protect: &[i32],
    insistence: Insistence,
    deadline: Deadline,
) -> Result<Lease> {
    freeze_each(groups, protect, Vanished::Fails, insistence, deadline).await
}

/// What becomes of a freeze when one of the groups is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vanished {
    Fails,
    LeftOut,
}

impl Vanished {
    /// `None` for what a removed group would have answered, where that is no failure.
    fn pass<T>(self, answer: Result<T>) -> Result<Option<T>> {
        match answer {
            Err(error) if self == Self::LeftOut && error.kind() == Kind::Gone => Ok(None),
            answer => answer.map(Some),
        }
    }
}

async fn freeze_each(
    groups: &[&Cgroup],
    protect: &[i32],
    vanished: Vanished,
    insistence: Insistence,
    deadline: Deadline,
) -> Result<Lease> {
    refuse_protected(groups, protect)?;
    // From the first request on, dropping the lease withdraws: so do `?` below, and a dropped future.
    let mut lease = Lease::default();
    let mut left = Vec::new();
    for group in groups {
        left.extend(vanished.pass(lease.take(group))?.map(|()| *group));
    }
    loop {
        let mut still_left = Vec::new();
        for group in left {
            let frozen = until_frozen(group, &lease, insistence, deadline).await;
            match vanished.pass(frozen)? {
                Some(false) => return Err(timed_out(group, lease)),
                Some(true) => still_left.push(group),
                None => {}
            }
        }
        left = still_left;
        // What joined one group while another was waited for may not have stopped yet.
        if left.len() < 2 || vanished.pass(all_frozen(&left))? == Some(true) {
            return Ok(lease);
        }
    }
}

fn refuse_protected(groups: &[&Cgroup], protect: &[i32]) -> Result<()> {
    for group in groups {
        Dialect::of(group, "freeze")?;
    }
    let mut processes = vec![Whereabouts::own()];
    for pid in protect {
        processes.push(Whereabouts::of(*pid)?);
    }
    for group in groups {
        for process in &processes {
            process.refuse(group, "freeze")?;
        }
    }
    Ok(())
}

async fn until_frozen(
    group: &Cgroup,
    lease: &Lease,
    insistence: Insistence,
    deadline: Deadline,
) -> Result<bool> {
    match Dialect::of(group, "freeze")? {
        Dialect::V1 => v1::until_frozen(group, lease, insistence, deadline).await,
        Dialect::V2 => {
            let achieved = |now: Reading| {
                lease.demand_standing(group)?;
                Ok(now.frozen && stopped::beside_children(group)?)
            };
            Events::open(group)?.until(deadline, achieved).await
        }
    }
}

fn all_frozen(groups: &[&Cgroup]) -> Result<bool> {
    for group in groups {
        let is_frozen = match Dialect::of(group, "freeze")? {
            Dialect::V1 => v1::is_frozen(group)?,
            Dialect::V2 => Events::open(group)?.read()?.frozen && stopped::beside_children(group)?,
        };
        if !is_frozen {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Undoes, and says who blocked.
fn timed_out(group: &Cgroup, lease: Lease) -> Error {
    let error = Error::new(Kind::TimedOut, "freeze", "not every task stopped before the deadline");
    let error = error.at(group.path());
    // Who blocks must be seen before the request is withdrawn, and everybody runs again.
    let blocking = bystander::Blocking::look(group);
    let undone = lease.release();
    let error = bystander::explain(error, blocking.look_again());
    match undone {
        Ok(()) => error,
        Err(failure) => failure.context("the freeze timed out, and could not be undone"),
    }
}

/// Withdraws the request of a group if there is one, without waiting; in version 1, which lets no signal
/// through, also those of the groups below. Groups of kernels before 5.2 have none.
pub(crate) fn withdraw(group: &Cgroup) -> Result<()> {
    match Dialect::of(group, "thaw") {
        Ok(Dialect::V2) => match v2::state(group) {
            Ok(state) if state.by == Some(FrozenBy::Itself) => ledger::thaw(group),
            Err(error) if error.kind() != Kind::Unsupported => Err(error),
            _ => Ok(()),
        },
        Ok(Dialect::V1) => {
            withdraw_own(group)?;
            for path in tree::below(group)? {
                match group.descendant(&path).and_then(|below| withdraw_own(&below)) {
                    // Removed meanwhile: nothing in it is frozen.
                    Err(error) if !matches!(error.kind(), Kind::Gone | Kind::NotFound) => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        }
        // A hierarchy without a freezer.
        Err(_) => Ok(()),
    }
}

fn withdraw_own(group: &Cgroup) -> Result<()> {
    if v1::Switch::open(group)?.is_on().unwrap_or(true) { ledger::thaw(group) } else { Ok(()) }
}

/// Stops what can be stopped until a deadline: a lease whether all has or not, `None` when it may not even be
/// asked.
pub(crate) async fn best_effort(group: &Cgroup, deadline: Deadline) -> Option<Lease> {
    let mut lease = Lease::default();
    lease.take(group).ok()?;
    let insistence = Insistence::suited(Capabilities::here());
    // A member that does not stop is no reason to let the others run.
    let _ = until_frozen(group, &lease, insistence, deadline).await;
    Some(lease)
}
