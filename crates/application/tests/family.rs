//! All groups of an application as one: listed, frozen, thawed and ended, on both versions, while others come and go.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "groups are made and looked at from outside, by name")]

use std::fs;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use application::{Family, SNAP};
use cgroup::{Cgroup, Matcher, Version};
use kernel::Kind;
use kernel::ready::Deadline;
use testkit::{Census, Child, Deaf, ScratchGroup, Storm, in_private_mounts, run, sleeper};

const UUID: &str = "4706fe54-7802-4808-aa7e-ae8b567239e0";

/// The versions that can freeze here.
fn versions() -> Vec<Version> {
    testkit::available!(freezer1, pids1 => Version::V1; freeze2 => Version::V2)
}

/// What the other tests start.
#[test]
fn storm() {
    Storm::be_one_if_asked();
}

fn long() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// A host of its own for a test: groups that stand for the tops of hierarchies.
struct Host {
    version: Version,
    tracking: ScratchGroup,
    freezer: Option<ScratchGroup>,
}

impl Host {
    fn new(version: Version, tag: &str) -> Self {
        let (tracking, freezer) = match version {
            Version::V2 => (ScratchGroup::v2(tag), None),
            Version::V1 => (ScratchGroup::v1("pids", tag), Some(ScratchGroup::v1("freezer", tag))),
        };
        Self { version, tracking, freezer }
    }

    fn family(&self) -> Arc<Family> {
        let open =
            |group: &ScratchGroup, matcher| Cgroup::open(Path::new(group.name()), Some(&matcher)).unwrap();
        let controller = |name: &str| Matcher::Controller(name.to_owned());
        let tracking = match self.version {
            Version::V2 => Matcher::Unified,
            Version::V1 => controller("pids"),
        };
        let freezer = self.freezer.as_ref().map(|group| open(group, controller("freezer")));
        Arc::new(Family::below(&SNAP, open(&self.tracking, tracking), freezer))
    }

    /// Makes a group, with those above it, where systemd would track.
    fn make(&self, path: &str) -> PathBuf {
        let group = self.tracking.path().join(path);
        fs::create_dir_all(&group).unwrap();
        group
    }

    /// The freezer's group of an application, made now.
    fn frozen_by(&self, application: &str) -> Option<PathBuf> {
        let group = self.freezer.as_ref()?.path().join(format!("snap.{application}"));
        fs::create_dir_all(&group).unwrap();
        Some(group)
    }

    /// A process of an application, in the unit of a tag.
    fn start(&self, unit: &str, application: &str) -> Child {
        let child = sleeper();
        join(&self.make(unit), child.pid());
        self.frozen_by(application).inspect(|group| join(group, child.pid()));
        child
    }

    /// Whether everything of an application has stopped, by what the kernel says of its groups.
    fn stands_still(&self, application: &str, units: &[&str]) -> bool {
        match self.frozen_by(application) {
            Some(group) => fs::read_to_string(group.join("freezer.state")).unwrap() == "FROZEN\n",
            None => units.iter().all(|unit| {
                let events = fs::read_to_string(self.tracking.path().join(unit).join("cgroup.events"));
                events.unwrap().contains("frozen 1")
            }),
        }
    }

    /// Whether a freeze is asked of any of the groups.
    fn is_asked(&self, application: &str, units: &[&str]) -> bool {
        let reads_one = |file: PathBuf| fs::read_to_string(file).unwrap() == "1\n";
        match self.frozen_by(application) {
            Some(group) => reads_one(group.join("freezer.self_freezing")),
            None => units.iter().any(|unit| reads_one(self.tracking.path().join(unit).join("cgroup.freeze"))),
        }
    }
}

fn join(group: &Path, pid: i32) {
    fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
}

