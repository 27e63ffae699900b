//! Mounts over every kind of object, met by every base and verb, on every root, by either resolver.
#![expect(clippy::unwrap_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::OwnedFd;

use kernel::{Capabilities, Feature, Kind};
use procfs::{Base, How, Options, Origin, Procfs, Resolver, Strategy};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use testkit::{Census, bind, in_private_mounts, mount_tmpfs};

/// How a file is asked for.
#[derive(Debug, Clone, Copy)]
enum Verb {
    Open(How),
    Readlink,
    Readdir,
}

use Verb::{Open, Readdir, Readlink};

/// What comes of it on a root that sees the mounts, and on one that does not: `None` is success.
type Outcome = Option<Kind>;
type Row = (&'static [u8], Verb, Outcome, Outcome);

const FINE: Outcome = None;
const OVER: Outcome = Some(Kind::Overmount);
const MAGIC: Outcome = Some(Kind::MagicLink);
const NO_LINK: Outcome = Some(Kind::InvalidArgument);
const MISSING: Outcome = Some(Kind::NotFound);
const OTHER: Outcome = Some(Kind::Os);

/// Asked below the process by its link, below it by number, and below the thread.
const OF_PROCESSES: [Row; 33] = [
    // What nothing is mounted over.
    (b"", Open(How::READ), FINE, FINE),
    (b"stat", Open(How::READ), FINE, FINE),
    (b"stat", Open(How::READ.follow()), FINE, FINE),
    (b"stat", Readlink, NO_LINK, NO_LINK),
    (b"attr", Readdir, FINE, FINE),
    (b"fd", Readdir, FINE, FINE),
    (b"fdinfo/0", Open(How::READ), FINE, FINE),
    (b"cwd", Readlink, FINE, FINE),
    (b"cwd", Open(How::READ), MAGIC, MAGIC),
    (b"cwd", Open(How::READ.directory().follow()), FINE, FINE),
    (b"ns/pid", Open(How::READ.follow()), FINE, FINE),
    (b"root/etc", Open(How::PATH.follow()), MAGIC, MAGIC),
    (b"missing", Open(How::READ), MISSING, MISSING),
    // A directory that another file system is mounted over.
    (b"net", Open(How::READ), OVER, FINE),
    (b"net", Open(How::PATH), OVER, FINE),
    (b"net/", Open(How::PATH), OVER, FINE),
    (b"net", Readdir, OVER, FINE),
    (b"net", Open(How::READ.follow()), OVER, FINE),
    (b"net/unix", Open(How::READ), OVER, FINE),
    (b"net/missing", Open(How::READ), OVER, MISSING),
    // A file to be written that another procfs file is mounted over, which swallows what is written.
    (b"attr/exec", Open(How::READ_WRITE), OVER, FINE),
    (b"attr/exec", Open(How::WRITE), OVER, FINE),
    (b"attr/exec", Open(How::PATH), OVER, FINE),
    (b"attr/exec", Open(How::READ.directory()), OVER, OTHER),
    // A file to be read that one of the attacker's making is mounted over.
    (b"status", Open(How::READ), OVER, FINE),
    (b"status", Open(How::READ.follow()), OVER, FINE),
    (b"status", Readlink, OVER, NO_LINK),
    // A magic link that another one is mounted over.
    (b"exe", Open(How::READ), OVER, MAGIC),
    (b"exe", Open(How::PATH), OVER, FINE),
    (b"exe", Open(How::READ.follow()), OVER, FINE),
    (b"exe", Open(How::PATH.follow()), OVER, FINE),
    (b"exe", Readlink, OVER, FINE),
    (b"exe/missing", Open(How::READ), OVER, MAGIC),
];

/// Asked below the root.
const GLOBAL: [Row; 22] = [
    (b"", Readdir, FINE, FINE),
    (b"uptime", Open(How::READ), FINE, FINE),
    (b"uptime", Readlink, NO_LINK, NO_LINK),
    (b"sys/kernel/pid_max", Open(How::READ), FINE, FINE),
    (b"self", Readlink, FINE, FINE),
    (b"self/stat", Open(How::READ), FINE, FINE),
    (b"mounts", Readlink, FINE, FINE),
    (b"mounts", Open(How::READ.follow()), FINE, FINE),
    (b"missing", Open(How::READ.follow()), MISSING, MISSING),
    (b"fs", Open(How::READ), OVER, FINE),
    (b"fs/", Open(How::PATH), OVER, FINE),
    (b"fs", Readdir, OVER, FINE),
    (b"fs/missing", Open(How::READ), OVER, MISSING),
    (b"meminfo", Open(How::READ), OVER, FINE),
    (b"meminfo", Open(How::PATH), OVER, FINE),
    (b"meminfo", Open(How::READ.follow()), OVER, FINE),
    (b"cpuinfo", Open(How::READ), OVER, FINE),
    (b"cpuinfo", Readlink, OVER, NO_LINK),
    // Through ordinary links, to what is covered.
    (b"net/unix", Open(How::READ), OVER, FINE),
    (b"self/status", Open(How::READ), OVER, FINE),
    (b"thread-self/status", Open(How::READ), OVER, FINE),
    (b"self/exe", Open(How::READ.follow()), OVER, FINE),
];

fn root(origin: Origin, resolver: Resolver) -> kernel::Result<Procfs> {
    Procfs::open_with(&Options::unmasked(), &Strategy::here().only(origin).resolving_by(resolver))
}

fn attack() {
    mount_tmpfs("/proc/fs");
    bind("/dev/null", "/proc/meminfo");
    bind("/proc/self/environ", "/proc/cpuinfo");
    let host = root(Origin::Host, Strategy::here().resolver).unwrap();
    for (base, directory) in [(Base::OwnProcess, "/proc/self"), (Base::this_thread(), "/proc/thread-self")] {
        let link = |path: &[u8]| host.open_file(&base, path, How::PATH).unwrap();
        mount_over(&link(b"ns/mnt"), &link(b"exe"));
        bind("/proc/self/environ", format!("{directory}/status"));
        bind(format!("{directory}/sched"), format!("{directory}/attr/exec"));
        mount_tmpfs(format!("{directory}/net"));
    }
}

fn mount_over(source: &OwnedFd, target: &OwnedFd) {
    let copy =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_EMPTY_PATH | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let copy = open_tree(source, "", copy).unwrap();
    let by_handle = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&copy, "", target, "", by_handle).unwrap();
}

