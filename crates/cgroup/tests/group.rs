//! One group as a handle: made, opened, joined, read, listed, and never mistaken for another.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use cgroup::{Cgroup, Lookup, Matcher, Reach, Version};
use kernel::{Errno, Kind};
use rustix::mount::{MountFlags, mount};
use testkit::{Census, ScratchGroup, sleeper};

/// Every strategy that this kernel has.
fn strategies() -> Vec<Lookup> {
    let openat2 = kernel::Capabilities::here().has(kernel::Feature::Openat2);
    if openat2 { vec![Lookup::Openat2, Lookup::Walk] } else { vec![Lookup::Walk] }
}

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> Census {
    procfs::shared().unwrap();
    Census::take()
}

fn open(group: &ScratchGroup, lookup: Lookup) -> Cgroup {
    Cgroup::open_with(Path::new(group.name()), Some(&Matcher::Unified), lookup).unwrap()
}

#[test]
fn a_group_is_made_joined_and_listed_in_both_versions() {
    testkit::require!(cgroup2, pids1);
    let census = census();
    let rows = [
        (ScratchGroup::v2("join"), Matcher::Unified, Version::V2),
        (ScratchGroup::v1("pids", "join"), Matcher::Controller("pids".to_owned()), Version::V1),
    ];
    for (scratch, matcher, version) in rows {
        for lookup in strategies() {
            let path = Path::new(scratch.name()).join(format!("made-{lookup:?}"));
            let group = Cgroup::create_with(&path, Some(&matcher), lookup).unwrap();
            let inner = group.create_child(OsStr::new("inner")).unwrap();
            assert_eq!((group.version(), group.path()), (version, path.as_path()));
            assert_eq!(group.children().unwrap(), ["inner"]);
            assert_eq!(group.child(OsStr::new("inner")).unwrap().identity(), inner.identity());

            let child = sleeper();
            inner.add(child.pid()).unwrap();
            assert!(inner.contains(child.pid()).unwrap());
            assert!(!group.contains(child.pid()).unwrap());
            assert_eq!(group.pids(Reach::Itself).unwrap(), []);
            assert_eq!(group.pids(Reach::Subtree).unwrap(), [child.pid()]);
            assert_eq!(Cgroup::of(child.pid(), Some(&matcher)).unwrap().identity(), inner.identity());
            assert_eq!(cgroup::path_of(child.pid(), &matcher).unwrap(), inner.path());
        }
    }
    census.assert_unchanged();
}

#[test]
fn paths_that_lead_elsewhere_are_refused_alike() {
    testkit::require!(cgroup2);
    let rows = [
        ("relative", Kind::InvalidArgument),
        ("", Kind::InvalidArgument),
        ("/../x", Kind::Escape),
        ("/a/../b", Kind::Escape),
        ("/.", Kind::InvalidArgument),
        ("/a\nb", Kind::InvalidArgument),
        ("/a\0b", Kind::InvalidArgument),
        ("/procward-test-none", Kind::NotFound),
        ("/procward-test-none/x", Kind::NotFound),
        ("/cgroup.procs", Kind::InvalidArgument),
        ("/cgroup.procs/x", Kind::InvalidArgument),
    ];
    for (path, kind) in rows {
        for lookup in strategies() {
            let error = Cgroup::open_with(Path::new(path), Some(&Matcher::Unified), lookup).unwrap_err();
            assert_eq!(error.kind(), kind, "{path:?} {lookup:?}: {error}");
        }
    }
    let root = Cgroup::open(Path::new("/"), Some(&Matcher::Unified)).unwrap();
    for name in ["", ".", "..", "a/b", "a\nb", "a\0b"] {
        let kinds = [
            root.child(OsStr::new(name)).unwrap_err().kind(),
            root.create_child(OsStr::new(name)).unwrap_err().kind(),
            root.read_file(OsStr::new(name)).unwrap_err().kind(),
            root.write_file(OsStr::new(name), b"1").unwrap_err().kind(),
        ];
        assert_eq!(kinds, [Kind::InvalidArgument; 4], "{name:?}");
    }
}

#[test]
fn a_mount_over_a_group_is_an_escape() {
    testkit::require!(root, mounts, cgroup2);
    let scratch = ScratchGroup::v2("covered");
    fs::create_dir(scratch.path().join("inner")).unwrap();
    testkit::in_private_mounts(|| {
        mount("tmpfs", scratch.path(), "tmpfs", MountFlags::empty(), None).unwrap();
        fs::create_dir(scratch.path().join("inner")).unwrap();
        for lookup in strategies() {
            for path in [scratch.name().to_owned(), format!("{}/inner", scratch.name())] {
                let error = Cgroup::open_with(Path::new(&path), Some(&Matcher::Unified), lookup).unwrap_err();
                assert_eq!(error.kind(), Kind::Escape, "{path} {lookup:?}: {error}");
            }
        }
    });
}

#[test]
fn a_mount_over_an_interface_file_is_an_escape() {
    testkit::require!(root, mounts, cgroup2);
    let scratch = ScratchGroup::v2("file");
    testkit::in_private_mounts(|| {
        let groups = strategies().into_iter().map(|lookup| open(&scratch, lookup)).collect::<Vec<_>>();
        rustix::mount::mount_bind("/dev/null", scratch.path().join("cgroup.procs")).unwrap();
        for group in groups {
            assert_eq!(group.pids(Reach::Itself).unwrap_err().kind(), Kind::Escape);
        }
    });
}

