//! Hosts with an odd or hostile /proc: every answer is the genuine one or an error of the right kind, never another.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::OwnedFd;
use std::process::Command;

use kernel::{Error, Kind, Result};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy, parse};
use rustix::fs::{Access, CWD, Mode, OFlags, access, fstat, mkdir, openat, symlink};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use rustix::process::{chdir, chroot};
use testkit::{Census, bind, in_private_mounts, mount_tmpfs, sleeper};

/// What is asked of every procfs, and how its answer is told from another's.
struct Question {
    title: &'static str,
    ask: fn(&Procfs) -> Result<String>,
}

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).expect("a process id")
}

/// What never changes about a process: its number and when it was started.
fn identity(procfs: &Procfs, base: Base) -> Result<String> {
    let stat = parse::stat(&procfs.read(&base, b"stat")?)?;
    Ok(format!("{} {}", stat.pid, stat.start_time))
}

fn file(opened: &OwnedFd) -> String {
    let stat = fstat(opened).expect("fstat");
    format!("{} {}", stat.st_dev, stat.st_ino)
}

fn text(content: Vec<u8>) -> String {
    String::from_utf8(content).expect("text")
}

const QUESTIONS: [Question; 11] = [
    Question {
        title: "own status",
        ask: |procfs| {
            let status = parse::status(&procfs.read(&Base::OwnProcess, b"status")?).tgid();
            Ok(format!("{status:?}"))
        },
    },
    Question { title: "own stat", ask: |procfs| identity(procfs, Base::OwnProcess) },
    Question { title: "own link", ask: |procfs| procfs.readlink(&Base::OwnProcess, b"exe").map(text) },
    Question {
        title: "own program",
        ask: |procfs| procfs.open_file(&Base::OwnProcess, b"exe", How::READ.follow()).map(|fd| file(&fd)),
    },
    Question {
        title: "own directory",
        ask: |procfs| {
            let names = procfs.readdir(&Base::OwnProcess, b"")?;
            Ok(names.contains(&b"status".to_vec()).to_string())
        },
    },
    Question {
        title: "own thread",
        ask: |procfs| {
            let stat = parse::stat(&procfs.read(&Base::this_thread(), b"stat")?)?;
            Ok((stat.pid == rustix::thread::gettid().as_raw_nonzero().get()).to_string())
        },
    },
    Question { title: "own number", ask: |procfs| identity(procfs, Base::Pid(own_pid())) },
    Question { title: "first process", ask: |procfs| identity(procfs, Base::Pid(1)) },
    Question { title: "version", ask: |procfs| procfs.read(&Base::Root, b"version").map(text) },
    Question { title: "sysctl", ask: |procfs| procfs.read(&Base::Root, b"sys/kernel/pid_max").map(text) },
    Question {
        title: "file systems",
        ask: |procfs| Ok(procfs.read(&Base::Root, b"filesystems")?.starts_with(b"nodev").to_string()),
    },
];

const OWN: [&str; 6] = ["own status", "own stat", "own link", "own program", "own directory", "own thread"];
const GLOBAL: [&str; 3] = ["version", "sysctl", "file systems"];

