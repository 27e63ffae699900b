//! A storm of mounts over the very files that are being opened: every answer is the genuine one, or an error.
//!
//! Each case runs for a number of rounds (`PROCWARD_ROUNDS`, by default few) and no longer than its time.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the functions shared by the tests fail by panicking"
)]
#![expect(clippy::print_stdout, reason = "the numbers are for who wants to see them")]

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kernel::{Capabilities, Feature, Kind};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy};
use rustix::fs::fstat;
use rustix::mount::{
    MoveMountFlags, OpenTreeFlags, UnmountFlags, mount_bind, move_mount, open_tree, unmount,
};
use testkit::in_private_mounts;

/// Enough to meet a mount in every state, without making everybody wait.
const ROUNDS: usize = 300;
/// No case lasts longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(300);

fn rounds() -> usize {
    std::env::var("PROCWARD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

/// What is done, and how its answer is told from another.
#[derive(Clone, Copy)]
enum Verb {
    Open(How),
    Read,
    Readlink,
}

/// What is asked for in each round.
const QUESTIONS: [(&[u8], Verb); 8] = [
    (b"status", Verb::Open(How::READ)),
    (b"comm", Verb::Read),
    (b"attr/exec", Verb::Open(How::READ_WRITE)),
    (b"attr/exec", Verb::Open(How::PATH)),
    (b"attr", Verb::Open(How::READ.directory())),
    (b"exe", Verb::Readlink),
    (b"exe", Verb::Open(How::READ.follow())),
    (b"cwd", Verb::Open(How::PATH.follow())),
];

/// The genuine answer, in a form that can be compared.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    File(u64, u64),
    Text(Vec<u8>),
}

fn ask(procfs: &Procfs, path: &[u8], verb: Verb) -> kernel::Result<Answer> {
    let own = Base::OwnProcess;
    Ok(match verb {
        Verb::Open(how) => {
            let stat = fstat(procfs.open_file(&own, path, how)?).expect("fstat");
            Answer::File(stat.st_dev, stat.st_ino)
        }
        Verb::Read => Answer::Text(procfs.read(&own, path)?),
        Verb::Readlink => Answer::Text(procfs.readlink(&own, path)?),
    })
}

/// Mounts over what is asked for, and unmounts again, until told to stop.
struct Storm {
    files: [(&'static str, &'static str); 5],
    /// Links are named as neither end of a mount; their handles are.
    links: Vec<(OwnedFd, OwnedFd, &'static str)>,
    blows: AtomicUsize,
    is_over: AtomicBool,
}

impl Storm {
    fn gather() -> Self {
        let host = root(Origin::Host, Strategy::here().resolver, MountIdSource::Unique).expect("a /proc");
        let link = |base: Base, path: &[u8]| host.open_file(&base, path, How::PATH).unwrap();
        let own = Base::OwnProcess;
        let links = if Capabilities::here().has(Feature::OpenTree) {
            vec![
                (link(own, b"ns/mnt"), link(own, b"exe"), "/proc/self/exe"),
                (link(own, b"root"), link(own, b"cwd"), "/proc/self/cwd"),
                (link(Base::Root, b"thread-self"), link(Base::Root, b"self"), "/proc/self"),
            ]
        } else {
            Vec::new()
        };
        Self {
            files: [
                ("/proc/self/sched", "/proc/self/status"),
                ("/proc/self/environ", "/proc/self/comm"),
                ("/proc/self/sched", "/proc/self/attr/exec"),
                ("/proc/self/net", "/proc/self/attr"),
                ("/proc/sys", "/proc"),
            ],
            links,
            blows: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    fn blow(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            for (source, target) in self.files {
                mount_bind(source, target).expect("mount --bind");
                self.pass(target);
            }
            for (source, target, name) in &self.links {
                mount_link(source, target).expect("move_mount");
                self.pass(name);
            }
        }
    }

    fn pass(&self, target: &str) {
        self.blows.fetch_add(1, Ordering::Relaxed);
        unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).expect("umount");
    }
}

/// Ends the storm when whoever asks in it is done or fails.
struct Ending<'a>(&'a Storm);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

fn mount_link(source: &OwnedFd, target: &OwnedFd) -> rustix::io::Result<()> {
    let copy =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_EMPTY_PATH | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let copy = open_tree(source, "", copy)?;
    let by_handle = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&copy, "", target, "", by_handle)
}

fn root(origin: Origin, resolver: Resolver, ids: MountIdSource) -> kernel::Result<Procfs> {
    let strategy = Strategy::here().only(origin).resolving_by(resolver).mount_ids_from(ids);
    Procfs::open_with(&Options::unmasked(), &strategy)
}

/// Runs `round` in a storm, for all rounds, and says in one line what came of it.
fn in_a_storm(title: &str, storm: &Storm, mut round: impl FnMut(&mut Outcomes)) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let limit = Instant::now() + LIMIT;
    storm.is_over.store(false, Ordering::Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| storm.blow());
        let _ending = Ending(storm);
        for _ in 0..rounds() {
            round(&mut outcomes);
            outcomes.rounds += 1;
            if Instant::now() > limit {
                break;
            }
        }
    });
    println!("{title}: {outcomes:?}, {} mounts", storm.blows.swap(0, Ordering::Relaxed));
    outcomes
}

