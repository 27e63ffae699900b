//! Every system call of every operation fails, in every way: each time an error that says so or success, and never a group
//! that stays frozen, a group too many, or a descriptor.
//!
//! `PROCWARD_FAULTS=1` takes all errors instead of one of each kind (`testkit::errnos`).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints its table"
)]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use cgroup::{Cgroup, Lease, Matcher, Reach, Version};
use kernel::Result;
use kernel::ready::Deadline;
use testkit::{Child, ScratchGroup, errnos, fail_each_call, need, runtime, sleeper};
use tokio::runtime::Runtime;

const LONG: Duration = Duration::from_secs(20);
/// Of the group that an operation makes or removes.
const CHILD: &str = "child";

struct Place {
    scratch: ScratchGroup,
    version: Version,
    runtime: Runtime,
}

/// A group with a process in it, opened.
struct Subject {
    group: Cgroup,
    path: PathBuf,
    member: Child,
}

/// A frozen group, and what thaws it.
struct Leased {
    lease: Mutex<Lease>,
    _subject: Subject,
}

impl Place {
    fn new(version: Version, tag: &str) -> Self {
        let scratch = match version {
            Version::V1 => ScratchGroup::v1("freezer", tag),
            Version::V2 => ScratchGroup::v2(tag),
        };
        Self { scratch, version, runtime: runtime() }
    }

    fn matcher(&self) -> Matcher {
        match self.version {
            Version::V1 => Matcher::Controller("freezer".to_owned()),
            Version::V2 => Matcher::Unified,
        }
    }

    fn open(&self) -> Result<Cgroup> {
        Cgroup::open(Path::new(self.scratch.name()), Some(&self.matcher()))
    }

    fn subject(&self) -> Subject {
        let member = sleeper();
        self.scratch.add(member.pid());
        Subject { group: self.open().unwrap(), path: self.scratch.path().to_owned(), member }
    }

    fn is_asked_to_freeze(&self) -> bool {
        let file = if self.version == Version::V1 { "freezer.self_freezing" } else { "cgroup.freeze" };
        fs::read_to_string(self.scratch.path().join(file)).unwrap() == "1\n"
    }

    /// Runs it once for each of its calls and each error.
    fn fail<T: Send>(
        &self,
        title: &str,
        operation: impl Fn(&Subject) -> Result<T> + Sync,
        check: impl Fn(&Subject, Result<T>),
    ) {
        let check = |subject, outcome| check(&subject, outcome);
        match fail_each_call(errnos(), || self.subject(), operation, check) {
            Ok(faults) => println!("{title}, {:?}: {} runs: {faults}", self.version, faults.runs()),
            Err(why) => println!("SKIPPED {title}: {why}"),
        }
    }
}

fn places(tag: &str) -> Vec<Place> {
    let mut places = Vec::new();
    if need::met("freeze2", need::freeze2(), module_path!()) {
        places.push(Place::new(Version::V2, tag));
    }
    if need::met("freezer1", need::freezer1(), module_path!()) {
        places.push(Place::new(Version::V1, tag));
    }
    places
}

#[test]
fn every_operation_bears_it() {
    // In turn: what another one has under way would be taken for something left behind.
    looking_fails_by_itself();
    a_freeze_is_achieved_or_undone();
    a_kill_leaves_nobody_or_says_so();
    groups_are_made_and_removed_or_not();
}

fn looking_fails_by_itself() {
    for place in places("fault-look") {
        place.fail("open", |_| place.open(), |_, _| {});
        place.fail("of", |subject| Cgroup::of(subject.member.pid(), Some(&place.matcher())), |_, _| {});
        place.fail(
            "pids",
            |subject| subject.group.pids(Reach::Subtree),
            |subject, pids| {
                assert!(pids.is_err() || pids.unwrap() == [subject.member.pid()]);
            },
        );
        place.fail(
            "contains",
            |subject| subject.group.contains(subject.member.pid()),
            |_, holds| {
                assert!(holds.is_err() || holds.unwrap());
            },
        );
        place.fail("freeze_state", |subject| subject.group.freeze_state(), |_, _| {});
        place.fail("stats", |subject| subject.group.stats(), |_, _| {});
    }
}

fn a_freeze_is_achieved_or_undone() {
    for place in places("fault-freeze") {
        let freeze = |subject: &Subject| place.runtime.block_on(subject.group.freeze(Deadline::after(LONG)));
        place.fail("freeze", freeze, |_, lease| {
            assert_eq!(place.is_asked_to_freeze(), lease.is_ok(), "{lease:?}");
            drop(lease);
            assert!(!place.is_asked_to_freeze());
        });
        let held =
            |subject: &Subject| place.runtime.block_on(subject.group.freeze(Deadline::after(LONG))).unwrap();
        let release = |subject: &Leased| subject.lease.lock().unwrap().try_release();
        let leased = || {
            let subject = place.subject();
            Leased { lease: Mutex::new(held(&subject)), _subject: subject }
        };
        let repeated = |subject: Leased, released: Result<()>| {
            assert_eq!(place.is_asked_to_freeze(), released.is_err(), "{released:?}");
            subject.lease.into_inner().unwrap().release().unwrap();
            assert!(!place.is_asked_to_freeze());
        };
        match fail_each_call(errnos(), leased, release, repeated) {
            Ok(faults) => println!("release, {:?}: {} runs: {faults}", place.version, faults.runs()),
            Err(why) => println!("SKIPPED release: {why}"),
        }
        let thaw = |subject: &Subject| place.runtime.block_on(subject.group.thaw(Deadline::after(LONG)));
        place.fail("thaw", thaw, |_, _| assert!(!place.is_asked_to_freeze()));
    }
}

fn a_kill_leaves_nobody_or_says_so() {
    for place in places("fault-kill") {
        let kill = |subject: &Subject| place.runtime.block_on(subject.group.kill(Deadline::after(LONG)));
        place.fail("kill", kill, |subject, killed| {
            assert!(killed.is_err() || subject.group.pids(Reach::Subtree).unwrap().is_empty());
            assert!(!place.is_asked_to_freeze());
        });
    }
}

fn groups_are_made_and_removed_or_not() {
    for place in places("fault-make") {
        let child = place.scratch.path().join(CHILD);
        let make = |subject: &Subject| subject.group.create_child(OsStr::new(CHILD)).map(drop);
        place.fail("create_child", make, |_, made| {
            assert_eq!(child.exists(), made.is_ok(), "{made:?}");
            let _missing = fs::remove_dir(&child);
        });
        let remove = |subject: &Subject| {
            let group = subject.group.child(OsStr::new(CHILD))?;
            place.runtime.block_on(group.remove(Reach::Subtree, Deadline::after(LONG)))
        };
        let prepared = |subject: &Subject| {
            let _there = fs::create_dir(subject.path.join(CHILD));
            remove(subject)
        };
        place.fail("remove", prepared, |_, removed| {
            assert!(removed.is_err() || !child.exists());
            let _missing = fs::remove_dir(&child);
        });
    }
}
