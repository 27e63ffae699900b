//! This process among those of an application: its group is left out of a freeze in version 2, and else it is refused.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "groups are made and looked at from outside, by name")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::{Family, SNAP};
use cgroup::{Cgroup, Matcher};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{ScratchGroup, run, sleeper};

/// A process is in one group at a time, its children begin there, and these tests share it.
static PLACE: Mutex<()> = Mutex::new(());

fn hold_place() -> MutexGuard<'static, ()> {
    PLACE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn long() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn make(top: &ScratchGroup, path: &str) -> PathBuf {
    let group = top.path().join(path);
    fs::create_dir_all(&group).unwrap();
    group
}

fn join(group: &Path, pid: i32) {
    fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

#[test]
fn in_version_2_our_own_group_is_left_out_of_a_freeze_and_nobody_is_killed_beside_us() {
    testkit::require!(freeze2, kill2);
    let _place = hold_place();
    let (mut same, mut other) = (sleeper(), sleeper());
    let top = ScratchGroup::v2("own");
    let tracking = Cgroup::open(Path::new(top.name()), Some(&Matcher::Unified)).unwrap();
    let family = Arc::new(Family::below(&SNAP, tracking, None));
    let beside = make(&top, "snap.foo.other.scope");
    join(&beside, other.pid());
    let before = Cgroup::of(own_pid(), Some(&Matcher::Unified)).unwrap();
    // The second is a group below the unit's: there snapd would have stopped itself.
    for own in ["snap.foo.app.scope", "snap.foo.svc.service/below"] {
        let group = make(&top, own);
        join(&group, same.pid());
        join(&group, own_pid());
        let lease = run(family.freeze("foo", long())).unwrap();
        let asked = |group: &Path| fs::read_to_string(group.join("cgroup.freeze")).unwrap();
        assert_eq!((asked(&beside).as_str(), asked(&group).as_str()), ("1\n", "0\n"), "{own}");
        lease.release().unwrap();
        assert_eq!(family.name_of(own_pid()).unwrap(), "foo");
        let error = run(family.kill("foo", long())).unwrap_err();
        assert_eq!((error.kind(), error.about_pid()), (Kind::SelfProtected, Some(own_pid())));
    }
    assert_eq!(fs::read_to_string(beside.join("cgroup.procs")).unwrap(), format!("{}\n", other.pid()));
    before.add(own_pid()).unwrap();
    run(family.kill("foo", long())).unwrap();
    same.wait().unwrap();
    other.wait().unwrap();
}

#[test]
fn in_version_1_our_own_group_is_refused() {
    testkit::require!(freezer1, pids1);
    let _place = hold_place();
    let mut other = sleeper();
    let (tracked, frozen) = (ScratchGroup::v1("pids", "own"), ScratchGroup::v1("freezer", "own"));
    let open = |group: &ScratchGroup, controller: &str| {
        Cgroup::open(Path::new(group.name()), Some(&Matcher::Controller(controller.to_owned()))).unwrap()
    };
    let family = Arc::new(Family::below(&SNAP, open(&tracked, "pids"), Some(open(&frozen, "freezer"))));
    let group = make(&frozen, "snap.foo");
    let before = Cgroup::of(own_pid(), Some(&Matcher::Controller("freezer".to_owned()))).unwrap();
    join(&group, other.pid());
    join(&group, own_pid());
    for answer in [run(family.freeze("foo", long())).map(drop), run(family.kill("foo", long()))] {
        assert_eq!(answer.unwrap_err().kind(), Kind::SelfProtected);
    }
    assert_eq!(fs::read_to_string(group.join("freezer.state")).unwrap(), "THAWED\n");
    assert!(fs::read_to_string(group.join("cgroup.procs")).unwrap().contains(&other.pid().to_string()));
    before.add(own_pid()).unwrap();
    run(family.kill("foo", long())).unwrap();
    other.wait().unwrap();
}
