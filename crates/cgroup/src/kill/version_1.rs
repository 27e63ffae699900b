//! Letting killed processes out of the version 1 freezer, which holds back every signal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kernel::Result;

use crate::freeze::{self, Phase};
use crate::group::Cgroup;
use crate::layout::Version;
use crate::matcher::Matcher;
use crate::members::Reach;
use crate::membership::path_of;
use crate::signal;

/// How many are looked at: letting these out shows the rest at the next look.
const LIMIT: usize = 256;

/// Frees the processes of a group and below that a version 1 freezer group holds, but for `own`. That group is
/// thawed if it holds nobody else, itself and below; else the process is killed and moved out of it, to the
/// next group above that is not frozen.
///
/// What fails is left to the caller's next look, and to its deadline: the group may vanish, the process end.
pub(super) fn let_out(group: &Cgroup, own: Option<i32>) {
    let Ok(living) = signal::processes(group) else { return };
    let living: BTreeSet<i32> = living.into_iter().filter(|pid| Some(*pid) != own).collect();
    let mut by_place: BTreeMap<_, Vec<i32>> = BTreeMap::new();
    let freezer = freezer();
    for &pid in living.iter().take(LIMIT) {
        // Without such a hierarchy there is no path, and nothing to do.
        if let Ok(path) = path_of(pid, &freezer) {
            by_place.entry(path).or_default().push(pid);
        }
    }
    for (path, inmates) in by_place {
        let _ = open_up(group, &path, &inmates, &living);
    }
}

fn freezer() -> Matcher {
    Matcher::Controller("freezer".to_owned())
}

fn open_up(group: &Cgroup, path: &Path, inmates: &[i32], living: &BTreeSet<i32>) -> Result<()> {
    let place = Cgroup::open(path, Some(&freezer()))?;
    if !holds(&place) {
        return Ok(());
    }
    let has_strangers = || Ok(!place.pids(Reach::Subtree)?.iter().all(|pid| living.contains(pid)));
    if !has_strangers()? {
        freeze::withdraw(&place)?;
    }
    if !holds(&place) {
        return Ok(());
    }
    // Strangers live here, or a group above is frozen, which is not ours to thaw. Who leaves must not get away.
    let round = signal::send(group, signal::KILL, |pid| inmates.contains(&pid))?;
    for above in path.ancestors().skip(1) {
        let above = Cgroup::open(above, Some(&freezer()))?;
        if !holds(&above) {
            for &pid in &round.sent {
                let _ = above.add(pid);
            }
            return Ok(());
        }
    }
    Ok(())
}

/// The root holds nobody, and has no state to read.
fn holds(place: &Cgroup) -> bool {
    place.version() == Version::V1 && place.freeze_state().is_ok_and(|state| state.phase != Phase::Thawed)
}
