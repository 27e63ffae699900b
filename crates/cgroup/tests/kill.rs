//! Ending everything in a group, whatever it did to get away, in every way that there is.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use cgroup::{Cgroup, Killing, Matcher, Phase, Reach, Version};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, Child, Deaf, ScratchGroup, Storm, Stuck, in_private_mounts, inside, run, sleeper};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> Census {
    procfs::shared().unwrap();
    Census::take()
}

/// What the other tests start.
#[test]
fn storm() {
    Storm::be_one_if_asked();
}

/// Every way of killing that there is here: at once, and one by one in both versions.
fn ways() -> Vec<(Version, Killing)> {
    testkit::available! {
        kill2 => (Version::V2, Killing::AtOnce);
        freeze2 => (Version::V2, Killing::OneByOne);
        freezer1 => (Version::V1, Killing::OneByOne);
    }
}

fn scratch(version: Version, tag: &str) -> ScratchGroup {
    match version {
        Version::V1 => ScratchGroup::v1("freezer", tag),
        Version::V2 => ScratchGroup::v2(tag),
    }
}

fn open(group: &ScratchGroup) -> Cgroup {
    let is_v1 = group.path().join("freezer.state").exists();
    let freezer = Matcher::Controller("freezer".to_owned());
    Cgroup::open(Path::new(group.name()), Some(if is_v1 { &freezer } else { &Matcher::Unified })).unwrap()
}

fn assert_killed(mut child: Child) {
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_nested_tree_of_deserters_is_killed() {
    testkit::require!(freezer);
    for (version, killing) in ways() {
        let census = census();
        let scratch = scratch(version, "tree");
        let inner = scratch.path().join("inner");
        fs::create_dir(&inner).unwrap();
        // A new session, a double fork, and a process that ignores what can be ignored.
        let deserters = "setsid sh -c 'sleep 1000 & sleep 1000' & (sleep 1000 &) ; trap '' TERM HUP INT; echo ready; wait";
        let children = [inside(scratch.path(), deserters), inside(&inner, deserters)];
        let group = open(&scratch);
        assert!(group.pids(Reach::Subtree).unwrap().len() >= 6);
        run(group.kill_with(killing, Deadline::after(LONG))).unwrap();
        assert_eq!(group.pids(Reach::Subtree).unwrap(), [], "{version:?} {killing:?}");
        children.into_iter().for_each(assert_killed);
        drop((group, scratch));
        census.assert_unchanged();
    }
}

#[test]
fn a_process_without_its_first_thread_is_killed() {
    testkit::require!(freezer);
    for (version, killing) in ways() {
        let scratch = scratch(version, "leaderless");
        let _storm = Storm::start(testkit::Kind::Leaderless, &[scratch.path()]);
        let group = open(&scratch);
        run(group.kill_with(killing, Deadline::after(LONG))).unwrap();
        assert_eq!(group.pids(Reach::Subtree).unwrap(), [], "{version:?} {killing:?}");
    }
}

#[test]
fn a_frozen_group_dies_and_is_no_trap_afterwards() {
    testkit::require!(freezer);
    for (version, killing) in ways() {
        let scratch = scratch(version, "frozen");
        let child = sleeper();
        scratch.add(child.pid());
        let group = open(&scratch);
        let lease = run(group.freeze(Deadline::after(LONG))).unwrap();
        run(group.kill_with(killing, Deadline::after(LONG))).unwrap();
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed, "{version:?} {killing:?}");
        lease.release().unwrap();
        assert_killed(child);
    }
}

#[test]
fn every_frozen_level_of_version_1_is_thawed() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "levels");
    let group = open(&scratch);
    let below = group.create_child(OsStr::new("below")).unwrap();
    let deepest = below.create_child(OsStr::new("deepest")).unwrap();
    let children = [sleeper(), sleeper(), sleeper()];
    for (child, place) in children.iter().zip([&group, &below, &deepest]) {
        place.add(child.pid()).unwrap();
    }
    let leases = [&deepest, &below, &group].map(|place| run(place.freeze(Deadline::after(LONG))).unwrap());
    run(group.kill(Deadline::after(LONG))).unwrap();
    for place in [&group, &below, &deepest] {
        assert_eq!(place.freeze_state().unwrap().phase, Phase::Thawed);
    }
    drop(leases);
    children.into_iter().for_each(assert_killed);
}

#[test]
fn who_is_frozen_by_version_1_is_let_out() {
    testkit::require!(freeze2, freezer1);
    for (version, killing) in ways().into_iter().filter(|(version, _)| *version == Version::V2) {
        let stuck = Stuck::new("let-out");
        run(open(&stuck.v2).kill_with(killing, Deadline::after(LONG))).unwrap();
        assert_eq!(open(&stuck.v1).freeze_state().unwrap().phase, Phase::Thawed, "{version:?} {killing:?}");
        assert_killed(stuck.child);
    }
}

