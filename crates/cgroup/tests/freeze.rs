//! Freezing on version 2: nothing runs when it succeeds, nothing is changed when it fails.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use cgroup::{Cgroup, FreezeState, FrozenBy, Lookup, Matcher, Phase, Reach, freeze_all};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, Child, ScratchGroup, Storm, Stuck, inside, run, sleeper, work};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// Every strategy that this kernel has.
fn strategies() -> Vec<Lookup> {
    let openat2 = kernel::Capabilities::here().has(kernel::Feature::Openat2);
    if openat2 { vec![Lookup::Openat2, Lookup::Walk] } else { vec![Lookup::Walk] }
}

/// What the other tests start.
#[test]
fn storm() {
    Storm::be_one_if_asked();
}

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> Census {
    procfs::shared().unwrap();
    Census::take()
}

fn open(group: &ScratchGroup) -> Cgroup {
    Cgroup::open(Path::new(group.name()), Some(&Matcher::Unified)).unwrap()
}

fn asks(group: &ScratchGroup) -> String {
    fs::read_to_string(group.path().join("cgroup.freeze")).unwrap()
}

fn usage(group: &ScratchGroup) -> Duration {
    let stat = fs::read_to_string(group.path().join("cpu.stat")).unwrap();
    let value = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")).unwrap();
    Duration::from_micros(value.parse().unwrap())
}

fn ticks(pid: i32) -> u64 {
    let stat = procfs::parse::stat(&fs::read(format!("/proc/{pid}/stat")).unwrap()).unwrap();
    stat.utime + stat.stime
}

#[test]
fn nothing_runs_between_freeze_and_thaw() {
    testkit::require!(freeze2);
    let census = census();
    let scratch = ScratchGroup::v2("busy");
    let inner = scratch.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let hogs = [scratch.path(), scratch.path(), &inner]
        .map(|group| inside(group, "echo ready; while :; do :; done"));
    let group = open(&scratch);
    let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(
        group.freeze_state().unwrap(),
        FreezeState { phase: Phase::Frozen, by: Some(FrozenBy::Itself) }
    );
    let before = (usage(&scratch), hogs.each_ref().map(|hog| ticks(hog.pid())));
    work(Duration::from_millis(150));
    // A stopping task is counted as frozen some microseconds before it leaves the processor, and on a busy machine it
    // may be interrupted right there. A task that runs gets a hundred times as much.
    let gained = usage(&scratch).checked_sub(before.0).unwrap();
    assert!(gained < Duration::from_millis(1), "the group gained {gained:?}");
    assert_eq!(hogs.each_ref().map(|hog| ticks(hog.pid())), before.1);
    assert_eq!(group.pids(Reach::Subtree).unwrap().len(), 3);

    lease.release().unwrap();
    assert_eq!(asks(&scratch), "0\n");
    let limit = Instant::now() + LONG;
    while usage(&scratch) <= before.0 {
        assert!(Instant::now() < limit, "nothing runs after the thaw");
    }
    drop((hogs, group, scratch));
    census.assert_unchanged();
}

#[test]
fn tasks_beside_an_empty_child_have_stopped_too() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("beside");
    fs::create_dir(scratch.path().join("empty")).unwrap();
    let hogs: Vec<Child> =
        (0..8).map(|_| inside(scratch.path(), "echo ready; while :; do :; done")).collect();
    let group = open(&scratch);
    for round in 0..10 {
        let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
        for hog in &hogs {
            let stat = fs::read(format!("/proc/{}/stat", hog.pid())).unwrap();
            assert_ne!(procfs::parse::stat(&stat).unwrap().state, 'R', "round {round}");
        }
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Frozen, "round {round}");
        lease.release().unwrap();
    }
}

