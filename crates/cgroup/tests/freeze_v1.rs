//! Freezing through the freezer of version 1, and both versions as one.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cgroup::{
    Cgroup, FreezeState, FrozenBy, Insistence, Matcher, Phase, Reach, Version, freeze_all, freeze_all_with,
};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, Child, ScratchGroup, inside, run, run_time, shell, sleeper};

const LONG: Duration = Duration::from_secs(20);
const THAWED: FreezeState = FreezeState { phase: Phase::Thawed, by: None };
const FROZEN: FreezeState = FreezeState { phase: Phase::Frozen, by: Some(FrozenBy::Itself) };
const BY_ANCESTOR: FreezeState = FreezeState { phase: Phase::Frozen, by: Some(FrozenBy::Ancestor) };

fn freezer() -> Matcher {
    Matcher::Controller("freezer".to_owned())
}

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> Census {
    procfs::shared().unwrap();
    Census::take()
}

fn open(group: &ScratchGroup) -> Cgroup {
    Cgroup::open(Path::new(group.name()), Some(&freezer())).unwrap()
}

fn read(group: &Path, file: &str) -> String {
    fs::read_to_string(group.join(file)).unwrap()
}

fn asks(group: &ScratchGroup) -> String {
    read(group.path(), "freezer.self_freezing")
}

/// As somebody else freezes it, whose patience is as good as ours.
fn freeze_from_outside(group: &Path) {
    let limit = Instant::now() + LONG;
    fs::write(group.join("freezer.state"), "FROZEN").unwrap();
    while read(group, "freezer.state") != "FROZEN\n" {
        assert!(Instant::now() < limit, "the freezer does not finish");
        fs::write(group.join("freezer.state"), "FROZEN").unwrap();
    }
}

fn hog(group: &Path) -> Child {
    inside(group, "echo ready; while :; do :; done")
}

#[test]
fn nothing_runs_between_freeze_and_thaw() {
    testkit::require!(freezer1);
    let census = census();
    let scratch = ScratchGroup::v1("freezer", "busy");
    let inner = scratch.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let hogs = [scratch.path(), scratch.path(), &inner].map(hog);
    let group = open(&scratch);
    assert_eq!(group.version(), Version::V1);
    assert_eq!(group.freeze_state().unwrap(), THAWED);
    let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(group.freeze_state().unwrap(), FROZEN);
    assert_eq!(group.child(OsStr::new("inner")).unwrap().freeze_state().unwrap(), BY_ANCESTOR);
    let used = || hogs.each_ref().map(|hog| run_time(hog.pid()).unwrap());
    let before = used();
    testkit::work(Duration::from_millis(150));
    assert_eq!(used(), before);
    assert_eq!(group.pids(Reach::Subtree).unwrap().len(), 3);
    lease.release().unwrap();
    assert_eq!(group.freeze_state().unwrap(), THAWED);
    let limit = Instant::now() + LONG;
    while used() == before {
        assert!(Instant::now() < limit, "nothing runs after the thaw");
    }
    drop((hogs, group, scratch));
    census.assert_unchanged();
}

#[test]
fn leases_compose_and_a_group_that_somebody_else_froze_stays_frozen() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "leases");
    let _hog = hog(scratch.path());
    let (one, two) = (open(&scratch), open(&scratch));
    let first = run(one.freeze(Deadline::after(LONG))).unwrap();
    let second = run(two.freeze(Deadline::after(LONG))).unwrap();
    drop(first);
    assert_eq!(one.freeze_state().unwrap(), FROZEN);
    second.release().unwrap();
    assert_eq!(one.freeze_state().unwrap(), THAWED);

    freeze_from_outside(scratch.path());
    drop(run(one.freeze(Deadline::after(LONG))).unwrap());
    assert_eq!(one.freeze_state().unwrap(), FROZEN);
    assert!(!run(one.thaw(Deadline::after(LONG))).unwrap().still_frozen_by_ancestor);
    assert_eq!(one.freeze_state().unwrap(), THAWED);
}

#[test]
fn a_thaw_ends_leases_and_a_stale_lease_ends_nobody_elses() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "stale");
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
fn a_frozen_ancestor_is_told_apart_before_during_and_after() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "ancestor");
    let above = open(&scratch);
    let below = above.create_child(OsStr::new("below")).unwrap();
    let child = sleeper();
    below.add(child.pid()).unwrap();
    let lease = run(above.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(below.freeze_state().unwrap(), BY_ANCESTOR);
    let own = run(below.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(below.freeze_state().unwrap(), FROZEN);
    assert!(run(below.thaw(Deadline::after(LONG))).unwrap().still_frozen_by_ancestor);
    assert_eq!(below.freeze_state().unwrap(), BY_ANCESTOR);
    own.release().unwrap();
    lease.release().unwrap();
    assert_eq!(below.freeze_state().unwrap(), THAWED);

    // Its own request survives the thaw of the group above.
    let own = run(below.freeze(Deadline::after(LONG))).unwrap();
    drop(run(above.freeze(Deadline::after(LONG))).unwrap());
    assert_eq!(below.freeze_state().unwrap(), FROZEN);
    own.release().unwrap();
    assert_eq!(below.freeze_state().unwrap(), THAWED);
}

#[test]
fn an_empty_group_freezes_and_what_joins_it_stops() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "empty");
    let group = open(&scratch);
    let lease = run(group.freeze(Deadline::after(Duration::ZERO))).unwrap();
    let child = sleeper();
    scratch.add(child.pid());
    let again = run(group.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(group.freeze_state().unwrap(), FROZEN);
    drop((lease, again));
    assert_eq!(group.freeze_state().unwrap(), THAWED);
}

