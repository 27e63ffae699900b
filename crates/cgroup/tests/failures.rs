//! Each failure of a freeze leaves the group as it was found, on both versions.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use cgroup::{Cgroup, Insistence, Matcher, Reach, Version, freeze_all, freeze_all_with};
use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};
use rustix::mount::{MountFlags, mount_bind, mount_remount};
use testkit::without::{Call, install};
use testkit::{Census, Child, Deaf, ScratchGroup, in_private_mounts, inside, run, run_time};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// The versions that can freeze here.
fn versions() -> Vec<Version> {
    testkit::available!(freezer1 => Version::V1; freeze2 => Version::V2)
}

/// A group of some version, and how to look at it from outside.
struct Place {
    scratch: ScratchGroup,
    version: Version,
}

impl Place {
    fn new(version: Version, tag: &str) -> Self {
        let scratch = match version {
            Version::V1 => ScratchGroup::v1("freezer", tag),
            Version::V2 => ScratchGroup::v2(tag),
        };
        Self { scratch, version }
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    fn open(&self) -> Cgroup {
        let matcher = match self.version {
            Version::V1 => Matcher::Controller("freezer".to_owned()),
            Version::V2 => Matcher::Unified,
        };
        Cgroup::open(Path::new(self.scratch.name()), Some(&matcher)).unwrap()
    }

    /// What is asked of it, by us or by anybody.
    fn is_asked(&self) -> bool {
        let file = if self.version == Version::V1 { "freezer.self_freezing" } else { "cgroup.freeze" };
        fs::read_to_string(self.path().join(file)).unwrap() == "1\n"
    }

    fn ask(&self, freeze: bool) {
        match self.version {
            Version::V1 => {
                let state = if freeze { "FROZEN" } else { "THAWED" };
                fs::write(self.path().join("freezer.state"), state).unwrap();
            }
            Version::V2 => {
                fs::write(self.path().join("cgroup.freeze"), if freeze { "1" } else { "0" }).unwrap();
            }
        }
    }
}

fn hog(group: &Path) -> Child {
    inside(group, "echo ready; while :; do :; done")
}

/// A freeze of this group never finishes.
fn blocked(version: Version, tag: &str) -> (Place, Deaf) {
    let place = Place::new(version, tag);
    let deaf = Deaf::inside(&[place.path()]);
    (place, deaf)
}

/// How a freeze of it ends, given ever more time until it names one alone: on a busy machine a task that runs stops late.
fn timed_out(place: &Place) -> Error {
    let mut time = SHORT;
    loop {
        let error = run(place.open().freeze(Deadline::after(time))).unwrap_err();
        assert_eq!(error.kind(), Kind::TimedOut, "{error}");
        if error.bystanders().len() == 1 || time > LONG {
            return error;
        }
        time *= 2;
    }
}

/// Polls a future so many times and drops it; its result if it was faster.
async fn after_polls<T>(limit: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == limit {
            return Poll::Ready(None);
        }
        polls += 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[test]
fn who_cannot_be_stopped_is_named_and_the_rest_runs_on() {
    testkit::require!(freezer, fuse, wchan);
    in_private_mounts(|| {
        for version in versions() {
            let (place, deaf) = blocked(version, "deadline");
            let runs = hog(place.path());
            let error = timed_out(&place);
            let [found] = error.bystanders() else { panic!("{version:?}: {:?}", error.bystanders()) };
            assert_eq!((found.pid, found.state), (deaf.pid(), 'D'), "{version:?}");
            assert_eq!(found.wchan, Deaf::wchan(), "{version:?}");
            assert!(!place.is_asked());
            assert!(error.advice().is_none(), "no version 1 group holds it: {error:?}");
            let (before, limit) = (run_time(runs.pid()), Instant::now() + LONG);
            while run_time(runs.pid()) == before {
                assert!(Instant::now() < limit, "{version:?}: it does not run on");
                testkit::work(SHORT);
            }
        }
    });
}

#[test]
fn a_request_of_somebody_else_survives_every_failure() {
    testkit::require!(freezer, fuse);
    in_private_mounts(|| {
        for version in versions() {
            let (place, _deaf) = blocked(version, "foreign");
            place.ask(true);
            let group = place.open();
            assert_eq!(run(group.freeze(Deadline::after(SHORT))).unwrap_err().kind(), Kind::TimedOut);
            assert!(place.is_asked(), "{version:?}: after the deadline");
            run(after_polls(3, group.freeze(Deadline::NEVER)));
            assert!(place.is_asked(), "{version:?}: after an abort");
            place.ask(false);
        }
    });
}

#[test]
fn an_abort_at_any_step_undoes() {
    testkit::require!(freezer, fuse);
    procfs::shared().unwrap();
    let census = Census::take();
    in_private_mounts(|| {
        for version in versions() {
            let (place, _deaf) = blocked(version, "abort");
            let free = Place::new(version, "abort-free");
            let (group, other) = (place.open(), free.open());
            for polls in (0..12).chain([20, 30]) {
                let one = run(after_polls(polls, group.freeze(Deadline::NEVER)));
                assert!(one.is_none() && !place.is_asked(), "{version:?}, one group, {polls} polls");
                let groups = [&other, &group];
                let two = run(after_polls(polls, freeze_all(&groups, &[], Deadline::NEVER)));
                assert!(two.is_none() && !place.is_asked(), "{version:?}, two groups, {polls} polls");
                assert!(!free.is_asked(), "{version:?}, the other of two groups, {polls} polls");
            }
        }
    });
    census.assert_unchanged();
}

#[test]
fn an_abort_of_a_freeze_that_succeeds_at_some_point_undoes_before_it() {
    testkit::require!(freezer);
    for version in versions() {
        let place = Place::new(version, "abort");
        let _storm: Vec<Child> =
            (0..3).map(|_| inside(place.path(), "echo ready; while :; do (:); done")).collect();
        let group = place.open();
        for polls in 0..60 {
            let lease = run(after_polls(polls % 6, group.freeze(Deadline::NEVER)));
            assert_eq!(place.is_asked(), lease.is_some(), "{version:?}, {} polls", polls % 6);
            drop(lease.map(Result::unwrap));
            assert!(!place.is_asked());
        }
    }
}

#[test]
fn a_read_error_after_the_request_undoes() {
    testkit::require!(freezer);
    for version in versions() {
        let place = Place::new(version, "read");
        let _hog = hog(place.path());
        let group = place.open();
        // Looking for threads of ours and for the path up reads other files, with other calls.
        procfs::shared().unwrap();
        thread::scope(|scope| {
            let failing = scope.spawn(|| {
                // The state is read into a page, what was asked before into a few bytes.
                install(&[Call::parse("pread64:2=4096").unwrap()], 5).unwrap();
                run(group.freeze(Deadline::after(LONG))).unwrap_err()
            });
            let error = failing.join().unwrap();
            assert_eq!((error.kind(), error.op()), (Kind::Os, "pread64"), "{version:?}: {error}");
        });
        assert!(!place.is_asked(), "{version:?}");
        drop(run(group.freeze(Deadline::after(LONG))).unwrap());
    }
}

#[test]
fn a_write_that_is_refused_half_way_undoes_the_groups_before() {
    testkit::require!(freezer);
    for version in versions() {
        let (good, bad) = (Place::new(version, "good"), Place::new(version, "bad"));
        let (first, second) = (good.open(), bad.open());
        let gone = bad.path().to_owned();
        fs::remove_dir(&gone).unwrap();
        let error = run(freeze_all(&[&first, &second], &[], Deadline::after(LONG))).unwrap_err();
        assert_eq!(error.kind(), Kind::Gone, "{version:?}: {error}");
        assert!(!good.is_asked(), "{version:?}");
    }
}

#[test]
fn a_group_removed_half_way_is_gone_and_the_others_are_undone() {
    testkit::require!(freezer, fuse);
    in_private_mounts(|| {
        for version in versions() {
            // Who is deaf ends before the group that it was moved to.
            let (free, elsewhere) = (Place::new(version, "other"), Place::new(version, "elsewhere"));
            let (place, deaf) = blocked(version, "removed");
            let (group, other) = (place.open(), free.open());
            let path = place.path().to_owned();
            let outcome = thread::scope(|scope| {
                scope.spawn(|| {
                    while !place.is_asked() {
                        thread::yield_now();
                    }
                    elsewhere.scratch.add(deaf.pid());
                    while fs::remove_dir(&path).is_err() {
                        thread::yield_now();
                    }
                });
                run(freeze_all(&[&other, &group], &[], Deadline::after(LONG)))
            });
            // The kernel may have found the empty group frozen before it was removed.
            if let Err(error) = &outcome {
                assert_eq!(error.kind(), Kind::Gone, "{version:?}: {error}");
            }
            assert_eq!(free.is_asked(), outcome.is_ok());
            drop(outcome);
            assert!(!free.is_asked(), "{version:?}");
        }
    });
}

#[test]
fn a_thaw_or_kill_by_us_ends_a_freeze_that_is_under_way() {
    testkit::require!(freezer, fuse);
    in_private_mounts(|| {
        for version in versions() {
            let (place, _deaf) = blocked(version, "meanwhile");
            let (group, again) = (place.open(), place.open());
            let error = run(async {
                let thaw = async {
                    tokio::time::sleep(SHORT).await;
                    again.thaw(Deadline::after(LONG)).await.unwrap();
                };
                tokio::join!(group.freeze(Deadline::after(LONG)), thaw).0.unwrap_err()
            });
            assert_eq!(error.kind(), Kind::Closed, "{version:?}: {error}");
            assert!(!place.is_asked());
        }
    });
}

#[test]
fn a_thaw_by_somebody_else_is_overruled_or_ends_in_the_deadline() {
    testkit::require!(freezer, fuse);
    in_private_mounts(|| {
        for version in versions() {
            let (place, _deaf) = blocked(version, "third");
            let group = place.open();
            let error = run(async {
                let freeze = group.freeze(Deadline::after(SHORT));
                let thaw = async {
                    tokio::time::sleep(SHORT / 3).await;
                    place.ask(false);
                };
                tokio::join!(freeze, thaw).0.unwrap_err()
            });
            assert_eq!(error.kind(), Kind::TimedOut, "{version:?}: {error}");
            assert!(!place.is_asked());
        }
    });
}

#[test]
fn relenting_lets_the_others_run_for_a_moment_and_repeating_does_not() {
    testkit::require!(freezer1, fuse);
    in_private_mounts(|| {
        let gain = |insistence| {
            let (place, _deaf) = blocked(Version::V1, "relent");
            let runs = hog(place.path());
            let group = place.open();
            run(async {
                let groups = [&group];
                let freeze = freeze_all_with(&groups, &[], insistence, Deadline::after(SHORT * 22));
                let look = async {
                    // By then it has stopped, on a slow machine too. Tasks are let go after 250 ms, and 500 ms later.
                    tokio::time::sleep(SHORT * 5).await;
                    let before = run_time(runs.pid()).unwrap();
                    tokio::time::sleep(SHORT * 15).await;
                    run_time(runs.pid()).unwrap().saturating_sub(before)
                };
                let (outcome, gain) = tokio::join!(freeze, look);
                assert_eq!(outcome.unwrap_err().kind(), Kind::TimedOut);
                assert!(!place.is_asked());
                gain
            })
        };
        assert_eq!(gain(Insistence::Repeat), Duration::ZERO);
        assert!(gain(Insistence::RepeatAndRelent) > Duration::from_millis(1));
    });
}

#[test]
fn a_read_only_hierarchy_refuses_and_nothing_changes() {
    testkit::require!(freezer, mounts);
    in_private_mounts(|| {
        for version in versions() {
            let place = Place::new(version, "read-only");
            let mount = place.path().parent().unwrap().to_owned();
            mount_bind(&mount, &mount).unwrap();
            mount_remount(&mount, MountFlags::BIND | MountFlags::RDONLY, c"").unwrap();
            let group = place.open();
            for error in [
                run(group.freeze(Deadline::after(LONG))).unwrap_err(),
                run(group.thaw(Deadline::after(LONG))).unwrap_err(),
            ] {
                assert!(error.is(kernel::Errno::ROFS), "{version:?}: {error}");
            }
            assert!(!place.is_asked());
            assert_eq!(group.pids(Reach::Subtree).unwrap(), []);
            rustix::mount::unmount(&mount, rustix::mount::UnmountFlags::DETACH).unwrap();
        }
    });
}
