//! Self-protection: whatever holds this process, or whom it names, is neither frozen nor killed.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use cgroup::{Cgroup, Matcher, Phase, Whereabouts};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{ScratchGroup, count_syscalls, run, sleeper};

const LONG: Duration = Duration::from_secs(20);

/// A process is in one group at a time, its children begin there, and these tests share it.
static PLACE: Mutex<()> = Mutex::new(());

fn hold_place() -> MutexGuard<'static, ()> {
    PLACE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(path: &str) -> Cgroup {
    Cgroup::open(Path::new(path), Some(&Matcher::Unified)).unwrap()
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

fn assert_refused(group: &Cgroup) {
    let freeze = run(group.freeze(Deadline::after(LONG))).unwrap_err();
    let kill = run(group.kill(Deadline::after(LONG))).unwrap_err();
    let stop = run(group.stop(15, LONG, Deadline::after(LONG))).unwrap_err();
    for error in [freeze, kill, stop] {
        assert_eq!(error.kind(), Kind::SelfProtected, "{error}");
        assert_eq!(error.about_pid(), Some(own_pid()));
    }
}

#[test]
fn our_own_group_and_those_above_are_refused() {
    testkit::require!(freeze2, kill2);
    let _place = hold_place();
    let scratch = ScratchGroup::v2("self");
    let above = open(scratch.name());
    let own = above.create_child(OsStr::new("own")).unwrap();
    let beside = above.create_child(OsStr::new("beside")).unwrap();
    let below = own.create_child(OsStr::new("below")).unwrap();
    let before = Cgroup::of(own_pid(), Some(&Matcher::Unified)).unwrap();
    // The parent comes first: should a refusal fail, the group is still empty.
    own.add(own_pid()).unwrap();
    for group in [&own, &above] {
        assert_refused(group);
    }
    for group in [&beside, &below] {
        run(group.freeze(Deadline::after(LONG))).unwrap().release().unwrap();
        run(group.kill(Deadline::after(LONG))).unwrap();
    }
    before.add(own_pid()).unwrap();
    run(above.freeze(Deadline::after(LONG))).unwrap().release().unwrap();
}

#[test]
fn our_own_group_of_version_1_and_those_above_are_refused() {
    testkit::require!(freezer1);
    let _place = hold_place();
    let freezer = Matcher::Controller("freezer".to_owned());
    let scratch = ScratchGroup::v1("freezer", "self");
    let above = Cgroup::open(Path::new(scratch.name()), Some(&freezer)).unwrap();
    let own = above.create_child(OsStr::new("own")).unwrap();
    let beside = above.create_child(OsStr::new("beside")).unwrap();
    let before = Cgroup::of(own_pid(), Some(&freezer)).unwrap();
    own.add(own_pid()).unwrap();
    for group in [&own, &above] {
        assert_refused(group);
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed);
    }
    run(beside.freeze(Deadline::after(LONG))).unwrap().release().unwrap();
    before.add(own_pid()).unwrap();
    run(above.freeze(Deadline::after(LONG))).unwrap().release().unwrap();
}

#[test]
fn one_thread_in_a_group_of_version_1_is_enough() {
    testkit::require!(freezer1);
    let _place = hold_place();
    let scratch = ScratchGroup::v1("freezer", "thread");
    let freezer = Matcher::Controller("freezer".to_owned());
    let group = Cgroup::open(Path::new(scratch.name()), Some(&freezer)).unwrap();
    let before = Cgroup::of(own_pid(), Some(&freezer)).unwrap();
    thread::scope(|scope| {
        let moved = scope.spawn(|| {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().to_string();
            group.write_file(OsStr::new("tasks"), tid.as_bytes()).unwrap();
            let refused = run(group.freeze(Deadline::after(LONG))).map(drop);
            before.write_file(OsStr::new("tasks"), tid.as_bytes()).unwrap();
            refused.unwrap_err().kind()
        });
        assert_eq!(moved.join().unwrap(), Kind::SelfProtected);
    });
}

#[test]
fn the_root_is_refused() {
    testkit::require!(cgroup2);
    assert_refused(&open("/"));
}

