//! Storms of mounts and of renames while every verb is used: the genuine answer, or a refusal, and nothing left.
//!
//! Each case runs for a number of rounds (`PROCWARD_ROUNDS`, by default few) and no longer than its time.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kernel::{Kind, Result};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy, parse};
use rustix::fs::{CWD, Mode, fstat, mkdir, renameat};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use testkit::{Census, in_private_mounts, mount_tmpfs};

const ROUNDS: usize = 300;
/// No case lasts longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(120);

/// What is mounted over what; all of it procfs, so that only the mount tells them apart.
const MOUNTS: [(&str, &str); 6] = [
    ("/proc/1", "/proc/self"),
    ("/proc/self/net", "/proc/self/task"),
    ("/proc/self/net", "/proc/self/fd"),
    ("/proc/self/environ", "/proc/self/stat"),
    ("/proc/uptime", "/proc/version"),
    ("/proc/irq", "/proc/sys/kernel"),
];

/// A verb, by what a failing test calls it; its answer, in a form that can be compared.
type Verb = (&'static str, fn(&Procfs) -> Result<Vec<u8>>);

const VERBS: [Verb; 9] = [
    ("read", |procfs| {
        let stat = parse::stat(&procfs.read(&Base::OwnProcess, b"stat")?)?;
        Ok(format!("{} {}", stat.pid, stat.start_time).into_bytes())
    }),
    ("read a global file", |procfs| procfs.read(&Base::Root, b"version")),
    ("read a sysctl", |procfs| procfs.read(&Base::Root, b"sys/kernel/pid_max")),
    ("readlink", |procfs| procfs.readlink(&Base::OwnProcess, b"exe")),
    ("readdir", |procfs| {
        let names = procfs.readdir(&Base::OwnProcess, b"task")?;
        Ok(names.contains(&std::process::id().to_string().into_bytes()).to_string().into_bytes())
    }),
    ("fd_path", |procfs| procfs.fd_path(0)),
    ("reopen", |procfs| {
        let stat = fstat(procfs.reopen(std::io::stdin().as_fd(), How::PATH)?).expect("fstat");
        Ok(format!("{} {}", stat.st_dev, stat.st_ino).into_bytes())
    }),
    ("follow", |procfs| {
        let followed = procfs.open_file(&Base::OwnProcess, b"exe", How::READ.follow())?;
        let stat = fstat(followed).expect("fstat");
        Ok(format!("{} {}", stat.st_dev, stat.st_ino).into_bytes())
    }),
    ("look below a directory", |procfs| {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let directory = procfs.open_pid_dir(own)?;
        procfs.readlink_in(directory.as_fd(), b"exe")
    }),
];

/// Two attackers, until told to stop.
#[derive(Default)]
struct Storm {
    is_over: AtomicBool,
    blows: AtomicUsize,
}

impl Storm {
    fn mount(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            for (source, target) in MOUNTS {
                mount_bind(source, target).expect("mount --bind");
                self.blows.fetch_add(1, Ordering::Relaxed);
                unmount(target, UnmountFlags::DETACH).expect("umount");
            }
        }
    }

    /// Look-ups that are made without locks start again when anything is renamed anywhere.
    fn rename(&self) {
        mkdir("/mnt/a", Mode::RWXU).expect("mkdir");
        while !self.is_over.load(Ordering::Relaxed) {
            renameat(CWD, "/mnt/a", CWD, "/mnt/b").expect("rename");
            renameat(CWD, "/mnt/b", CWD, "/mnt/a").expect("rename");
        }
        rustix::fs::rmdir("/mnt/a").expect("rmdir");
    }
}

/// Ends the storm when whoever asks in it is done or fails.
struct Ending<'a>(&'a Storm);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

/// Uses every verb in a storm; the number of genuine answers and of refusals.
fn weather(name: &str, procfs: &Procfs, refusals: &[Kind]) -> (usize, usize) {
    let genuine = VERBS.map(|(title, ask)| ask(procfs).expect(title));
    let rounds = std::env::var("PROCWARD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let (storm, end) = (Storm::default(), Instant::now() + LIMIT);
    let (mut right, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let _ending = Ending(&storm);
        // Both are born here, in the private mount namespace.
        scope.spawn(|| storm.mount());
        scope.spawn(|| storm.rename());
        while storm.blows.load(Ordering::Relaxed) == 0 && Instant::now() < end {
            std::thread::yield_now();
        }
        for _ in 0..rounds.unwrap_or(ROUNDS) {
            for ((title, ask), genuine) in VERBS.iter().zip(&genuine) {
                match ask(procfs) {
                    Ok(answer) => {
                        assert!(answer == *genuine, "{name}: {title}: a wrong answer");
                        right += 1;
                    }
                    Err(error) => {
                        assert!(refusals.contains(&error.kind()), "{name}: {title}: {error}");
                        refused += 1;
                    }
                }
            }
            if Instant::now() > end {
                break;
            }
        }
    });
    assert!(storm.blows.load(Ordering::Relaxed) > 0, "{name}: there was no storm");
    (right, refused)
}

#[test]
fn every_verb_answers_rightly_or_refuses_in_a_storm() {
    testkit::require!(root, mounts, statx);
    let census = Census::take();
    in_private_mounts(|| {
        mount_tmpfs("/mnt");
        for origin in [Origin::Fsopen, Origin::OpenTree, Origin::Host] {
            for resolver in [Strategy::here().resolver, Resolver::Walk] {
                for ids in [MountIdSource::Unique, MountIdSource::Statx] {
                    let strategy = Strategy::here().only(origin).resolving_by(resolver).mount_ids_from(ids);
                    let Ok(procfs) = Procfs::open_with(&Options::unmasked(), &strategy) else { continue };
                    let name = format!("{} {} {}", origin.name(), resolver.name(), ids.name());
                    let refusals: &[Kind] =
                        if origin == Origin::Host { &[Kind::Overmount, Kind::Busy] } else { &[] };
                    let (right, refused) = weather(&name, &procfs, refusals);
                    println!("{name}: {right} genuine answers, {refused} refusals");
                }
            }
        }
    });
    census.assert_unchanged();
}
