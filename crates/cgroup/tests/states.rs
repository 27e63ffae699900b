//! States of members and groups that a freeze must take as they are, on both versions.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use cgroup::{Cgroup, Matcher, Phase, Reach, Version, freeze_all};
use kernel::Kind as ErrorKind;
use kernel::ready::Deadline;
use testkit::{Child, Kind, ScratchGroup, Storm, inside, run, run_time, shell, sleeper};

const LONG: Duration = Duration::from_secs(20);

/// The versions that can freeze here.
fn versions() -> Vec<Version> {
    testkit::available!(freezer1 => Version::V1; freeze2 => Version::V2)
}

/// What the other tests start.
#[test]
fn storm() {
    Storm::be_one_if_asked();
}

fn scratch(version: Version, tag: &str) -> ScratchGroup {
    match version {
        Version::V1 => ScratchGroup::v1("freezer", tag),
        Version::V2 => ScratchGroup::v2(tag),
    }
}

fn matcher(version: Version) -> Matcher {
    match version {
        Version::V1 => Matcher::Controller("freezer".to_owned()),
        Version::V2 => Matcher::Unified,
    }
}

fn open(group: &ScratchGroup, version: Version) -> Cgroup {
    Cgroup::open(Path::new(group.name()), Some(&matcher(version))).unwrap()
}

fn tasks(group: &ScratchGroup, version: Version) -> Vec<i32> {
    let file = if version == Version::V1 { "tasks" } else { "cgroup.threads" };
    let listed = fs::read_to_string(group.path().join(file)).unwrap();
    listed.lines().map(|line| line.parse().unwrap()).collect()
}

/// A thousand groups of version 1 take three descriptors each while they are being frozen.
fn raise_limit() -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= 8192);
    enough(current)
        || enough(maximum) && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok()
}

/// Freezes, looks whether anything moves, thaws.
fn freeze_and_look(group: &ScratchGroup, version: Version) {
    let handle = open(group, version);
    let lease = run(handle.freeze(Deadline::after(LONG))).unwrap();
    let used = || tasks(group, version).into_iter().map(run_time).collect::<Vec<_>>();
    let before = used();
    assert!(!before.is_empty());
    testkit::work(Duration::from_millis(20));
    assert_eq!(used(), before, "{version:?}");
    lease.release().unwrap();
    assert_eq!(handle.freeze_state().unwrap().phase, Phase::Thawed);
}

#[test]
fn a_process_whose_first_thread_has_ended_stops() {
    testkit::require!(freezer);
    for version in versions() {
        let group = scratch(version, "leaderless");
        let _storm = Storm::start(Kind::Leaderless, &[group.path()]);
        freeze_and_look(&group, version);
    }
}

#[test]
fn a_real_time_spinner_stops() {
    testkit::require!(root, freezer);
    for version in versions() {
        let group = scratch(version, "real-time");
        let _storm = Storm::start(Kind::RealTime, &[group.path()]);
        freeze_and_look(&group, version);
    }
}

#[test]
fn thousands_of_tasks_stop() {
    testkit::require!(freezer);
    for version in versions() {
        let group = scratch(version, "crowd");
        let _storm = Storm::start(Kind::Crowd, &[group.path()]);
        assert!(tasks(&group, version).len() > 2000);
        freeze_and_look(&group, version);
    }
}

