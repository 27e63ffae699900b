//! Hostile mounts: a detached root does not see them, the /proc of the host refuses them, by either resolver.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use kernel::{Capabilities, Feature, Kind};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy};
use testkit::{Census, bind, in_private_mounts, mount_tmpfs};

/// Both resolvers, where there are two.
fn resolvers() -> [Resolver; 2] {
    [Strategy::here().resolver, Resolver::Walk]
}

const TELLING: [MountIdSource; 3] = [MountIdSource::Unique, MountIdSource::Statx, MountIdSource::Fdinfo];

fn open(origin: Origin, resolver: Resolver, ids: MountIdSource) -> Procfs {
    let strategy = Strategy::here().only(origin).resolving_by(resolver).mount_ids_from(ids);
    Procfs::open_with(&Options::unmasked(), &strategy).expect("a root of this origin")
}

/// A kernel with the calls that these tests copy mounts by.
fn has_open_tree() -> bool {
    let here = Capabilities::here().demand(Feature::OpenTree, "open_tree").map_err(|error| error.to_string());
    testkit::need::met("open_tree", here, module_path!())
}

/// A machine that lets us make an instance of our own; a user namespace without a pid namespace does not.
fn has_instances_of_its_own() -> bool {
    let only = Strategy::here().only(Origin::Fsopen);
    let own = Procfs::open_with(&Options::default(), &only).map(drop).map_err(|error| error.to_string());
    testkit::need::met("fsopen", own, module_path!())
}

/// Mounts over files of this process what an attacker would.
fn attack() {
    mount_tmpfs("/proc/self/net");
    bind("/dev/null", "/proc/self/status");
    // A procfs file with other contents than the caller believes.
    bind("/proc/self/environ", "/proc/self/mountinfo");
    bind("/proc/self/sched", "/proc/self/attr/exec");
    bind("/dev/null", "/proc/meminfo");
    mount_tmpfs("/proc/fs");
}

const ATTACKED: [(Base, &[u8]); 7] = [
    (Base::OwnProcess, b"net/unix"),
    (Base::OwnProcess, b"net"),
    (Base::OwnProcess, b"status"),
    (Base::OwnProcess, b"mountinfo"),
    (Base::OwnProcess, b"attr/exec"),
    (Base::Root, b"meminfo"),
    (Base::Root, b"fs"),
];

#[test]
fn the_host_refuses_what_is_mounted_over_by_either_resolver() {
    testkit::require!(root, mounts);
    let census = Census::take();
    in_private_mounts(|| {
        attack();
        for resolver in resolvers() {
            for ids in TELLING {
                let procfs = open(Origin::Host, resolver, ids);
                for (base, path) in ATTACKED {
                    for how in [How::READ, How::PATH, How::READ.follow()] {
                        let error = procfs.open_file(&base, path, how).unwrap_err();
                        let path = String::from_utf8_lossy(path);
                        assert_eq!(
                            error.kind(),
                            Kind::Overmount,
                            "{resolver:?} {ids:?} {path} {how:?}: {error}"
                        );
                    }
                }
                assert!(!procfs.read(&Base::OwnProcess, b"stat").unwrap().is_empty());
                assert!(!procfs.read(&Base::Root, b"uptime").unwrap().is_empty());
            }
        }
    });
    census.assert_unchanged();
}

#[test]
fn detached_roots_made_in_a_hostile_place_do_not_see_its_mounts() {
    testkit::require!(root, mounts);
    if !has_instances_of_its_own() || !has_open_tree() {
        return;
    }
    in_private_mounts(|| {
        attack();
        for origin in [Origin::Fsopen, Origin::OpenTree] {
            for resolver in resolvers() {
                let procfs = open(origin, resolver, MountIdSource::Unique);
                let status = procfs.read(&Base::OwnProcess, b"status").unwrap();
                assert!(procfs::parse::status(&status).tgid().is_some());
                assert!(
                    procfs::parse::mountinfo(&procfs.read(&Base::OwnProcess, b"mountinfo").unwrap()).is_ok()
                );
                assert!(procfs.read(&Base::Root, b"meminfo").unwrap().starts_with(b"MemTotal"));
                for (base, path) in ATTACKED {
                    assert!(procfs.open_file(&base, path, How::PATH).is_ok());
                }
            }
        }
    });
}

#[test]
fn a_recursive_copy_keeps_the_mounts_and_refuses_them() {
    testkit::require!(root, mounts);
    if !has_open_tree() {
        return;
    }
    in_private_mounts(|| {
        attack();
        for resolver in resolvers() {
            let procfs = open(Origin::OpenTreeRecursive, resolver, MountIdSource::Unique);
            for (base, path) in ATTACKED {
                assert_eq!(procfs.open_file(&base, path, How::READ).unwrap_err().kind(), Kind::Overmount);
            }
        }
    });
}

