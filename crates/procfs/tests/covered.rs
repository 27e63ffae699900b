//! Mounts that show what they cover, as containers have them: refused with a word of comfort, or read through.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use kernel::{Capabilities, Feature, Kind};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy};
use rustix::mount::{MountFlags, mount};
use testkit::{Census, bind, in_private_mounts, mount_tmpfs};

/// The roots through which such mounts are met, with every way of telling mounts apart.
fn roots() -> Vec<(String, Procfs)> {
    let mut origins = vec![Origin::Host];
    if Capabilities::here().has(Feature::OpenTree) {
        origins.push(Origin::OpenTreeRecursive);
    }
    let mut roots = Vec::new();
    for origin in origins {
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            for ids in [MountIdSource::Unique, MountIdSource::Statx, MountIdSource::Fdinfo] {
                let strategy = Strategy::here().only(origin).resolving_by(resolver).mount_ids_from(ids);
                let procfs =
                    Procfs::open_with(&Options::unmasked(), &strategy).expect("a root of this origin");
                roots.push((format!("{} {} {}", origin.name(), resolver.name(), ids.name()), procfs));
            }
        }
    }
    roots
}

/// What a container runtime does, and what an attacker would do to look like one.
fn cover() {
    bind("/proc/sys", "/proc/sys");
    bind("/proc/sys/kernel", "/proc/sys/kernel");
    bind("/proc/uptime", "/proc/uptime");
    // Another part of the same procfs, a file of a process over itself, another procfs, and no procfs.
    bind("/proc/loadavg", "/proc/version");
    bind("/proc/self/status", "/proc/self/status");
    if mount("proc", "/proc/fs", "proc", MountFlags::empty(), None).is_ok() {
        bind("/proc/fs/irq", "/proc/irq");
    } else {
        // A user namespace without a pid namespace has no other procfs to offer.
        mount_tmpfs("/proc/fs");
        mount_tmpfs("/proc/irq");
    }
    mount_tmpfs("/proc/bus");
}

const HARMLESS: [&[u8]; 6] = [
    b"sys",
    b"sys/vm/overcommit_memory",
    b"sys/kernel",
    b"sys/kernel/pid_max",
    b"uptime",
    b"sys/kernel/random/",
];

const HOSTILE: [(Base, &[u8]); 6] = [
    (Base::Root, b"version"),
    (Base::OwnProcess, b"status"),
    (Base::Root, b"fs"),
    (Base::Root, b"fs/uptime"),
    (Base::Root, b"irq"),
    (Base::Root, b"bus"),
];

#[test]
fn a_mount_that_shows_what_it_covers_is_refused_with_a_hint_and_read_through_on_request() {
    testkit::require!(root, mounts);
    let census = Census::take();
    in_private_mounts(|| {
        let before = Procfs::open_with(&Options::unmasked(), &Strategy::here().only(Origin::Host)).unwrap();
        let inode = |procfs: &Procfs, path: &[u8], how| {
            let file = procfs.open_file(&Base::Root, path, how)?;
            Ok::<_, kernel::Error>(rustix::fs::fstat(file).expect("fstat").st_ino)
        };
        let genuine = HARMLESS.map(|path| inode(&before, path, How::READ).unwrap());
        cover();
        for (name, procfs) in roots() {
            for (path, genuine) in HARMLESS.iter().zip(genuine) {
                let shown = String::from_utf8_lossy(path);
                for how in [How::READ, How::PATH, How::WRITE.allowing_same_procfs()] {
                    let error = procfs.open_file(&Base::Root, path, how).unwrap_err();
                    assert_eq!(error.kind(), Kind::Overmount, "{name}: {shown}: {error}");
                    // No table lists the mounts of a detached tree.
                    if procfs.info().origin == Origin::Host {
                        let hint = error.advice().unwrap_or_default();
                        assert!(hint.contains("harmless"), "{name}: {shown}: {error} {hint}");
                    }
                }
                for how in [How::READ, How::PATH, How::READ.follow()] {
                    let found = inode(&procfs, path, how.allowing_same_procfs());
                    assert_eq!(found.ok(), Some(genuine), "{name}: {shown} {how:?}");
                }
            }
        }
    });
    census.assert_unchanged();
}

#[test]
fn a_mount_that_shows_anything_else_is_refused_even_so() {
    testkit::require!(root, mounts);
    in_private_mounts(|| {
        cover();
        for (name, procfs) in roots() {
            for (base, path) in HOSTILE {
                for how in [How::READ, How::PATH, How::READ.follow()] {
                    let error = procfs.open_file(&base, path, how.allowing_same_procfs()).unwrap_err();
                    let shown = String::from_utf8_lossy(path);
                    assert_eq!(error.kind(), Kind::Overmount, "{name}: {shown}: {error}");
                    assert_eq!(error.advice(), None, "{name}: {shown}: {error}");
                }
            }
        }
    });
}

#[test]
fn without_mount_ids_nothing_is_allowed() {
    testkit::require!(root, mounts, openat2);
    in_private_mounts(|| {
        cover();
        let blind = Strategy::here().only(Origin::Host).mount_ids_from(MountIdSource::None);
        let procfs = Procfs::open_with(&Options::unmasked(), &blind).unwrap();
        for path in HARMLESS {
            let error = procfs.open_file(&Base::Root, path, How::READ.allowing_same_procfs()).unwrap_err();
            assert_eq!(error.kind(), Kind::Overmount, "{error}");
        }
    });
}

#[test]
fn a_handle_that_was_opened_so_reads_through_without_being_told_each_time() {
    testkit::require!(root, mounts);
    in_private_mounts(|| {
        cover();
        let options = Options { allow_same_procfs: true, ..Options::unmasked() };
        let procfs = Procfs::open_with(&options, &Strategy::here().only(Origin::Host)).unwrap();
        assert!(!procfs.read(&Base::Root, b"sys/kernel/pid_max").unwrap().is_empty());
        let error = procfs.open_file(&Base::Root, b"sys/kernel/pid_max", How::WRITE).unwrap_err();
        assert_eq!(error.kind(), Kind::Overmount, "{error}");
        for (base, path) in HOSTILE {
            assert_eq!(procfs.open_file(&base, path, How::READ).unwrap_err().kind(), Kind::Overmount);
        }
    });
}
