//! Groups that come and go beside those that are asked about: they are nobody's error.
#![expect(clippy::disallowed_methods, reason = "what comes and goes is made from outside, by name")]

use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cgroup::{Cgroup, Lookup, Matcher, Reach, Step, freeze_all, freeze_those_left};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, ScratchGroup, run, sleeper};

const ROUNDS: usize = 100;

#[test]
fn what_vanishes_elsewhere_hides_nobody() {
    testkit::require!(cgroup2, pids1);
    let rows = [
        (ScratchGroup::v2("churn"), Matcher::Unified),
        (ScratchGroup::v1("pids", "churn"), Matcher::Controller("pids".to_owned())),
    ];
    for (scratch, matcher) in rows {
        let group = Cgroup::open(Path::new(scratch.name()), Some(&matcher)).unwrap();
        let home = group.create_child(OsStr::new("mmm-stays")).unwrap();
        let child = sleeper();
        home.add(child.pid()).unwrap();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // On both sides of the one that stays, and with something below them.
            for name in ["aaa", "zzz"] {
                let (top, over) = (scratch.path().join(name), &over);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        fs::create_dir(&top).unwrap();
                        fs::create_dir(top.join("inner")).unwrap();
                        fs::remove_dir(top.join("inner")).unwrap();
                        fs::remove_dir(&top).unwrap();
                    }
                });
            }
            let looked = (0..ROUNDS).map(|_| {
                let pids = group.pids(Reach::Subtree)?;
                let children = group.children()?;
                let stays = children.iter().any(|name| name == "mmm-stays");
                let path = cgroup::path_of(child.pid(), &matcher)?;
                let found = Cgroup::of(child.pid(), Some(&matcher))?;
                kernel::Result::Ok((pids, stays, path == home.path(), found.identity() == home.identity()))
            });
            let seen: Vec<_> = looked.collect();
            over.store(true, Ordering::Relaxed);
            for answer in seen {
                assert_eq!(answer.unwrap(), (vec![child.pid()], true, true, true));
            }
        });
    }
}

#[test]
fn what_is_removed_is_gone_in_version_1_too_and_what_is_missing_is_not() {
    testkit::require!(pids1);
    let scratch = ScratchGroup::v1("pids", "gone");
    let matcher = Matcher::Controller("pids".to_owned());
    let group = Cgroup::open(Path::new(scratch.name()), Some(&matcher)).unwrap();
    let ask = |name: &str| group.read_file(OsStr::new(name)).map_err(|error| error.kind());
    assert_eq!(ask("pids.current"), Ok(b"0\n".to_vec()));
    assert_eq!(ask("memory.max"), Err(kernel::Kind::Unsupported));
    assert_eq!(ask("../pids.current"), Err(kernel::Kind::InvalidArgument));
    drop(scratch);
    assert_eq!(ask("pids.current"), Err(kernel::Kind::Gone));
    assert_eq!(ask("memory.max"), Err(kernel::Kind::Gone));
    let write = group.write_file(OsStr::new("pids.max"), b"5").unwrap_err();
    assert_eq!(write.kind(), kernel::Kind::Gone, "{write}");
}

#[test]
fn a_process_below_is_held_by_the_tree_and_not_by_the_group() {
    testkit::require!(cgroup2, pidfd);
    let scratch = ScratchGroup::v2("holds");
    let group = Cgroup::open(Path::new(scratch.name()), Some(&Matcher::Unified)).unwrap();
    let inner = group.create_child(OsStr::new("inner")).unwrap();
    let child = sleeper();
    let pidfd = kernel::pidfd::open(child.pid()).unwrap();
    for held in [Some(pidfd.as_fd()), None] {
        let holds = |group: &Cgroup, reach| group.holds(reach, child.pid(), held, || Ok(true)).unwrap();
        assert!(!holds(&group, Reach::Subtree));
        inner.add(child.pid()).unwrap();
        assert!(holds(&group, Reach::Subtree) && holds(&inner, Reach::Itself));
        assert!(!holds(&group, Reach::Itself));
        assert!(!group.holds(Reach::Subtree, child.pid(), None, || Ok(false)).unwrap());
        fs::write(scratch.path().with_file_name("cgroup.procs"), child.pid().to_string()).unwrap();
    }
}

