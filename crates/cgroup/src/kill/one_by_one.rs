//! Killing where the kernel cannot do it at once: freeze, hold, look again, signal, thaw, until nobody is left.

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::Result;
use kernel::ready::Deadline;

use super::{leftovers, stays_frozen, version_1};
use crate::empty::until_empty;
use crate::group::Cgroup;
use crate::signal::{self, Round};
use crate::{freeze, interface, tree};

/// How long a round waits for the group to stand still. A fork bomb does within 10 ms; what does not, as a task
/// that sleeps uninterruptibly, would use up the deadline.
const STILL: Duration = Duration::from_millis(100);
/// How long the killed may take before the next round; doubled each time.
const FIRST_PATIENCE: Duration = Duration::from_millis(40);
const LONGEST_PATIENCE: Duration = Duration::from_millis(160);

/// Kills everybody but `own`, and that one at the end.
pub(super) async fn kill(group: &Cgroup, own: Option<i32>, deadline: Deadline) -> Result<()> {
    let mut patience = FIRST_PATIENCE;
    loop {
        let round = kill_others(group, own, deadline).await?;
        let thawed = freeze::withdraw(group);
        if own.is_some() && signal::processes(group)?.iter().all(|pid| Some(*pid) == own) {
            signal::send(group, signal::KILL, |_| true)?;
        }
        if until_empty(group, Deadline::after(deadline.remaining_up_to(patience))).await? {
            return thawed.map_err(stays_frozen);
        }
        if deadline.has_passed() {
            return Err(round.refused.into_iter().next().unwrap_or_else(|| leftovers(group)));
        }
        if let Some(refusal) = only_refused_live(group, round)? {
            return Err(refusal);
        }
        version_1::let_out(group, own);
        patience = LONGEST_PATIENCE.min(patience.saturating_mul(2));
    }
}

async fn kill_others(group: &Cgroup, own: Option<i32>, deadline: Deadline) -> Result<Round> {
    // Whoever is in the group would stop himself.
    let still = match own {
        None => freeze::best_effort(group, Deadline::after(deadline.remaining_up_to(STILL))).await,
        Some(_) => None,
    };
    let round = signal::send(group, signal::KILL, |pid| Some(pid) != own);
    drop(still);
    if round.as_ref().is_ok_and(|round| !round.refused.is_empty()) {
        kill_below_at_once(group);
    }
    round
}

/// The owner of a delegated tree may not write to the files of its top, but to those below.
fn kill_below_at_once(group: &Cgroup) {
    for path in tree::below(group).unwrap_or_default() {
        // Whoever stays is signalled, and reported if that fails too.
        let _ = group.descendant(&path).and_then(|below| {
            let file = super::open(&below)?;
            interface::put(&below, &file, super::FILE, b"1")
        });
    }
}

/// What was refused, once nobody else lives: another round would go the same way.
fn only_refused_live(group: &Cgroup, round: Round) -> Result<Option<kernel::Error>> {
    let refused: BTreeSet<i32> = round.refused.iter().filter_map(kernel::Error::about_pid).collect();
    let only_they_live = signal::processes(group)?.iter().all(|pid| refused.contains(pid));
    Ok(if only_they_live { round.refused.into_iter().next() } else { None })
}
