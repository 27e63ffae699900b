//! What happens to a group is reported: each lasting change, in order, until the group is removed.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what happens to a group is done from outside, by name")]

use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cgroup::{Cgroup, Event, Matcher, Watch};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, ScratchGroup, shell, sleeper};

const LONG: Duration = Duration::from_secs(20);

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> Census {
    procfs::shared().unwrap();
    Census::take()
}

fn run<T>(work: impl Future<Output = T> + Send) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn open(group: &ScratchGroup, matcher: &Matcher) -> Arc<Cgroup> {
    Arc::new(Cgroup::open(Path::new(group.name()), Some(matcher)).unwrap())
}

fn controller(name: &str) -> Matcher {
    Matcher::Controller(name.to_owned())
}

fn next(watch: &mut Watch) -> Vec<Event> {
    run(Deadline::after(LONG).bound("watch", watch.next())).unwrap()
}

/// Frozen from outside: the file alone.
fn set_frozen(group: &ScratchGroup, frozen: bool) {
    fs::write(group.path().join("cgroup.freeze"), if frozen { "1" } else { "0" }).unwrap();
}

#[test]
fn a_life_is_told_from_the_first_process_to_the_removal() {
    testkit::require!(freeze2);
    let census = census();
    let scratch = ScratchGroup::v2("life");
    let mut watch = Watch::open(&open(&scratch, &Matcher::Unified)).unwrap();
    let mut child = sleeper();
    scratch.add(child.pid());
    assert_eq!(next(&mut watch), [Event::Populated]);
    set_frozen(&scratch, true);
    assert_eq!(next(&mut watch), [Event::Frozen]);
    set_frozen(&scratch, false);
    assert_eq!(next(&mut watch), [Event::Thawed]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(next(&mut watch), [Event::Empty]);
    drop(scratch);
    assert_eq!(next(&mut watch), [Event::Removed]);
    assert_eq!(next(&mut watch), []);
    drop((watch, child));
    census.assert_unchanged();
}

#[test]
fn what_happened_while_nobody_waited_is_told_as_it_stands_now() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("slow");
    let mut watch = Watch::open(&open(&scratch, &Matcher::Unified)).unwrap();
    let child = sleeper();
    scratch.add(child.pid());
    for _ in 0..10 {
        set_frozen(&scratch, true);
        set_frozen(&scratch, false);
    }
    set_frozen(&scratch, true);
    // The kernel may not have stopped the task when the first look is taken.
    let mut told = next(&mut watch);
    while told.len() < 2 {
        told.extend(next(&mut watch));
    }
    assert_eq!(told, [Event::Populated, Event::Frozen]);
    drop(child);
    drop(scratch);
    let last = next(&mut watch);
    assert_eq!(last.last(), Some(&Event::Removed));
    assert!(last.contains(&Event::Empty), "a removed group is empty: {last:?}");
}