/// Where the kernel does not tell what it sleeps in (x86 before 5.16), the call that it made does.
#[test]
fn who_waits_for_a_vfork_child_beside_a_group_has_stopped() {
    testkit::require!(freeze2, wchan);
    let scratch = ScratchGroup::v2("vfork");
    fs::create_dir(scratch.path().join("empty")).unwrap();
    let parent = Storm::start(testkit::Kind::Parent, &[scratch.path()]);
    let limit = Instant::now() + LONG;
    while !has_a_task_in('D', parent.pid()) {
        assert!(Instant::now() < limit, "it does not wait for its child");
        thread::yield_now();
    }
    let lease = run(open(&scratch).freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(open(&scratch).freeze_state().unwrap().phase, Phase::Frozen);
    lease.release().unwrap();
}

fn has_a_task_in(state: char, pid: i32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .filter_map(|task| fs::read(task.unwrap().path().join("stat")).ok())
        .any(|stat| procfs::parse::stat(&stat).unwrap().state == state)
}

#[test]
fn a_fork_storm_freezes_fifty_times() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("storm");
    let storm: Vec<Child> =
        (0..4).map(|_| inside(scratch.path(), "echo ready; while :; do (:); done")).collect();
    let group = open(&scratch);
    run(async {
        for round in 0..50 {
            let lease = group.freeze(Deadline::after(LONG)).await.expect("it freezes");
            let members = group.pids(Reach::Itself).unwrap();
            let state = group.freeze_state().unwrap();
            assert_eq!(state.phase, Phase::Frozen, "round {round}");
            assert_eq!(
                group.pids(Reach::Itself).unwrap(),
                members,
                "round {round}: something forked or ended"
            );
            lease.release().unwrap();
        }
    });
    drop(storm);
}

#[test]
fn a_timeout_undoes_and_names_who_blocked() {
    testkit::require!(freeze2, freezer1);
    let stuck = Stuck::new("timeout");
    let group = open(&stuck.v2);
    let error = run(group.freeze(Deadline::after(SHORT))).unwrap_err();
    assert_eq!(error.kind(), Kind::TimedOut, "{error}");
    assert_eq!(error.bystanders().iter().map(|process| process.pid).collect::<Vec<_>>(), [stuck.child.pid()]);
    assert_eq!(error.bystanders()[0].state, 'D', "{error:?}");
    assert!(error.advice().is_some_and(|hint| hint.contains("version 1 freezer")), "{error:?}");
    assert_eq!(asks(&stuck.v2), "0\n");
    stuck.unstick();
}

#[test]
fn a_failure_leaves_what_somebody_else_had_asked_for() {
    testkit::require!(freeze2, freezer1);
    let stuck = Stuck::new("foreign");
    fs::write(stuck.v2.path().join("cgroup.freeze"), "1").unwrap();
    let group = open(&stuck.v2);
    let state = group.freeze_state().unwrap();
    assert_eq!(state, FreezeState { phase: Phase::Freezing, by: Some(FrozenBy::Itself) });
    assert_eq!(run(group.freeze(Deadline::after(SHORT))).unwrap_err().kind(), Kind::TimedOut);
    assert_eq!(asks(&stuck.v2), "1\n");
    stuck.unstick();
}

#[test]
fn a_dropped_future_undoes() {
    testkit::require!(freeze2, freezer1);
    let stuck = Stuck::new("dropped");
    let group = open(&stuck.v2);
    let census = census();
    run(async {
        let freeze = group.freeze(Deadline::NEVER);
        assert!(tokio::time::timeout(SHORT, freeze).await.is_err());
    });
    assert_eq!(asks(&stuck.v2), "0\n");
    census.assert_unchanged();
    stuck.unstick();
}

#[test]
fn a_freeze_of_many_is_all_or_none() {
    testkit::require!(freeze2, freezer1);
    let stuck = Stuck::new("many");
    let scratches = [ScratchGroup::v2("many"), ScratchGroup::v2("many")];
    let children = [sleeper(), sleeper()];
    for (scratch, child) in scratches.iter().zip(&children) {
        scratch.add(child.pid());
    }
    let groups = [open(&scratches[0]), open(&scratches[1]), open(&stuck.v2)];
    let [first, second, third] = &groups;
    let lease = run(freeze_all(&[first, second], &[], Deadline::after(LONG))).unwrap();
    assert_eq!(scratches.each_ref().map(asks), ["1\n", "1\n"]);
    drop(lease);
    assert_eq!(scratches.each_ref().map(asks), ["0\n", "0\n"]);
    let error = run(freeze_all(&[first, second, third], &[], Deadline::after(SHORT))).unwrap_err();
    assert_eq!((error.kind(), error.path()), (Kind::TimedOut, Some(third.path())), "{error}");
    assert_eq!(scratches.each_ref().map(asks), ["0\n", "0\n"]);
    assert_eq!(asks(&stuck.v2), "0\n");
    stuck.unstick();
}