#[test]
fn a_stopped_process_counts_as_frozen_and_does_not_run_when_it_is_continued() {
    testkit::require!(freezer);
    for version in versions() {
        let group = scratch(version, "stopped");
        let mut child = shell("kill -STOP $$; echo on; sleep 1000");
        group.add(child.pid());
        let limit = Instant::now() + LONG;
        while !fs::read_to_string(format!("/proc/{}/stat", child.pid())).unwrap().contains(") T ") {
            assert!(Instant::now() < limit, "it does not stop");
        }
        let lease = run(open(&group, version).freeze(Deadline::after(LONG))).unwrap();
        let pid = rustix::process::Pid::from_raw(child.pid()).unwrap();
        let before = run_time(child.pid()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        testkit::work(Duration::from_millis(20));
        assert!(
            run_time(child.pid()).unwrap().saturating_sub(before) < Duration::from_millis(1),
            "{version:?}"
        );
        lease.release().unwrap();
        assert_eq!(child.line(), "on");
    }
}

#[test]
fn freezing_again_at_once_is_no_slower_than_the_kernels_notifications() {
    testkit::require!(freezer);
    for version in versions() {
        let group = scratch(version, "twice");
        let _child = inside(group.path(), "echo ready; while :; do :; done");
        let handle = open(&group, version);
        run(async {
            for _ in 0..50 {
                drop(handle.freeze(Deadline::after(LONG)).await.unwrap());
                assert_eq!(handle.freeze_state().unwrap().by, None);
            }
        });
    }
}

#[test]
fn a_thousand_groups_freeze_as_one() {
    testkit::require!(freezer);
    let count = if raise_limit() { 1000 } else { 100 };
    for version in versions() {
        let top = scratch(version, "thousand");
        let parent = open(&top, version);
        let groups: Vec<Cgroup> = (0..count)
            .map(|number| parent.create_child(format!("group-{number}").as_ref()).unwrap())
            .collect();
        let children: Vec<Child> = groups
            .iter()
            .step_by(10)
            .map(|group| {
                let child = sleeper();
                group.add(child.pid()).unwrap();
                child
            })
            .collect();
        let all: Vec<&Cgroup> = groups.iter().collect();
        let lease = run(freeze_all(&all, &[], Deadline::after(LONG))).unwrap();
        for group in &groups {
            assert_eq!(group.freeze_state().unwrap().phase, Phase::Frozen, "{version:?}");
        }
        lease.release().unwrap();
        for group in &groups {
            assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed, "{version:?}");
        }
        drop(children);
        run(parent.remove(Reach::Subtree, Deadline::after(LONG))).unwrap();
        fs::create_dir(top.path()).unwrap();
    }
}

#[test]
fn groups_that_come_and_go_below_disturb_no_freeze() {
    testkit::require!(freezer);
    for version in versions() {
        let top = scratch(version, "come-and-go");
        let _child = inside(top.path(), "echo ready; while :; do :; done");
        let group = open(&top, version);
        let ends = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                    fs::create_dir(top.path().join("below")).unwrap();
                    fs::remove_dir(top.path().join("below")).unwrap();
                }
            });
            for round in 0..30 {
                match run(group.freeze(Deadline::after(LONG))) {
                    Ok(lease) => lease.release().unwrap(),
                    Err(error) => {
                        ends.store(true, std::sync::atomic::Ordering::Relaxed);
                        panic!("{version:?}, round {round}: {error:?}");
                    }
                }
            }
            ends.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed);
    }
}

#[test]
fn a_group_made_anew_under_the_same_name_is_not_touched() {
    testkit::require!(freezer);
    for version in versions() {
        let top = scratch(version, "anew");
        let old = open(&top, version);
        fs::remove_dir(top.path()).unwrap();
        fs::create_dir(top.path()).unwrap();
        let child = sleeper();
        top.add(child.pid());
        for error in [
            run(old.freeze(Deadline::after(LONG))).unwrap_err(),
            run(old.thaw(Deadline::after(LONG))).unwrap_err(),
            run(old.kill(Deadline::after(LONG))).unwrap_err(),
            run(old.stop(15, LONG, Deadline::after(LONG))).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Gone, "{version:?}: {error}");
        }
        let fresh = open(&top, version);
        assert_eq!(fresh.freeze_state().unwrap().phase, Phase::Thawed);
        assert_eq!(fresh.pids(Reach::Itself).unwrap(), [child.pid()]);
    }
}
