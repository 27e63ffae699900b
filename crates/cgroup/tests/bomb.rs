//! A fork bomb of 300 processes is empty after one kill, in every way of killing. `PROCWARD_ROUNDS=100` for the long
//! form, with its numbers.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cgroup::{Cgroup, Killing, Matcher};
use kernel::ready::Deadline;
use testkit::{Kind, ScratchGroup, Storm, run};

const LONG: Duration = Duration::from_secs(30);
const SIZE: usize = 300;

/// Three hundred processes are enough for one machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What the other tests start.
#[test]
fn storm() {
    Storm::be_one_if_asked();
}

/// Which group is killed, and what else holds its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    V1,
    V2,
    /// Version 2, and all members stand still in a version 1 freezer group.
    V2HeldByV1,
}

fn members(group: &ScratchGroup) -> usize {
    fs::read_to_string(group.path().join("cgroup.procs")).unwrap().lines().count()
}

/// A bomb that has grown to its limit. Dropped from the top: the limit goes last.
struct Bomb {
    _storm: Storm,
    held: Option<ScratchGroup>,
    target: ScratchGroup,
    limit: ScratchGroup,
}

impl Bomb {
    fn ignite(kind: Target) -> Self {
        let limit = ScratchGroup::v1("pids", "bomb");
        fs::write(limit.path().join("pids.max"), SIZE.to_string()).unwrap();
        let target = match kind {
            Target::V1 => ScratchGroup::v1("freezer", "bomb"),
            Target::V2 | Target::V2HeldByV1 => ScratchGroup::v2("bomb"),
        };
        let held = (kind == Target::V2HeldByV1).then(|| ScratchGroup::v1("freezer", "bomb-held"));
        let mut groups = vec![limit.path(), target.path()];
        groups.extend(held.as_ref().map(ScratchGroup::path));
        let storm = Storm::start(Kind::Bomb, &groups);
        let bomb = Self { _storm: storm, held, target, limit };
        let patience = Instant::now() + LONG;
        while members(&bomb.target) < SIZE * 9 / 10 {
            assert!(Instant::now() < patience, "the bomb does not grow: {}", members(&bomb.target));
            std::thread::yield_now();
        }
        if let Some(held) = &bomb.held {
            let state = held.path().join("freezer.state");
            while fs::read_to_string(&state).unwrap() != "FROZEN\n" {
                assert!(Instant::now() < patience, "the version 1 freezer does not finish");
                fs::write(&state, "FROZEN").unwrap();
            }
        }
        bomb
    }
}

fn defuse(kind: Target, killing: Killing) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let rounds = testkit::rounds(3);
    let mut times = Vec::new();
    for round in 0..rounds {
        let bomb = Bomb::ignite(kind);
        let matcher = match kind {
            Target::V1 => Matcher::Controller("freezer".to_owned()),
            _ => Matcher::Unified,
        };
        let group = Cgroup::open(Path::new(bomb.target.name()), Some(&matcher)).unwrap();
        let start = Instant::now();
        run(group.kill_with(killing, Deadline::after(LONG))).unwrap();
        times.push(start.elapsed());
        // A group that nobody of the bomb can have left says so, too.
        assert_eq!((members(&bomb.target), members(&bomb.limit)), (0, 0), "round {round}: survivors");
    }
    testkit::report(&format!("{kind:?} {killing:?}"), &mut times);
}

#[test]
fn a_bomb_is_killed_at_once() {
    testkit::require!(kill2, pids1);
    defuse(Target::V2, Killing::AtOnce);
}

#[test]
fn a_bomb_is_killed_one_by_one_where_cgroup_kill_is_hidden() {
    testkit::require!(freeze2, pids1);
    defuse(Target::V2, Killing::OneByOne);
}

#[test]
fn a_bomb_is_killed_through_version_1() {
    testkit::require!(freezer1, pids1);
    defuse(Target::V1, Killing::OneByOne);
}

#[test]
fn a_bomb_that_version_1_holds_frozen_is_killed_at_once() {
    testkit::require!(kill2, freezer1, pids1);
    defuse(Target::V2HeldByV1, Killing::AtOnce);
}

#[test]
fn a_bomb_that_version_1_holds_frozen_is_killed_one_by_one() {
    testkit::require!(freeze2, freezer1, pids1);
    defuse(Target::V2HeldByV1, Killing::OneByOne);
}