#[test]
fn leases_compose_also_through_different_handles() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("leases");
    let child = sleeper();
    scratch.add(child.pid());
    let (one, two) = (open(&scratch), open(&scratch));
    let first = run(one.freeze(Deadline::after(LONG))).unwrap();
    let second = run(two.freeze(Deadline::after(LONG))).unwrap();
    drop((one, two));
    drop(first);
    assert_eq!(asks(&scratch), "1\n");
    second.release().unwrap();
    assert_eq!(asks(&scratch), "0\n");
}

#[test]
fn a_group_that_somebody_else_froze_stays_frozen() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("foreign");
    fs::write(scratch.path().join("cgroup.freeze"), "1").unwrap();
    let group = open(&scratch);
    run(group.freeze(Deadline::after(LONG))).unwrap().release().unwrap();
    assert_eq!(asks(&scratch), "1\n");
    let thaw = run(group.thaw(Deadline::after(LONG))).unwrap();
    assert!(!thaw.still_frozen_by_ancestor);
    assert_eq!(asks(&scratch), "0\n");
}

#[test]
fn a_thaw_ends_leases_and_a_stale_lease_ends_nobody_elses() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("stale");
    let group = open(&scratch);
    let stale = run(group.freeze(Deadline::after(LONG))).unwrap();
    run(group.thaw(Deadline::after(LONG))).unwrap();
    assert_eq!(asks(&scratch), "0\n");
    let fresh = run(group.freeze(Deadline::after(LONG))).unwrap();
    stale.release().unwrap();
    assert_eq!(asks(&scratch), "1\n");
    fresh.release().unwrap();
    assert_eq!(asks(&scratch), "0\n");
}

#[test]
fn a_frozen_ancestor_is_told_apart() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("ancestor");
    let above = open(&scratch);
    let below = above.create_child(OsStr::new("below")).unwrap();
    let child = sleeper();
    below.add(child.pid()).unwrap();
    assert_eq!(below.freeze_state().unwrap(), FreezeState { phase: Phase::Thawed, by: None });
    let lease = run(above.freeze(Deadline::after(LONG))).unwrap();
    let by_ancestor = FreezeState { phase: Phase::Frozen, by: Some(FrozenBy::Ancestor) };
    assert_eq!(below.freeze_state().unwrap(), by_ancestor);
    let own = run(below.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(below.freeze_state().unwrap().by, Some(FrozenBy::Itself));
    assert!(run(below.thaw(Deadline::after(LONG))).unwrap().still_frozen_by_ancestor);
    assert_eq!(below.freeze_state().unwrap(), by_ancestor);
    own.release().unwrap();
    lease.release().unwrap();
    assert_eq!(below.freeze_state().unwrap(), FreezeState { phase: Phase::Thawed, by: None });
}

#[test]
fn a_lease_outlives_its_group() {
    testkit::require!(freeze2);
    let census = census();
    let scratch = ScratchGroup::v2("outlived");
    let group = open(&scratch).create_child(OsStr::new("inner")).unwrap();
    let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
    fs::remove_dir(scratch.path().join("inner")).unwrap();
    lease.release().unwrap();
    assert_eq!(run(group.freeze(Deadline::after(LONG))).unwrap_err().kind(), Kind::Gone);
    assert_eq!(run(group.thaw(Deadline::after(LONG))).unwrap_err().kind(), Kind::Gone);
    drop((group, scratch));
    census.assert_unchanged();
}

#[test]
fn every_strategy_freezes() {
    testkit::require!(freeze2);
    for lookup in strategies() {
        let scratch = ScratchGroup::v2("strategy");
        let child = sleeper();
        scratch.add(child.pid());
        let group = Cgroup::open_with(Path::new(scratch.name()), Some(&Matcher::Unified), lookup).unwrap();
        let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Frozen, "{lookup:?}");
        lease.release().unwrap();
    }
}
