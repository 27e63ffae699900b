//! Removing groups: patiently, from below, and never somebody else's.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use cgroup::{Cgroup, Lookup, Matcher, Reach};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, ScratchGroup, run, sleeper};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// Every strategy that this kernel has.
fn strategies() -> Vec<Lookup> {
    let openat2 = kernel::Capabilities::here().has(kernel::Feature::Openat2);
    if openat2 { vec![Lookup::Openat2, Lookup::Walk] } else { vec![Lookup::Walk] }
}

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> Census {
    procfs::shared().unwrap();
    Census::take()
}

fn inner(group: &ScratchGroup) -> Cgroup {
    Cgroup::create(&Path::new(group.name()).join("inner"), Some(&Matcher::Unified)).unwrap()
}

#[test]
fn a_tree_is_removed_from_below_in_both_versions() {
    testkit::require!(cgroup2, pids1);
    let census = census();
    let rows = [
        (ScratchGroup::v2("tree"), Matcher::Unified),
        (ScratchGroup::v1("pids", "tree"), Matcher::Controller("pids".to_owned())),
    ];
    for (scratch, matcher) in rows {
        for lookup in strategies() {
            let path = Path::new(scratch.name()).join("inner");
            let group = Cgroup::create_with(&path, Some(&matcher), lookup).unwrap();
            for name in ["a", "a/b", "a/b/c", "d"] {
                fs::create_dir(scratch.path().join("inner").join(name)).unwrap();
            }
            let error = run(group.remove(Reach::Itself, Deadline::after(LONG))).unwrap_err();
            assert_eq!(error.kind(), Kind::Busy, "{error}");
            run(group.remove(Reach::Subtree, Deadline::after(LONG))).unwrap();
            assert!(!scratch.path().join("inner").exists());
            // What was wanted is so.
            run(group.remove(Reach::Subtree, Deadline::after(LONG))).unwrap();
        }
    }
    census.assert_unchanged();
}

#[test]
fn a_populated_group_is_busy_and_names_who_is_in_it() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("busy");
    let group = inner(&scratch);
    let child = sleeper();
    group.add(child.pid()).unwrap();
    for reach in [Reach::Itself, Reach::Subtree] {
        let error = run(group.remove(reach, Deadline::after(SHORT))).unwrap_err();
        assert_eq!(error.kind(), Kind::Busy, "{error}");
        assert_eq!(error.bystanders().iter().map(|process| process.pid).collect::<Vec<_>>(), [child.pid()]);
    }
    assert!(group.contains(child.pid()).unwrap());
}

#[test]
fn removal_waits_for_the_dying() {
    testkit::require!(cgroup2, pids1);
    let rows = [
        (ScratchGroup::v2("dying"), Matcher::Unified),
        (ScratchGroup::v1("pids", "dying"), Matcher::Controller("pids".to_owned())),
    ];
    for (scratch, matcher) in rows {
        let path = Path::new(scratch.name()).join("inner");
        let group = Cgroup::create(&path, Some(&matcher)).unwrap();
        let mut child = sleeper();
        group.add(child.pid()).unwrap();
        run(async {
            let mut removal = Box::pin(group.remove(Reach::Itself, Deadline::after(LONG)));
            assert!(tokio::time::timeout(SHORT, &mut removal).await.is_err());
            child.kill().unwrap();
            removal.await.unwrap();
        });
        assert!(!scratch.path().join("inner").exists());
        child.wait().unwrap();
    }
}

#[test]
fn a_successor_of_the_same_name_is_left_alone() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("successor");
    let group = inner(&scratch);
    let directory = scratch.path().join("inner");
    fs::remove_dir(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    for reach in [Reach::Itself, Reach::Subtree] {
        run(group.remove(reach, Deadline::after(LONG))).unwrap();
    }
    assert!(directory.exists());
}

#[test]
fn the_top_of_a_mount_cannot_be_removed() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("top");
    testkit::require!(root, mounts);
    testkit::in_private_mounts(|| {
        // Through a mount of the group alone: nothing else can be hit, should the refusal fail.
        let unified = scratch.path().parent().unwrap().to_path_buf();
        rustix::mount::mount_bind(scratch.path(), &unified).unwrap();
        let top = Cgroup::open(Path::new(scratch.name()), Some(&Matcher::Unified)).unwrap();
        let group = top.create_child(OsStr::new("inner")).unwrap();
        for reach in [Reach::Itself, Reach::Subtree] {
            let error = run(top.remove(reach, Deadline::after(LONG))).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
        }
        assert_eq!(top.children().unwrap(), ["inner"]);
        run(group.remove(Reach::Itself, Deadline::after(LONG))).unwrap();
    });
}
