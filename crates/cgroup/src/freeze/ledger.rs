//! What this process has asked of which group: one entry for each, counted over all leases, until process exit.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, OccupiedEntry};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use kernel::{Errno, Error, Kind, Result};

use super::switch::Switch;
use crate::group::Cgroup;
use crate::lookup::Identity;

/// What this process has asked of one group.
#[derive(Debug)]
struct Reign {
    number: u64,
    holders: usize,
    switch: Switch,
    was_on_before: bool,
}

#[derive(Debug, Default)]
struct Ledger {
    reigns: HashMap<Identity, Reign>,
    count: u64,
    is_closed: bool,
}

/// Also serialises the writes: between reading what was asked before and asking, no other lease of this
/// process may come or go. Never held while waiting.
static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(Mutex::default);

fn ledger() -> MutexGuard<'static, Ledger> {
    // A panic elsewhere must not keep groups frozen; every entry is valid at every step.
    LEDGER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One holder's share in the request for one group.
#[derive(Debug)]
pub(super) struct Hold {
    group: Identity,
    /// A thaw by force ends the reign that this hold belongs to; it must not end the next one.
    reign: u64,
    path: PathBuf,
}

impl Hold {
    /// Asks for a freeze of a group.
    pub(super) fn take(group: &Cgroup) -> Result<Self> {
        let mut ledger = ledger();
        if ledger.is_closed {
            return Err(Error::new(Kind::Closed, "freeze", "this process is ending").at(group.path()));
        }
        ledger.count += 1;
        let number = ledger.count;
        let reign = match ledger.reigns.entry(group.identity()) {
            Entry::Occupied(entry) => {
                let reign = entry.into_mut();
                // Somebody else may have thawed it meanwhile.
                reign.switch.set(true).map_err(|errno| failed(group, &reign.switch, "write", errno))?;
                reign
            }
            Entry::Vacant(entry) => {
                let switch = Switch::open(group)?;
                let was_on_before =
                    switch.is_on().map_err(|errno| failed(group, &switch, "pread64", errno))?;
                switch.set(true).map_err(|errno| failed(group, &switch, "write", errno))?;
                entry.insert(Reign { number, holders: 0, switch, was_on_before })
            }
        };
        reign.holders += 1;
        Ok(Self { group: group.identity(), reign: reign.number, path: group.path().to_path_buf() })
    }

    pub(super) fn is_of(&self, group: &Cgroup) -> bool {
        self.group == group.identity()
    }

    /// False once the request was withdrawn by force.
    pub(super) fn stands(&self) -> bool {
        ledger().reigns.get(&self.group).is_some_and(|reign| reign.number == self.reign)
    }

    /// Asks once more. False once the request was withdrawn by force: then it is not renewed.
    pub(super) fn insist(&self) -> Result<bool> {
        let ledger = ledger();
        let Some(reign) = ledger.reigns.get(&self.group).filter(|reign| reign.number == self.reign) else {
            return Ok(false);
        };
        reign.switch.set(true).map_err(|errno| self.failed(&reign.switch, errno))?;
        Ok(true)
    }

    /// Withdraws the request for the moment, where nobody else relies on it; says whether it did. To be
    /// followed by [`Hold::insist`], or by the end of the hold.
    pub(super) fn relent(&self) -> Result<bool> {
        let ledger = ledger();
        let sole = |reign: &&Reign| reign.number == self.reign && reign.holders == 1 && !reign.was_on_before;
        let Some(reign) = ledger.reigns.get(&self.group).filter(sole) else { return Ok(false) };
        reign.switch.set(false).map_err(|errno| self.failed(&reign.switch, errno))?;
        Ok(true)
    }

    /// Gives the share back. The last one withdraws the request, unless it stood before the first. Where that fails the
    /// share is held still, and may be given back again.
    pub(super) fn end(&self) -> Result<()> {
        let mut ledger = ledger();
        let Some(mut entry) = self.entry(&mut ledger) else { return Ok(()) };
        let reign = entry.get_mut();
        if reign.holders > 1 {
            reign.holders -= 1;
            return Ok(());
        }
        if !reign.was_on_before {
            match reign.switch.set(false) {
                // Removed: nothing is frozen.
                Ok(()) | Err(Errno::NODEV) => {}
                Err(errno) => return Err(self.failed(&reign.switch, errno)),
            }
        }
        entry.remove();
        Ok(())
    }

    /// Gives the share up although the request could not be withdrawn: it stays ours, for the next holder, or the end of
    /// this process, to withdraw.
    pub(super) fn abandon(&self) {
        if let Some(mut entry) = self.entry(&mut ledger()) {
            let reign = entry.get_mut();
            reign.holders = reign.holders.saturating_sub(1);
        }
    }

    fn entry<'a>(&self, ledger: &'a mut Ledger) -> Option<OccupiedEntry<'a, Identity, Reign>> {
        match ledger.reigns.entry(self.group) {
            Entry::Occupied(entry) if entry.get().number == self.reign => Some(entry),
            _ => None,
        }
    }

    fn failed(&self, switch: &Switch, errno: Errno) -> Error {
        let error = Error::os("write", errno).at(self.path.join(switch.file()));
        if errno == Errno::NODEV { error.kind_is(Kind::Gone) } else { error }
    }
}

/// Withdraws every request for this group, with or without a lease.
pub(super) fn thaw(group: &Cgroup) -> Result<()> {
    let mut ledger = ledger();
    let switch = Switch::open(group)?;
    switch.set(false).map_err(|errno| failed(group, &switch, "write", errno))?;
    ledger.reigns.remove(&group.identity());
    Ok(())
}

/// True while this process keeps a group frozen that was not so before, or is about to.
#[must_use]
pub fn keeps_frozen() -> bool {
    ledger().reigns.values().any(|reign| !reign.was_on_before)
}

/// Thaws what this process holds frozen or is about to freeze, and refuses every freeze from now on: the last
/// call before the process ends, for what no destructor would see to. What others had frozen stays frozen.
pub fn thaw_for_good() {
    let mut ledger = ledger();
    ledger.is_closed = true;
    for (_, reign) in ledger.reigns.drain() {
        if !reign.was_on_before {
            // Nobody is left to tell, and the other groups are to be thawed all the same.
            let _ = reign.switch.set(false);
        }
    }
}

fn failed(group: &Cgroup, switch: &Switch, op: &'static str, errno: Errno) -> Error {
    group.or_gone(Error::os(op, errno).at(group.path().join(switch.file())))
}