#[test]
fn a_walk_takes_enters_and_skips_in_the_order_of_paths_and_holds_no_more_than_its_way() {
    testkit::require!(cgroup2, pids1);
    let rows = [
        (ScratchGroup::v2("walk"), Matcher::Unified),
        (ScratchGroup::v1("pids", "walk"), Matcher::Controller("pids".to_owned())),
    ];
    for (scratch, matcher) in rows {
        for path in ["b/x/taken", "a/taken/below/taken", "a/b", "skipped/taken", "a.b/taken", "taken"] {
            fs::create_dir_all(scratch.path().join(path)).unwrap();
        }
        for lookup in [Lookup::Openat2, Lookup::Walk] {
            let Ok(group) = Cgroup::open_with(Path::new(scratch.name()), Some(&matcher), lookup) else {
                continue;
            };
            let judge = |path: &Path| match path.file_name().and_then(OsStr::to_str) {
                Some("taken") => Step::Take,
                Some("skipped") => Step::Skip,
                _ => Step::Enter,
            };
            procfs::shared().unwrap();
            let census = Census::take();
            let found = group.walk(judge).unwrap().map(|found| found.unwrap().path().to_owned());
            let found: Vec<_> = found.collect();
            let expected = ["a/taken", "a.b/taken", "b/x/taken", "taken"];
            assert_eq!(found, expected.map(|path| Path::new(scratch.name()).join(path)), "{lookup:?}");
            // Given up half way.
            drop(group.walk(judge).unwrap().next());
            census.assert_unchanged();
        }
        let group = Cgroup::open(Path::new(scratch.name()), Some(&matcher)).unwrap();
        // What goes after it was listed, and what the next one to come was below.
        let mut walk =
            group.walk(|path| if path.ends_with("taken") { Step::Take } else { Step::Enter }).unwrap();
        assert!(walk.next().unwrap().unwrap().path().ends_with("a/taken"));
        for gone in ["a.b/taken", "a.b", "b/x/taken", "b/x", "b"] {
            fs::remove_dir(scratch.path().join(gone)).unwrap();
        }
        let rest: Vec<_> = walk.map(|found| found.unwrap().path().to_owned()).collect();
        assert_eq!(rest, ["skipped/taken", "taken"].map(|path| Path::new(scratch.name()).join(path)));
        drop(scratch);
        assert_eq!(group.walk(|_| Step::Enter).unwrap_err().kind(), Kind::Gone);
    }
}

#[test]
fn a_freeze_of_those_left_leaves_out_what_was_removed() {
    testkit::require!(freeze2);
    let scratch = ScratchGroup::v2("left");
    let group = Cgroup::open(Path::new(scratch.name()), Some(&Matcher::Unified)).unwrap();
    let groups: Vec<_> = ["a", "b", "c"].map(|name| group.create_child(OsStr::new(name)).unwrap()).into();
    let groups: Vec<&Cgroup> = groups.iter().collect();
    fs::remove_dir(scratch.path().join("b")).unwrap();
    let asked = |name: &str| fs::read_to_string(scratch.path().join(name).join("cgroup.freeze")).unwrap();
    let error = run(freeze_all(&groups, &[], Deadline::NEVER)).unwrap_err();
    assert_eq!((error.kind(), &*asked("a"), &*asked("c")), (Kind::Gone, "0\n", "0\n"));
    let lease = run(freeze_those_left(&groups, &[], Deadline::NEVER)).unwrap();
    assert_eq!((&*asked("a"), &*asked("c")), ("1\n", "1\n"));
    lease.release().unwrap();
    assert_eq!((&*asked("a"), &*asked("c")), ("0\n", "0\n"));
}