#[test]
fn strangers_in_the_same_frozen_group_stay_frozen() {
    testkit::require!(freeze2, freezer1);
    for (_, killing) in ways().into_iter().filter(|(version, _)| *version == Version::V2) {
        let stuck = Stuck::new("strangers");
        let stranger = sleeper();
        stuck.v1.add(stranger.pid());
        let frozen = open(&stuck.v1);
        run(open(&stuck.v2).kill_with(killing, Deadline::after(LONG))).unwrap();
        assert_ne!(frozen.freeze_state().unwrap().phase, Phase::Thawed, "{killing:?}");
        assert_eq!(frozen.pids(Reach::Itself).unwrap(), [stranger.pid()], "{killing:?}");
        stuck.unstick();
        assert_killed(stuck.child);
    }
}

#[test]
fn a_frozen_group_above_stays_frozen_and_its_inmates_die() {
    testkit::require!(freezer1);
    let scratch = ScratchGroup::v1("freezer", "above");
    let above = open(&scratch);
    let below = above.create_child(OsStr::new("below")).unwrap();
    let (child, stranger) = (sleeper(), sleeper());
    below.add(child.pid()).unwrap();
    above.add(stranger.pid()).unwrap();
    let lease = run(above.freeze(Deadline::after(LONG))).unwrap();
    run(below.kill(Deadline::after(LONG))).unwrap();
    assert_killed(child);
    assert_eq!(above.freeze_state().unwrap().phase, Phase::Frozen);
    assert_eq!(above.pids(Reach::Subtree).unwrap(), [stranger.pid()]);
    lease.release().unwrap();
}

#[test]
fn who_survives_is_named() {
    testkit::require!(freezer, fuse, wchan);
    in_private_mounts(|| {
        for (version, killing) in ways() {
            let scratch = scratch(version, "survivor");
            let other = sleeper();
            scratch.add(other.pid());
            let deaf = Deaf::inside(&[scratch.path()]);
            let group = open(&scratch);
            let error = run(group.kill_with(killing, Deadline::after(SHORT * 5))).unwrap_err();
            assert_eq!(error.kind(), Kind::Leftovers, "{error}");
            let [survivor] = error.bystanders() else { panic!("{:?}", error.bystanders()) };
            assert_eq!((survivor.pid, survivor.state), (deaf.pid(), 'D'), "{version:?} {killing:?}");
            assert_eq!(survivor.wchan, Deaf::wchan());
            assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed, "{version:?} {killing:?}");
            assert_killed(other);
        }
    });
}

#[test]
fn the_processes_of_a_threaded_group_are_killed() {
    testkit::require!(freeze2);
    for killing in testkit::available!(kill2 => Killing::AtOnce; freeze2 => Killing::OneByOne) {
        let scratch = ScratchGroup::v2("threaded");
        let threads = scratch.path().join("threads");
        fs::create_dir(&threads).unwrap();
        fs::write(threads.join("cgroup.type"), "threaded").unwrap();
        let (inside, beside) = (sleeper(), sleeper());
        scratch.add(inside.pid());
        scratch.add(beside.pid());
        fs::write(threads.join("cgroup.threads"), inside.pid().to_string()).unwrap();
        let group = open(&scratch).child(OsStr::new("threads")).unwrap();
        run(group.kill_with(killing, Deadline::after(LONG))).unwrap();
        assert_killed(inside);
        assert_eq!(open(&scratch).pids(Reach::Itself).unwrap(), [beside.pid()], "{killing:?}");
    }
}

/// A threaded group lists no processes, which is no reason to give up when one of them takes long to die.
#[test]
fn who_survives_in_a_threaded_group_is_named() {
    testkit::require!(freeze2, fuse);
    in_private_mounts(|| {
        let scratch = ScratchGroup::v2("survivor");
        let threads = scratch.path().join("threads");
        fs::create_dir(&threads).unwrap();
        fs::write(threads.join("cgroup.type"), "threaded").unwrap();
        let deaf = Deaf::inside(&[scratch.path()]);
        fs::write(threads.join("cgroup.threads"), deaf.pid().to_string()).unwrap();
        let group = open(&scratch).child(OsStr::new("threads")).unwrap();
        let error = run(group.kill_with(Killing::OneByOne, Deadline::after(SHORT * 5))).unwrap_err();
        assert_eq!(error.kind(), Kind::Leftovers, "{error}");
    });
}

