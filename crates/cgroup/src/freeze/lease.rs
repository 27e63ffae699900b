//! The right to thaw: what was asked for together is undone together, with the last holder of each group.

use kernel::{Error, Kind, Result};

use super::ledger::Hold;
use crate::group::Cgroup;

/// Keeps groups frozen. Dropping it withdraws what it asked for; [`Lease::release`] does, and says whether it
/// worked.
///
/// A group with several leases thaws with the last one. A group that was frozen before the first stays
/// frozen. The lease needs no group handle, and no permission that it had not when it was made.
#[derive(Debug, Default)]
#[must_use = "dropping the lease thaws"]
pub struct Lease {
    holds: Vec<Hold>,
}

impl Lease {
    /// Asks for a freeze of one more group.
    pub(super) fn take(&mut self, group: &Cgroup) -> Result<()> {
        self.holds.push(Hold::take(group)?);
        Ok(())
    }

    /// Fails once the request for a group was withdrawn by force: then no waiting makes it freeze.
    pub(super) fn demand_standing(&self, group: &Cgroup) -> Result<()> {
        if self.hold(group).is_none_or(Hold::stands) { Ok(()) } else { Err(withdrawn(group)) }
    }

    /// Asks a group once more.
    pub(super) fn insist(&self, group: &Cgroup) -> Result<()> {
        match self.hold(group) {
            Some(hold) if !hold.insist()? => Err(withdrawn(group)),
            _ => Ok(()),
        }
    }

    /// Withdraws the request for a group until [`Lease::insist`], unless somebody else relies on it.
    pub(super) fn relent(&self, group: &Cgroup) -> Result<bool> {
        self.hold(group).map_or(Ok(false), Hold::relent)
    }

    /// Withdraws what this lease asked for. Tasks run again as soon as the scheduler lets them.
    ///
    /// # Errors
    /// The errno of write(2), for the first group that has one; the others are thawed all the same. A group
    /// that was removed has nothing to thaw.
    pub fn release(mut self) -> Result<()> {
        self.try_release()
    }

    /// The same for whoever may try again: what could not be thawed is kept, and everything else let go.
    ///
    /// # Errors
    /// As [`Lease::release`].
    pub fn try_release(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        // The reverse order of asking leaves no moment in which a group runs whose parent was frozen before it.
        for at in (0..self.holds.len()).rev() {
            match self.holds.get(at).map_or(Ok(()), Hold::end) {
                Ok(()) => drop(self.holds.remove(at)),
                failed => outcome = outcome.and(failed),
            }
        }
        outcome
    }

    fn hold(&self, group: &Cgroup) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.is_of(group))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Nobody is left to tell; `release` tells.
        let _ = self.try_release();
        self.holds.iter().for_each(Hold::abandon);
    }
}

fn withdrawn(group: &Cgroup) -> Error {
    Error::new(Kind::Closed, "freeze", "the group was thawed or killed while it was being frozen")
        .at(group.path())
}