/// What the /proc of such a host gives.
enum Expected {
    /// No root at all.
    Refused(Kind),
    /// Genuine answers, but for these, which are refused so.
    Genuine(Vec<(&'static str, Kind)>),
}

struct Host {
    title: &'static str,
    make: fn(),
    expected: Expected,
}

fn each(titles: &[&'static str], kind: Kind) -> Vec<(&'static str, Kind)> {
    titles.iter().map(|title| (*title, kind)).collect()
}

fn mount_proc(options: Option<&std::ffi::CStr>) {
    mount("proc", "/proc", "proc", MountFlags::empty(), options).expect("mount -t proc");
}

/// Puts the calling thread into a root directory with nothing in it but what is made after.
fn enter_empty_root() {
    mount_tmpfs("/mnt");
    chroot("/mnt").expect("chroot");
    chdir("/").expect("chdir");
}

/// A tree that looks like /proc to whoever looks at names only.
fn fake_proc() {
    mount_tmpfs("/proc");
    for directory in ["/proc/1", "/proc/sys", "/proc/sys/kernel"] {
        mkdir(directory, Mode::RWXU).expect("mkdir");
    }
    symlink("1", "/proc/self").expect("symlink");
    for name in ["/proc/1/status", "/proc/1/stat", "/proc/stat", "/proc/sys/kernel/pid_max"] {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(CWD, name, flags, Mode::RUSR).expect("a false file");
        rustix::io::write(file, b"Name:\tinit\nTgid:\t1\nPid:\t1\n").expect("write");
    }
}

/// A genuine procfs of a pid namespace that we are not in, and that has no processes any more.
#[expect(clippy::disallowed_methods, reason = "a test may start programs")]
fn foreign_proc() {
    let mut elsewhere = Command::new("unshare");
    elsewhere.args(["--pid", "--fork", "mount", "-t", "proc", "proc", "/proc"]);
    assert!(elsewhere.status().expect("unshare(1)").success());
}

fn read_only(target: &str) {
    bind(target, target);
    mount_remount(target, MountFlags::BIND | MountFlags::RDONLY, c"").expect("remount");
}

/// Root may trace everybody whose capabilities it has, which are not all in a container.
fn may_trace_the_first_process() -> bool {
    in_private_mounts(|| {
        mount_proc(Some(c"hidepid=4"));
        access("/proc/1", Access::EXISTS).is_ok()
    })
}

fn hosts() -> Vec<Host> {
    use Expected::{Genuine, Refused};
    use Kind::{NotFound, NotProcfs, Overmount};
    let host = |title, make, expected| Host { title, make, expected };
    let hidden: &[&str] = if may_trace_the_first_process() { &[] } else { &["first process"] };
    let unseen: Vec<&str> = OWN.into_iter().chain(["own number"]).collect();
    // Of a number there is more to say: a process that exists is not shown.
    let foreign = [each(&OWN, NotFound), each(&["own number", "first process"], Kind::Masked)].concat();
    vec![
        host("untouched", || (), Genuine(vec![])),
        host("an empty tmpfs", || mount_tmpfs("/proc"), Refused(NotProcfs)),
        host("a tree of false files", fake_proc, Refused(NotProcfs)),
        host("unmounted", || while unmount("/proc", UnmountFlags::DETACH).is_ok() {}, Refused(NotProcfs)),
        host("a root directory without it", enter_empty_root, Refused(NotFound)),
        host(
            "a link to the genuine one",
            || {
                mount_tmpfs("/mnt");
                mkdir("/mnt/genuine", Mode::RWXU).expect("mkdir");
                bind("/proc", "/mnt/genuine");
                symlink("genuine", "/mnt/proc").expect("symlink");
                chroot("/mnt").expect("chroot");
                chdir("/").expect("chdir");
            },
            Refused(NotProcfs),
        ),
        host("read-only", || read_only("/proc"), Genuine(vec![])),
        host("hidepid=1", || mount_proc(Some(c"hidepid=1")), Genuine(vec![])),
        host("hidepid=2", || mount_proc(Some(c"hidepid=2")), Genuine(vec![])),
        host("hidepid=4", || mount_proc(Some(c"hidepid=4")), Genuine(each(hidden, Kind::Masked))),
        host("subset=pid", || mount_proc(Some(c"subset=pid")), Genuine(each(&GLOBAL, Kind::Masked))),
        host("mounted again", || mount_proc(None), Genuine(vec![])),
        host(
            "mounted over twice, at last with itself",
            || {
                mount_tmpfs("/mnt");
                mkdir("/mnt/proc", Mode::RWXU).expect("mkdir");
                bind("/proc", "/mnt/proc");
                mount_tmpfs("/proc");
                bind("/mnt/proc", "/proc");
            },
            Genuine(vec![]),
        ),
        host(
            "a file mounted over twice",
            || {
                bind("/dev/null", "/proc/self/status");
                bind("/proc/self/stat", "/proc/self/status");
            },
            Genuine(each(&["own status"], Overmount)),
        ),
        host("of another pid namespace", foreign_proc, Genuine(foreign)),
        host(
            "masked as containers have it",
            || {
                bind("/dev/null", "/proc/filesystems");
                mount_tmpfs("/proc/fs");
                read_only("/proc/sys");
                read_only("/proc/irq");
            },
            Genuine(each(&["sysctl", "file systems"], Overmount)),
        ),
        host(
            "another procfs file over our status",
            || bind("/proc/1/status", "/proc/self/status"),
            Genuine(each(&["own status"], Overmount)),
        ),
        host(
            "text of the attacker's choice over our stat",
            || bind("/proc/self/environ", "/proc/self/stat"),
            Genuine(each(&["own stat", "own number"], Overmount)),
        ),
        host(
            "another process over ours",
            || bind("/proc/1", "/proc/self"),
            Genuine(each(&unseen, Overmount)),
        ),
        host(
            "another thread over ours",
            || bind("/proc/1/task/1", "/proc/thread-self"),
            // The mount table that a link is followed by is that of the thread.
            Genuine(each(&["own thread", "own program"], Overmount)),
        ),
    ]
}

type Answers = Vec<std::result::Result<String, Kind>>;

fn answers(procfs: &Procfs) -> Answers {
    QUESTIONS.iter().map(|question| (question.ask)(procfs).map_err(|error| error.kind())).collect()
}

/// Every resolver and every source of mount ids that tells them apart, on the /proc of the host.
fn host_strategies() -> Vec<(String, Strategy)> {
    let mut all = Vec::new();
    for resolver in [Strategy::here().resolver, Resolver::Walk] {
        for ids in [MountIdSource::Unique, MountIdSource::Statx, MountIdSource::Fdinfo] {
            let strategy = Strategy::here().only(Origin::Host).resolving_by(resolver).mount_ids_from(ids);
            all.push((format!("{} {}", resolver.name(), ids.name()), strategy));
        }
    }
    all
}

/// A machine that lets us make an instance of our own; a user namespace without a pid namespace does not.
fn has_instances_of_its_own() -> bool {
    let only = Strategy::here().only(Origin::Fsopen);
    let own =
        Procfs::open_with(&Options::default(), &only).map(drop).map_err(|error: Error| error.to_string());
    testkit::need::met("fsopen", own, module_path!())
}

/// A user namespace without a pid namespace may not.
fn may_mount_proc() -> bool {
    let mounted = in_private_mounts(|| mount("proc", "/proc", "proc", MountFlags::empty(), None));
    testkit::need::met("proc", mounted.map_err(|errno| errno.to_string()), module_path!())
}

#[test]
fn an_instance_of_our_own_gives_genuine_answers_on_every_host() {
    testkit::require!(root, mounts);
    if !has_instances_of_its_own() {
        return;
    }
    let genuine = answers(&Procfs::open(&Options::unmasked()).unwrap());
    assert!(genuine.iter().all(std::result::Result::is_ok), "{genuine:?}");
    for Host { title, make, .. } in hosts() {
        let census = Census::take();
        in_private_mounts(|| {
            make();
            for resolver in [Strategy::here().resolver, Resolver::Walk] {
                for options in [Options::default(), Options::unmasked()] {
                    let strategy = Strategy::here().resolving_by(resolver);
                    let procfs = Procfs::open_with(&options, &strategy).unwrap();
                    assert_eq!(procfs.info().origin, Origin::Fsopen, "{title}");
                    assert_eq!(answers(&procfs), genuine, "{title} {resolver:?} {options:?}");
                }
            }
        });
        census.assert_unchanged();
    }
}

#[test]
fn the_proc_of_every_host_gives_genuine_answers_or_refuses() {
    testkit::require!(root, mounts);
    if !may_mount_proc() {
        return;
    }
    let genuine = answers(&Procfs::open(&Options::unmasked()).unwrap());
    for Host { title, make, expected } in hosts() {
        let census = Census::take();
        in_private_mounts(|| {
            make();
            for (name, strategy) in host_strategies() {
                let opened = Procfs::open_with(&Options::default(), &strategy);
                let (procfs, refused) = match (opened, &expected) {
                    (Ok(procfs), Expected::Genuine(refused)) => (procfs, refused),
                    (Err(error), Expected::Refused(kind)) => {
                        assert_eq!(error.kind(), *kind, "{title} {name}: {error}");
                        continue;
                    }
                    (opened, _) => panic!("{title} {name}: {opened:?}"),
                };
                // Without statx, and with fdinfo out of reach, the handle says that it cannot tell mounts apart: the
                // walk does not see procfs over procfs then, and links are followed unchecked.
                if procfs.info().mount_id == MountIdSource::None {
                    let is_told =
                        strategy.mount_ids == MountIdSource::Fdinfo || testkit::need::statx().is_err();
                    assert!(is_told, "{title} {name}");
                    continue;
                }
                for (number, answer) in answers(&procfs).into_iter().enumerate() {
                    let question = QUESTIONS[number].title;
                    let refusal = refused.iter().find(|(title, _)| *title == question);
                    let expected = refusal.map_or(genuine[number].clone(), |(_, kind)| Err(*kind));
                    assert_eq!(answer, expected, "{title} {name}: {question}");
                }
            }
        });
        census.assert_unchanged();
    }
}

#[test]
fn all_processes_are_shown_on_every_host_and_by_its_own_proc_where_that_hides_nobody() {
    testkit::require!(root, mounts);
    if !has_instances_of_its_own() {
        return;
    }
    let may_copy = Procfs::open_with(&Options::unmasked(), &Strategy::here().only(Origin::OpenTree)).is_ok();
    let child = sleeper();
    for Host { title, make, expected } in hosts() {
        let is_doubtful = title.starts_with("hidepid") || title == "of another pid namespace";
        let is_copied = may_copy && !is_doubtful && matches!(expected, Expected::Genuine(_));
        let census = Census::take();
        in_private_mounts(|| {
            make();
            let procfs = Procfs::of_everybody().unwrap();
            let expected = if is_copied { Origin::OpenTree } else { Origin::Fsopen };
            assert_eq!(procfs.info().origin, expected, "{title}: {:?}", procfs.info().attempts);
            let names = procfs.readdir(&Base::Root, b"").unwrap();
            for pid in [1, own_pid(), child.pid()] {
                assert!(names.contains(&pid.to_string().into_bytes()), "{title}: {pid}");
                let stat = parse::stat(&procfs.read(&Base::Pid(pid), b"stat").unwrap()).unwrap();
                assert_eq!(stat.pid, pid, "{title}");
            }
        });
        census.assert_unchanged();
    }
}