fn ask(procfs: &Procfs, base: Base, path: &[u8], verb: Verb) -> Outcome {
    let answer = match verb {
        Open(how) => procfs.open_file(&base, path, how).map(drop),
        Readlink => procfs.readlink(&base, path).map(drop),
        Readdir => procfs.readdir(&base, path).map(drop),
    };
    answer.err().map(|error| error.kind())
}

/// The number of this process in the pid namespace of that procfs.
fn number(procfs: &Procfs) -> i32 {
    std::str::from_utf8(&procfs.readlink(&Base::Root, b"self").unwrap()).unwrap().parse().unwrap()
}

fn has_open_tree() -> bool {
    let here = Capabilities::here().demand(Feature::OpenTree, "open_tree").map_err(|error| error.to_string());
    testkit::need::met("open_tree", here, module_path!())
}

#[test]
fn every_root_and_resolver_gives_the_answers_of_the_table() {
    testkit::require!(root, mounts, statx);
    if !has_open_tree() {
        return;
    }
    let census = Census::take();
    let otherwise = in_private_mounts(|| {
        attack();
        let mut otherwise = Vec::new();
        for origin in Origin::LADDER {
            for resolver in [Strategy::here().resolver, Resolver::Walk] {
                let Ok(procfs) = root(origin, resolver) else { continue };
                let sees = matches!(origin, Origin::Host | Origin::OpenTreeRecursive);
                let own = [Base::OwnProcess, Base::Pid(number(&procfs)), Base::this_thread()];
                let rows = own.iter().flat_map(|base| OF_PROCESSES.map(|row| (*base, row)));
                for (base, (path, verb, visible, hidden)) in rows.chain(GLOBAL.map(|row| (Base::Root, row))) {
                    let (expected, found) =
                        (if sees { visible } else { hidden }, ask(&procfs, base, path, verb));
                    if found != expected {
                        let path = String::from_utf8_lossy(path);
                        let on = format!("{} {}: {base:?} {path} {verb:?}", origin.name(), resolver.name());
                        otherwise.push(format!("{on}: {found:?}, not {expected:?}"));
                    }
                }
            }
        }
        otherwise
    });
    assert!(otherwise.is_empty(), "{}", otherwise.join("\n"));
    census.assert_unchanged();
}

#[test]
fn where_the_mount_table_is_covered_no_link_of_the_host_is_followed() {
    testkit::require!(root, mounts, statx);
    in_private_mounts(|| {
        bind("/proc/self/environ", "/proc/thread-self/mountinfo");
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            let host = root(Origin::Host, resolver).unwrap();
            assert_eq!(ask(&host, Base::OwnProcess, b"exe", Open(How::READ.follow())), OVER);
            assert_eq!(ask(&host, Base::OwnProcess, b"exe", Readlink), FINE);
            assert_eq!(ask(&host, Base::OwnProcess, b"status", Open(How::READ.follow())), FINE);
        }
    });
}