#[test]
fn the_owner_of_a_delegated_tree_kills_all_of_it() {
    const NOBODY: u32 = 65534;
    testkit::require!(root, kill2);
    let scratch = ScratchGroup::v2("delegated");
    let below = scratch.path().join("below");
    fs::create_dir(&below).unwrap();
    for path in [scratch.path().to_owned(), scratch.path().join("cgroup.procs"), below.clone()] {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    for file in ["cgroup.procs", "cgroup.kill", "cgroup.freeze"] {
        std::os::unix::fs::chown(below.join(file), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let start = |uid| Command::new("sleep").arg("1000").uid(uid).stdin(Stdio::null()).spawn().unwrap();
    let mut children = [start(NOBODY), start(NOBODY)];
    let mut foreign = start(0);
    for (child, group) in children.iter().zip([scratch.path(), &below]) {
        fs::write(group.join("cgroup.procs"), child.id().to_string()).unwrap();
    }
    procfs::shared().unwrap();
    let group = open(&scratch);
    let as_nobody = |work: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            let owner = scope.spawn(|| {
                let id = rustix::process::Uid::from_raw(NOBODY);
                rustix::thread::set_thread_res_uid(id, id, id).unwrap();
                work();
            });
            owner.join().unwrap();
        });
    };
    as_nobody(&|| {
        assert_eq!(Killing::suited(&group).unwrap(), Killing::OneByOne);
        run(group.kill(Deadline::after(LONG))).unwrap();
    });
    for child in &mut children {
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
    // What is not the owner's stays, and is named.
    fs::write(scratch.path().join("cgroup.procs"), foreign.id().to_string()).unwrap();
    as_nobody(&|| {
        let error = run(group.kill(Deadline::after(LONG))).unwrap_err();
        assert_eq!(error.kind(), Kind::PermissionDenied, "{error}");
        assert_eq!(error.about_pid(), Some(foreign.id().cast_signed()));
    });
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

const ENDS_ITSELF: &str = "PROCWARD_TEST_ENDS_ITSELF";

/// What the next test starts: it kills the group that it is in.
#[test]
fn ends_itself() {
    let Ok(how) = env::var(ENDS_ITSELF) else { return };
    let (path, killing, version) = match how.split(' ').collect::<Vec<_>>()[..] {
        [path, "at-once", version] => (path.to_owned(), Killing::AtOnce, version.to_owned()),
        [path, _, version] => (path.to_owned(), Killing::OneByOne, version.to_owned()),
        _ => panic!("{how}"),
    };
    let freezer = Matcher::Controller("freezer".to_owned());
    let matcher = if version == "V1" { freezer } else { Matcher::Unified };
    let group = Cgroup::open(Path::new(&path), Some(&matcher)).unwrap();
    group.add(rustix::process::getpid().as_raw_nonzero().get()).unwrap();
    assert_eq!(run(group.kill_with(killing, Deadline::after(LONG))).unwrap_err().kind(), Kind::SelfProtected);
    run(group.kill_including_self_with(killing, Deadline::after(LONG))).unwrap();
}

#[test]
fn a_process_that_includes_itself_is_the_last_to_die() {
    testkit::require!(freezer);
    for (version, killing) in ways() {
        let scratch = scratch(version, "self");
        let others = [sleeper(), sleeper()];
        for child in &others {
            scratch.add(child.pid());
        }
        let how = if killing == Killing::AtOnce { "at-once" } else { "one-by-one" };
        let mut own = Command::new(env::current_exe().unwrap());
        own.args(["ends_itself", "--exact"])
            .env(ENDS_ITSELF, format!("{} {how} {version:?}", scratch.name()));
        let ended = own.stdin(Stdio::null()).output().unwrap();
        assert_eq!(ended.status.signal(), Some(9), "{version:?} {killing:?}: {ended:?}");
        others.into_iter().for_each(assert_killed);
    }
}

#[test]
fn a_group_without_a_freezer_is_killed_too() {
    testkit::require!(pids1);
    let scratch = ScratchGroup::v1("pids", "plain");
    fs::write(scratch.path().join("pids.max"), "40").unwrap();
    let storm: Vec<Child> =
        (0..4).map(|_| inside(scratch.path(), "echo ready; while :; do (:); done")).collect();
    let pids = Matcher::Controller("pids".to_owned());
    let group = Cgroup::open(Path::new(scratch.name()), Some(&pids)).unwrap();
    run(group.kill(Deadline::after(LONG))).unwrap();
    assert_eq!(group.pids(Reach::Subtree).unwrap(), []);
    assert_eq!(fs::read_to_string(scratch.path().join("pids.max")).unwrap(), "40\n");
    storm.into_iter().for_each(assert_killed);
}

#[test]
fn an_empty_group_is_killed_at_once_and_a_removed_one_is_gone() {
    testkit::require!(freezer);
    for (version, killing) in ways() {
        let scratch = scratch(version, "empty");
        let group = open(&scratch).create_child(OsStr::new("inner")).unwrap();
        run(group.kill_with(killing, Deadline::after(Duration::ZERO))).unwrap();
        fs::remove_dir(scratch.path().join("inner")).unwrap();
        let error = run(group.kill_with(killing, Deadline::after(LONG))).unwrap_err();
        assert_eq!(error.kind(), Kind::Gone, "{version:?} {killing:?}");
        assert_eq!(run(group.kill(Deadline::after(LONG))).unwrap_err().kind(), Kind::Gone);
    }
}