#[test]
fn mounts_made_later_do_not_reach_a_detached_root() {
    testkit::require!(root, mounts);
    if !has_instances_of_its_own() || !has_open_tree() {
        return;
    }
    in_private_mounts(|| {
        let before = [Origin::Fsopen, Origin::OpenTree, Origin::OpenTreeRecursive]
            .map(|origin| open(origin, Strategy::here().resolver, MountIdSource::Unique));
        attack();
        for procfs in before {
            for (base, path) in ATTACKED {
                assert!(procfs.open_file(&base, path, How::READ).is_ok(), "{:?}", procfs.info().origin);
            }
        }
    });
}

#[test]
fn a_false_proc_is_not_taken_for_one() {
    testkit::require!(root, mounts);
    if !has_instances_of_its_own() {
        return;
    }
    let host = Strategy::here().only(Origin::Host);
    let census = Census::take();
    in_private_mounts(|| {
        bind("/proc/sys", "/proc");
        let error = Procfs::open_with(&Options::default(), &host).unwrap_err();
        assert_eq!(error.kind(), Kind::NotProcfs, "{error}");
        mount_tmpfs("/proc");
        let error = Procfs::open_with(&Options::default(), &host).unwrap_err();
        assert_eq!(error.kind(), Kind::NotProcfs, "{error}");
        // An instance of our own needs no /proc at all.
        let own = Procfs::open(&Options::default()).unwrap();
        assert_eq!(own.info().origin, Origin::Fsopen);
        assert!(!own.read(&Base::OwnProcess, b"stat").unwrap().is_empty());
        assert!(!own.read(&Base::Root, b"uptime").unwrap().is_empty());
    });
    census.assert_unchanged();
}

#[test]
fn a_magic_link_that_is_mounted_over_is_not_followed() {
    testkit::require!(root, mounts);
    if !has_instances_of_its_own() || !has_open_tree() {
        return;
    }
    in_private_mounts(|| {
        // A link cannot be named as a target: its own handle names it.
        let host = open(Origin::Host, Strategy::here().resolver, MountIdSource::Unique);
        let link = |path: &[u8]| host.open_file(&Base::OwnProcess, path, How::PATH).unwrap();
        let (target, source) = (link(b"exe"), link(b"cwd"));
        mount_over(&source, &target);
        for resolver in resolvers() {
            for ids in TELLING {
                let procfs = open(Origin::Host, resolver, ids);
                for how in [How::READ, How::READ.follow(), How::PATH] {
                    let error = procfs.open_file(&Base::OwnProcess, b"exe", how).unwrap_err();
                    assert_eq!(error.kind(), Kind::Overmount, "{resolver:?} {ids:?} {how:?}: {error}");
                }
            }
        }
        let own = open(Origin::Fsopen, Strategy::here().resolver, MountIdSource::Unique);
        assert!(own.open_file(&Base::OwnProcess, b"exe", How::READ.follow()).is_ok());
    });
}

#[test]
fn a_link_mounted_over_self_is_refused() {
    testkit::require!(root, mounts);
    if !has_open_tree() {
        return;
    }
    in_private_mounts(|| {
        let host = open(Origin::Host, Strategy::here().resolver, MountIdSource::Unique);
        let own = host.open_file(&Base::Root, b"self", How::PATH).unwrap();
        let other = host.open_file(&Base::Root, b"thread-self", How::PATH).unwrap();
        mount_over(&other, &own);
        for resolver in resolvers() {
            for ids in TELLING {
                let procfs = open(Origin::Host, resolver, ids);
                let error = procfs.read(&Base::OwnProcess, b"status").unwrap_err();
                assert_eq!(error.kind(), Kind::Overmount, "{resolver:?} {ids:?}: {error}");
            }
        }
    });
}

#[test]
fn without_mount_ids_the_walk_still_sees_another_file_system_and_says_what_it_cannot_see() {
    testkit::require!(root, mounts, openat2);
    in_private_mounts(|| {
        attack();
        let blind = open(Origin::Host, Resolver::Walk, MountIdSource::None);
        assert!(!blind.sees_overmounts());
        let error = blind.read(&Base::OwnProcess, b"status").unwrap_err();
        assert_eq!(error.kind(), Kind::Overmount, "{error}");
        // Procfs over procfs: missed, which is why the source of mount ids is part of `info`.
        assert!(blind.open_file(&Base::OwnProcess, b"mountinfo", How::READ).is_ok());
        // openat2 needs no mount ids.
        let atomic = open(Origin::Host, Resolver::Openat2, MountIdSource::None);
        assert_eq!(atomic.read(&Base::OwnProcess, b"mountinfo").unwrap_err().kind(), Kind::Overmount);
    });
}

/// Mounts a copy of one handle over another: both may be links.
fn mount_over(source: &std::os::fd::OwnedFd, target: &std::os::fd::OwnedFd) {
    use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
    let copy =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_EMPTY_PATH | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let copy = open_tree(source, "", copy).expect("open_tree");
    let by_handle = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&copy, "", target, "", by_handle).expect("move_mount");
}