/// What came of the questions.
#[derive(Debug, Default)]
struct Outcomes {
    rounds: usize,
    genuine: usize,
    wrong: BTreeMap<String, usize>,
    refused: BTreeMap<&'static str, usize>,
}

impl Outcomes {
    fn note(&mut self, what: &[u8], genuine: &Answer, answer: kernel::Result<Answer>) {
        match answer {
            Ok(answer) if answer == *genuine => self.genuine += 1,
            Ok(_) => *self.wrong.entry(String::from_utf8_lossy(what).into_owned()).or_default() += 1,
            Err(error) => *self.refused.entry(error.kind().name()).or_default() += 1,
        }
    }

    /// Fails unless every answer was genuine or an error of one of these kinds.
    fn assert_right(&self, title: &str, kinds: &[Kind]) {
        assert!(self.wrong.is_empty(), "{title}: {self:?}");
        let known = |kind: &&str| kinds.iter().any(|known| known.name() == *kind);
        assert!(self.refused.keys().all(known), "{title}: {self:?}");
    }
}

/// Asks all questions in a storm, of a root that was opened before it.
fn question(procfs: &Procfs, title: &str, storm: &Storm) -> Outcomes {
    let genuine = QUESTIONS.map(|(path, verb)| ask(procfs, path, verb).expect("before the storm"));
    // Held, so that their inodes stay what they are.
    let _held = QUESTIONS.map(|(path, _)| procfs.open_file(&Base::OwnProcess, path, How::PATH).unwrap());
    in_a_storm(title, storm, |outcomes| {
        for ((path, verb), genuine) in QUESTIONS.into_iter().zip(&genuine) {
            outcomes.note(path, genuine, ask(procfs, path, verb));
        }
    })
}

#[test]
fn no_storm_reaches_a_detached_root() {
    testkit::require!(root, mounts);
    in_private_mounts(|| {
        let storm = Storm::gather();
        for origin in [Origin::Fsopen, Origin::OpenTree, Origin::OpenTreeRecursive] {
            for resolver in [Strategy::here().resolver, Resolver::Walk] {
                let Ok(procfs) = root(origin, resolver, MountIdSource::Unique) else { continue };
                let title = format!("{} {}", origin.name(), resolver.name());
                question(&procfs, &title, &storm).assert_right(&title, &[]);
            }
        }
    });
}

#[test]
fn on_the_host_openat2_answers_rightly_or_refuses() {
    testkit::require!(root, mounts, openat2, statx);
    in_private_mounts(|| {
        let storm = Storm::gather();
        for ids in [MountIdSource::Unique, MountIdSource::Statx] {
            let procfs = root(Origin::Host, Resolver::Openat2, ids).unwrap();
            let title = format!("host openat2 {}", ids.name());
            question(&procfs, &title, &storm).assert_right(&title, &[Kind::Overmount, Kind::Busy]);
        }
    });
}

#[test]
fn on_the_host_the_walk_answers_rightly_or_refuses_where_statx_tells_mounts_apart() {
    testkit::require!(root, mounts, statx);
    in_private_mounts(|| {
        let storm = Storm::gather();
        for ids in [MountIdSource::Unique, MountIdSource::Statx] {
            let procfs = root(Origin::Host, Resolver::Walk, ids).unwrap();
            let title = format!("host walk {}", ids.name());
            question(&procfs, &title, &storm).assert_right(&title, &[Kind::Overmount, Kind::Busy]);
        }
        // Without it the mount id is read from a file that can itself be mounted over: counted, not promised.
        for ids in [MountIdSource::Fdinfo, MountIdSource::None] {
            let procfs = root(Origin::Host, Resolver::Walk, ids).unwrap();
            question(&procfs, &format!("host walk {}", ids.name()), &storm);
        }
    });
}

#[test]
fn a_root_that_is_opened_in_a_storm_is_genuine() {
    testkit::require!(root, mounts);
    in_private_mounts(|| {
        let storm = Storm::gather();
        for origin in [Origin::Host, Origin::OpenTree, Origin::OpenTreeRecursive] {
            let open = || root(origin, Strategy::here().resolver, MountIdSource::Unique);
            let look = |procfs: Procfs| {
                let dir = procfs.open_file(&Base::Root, b"", How::PATH)?;
                let stat = fstat(dir).expect("fstat");
                Ok(Answer::File(stat.st_dev, stat.st_ino))
            };
            let Ok(genuine) = open().and_then(look) else { continue };
            let title = format!("opening {}", origin.name());
            let outcomes = in_a_storm(&title, &storm, |outcomes| {
                outcomes.note(b"root", &genuine, open().and_then(look));
            });
            // What was mounted there may be gone before it is copied: EINVAL.
            outcomes.assert_right(&title, &[Kind::NotProcfs, Kind::Os]);
        }
    });
}
