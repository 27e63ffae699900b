//! Freezing a group of version 2 in which processes fork: procward's core, against writing and then reading without a
//! pause, which is as soon as it can be known.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use cgroup::{Cgroup, Matcher};
use kernel::ready::Deadline;
use testkit::{Kind, ScratchGroup, Storm};

use crate::compare;

const LONG: Duration = Duration::from_secs(10);
/// How long the storm rages between two freezes: longer than the kernel holds a notification back after the last one.
const RESPITE: Duration = Duration::from_millis(15);
/// Above what the storm is, far below what the machine bears.
const MOST_PROCESSES: &str = "64";

pub fn run(is_quick: bool) {
    testkit::require!(freeze2, pids1);
    let rounds = if is_quick { 40 } else { 200 };
    let (scratch, limit) = (ScratchGroup::v2("bench"), ScratchGroup::v1("pids", "bench"));
    fs::write(limit.path().join("pids.max"), MOST_PROCESSES).expect("a limit");
    let _storm = Storm::start(Kind::Fork, &[limit.path(), scratch.path()]);
    let group = Cgroup::open(Path::new(scratch.name()), Some(&Matcher::Unified)).expect("the group");
    let ours = || {
        thread::sleep(RESPITE);
        testkit::run(async {
            let started = Instant::now();
            let lease = group.freeze(Deadline::after(LONG)).await.expect("a freeze");
            let took = started.elapsed();
            lease.release().expect("a thaw");
            took
        })
    };
    let raw = Raw::open(scratch.path());
    let theirs = || {
        thread::sleep(RESPITE);
        let started = Instant::now();
        raw.freeze();
        let took = started.elapsed();
        raw.thaw();
        took
    };
    compare::singles("v2 freeze by the core, in a fork storm, against write-then-spin", ours, theirs, rounds);
}

/// The two files, kept open.
struct Raw {
    freeze: File,
    events: File,
}

impl Raw {
    fn open(group: &Path) -> Self {
        let freeze = File::options().write(true).open(group.join("cgroup.freeze")).expect("cgroup.freeze");
        Self { freeze, events: File::open(group.join("cgroup.events")).expect("cgroup.events") }
    }

    fn freeze(&self) {
        self.freeze.write_at(b"1", 0).expect("asked");
        let limit = Instant::now() + LONG;
        while !self.is_frozen() {
            assert!(Instant::now() < limit, "it does not freeze");
        }
    }

    fn is_frozen(&self) -> bool {
        let mut content = [0; 64];
        let length = self.events.read_at(&mut content, 0).expect("cgroup.events");
        content[..length].split(|byte| *byte == b'\n').any(|line| line == b"frozen 1")
    }

    fn thaw(&self) {
        self.freeze.write_at(b"0", 0).expect("thawed");
    }
}