#[test]
fn processes_are_listed_by_tag_without_those_of_others_and_of_containers() {
    testkit::require!(freezer);
    for version in versions() {
        let host = Host::new(version, "list");
        let scope = format!("user.slice/app.slice/snap.foo.app-{UUID}.scope");
        let again = "user.slice/app.slice/snap.foo.app-00000000-0000-0000-0000-000000000000.scope";
        let mine = [
            host.start(&scope, "foo"),
            host.start(again, "foo"),
            host.start("system.slice/snap.foo.svc.service", "foo"),
            host.start("system.slice/snap.foo.svc.service/below/it", "foo"),
            host.start(r"snap.foo\x2bcomp.hook.install.scope", "foo"),
        ];
        let _others = [
            host.start("snap.foo_key.app.scope", "foo_key"),
            host.start("snap.bar.app.scope", "bar"),
            host.start("snap.bar.app.scope/snap.foo.app.scope", "bar"),
            host.start("docker/1f/snap.foo.app.scope", "bar"),
            host.start("lxc.payload.c1/snap.foo.app.scope", "bar"),
            host.start("system.slice/ssh.service", "bar"),
        ];
        host.make("snap.foo.empty.scope");
        let mut apps = [mine[0].pid(), mine[1].pid()];
        let mut service = [mine[2].pid(), mine[3].pid()];
        apps.sort_unstable();
        service.sort_unstable();
        let family = host.family();
        let found: Vec<_> = family.pids_of("foo").unwrap().into_iter().collect();
        let expected = [
            ("snap.foo+comp.hook.install".to_owned(), vec![mine[4].pid()]),
            ("snap.foo.app".to_owned(), apps.to_vec()),
            ("snap.foo.svc".to_owned(), service.to_vec()),
        ];
        assert_eq!(found, expected, "{version:?}");
        assert_eq!(family.pids_of("foo_key").unwrap().len(), 1);
        assert!(family.pids_of("baz").unwrap().is_empty());
        assert_eq!(family.pids_of("../foo").unwrap_err().kind(), Kind::InvalidArgument);
    }
}

#[test]
fn a_process_belongs_to_the_application_of_its_group() {
    testkit::require!(freezer);
    for version in versions() {
        let host = Host::new(version, "name");
        let family = host.family();
        let mine = host.start("system.slice/snap.foo_key.svc.service/below", "foo_key");
        let stranger = sleeper();
        host.make("system.slice/ssh.service");
        join(&host.tracking.path().join("system.slice/ssh.service"), stranger.pid());
        assert_eq!(family.name_of(mine.pid()).unwrap(), "foo_key");
        for nobody in [stranger.pid(), 1 << 22] {
            assert_eq!(family.name_of(nobody).unwrap_err().kind(), Kind::NotFound);
        }
    }
}

