//! Ending a group the polite way: everybody is asked, has its grace, and is killed after it, within one deadline.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use cgroup::{Cgroup, Matcher, Phase, Reach, Version};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Child, ScratchGroup, inside, run, sleeper};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);
const TERM: i32 = 15;
const USR1: i32 = 10;
/// Sleeps until it is asked, and then ends in a way that shows it.
const POLITE: &str = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done";
const STUBBORN: &str = "trap '' TERM; echo ready; while :; do sleep 0.01; done";

/// The versions that can freeze here.
fn versions() -> Vec<Version> {
    testkit::available!(freezer1 => Version::V1; freeze2 => Version::V2)
}

fn scratch(version: Version, tag: &str) -> ScratchGroup {
    match version {
        Version::V1 => ScratchGroup::v1("freezer", tag),
        Version::V2 => ScratchGroup::v2(tag),
    }
}

fn open(group: &ScratchGroup, version: Version) -> Cgroup {
    let freezer = Matcher::Controller("freezer".to_owned());
    let matcher = if version == Version::V1 { &freezer } else { &Matcher::Unified };
    Cgroup::open(Path::new(group.name()), Some(matcher)).unwrap()
}

fn is_empty(group: &ScratchGroup) -> bool {
    fs::read_to_string(group.path().join("cgroup.procs")).unwrap().is_empty()
}

#[test]
fn who_listens_ends_by_itself_and_who_does_not_is_killed_after_the_grace() {
    testkit::require!(freezer);
    for version in versions() {
        let scratch = scratch(version, "polite");
        let group = open(&scratch, version);
        let below = group.create_child(OsStr::new("below")).unwrap();
        let mut polite = inside(scratch.path(), POLITE);
        let mut stubborn = inside(scratch.path(), STUBBORN);
        below.add(stubborn.pid()).unwrap();
        let grace = SHORT * 5;
        let start = Instant::now();
        run(group.stop(TERM, grace, Deadline::after(LONG))).unwrap();
        assert!(start.elapsed() >= grace, "{version:?}");
        assert_eq!(polite.wait().unwrap().code(), Some(7), "{version:?}");
        assert_eq!(stubborn.wait().unwrap().signal(), Some(9), "{version:?}");
        assert_eq!(group.pids(Reach::Subtree).unwrap(), []);
    }
}

#[test]
fn it_takes_no_longer_than_the_last_one_needs() {
    testkit::require!(freezer);
    for version in versions() {
        let scratch = scratch(version, "quick");
        let mut children = [inside(scratch.path(), POLITE), inside(scratch.path(), POLITE)];
        let start = Instant::now();
        run(open(&scratch, version).stop(TERM, LONG, Deadline::after(LONG))).unwrap();
        assert!(start.elapsed() < LONG / 2);
        assert!(children.iter_mut().all(|child| child.wait().unwrap().code() == Some(7)));
    }
}

#[test]
fn a_frozen_group_is_thawed_so_that_the_signal_is_handled() {
    testkit::require!(freezer);
    for version in versions() {
        let scratch = scratch(version, "frozen");
        let mut child = inside(scratch.path(), POLITE);
        let group = open(&scratch, version);
        let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
        run(group.stop(TERM, LONG, Deadline::after(LONG))).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7), "{version:?}");
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed, "{version:?}");
        drop(lease);
    }
}

#[test]
fn the_signal_is_the_callers_and_is_sent_once() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("once");
    let script = "trap 'echo asked' USR1; echo ready; while :; do sleep 0.01; done";
    let mut child: Child = inside(scratch.path(), script);
    run(open(&scratch, Version::V2).stop(USR1, SHORT * 3, Deadline::after(LONG))).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let mut said = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert_eq!(said, "asked\n");
}

#[test]
fn the_deadline_cuts_the_grace_short_and_those_who_live_are_killed_all_the_same() {
    testkit::require!(freezer);
    for version in versions() {
        let scratch = scratch(version, "deadline");
        let mut child = inside(scratch.path(), STUBBORN);
        // The signal is sent before it is known whether anybody is left at the deadline.
        let outcome = run(open(&scratch, version).stop(TERM, LONG, Deadline::after(SHORT)));
        assert!(outcome.is_ok() || outcome.unwrap_err().kind() == Kind::Leftovers);
        assert_eq!(child.wait().unwrap().signal(), Some(9), "{version:?}");
        // What it had forked is as dead, and may need a moment longer to go.
        let limit = Instant::now() + LONG;
        while !is_empty(&scratch) {
            assert!(Instant::now() < limit, "{version:?}: somebody survived");
        }
    }
}

#[test]
fn a_storm_of_forks_is_stopped() {
    testkit::require!(freezer);
    for version in versions() {
        let scratch = scratch(version, "storm");
        let storm: Vec<Child> =
            (0..4).map(|_| inside(scratch.path(), "echo ready; while :; do (:); done")).collect();
        run(open(&scratch, version).stop(TERM, SHORT, Deadline::after(LONG))).unwrap();
        assert!(is_empty(&scratch), "{version:?}");
        drop(storm);
    }
}

#[test]
fn nonsense_and_absence_are_told() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("nonsense");
    let group = open(&scratch, Version::V2).create_child(OsStr::new("inner")).unwrap();
    run(group.stop(TERM, LONG, Deadline::after(LONG))).unwrap();
    let child = sleeper();
    group.add(child.pid()).unwrap();
    let error = run(group.stop(1000, LONG, Deadline::after(LONG))).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
    assert_eq!(group.pids(Reach::Itself).unwrap(), [child.pid()]);
    drop(child);
    fs::remove_dir(scratch.path().join("inner")).unwrap();
    assert_eq!(run(group.stop(TERM, LONG, Deadline::after(LONG))).unwrap_err().kind(), Kind::Gone);
}