#[test]
fn a_group_that_exists_is_not_made_again() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("exists");
    let error = Cgroup::create(Path::new(scratch.name()), Some(&Matcher::Unified)).unwrap_err();
    assert!(error.is(Errno::EXIST), "{error}");
    let error = Cgroup::create(Path::new("/"), Some(&Matcher::Unified)).unwrap_err();
    assert!(error.is(Errno::EXIST), "{error}");
}

#[test]
fn the_preferred_hierarchy_is_version_2() {
    testkit::require!(cgroup2);
    assert_eq!(Cgroup::open(Path::new("/"), None).unwrap().version(), Version::V2);
    let unknown = Matcher::Controller("nonsense".to_owned());
    assert_eq!(Cgroup::open(Path::new("/"), Some(&unknown)).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_removed_group_is_gone_and_its_successor_is_another() {
    testkit::require!(cgroup2);
    for lookup in strategies() {
        let scratch = ScratchGroup::v2("gone");
        let directory = scratch.path().join("inner");
        let group = open(&scratch, lookup).create_child(OsStr::new("inner")).unwrap();
        fs::remove_dir(&directory).unwrap();
        let assert_gone = || {
            let kinds = [
                group.add(i32::MAX).unwrap_err().kind(),
                group.pids(Reach::Itself).unwrap_err().kind(),
                group.pids(Reach::Subtree).unwrap_err().kind(),
                group.children().unwrap_err().kind(),
                group.create_child(OsStr::new("x")).unwrap_err().kind(),
                group.child(OsStr::new("x")).unwrap_err().kind(),
                group.read_file(OsStr::new("cgroup.freeze")).unwrap_err().kind(),
                group.read_file(OsStr::new("nonsense")).unwrap_err().kind(),
                group.write_file(OsStr::new("cgroup.freeze"), b"0").unwrap_err().kind(),
                group.freeze_state().unwrap_err().kind(),
            ];
            assert_eq!(kinds, [Kind::Gone; 10], "{lookup:?}");
        };
        assert_gone();
        fs::create_dir(&directory).unwrap();
        assert_gone();
        let successor = open(&scratch, lookup).child(OsStr::new("inner")).unwrap();
        assert_ne!(successor.identity(), group.identity());
        assert!(!group.contains(std::process::id().cast_signed()).unwrap());
    }
}

#[test]
fn a_missing_file_is_told_apart_from_a_missing_group() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("file");
    for lookup in strategies() {
        let group = open(&scratch, lookup);
        let error = group.read_file(OsStr::new("nonsense")).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (Kind::Unsupported, Some(Errno::NOENT)), "{error}");
        assert!(group.write_file(OsStr::new("nonsense"), b"1").is_err());
        assert!(!scratch.path().join("nonsense").exists());
        assert_eq!(group.read_file(OsStr::new("cgroup.type")).unwrap(), b"domain\n");
        let error = group.write_file(OsStr::new("cgroup.max.depth"), b"x").unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
        group.write_file(OsStr::new("cgroup.max.depth"), b"7").unwrap();
        assert_eq!(group.read_file(OsStr::new("cgroup.max.depth")).unwrap(), b"7\n");
    }
}

#[test]
fn ids_that_no_process_has_are_refused_and_contained_nowhere() {
    testkit::require!(cgroup2, pidfd);
    let scratch = ScratchGroup::v2("pids");
    let group = open(&scratch, Lookup::strongest(kernel::Capabilities::here()));
    for pid in [0, -1, i32::MIN] {
        assert_eq!(group.add(pid).unwrap_err().kind(), Kind::InvalidArgument);
    }
    let mut child = sleeper();
    let pid = child.pid();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(group.add(pid).unwrap_err().kind(), Kind::NotFound);
    assert!(!group.contains(pid).unwrap());
    assert_eq!(Cgroup::of(pid, Some(&Matcher::Unified)).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_threaded_group_says_so() {
    testkit::require!(cgroup2);
    let scratch = ScratchGroup::v2("threaded");
    let group = open(&scratch, Lookup::strongest(kernel::Capabilities::here()));
    group.write_file(OsStr::new("cgroup.type"), b"threaded").unwrap();
    let error = group.pids(Reach::Itself).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (Kind::Unsupported, Some(Errno::OPNOTSUPP)), "{error}");
    assert!(error.advice().unwrap().contains("threaded"), "{error}");
}

#[test]
fn tracking_goes_by_version_2_where_it_leads() {
    testkit::require!(cgroup2);
    let child = sleeper();
    let unified = cgroup::Layout::detect(&procfs::shared().unwrap()).unwrap().is_unified();
    let matcher = if unified { Matcher::Unified } else { Matcher::Name("systemd".to_owned()) };
    match (cgroup::tracking_path_of(child.pid()), cgroup::path_of(child.pid(), &matcher)) {
        (Ok(tracking), Ok(path)) => assert_eq!(tracking, path),
        (tracking, path) => assert_eq!(tracking.unwrap_err().kind(), path.unwrap_err().kind()),
    }
}

#[test]
fn every_feature_of_groups_is_observed_without_making_anything() {
    testkit::require!(root, openat2, cgroup2, freezer1, freeze2, kill2);
    let census = census();
    for feature in kernel::Feature::ALL {
        if let Some(finding) = cgroup::support(feature).unwrap() {
            assert!(feature.name().starts_with("cgroup_"), "{feature:?}");
            assert_eq!(finding, kernel::Finding::PRESENT, "{feature:?}");
        }
    }
    census.assert_unchanged();
}