#[test]
fn a_service_is_confirmed_where_its_unit_has_the_process_and_nowhere_else() {
    testkit::require!(cgroup2);
    let host = Host::new(Version::V2, "confirm");
    let family = host.family();
    let child = host.start("system.slice/snap.foo.svc.service/below", "foo");
    family.confirm_service("snap.foo.svc", child.pid()).unwrap();
    let refused = |tag| family.confirm_service(tag, child.pid()).unwrap_err();
    for elsewhere in ["snap.foo.sv", "snap.foo_key.svc", "snap.foo.hook.svc", "snap.bar.svc"] {
        assert_eq!(refused(elsewhere).kind(), Kind::CannotTrack, "{elsewhere}");
    }
    // A service is not a scope, and what it calls its own groups says nothing.
    for unit in ["snap.foo.app.scope", "system.slice/snap.foo.svc.service/snap.bar.svc.service"] {
        join(&host.make(unit), child.pid());
        for tag in ["snap.foo.app", "snap.bar.svc"] {
            assert_eq!(refused(tag).kind(), Kind::CannotTrack, "{unit} {tag}");
        }
    }
    assert_eq!(refused("svc").kind(), Kind::InvalidArgument);
    assert_eq!(family.confirm_service("snap.foo.svc", 1 << 22).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn every_group_of_an_application_stands_still_and_goes_on_and_nobody_elses() {
    testkit::require!(freezer);
    for version in versions() {
        let host = Host::new(version, "freeze");
        let family = host.family();
        let units = ["a.slice/snap.foo.app.scope", "snap.foo.svc.service", "snap.foo.empty.scope"];
        let _mine = units[..2].iter().map(|unit| host.start(unit, "foo")).collect::<Vec<_>>();
        host.make(units[2]);
        let _other = host.start("snap.foo_key.app.scope", "foo_key");
        let lease = run(family.freeze("foo", long())).unwrap();
        assert!(host.stands_still("foo", &units), "{version:?}");
        assert!(!host.is_asked("foo_key", &["snap.foo_key.app.scope"]));
        lease.release().unwrap();
        assert!(!host.is_asked("foo", &units), "{version:?}");
        let leases = [(), ()].map(|()| run(family.freeze("foo", long())).unwrap());
        assert!(host.is_asked("foo", &units));
        run(family.thaw("foo")).unwrap();
        assert!(!host.is_asked("foo", &units), "one thaw is enough");
        drop(leases);
        drop(run(family.freeze("baz", long())).unwrap());
        run(family.thaw("baz")).unwrap();
        assert_eq!(run(family.freeze("foo/bar", long())).unwrap_err().kind(), Kind::InvalidArgument);
    }
}

#[test]
fn a_freeze_that_fails_or_is_dropped_leaves_every_group_as_it_was() {
    testkit::require!(freezer, fuse);
    in_private_mounts(|| versions().into_iter().for_each(undoes));
}

fn undoes(version: Version) {
    let host = Host::new(version, "undo");
    let family = host.family();
    let units = ["snap.foo.a.scope", "snap.foo.b.scope", "snap.foo.c.scope"];
    let _mine = units.map(|unit| host.start(unit, "foo"));
    let place = host.frozen_by("foo").unwrap_or_else(|| host.make(units[1]));
    // One that stops for nobody.
    let _deaf = Deaf::inside(&[&place]);
    // Long enough for the two others to stop on a machine that is emulated.
    let short = Deadline::after(Duration::from_millis(600));
    let error = run(family.freeze("foo", short)).unwrap_err();
    assert_eq!((error.kind(), error.bystanders().len()), (Kind::TimedOut, 1), "{error}");
    assert!(!host.is_asked("foo", &units), "{version:?}");
    run(async {
        let mut freeze = pin!(family.freeze("foo", long()));
        poll_fn(|context| {
            let polled = freeze.as_mut().poll(context);
            assert!(polled.is_pending());
            if host.is_asked("foo", &units) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    assert!(!host.is_asked("foo", &units), "{version:?}");
    if version == Version::V2 {
        fs::write(host.tracking.path().join(units[0]).join("cgroup.freeze"), "1").unwrap();
        let short = Deadline::after(Duration::from_millis(60));
        assert_eq!(run(family.freeze("foo", short)).unwrap_err().kind(), Kind::TimedOut);
        assert!(host.is_asked("foo", &units[..1]) && !host.is_asked("foo", &units[1..]));
    }
}

#[test]
fn what_is_started_while_others_are_waited_for_is_frozen_and_ended_too() {
    testkit::require!(freeze2, kill2, fuse);
    in_private_mounts(|| {
        let host = Host::new(Version::V2, "meanwhile");
        let family = host.family();
        let (slow, late) = ("snap.foo.slow.scope", "snap.foo.late.scope");
        let deaf = Deaf::inside(&[&host.make(slow)]);
        let mut started = thread::scope(|scope| {
            let other = scope.spawn(|| {
                while !host.is_asked("foo", &[slow]) {
                    thread::yield_now();
                }
                let started = host.start(late, "foo");
                drop(deaf);
                started
            });
            let lease = run(family.freeze("foo", long())).unwrap();
            assert!(host.stands_still("foo", &[slow, late]));
            drop(lease);
            other.join().unwrap()
        });
        let deaf = Deaf::inside(&[&host.make(slow)]);
        let mut later = thread::scope(|scope| {
            let other = scope.spawn(|| {
                started.wait().unwrap();
                let later = host.start("snap.foo.later.scope", "foo");
                drop(deaf);
                later
            });
            run(family.kill("foo", long())).unwrap();
            other.join().unwrap()
        });
        assert!(family.pids_of("foo").unwrap().is_empty());
        later.wait().unwrap();
    });
}

#[test]
fn groups_that_an_application_makes_meanwhile_are_frozen_and_ended_too() {
    testkit::require!(freeze2, kill2);
    let host = Host::new(Version::V2, "spread");
    let family = host.family();
    let top = host.tracking.path().display().to_string();
    // Moves one child after the other into a group of its own, as a desktop starts one window after the other.
    let script = format!(
        "echo ready; for i in $(seq 300); do mkdir {top}/snap.foo.n$i.scope; \
         sh -c 'echo $$ > {top}/snap.foo.n'$i'.scope/cgroup.procs; exec sleep 1000' & done; wait"
    );
    let mut main = testkit::inside(&host.make("snap.foo.app.scope"), &script);
    let mut grown = 0;
    for _ in 0..3 {
        let lease = run(family.freeze("foo", long())).unwrap();
        let groups: Vec<_> =
            fs::read_dir(host.tracking.path()).unwrap().flatten().map(|e| e.path()).collect();
        let groups: Vec<_> = groups.into_iter().filter(|path| path.is_dir()).collect();
        for group in &groups {
            let events = fs::read_to_string(group.join("cgroup.events")).unwrap();
            assert!(events.contains("frozen 1"), "{} of {}", group.display(), groups.len());
        }
        assert!(groups.len() >= grown);
        grown = groups.len();
        lease.release().unwrap();
    }
    run(family.kill("foo", long())).unwrap();
    assert!(family.pids_of("foo").unwrap().is_empty());
    main.wait().unwrap();
}

#[test]
fn what_vanishes_during_a_walk_hides_nobody_and_fails_nothing() {
    testkit::require!(freezer);
    for version in versions() {
        let host = Host::new(version, "churn");
        let family = host.family();
        let unit = "m.slice/snap.foo.app.scope";
        let child = host.start(unit, "foo");
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // Before and after the one that stays, above, beside and of the same application.
            for name in ["a.slice/snap.foo.x.scope", "m.slice/snap.foo.aa.scope", "z.slice/snap.bar.x.scope"]
            {
                let (group, over) = (host.tracking.path().join(name), &over);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        fs::create_dir_all(group.join("inner")).unwrap();
                        for gone in [&group.join("inner"), &group, &group.with_file_name("")] {
                            // The slice of the one that stays does, too.
                            let _ = fs::remove_dir(gone);
                        }
                    }
                });
            }
            let rounds = testkit::rounds(30);
            let looked: Vec<_> = (0..rounds)
                .map(|_| {
                    let pids = family.pids_of("foo")?;
                    let frozen = run(family.freeze("foo", long())).map(|lease| {
                        let stands = host.stands_still("foo", &[unit]);
                        drop(lease);
                        stands
                    })?;
                    kernel::Result::Ok((pids.into_values().collect::<Vec<_>>(), frozen))
                })
                .collect();
            over.store(true, Ordering::Relaxed);
            for answer in looked {
                assert_eq!(answer.unwrap(), (vec![vec![child.pid()]], true), "{version:?}");
            }
        });
    }
}

#[test]
fn an_application_that_forks_without_end_is_ended() {
    testkit::require!(freezer);
    for version in versions() {
        let host = Host::new(version, "storm");
        let family = host.family();
        let units = ["snap.stormy.a.scope", "snap.stormy.b.service"];
        let held = host.frozen_by("stormy");
        for unit in units {
            let group = host.make(unit);
            let groups: Vec<&Path> = [Some(group.as_path()), held.as_deref()].into_iter().flatten().collect();
            let storm = Storm::start(testkit::Kind::Fork, &groups);
            assert!(!family.pids_of("stormy").unwrap().is_empty());
            run(family.kill("stormy", long())).unwrap();
            drop(storm);
        }
        let both: Vec<_> = units.iter().map(|unit| host.make(unit)).collect();
        let storms: Vec<_> = both
            .iter()
            .map(|group| {
                let groups: Vec<&Path> =
                    [Some(group.as_path()), held.as_deref()].into_iter().flatten().collect();
                Storm::start(testkit::Kind::Fork, &groups)
            })
            .collect();
        // Frozen by somebody else, besides.
        let lease = run(family.freeze("stormy", long())).unwrap();
        run(family.kill("stormy", long())).unwrap();
        assert!(family.pids_of("stormy").unwrap().is_empty(), "{version:?}");
        assert!(!host.is_asked("stormy", &units), "a freeze would be a trap for the next start");
        drop((storms, lease));
        run(family.kill("baz", long())).unwrap();
    }
}

#[test]
fn in_version_1_those_are_ended_too_whom_the_freezer_has_not_got_yet() {
    testkit::require!(freezer1, pids1);
    let host = Host::new(Version::V1, "late");
    let family = host.family();
    let mut early = sleeper();
    join(&host.make("snap.foo.svc.service"), early.pid());
    run(family.kill("foo", long())).unwrap();
    early.wait().unwrap();
}

#[test]
fn many_groups_are_one_application_and_nothing_stays_open() {
    testkit::require!(freeze2, kill2);
    let host = Host::new(Version::V2, "many");
    let family = host.family();
    // A thousand; few where it only has to run.
    for number in 0..testkit::rounds(20) * 50 {
        host.make(&format!("s{}.slice/snap.foo.n{number}.scope", number % 7));
    }
    let mut some: Vec<_> = (0..10)
        .map(|number| host.start(&format!("s{}.slice/snap.foo.n{number}.scope", number % 7), "foo"))
        .collect();
    procfs::shared().unwrap();
    let census = Census::take();
    assert_eq!(family.pids_of("foo").unwrap().len(), 10);
    let lease = run(family.freeze("foo", long())).unwrap();
    assert!(host.stands_still("foo", &["s0.slice/snap.foo.n0.scope", "s3.slice/snap.foo.n3.scope"]));
    lease.release().unwrap();
    census.assert_unchanged();
    run(family.kill("foo", long())).unwrap();
    for child in &mut some {
        child.wait().unwrap();
    }
}