#[test]
fn one_thread_in_a_threaded_group_is_enough() {
    testkit::require!(freeze2, kill2);
    let _place = hold_place();
    let scratch = ScratchGroup::v2("thread");
    let group = open(scratch.name());
    group.write_file(OsStr::new("cgroup.type"), b"threaded").unwrap();
    let (moved, wait_moved) = mpsc::channel();
    let (done, wait_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let group = &group;
        scope.spawn(move || {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().to_string();
            moved.send(group.write_file(OsStr::new("cgroup.threads"), tid.as_bytes())).unwrap();
            let _ = wait_done.recv();
        });
        let answer = wait_moved.recv().unwrap();
        let refused = answer.map(|()| run(group.freeze(Deadline::after(LONG))).map(drop));
        drop(done);
        assert_eq!(refused.unwrap().unwrap_err().kind(), Kind::SelfProtected);
    });
}

#[test]
fn a_process_whose_threads_are_spread_is_in_what_is_above_them_all() {
    testkit::require!(freeze2, kill2);
    let _place = hold_place();
    let scratch = ScratchGroup::v2("spread");
    let above = open(scratch.name());
    let domain = above.create_child(OsStr::new("domain")).unwrap();
    let threads = domain.create_child(OsStr::new("threads")).unwrap();
    let empty = domain.create_child(OsStr::new("empty")).unwrap();
    threads.write_file(OsStr::new("cgroup.type"), b"threaded").unwrap();
    empty.write_file(OsStr::new("cgroup.type"), b"threaded").unwrap();
    let before = Cgroup::of(own_pid(), Some(&Matcher::Unified)).unwrap();
    domain.add(own_pid()).unwrap();
    // Asked by a thread of either.
    let refused =
        || [&above, &domain, &threads].map(|group| run(group.freeze(Deadline::after(LONG))).map(drop));
    let (by_one, by_other) = thread::scope(|scope| {
        let moved = scope.spawn(|| {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().to_string();
            threads.write_file(OsStr::new("cgroup.threads"), tid.as_bytes()).unwrap();
            let (asked, wait_asked) = mpsc::channel::<()>();
            let (own, others) = thread::scope(|inner| {
                let other = inner.spawn(|| {
                    let tid = rustix::thread::gettid().as_raw_nonzero().get().to_string();
                    domain.write_file(OsStr::new("cgroup.threads"), tid.as_bytes()).unwrap();
                    let refused = refused();
                    drop(asked);
                    refused
                });
                let _ = wait_asked.recv();
                (refused(), other.join().unwrap())
            });
            (own, others)
        });
        moved.join().unwrap()
    });
    before.add(own_pid()).unwrap();
    for refused in by_one.into_iter().chain(by_other) {
        assert_eq!(refused.unwrap_err().kind(), Kind::SelfProtected);
    }
    run(empty.freeze(Deadline::after(LONG))).unwrap().release().unwrap();
}

#[test]
fn the_threads_of_a_process_are_not_asked_one_by_one_where_they_are_placed_together() {
    testkit::require!(cgroup2);
    let _place = hold_place();
    let scratch = ScratchGroup::v2("together");
    let group = open(scratch.name());
    let ask = || Whereabouts::own().are_in(&group).unwrap();
    let count = || {
        count_syscalls(ask).map(|(is_in, calls)| (is_in, calls.iter().map(|(_, count)| count).sum::<usize>()))
    };
    ask();
    let alone = count();
    let is_counted = alone.as_ref().map(drop).map_err(Clone::clone);
    if !testkit::need::met("seccomp listener", is_counted, module_path!()) {
        return;
    }
    let (end, ends) = mpsc::channel::<()>();
    let ends = Mutex::new(ends);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| drop(ends.lock().map(|ends| ends.recv())));
        }
        assert_eq!(count(), alone);
        drop(end);
    });
}

#[test]
fn whom_the_caller_names_is_protected() {
    testkit::require!(freeze2);
    let _place = hold_place();
    let scratch = ScratchGroup::v2("named");
    let above = open(scratch.name());
    let inner = above.create_child(OsStr::new("inner")).unwrap();
    let mut child = sleeper();
    inner.add(child.pid()).unwrap();
    for group in [&above, &inner] {
        let error = run(group.freeze_protecting(&[child.pid()], Deadline::after(LONG))).unwrap_err();
        assert_eq!((error.kind(), error.about_pid()), (Kind::SelfProtected, Some(child.pid())), "{error}");
        assert_eq!(group.freeze_state().unwrap().phase, Phase::Thawed);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    run(inner.freeze_protecting(&[child.pid()], Deadline::after(LONG))).unwrap().release().unwrap();
}