#[test]
fn a_removal_wakes_those_who_wait_although_the_group_was_empty() {
    testkit::require!(cgroup2, pids1);
    let scratches = [ScratchGroup::v2("removed"), ScratchGroup::v1("pids", "removed")];
    for (scratch, matcher) in scratches.into_iter().zip([Matcher::Unified, controller("pids")]) {
        let mut watch = Watch::open(&open(&scratch, &matcher)).unwrap();
        let events = run(async {
            let mut waiting = pin!(watch.next());
            // Waits before the group is removed.
            poll_fn(|context| {
                assert!(waiting.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(scratch);
            Deadline::after(LONG).bound("watch", waiting).await
        });
        assert_eq!(events.unwrap(), [Event::Removed]);
    }
}

#[test]
fn a_group_of_the_same_name_is_another() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("again");
    let inner = scratch.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let group = open(&scratch, &Matcher::Unified).child(std::ffi::OsStr::new("inner")).unwrap();
    let mut watch = Watch::open(&Arc::new(group)).unwrap();
    fs::remove_dir(&inner).unwrap();
    fs::create_dir(&inner).unwrap();
    assert_eq!(next(&mut watch), [Event::Removed]);
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("dropped");
    let mut watch = Watch::open(&open(&scratch, &Matcher::Unified)).unwrap();
    let child = sleeper();
    run(async {
        let error = Deadline::after(Duration::from_millis(1)).bound("watch", watch.next()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TimedOut);
        scratch.add(child.pid());
    });
    assert_eq!(next(&mut watch), [Event::Populated]);
}

#[test]
fn a_fork_that_the_limit_refuses_is_counted_wherever_the_controller_is() {
    // A controller is in one hierarchy at a time.
    let (scratch, matcher) = if testkit::need::pids2().is_ok() {
        (ScratchGroup::v2("refused"), Matcher::Unified)
    } else {
        testkit::require!(pids1);
        (ScratchGroup::v1("pids", "refused"), controller("pids"))
    };
    let group = open(&scratch, &matcher);
    group.write_file(std::ffi::OsStr::new("pids.max"), b"1").unwrap();
    let mut watch = Watch::open(&group).unwrap();
    let procs = scratch.path().join("cgroup.procs");
    let mut child = shell(&format!("exec 2>/dev/null; echo $$ > {}; (:); :", procs.display()));
    let mut told = next(&mut watch);
    while !told.iter().any(|event| matches!(event, Event::PidsMax(_))) {
        told = next(&mut watch);
    }
    assert!(told.contains(&Event::PidsMax(1)), "{told:?}");
    child.wait().unwrap();
}

#[test]
fn an_out_of_memory_kill_is_told_wherever_the_controller_is() {
    let (scratch, matcher) = if testkit::need::memory2().is_ok() {
        (ScratchGroup::v2("oom"), Matcher::Unified)
    } else {
        testkit::require!(memory1);
        (ScratchGroup::v1("memory", "oom"), controller("memory"))
    };
    let group = open(&scratch, &matcher);
    let limits = cgroup::NewLimits {
        memory_max: Some(cgroup::Ceiling::At(8 << 20)),
        swap_max: group.limits().unwrap().swap_max.is_ok().then_some(cgroup::Ceiling::At(0)),
        ..cgroup::NewLimits::default()
    };
    group.set_limits(&limits).unwrap();
    let mut watch = Watch::open(&group).unwrap();
    let procs = scratch.path().join("cgroup.procs");
    // tail keeps the one endless line that it reads.
    let mut child = shell(&format!("echo $$ > {}; exec tail /dev/zero", procs.display()));
    let (mut lack, mut kills) = (0, 0);
    while lack == 0 || kills == 0 {
        for event in next(&mut watch) {
            match event {
                Event::Oom(count) => lack = count,
                Event::OomKill(count) => kills = count,
                _ => {}
            }
        }
    }
    assert_eq!(kills, 1);
    assert_eq!(group.stats().unwrap().oom_kills, Some(1));
    assert!(!child.wait().unwrap().success());
}

#[test]
fn what_announces_nothing_is_refused() {
    testkit::require!(cgroup2, freezer1);
    let root = Arc::new(Cgroup::open(Path::new("/"), Some(&Matcher::Unified)).unwrap());
    assert_eq!(Watch::open(&root).unwrap_err().kind(), Kind::InvalidArgument);
    let scratch = ScratchGroup::v1("freezer", "silent");
    let group = open(&scratch, &controller("freezer"));
    let error = Watch::open(&group).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.advice().unwrap().contains("{ unified: true }"), "{error}");
    drop(scratch);
    assert_eq!(Watch::open(&group).unwrap_err().kind(), Kind::Gone);
}

#[test]
fn a_controller_that_is_taken_away_takes_its_events_and_not_the_watch() {
    testkit::require!(pids2);
    let scratch = ScratchGroup::v2("disabled");
    let parent = open(&scratch, &Matcher::Unified);
    let set =
        |value: &[u8]| parent.write_file(std::ffi::OsStr::new("cgroup.subtree_control"), value).unwrap();
    let group = Arc::new(parent.create_child(std::ffi::OsStr::new("inner")).unwrap());
    set(b"+pids");
    let mut watch = Watch::open(&group).unwrap();
    set(b"-pids");
    let child = sleeper();
    group.add(child.pid()).unwrap();
    assert_eq!(next(&mut watch), [Event::Populated]);
}