#[test]
fn stopped_and_waiting_members_freeze_and_are_as_before_afterwards() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "stopped");
    let mut stopped = shell("kill -STOP $$; echo on; sleep 1000");
    scratch.add(stopped.pid());
    let state =
        |pid: i32| procfs::parse::stat(&fs::read(format!("/proc/{pid}/stat")).unwrap()).unwrap().state;
    let limit = Instant::now() + LONG;
    while state(stopped.pid()) != 'T' {
        assert!(Instant::now() < limit, "it does not stop");
    }
    let group = open(&scratch);
    let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
    // Does not run either when it is continued.
    let pid = rustix::process::Pid::from_raw(stopped.pid()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert_eq!(group.freeze_state().unwrap(), FROZEN);
    lease.release().unwrap();
    assert_eq!(stopped.line(), "on");
}

#[test]
fn a_lease_outlives_its_group_and_a_removed_group_is_gone() {
    testkit::require!(freezer1);
    let census = census();
    let scratch = ScratchGroup::v1("freezer", "outlived");
    let group = open(&scratch).create_child(OsStr::new("inner")).unwrap();
    let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
    fs::remove_dir(scratch.path().join("inner")).unwrap();
    lease.release().unwrap();
    assert_eq!(run(group.freeze(Deadline::after(LONG))).unwrap_err().kind(), Kind::Gone);
    assert_eq!(run(group.thaw(Deadline::after(LONG))).unwrap_err().kind(), Kind::Gone);
    assert_eq!(group.freeze_state().unwrap_err().kind(), Kind::Gone);
    drop((group, scratch));
    census.assert_unchanged();
}

#[test]
fn roots_and_hierarchies_without_a_freezer_say_so() {
    testkit::require!(freezer1, pids1);
    let root = Cgroup::open(Path::new("/"), Some(&freezer())).unwrap();
    assert_eq!(root.freeze_state().unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(run(root.thaw(Deadline::after(LONG))).unwrap_err().kind(), Kind::InvalidArgument);
    let scratch = ScratchGroup::v1("pids", "plain");
    let pids = Matcher::Controller("pids".to_owned());
    let group = Cgroup::open(Path::new(scratch.name()), Some(&pids)).unwrap();
    for error in [
        run(group.freeze(Deadline::after(LONG))).unwrap_err(),
        run(group.thaw(Deadline::after(LONG))).unwrap_err(),
        group.freeze_state().unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.advice().is_some_and(|hint| hint.contains("version 2")), "{error:?}");
    }
}

#[test]
fn groups_of_both_versions_freeze_as_one_and_are_left_alone_as_one() {
    testkit::require!(freezer1, freeze2);
    let (v1, v2) = (ScratchGroup::v1("freezer", "mixed"), ScratchGroup::v2("mixed"));
    let _hogs = [hog(v1.path()), hog(v2.path())];
    let (first, second) = (open(&v1), Cgroup::open(Path::new(v2.name()), Some(&Matcher::Unified)).unwrap());
    let states = || [first.freeze_state().unwrap(), second.freeze_state().unwrap()];
    for groups in [[&first, &second], [&second, &first]] {
        let lease = run(freeze_all(&groups, &[], Deadline::after(LONG))).unwrap();
        assert_eq!(states(), [FROZEN, FROZEN]);
        lease.release().unwrap();
        assert_eq!(states(), [THAWED, THAWED]);
    }
    let stuck = testkit::Stuck::new("mixed");
    let third = Cgroup::open(Path::new(stuck.v2.name()), Some(&Matcher::Unified)).unwrap();
    // Long enough for the others on a busy host, or the first of them would be named.
    let deadline = Deadline::after(Duration::from_secs(2));
    let error = run(freeze_all(&[&first, &second, &third], &[], deadline)).unwrap_err();
    assert_eq!((error.kind(), error.path()), (Kind::TimedOut, Some(third.path())), "{error}");
    assert_eq!(states(), [THAWED, THAWED]);
    assert_eq!(third.freeze_state().unwrap(), THAWED);
    stuck.unstick();
}

#[test]
fn a_member_may_be_frozen_by_both_versions_and_is_released_by_both() {
    testkit::require!(freezer1, freeze2);
    let (v1, v2) = (ScratchGroup::v1("freezer", "both"), ScratchGroup::v2("both"));
    let mut child = inside(v1.path(), "echo ready; sleep 0; echo on; sleep 1000");
    v2.add(child.pid());
    assert_eq!(child.line(), "on");
    let (first, second) = (open(&v1), Cgroup::open(Path::new(v2.name()), Some(&Matcher::Unified)).unwrap());
    let outer = run(second.freeze(Deadline::after(LONG))).unwrap();
    let inner = run(first.freeze(Deadline::after(LONG))).unwrap();
    assert_eq!(first.freeze_state().unwrap(), FROZEN);
    outer.release().unwrap();
    assert_eq!(first.freeze_state().unwrap(), FROZEN);
    inner.release().unwrap();
    assert_eq!(first.freeze_state().unwrap(), THAWED);
}

#[test]
fn relenting_freezes_too_and_leaves_nothing_behind() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "relent");
    let _hog = hog(scratch.path());
    let group = open(&scratch);
    for insistence in [Insistence::Repeat, Insistence::RepeatAndRelent] {
        let lease = run(freeze_all_with(&[&group], &[], insistence, Deadline::after(LONG))).unwrap();
        assert_eq!(group.freeze_state().unwrap(), FROZEN, "{insistence:?}");
        lease.release().unwrap();
        assert_eq!(group.freeze_state().unwrap(), THAWED, "{insistence:?}");
    }
}
