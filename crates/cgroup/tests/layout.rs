//! Where the hierarchies are: told from the mounts of the calling thread, verified, in every arrangement of
//! them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failing helper fails its test")]

use std::path::{Path, PathBuf};

use cgroup::{Cgroup, Hierarchy, Layout, Matcher, Mode, Version};
use kernel::Kind;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};

/// The shared /proc handle stays open for good, so it is opened before anything is counted.
fn census() -> testkit::Census {
    procfs::shared().unwrap();
    testkit::Census::take()
}

fn detect() -> Layout {
    Layout::detect(&procfs::shared().unwrap()).unwrap()
}

fn mounts_of(version: Version) -> Vec<PathBuf> {
    let layout = detect();
    let wanted = layout.hierarchies.iter().filter(|found| found.version == version);
    wanted.flat_map(|found| &found.mounts).map(|point| point.path.clone()).collect()
}

fn unmount_all(version: Version) {
    for path in mounts_of(version) {
        unmount(&path, UnmountFlags::DETACH).unwrap();
    }
}

fn unified(layout: &Layout) -> &Hierarchy {
    layout.hierarchy(&Matcher::Unified).expect("version 2 is listed")
}

/// A directory to mount on, inside a tmpfs that only the private namespace has.
fn scratch_directory() -> PathBuf {
    mount("tmpfs", "/mnt", "tmpfs", MountFlags::empty(), None).unwrap();
    std::fs::create_dir("/mnt/here").unwrap();
    PathBuf::from("/mnt/here")
}

#[test]
fn every_mount_is_of_the_type_that_its_version_has() {
    testkit::require!(cgroup2);
    let census = census();
    for (version, magic) in [(Version::V1, 0x0027_e0eb), (Version::V2, 0x6367_7270)] {
        for path in mounts_of(version) {
            assert_eq!(i128::from(rustix::fs::statfs(&path).unwrap().f_type), magic, "{}", path.display());
        }
    }
    census.assert_unchanged();
}

#[test]
fn mode_follows_what_is_mounted() {
    testkit::require!(root, mounts, cgroup1, cgroup2);
    testkit::in_private_mounts(|| {
        let (v1, v2) = (mounts_of(Version::V1), mounts_of(Version::V2));
        assert!(!v1.is_empty() && !v2.is_empty());
        unmount_all(Version::V2);
        assert_eq!((detect().mode, detect().version()), (Mode::Legacy, Some(Version::V1)));
        assert_eq!(detect().preferred(), Matcher::Controller("freezer".to_owned()));
        unmount_all(Version::V1);
        assert_eq!((detect().mode, detect().version()), (Mode::None, None));
        assert_eq!(Cgroup::open(Path::new("/"), None).unwrap_err().kind(), Kind::NotFound);
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MountFlags::empty(), None).unwrap();
        assert_eq!((detect().mode, detect().is_unified()), (Mode::Unified, true));
    });
}

#[test]
fn a_version_1_hierarchy_elsewhere_leaves_a_unified_host_unified() {
    testkit::require!(root, mounts, cgroup1, cgroup2);
    testkit::in_private_mounts(|| {
        let elsewhere = scratch_directory();
        mount_bind(&mounts_of(Version::V1)[0], &elsewhere).unwrap();
        unmount_all(Version::V2);
        for path in mounts_of(Version::V1).iter().filter(|path| **path != elsewhere) {
            unmount(path, UnmountFlags::DETACH).unwrap();
        }
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MountFlags::empty(), None).unwrap();
        assert_eq!(mounts_of(Version::V1), [elsewhere]);
        assert_eq!(detect().mode, Mode::Unified);
    });
}

#[test]
fn a_covered_mount_does_not_count() {
    testkit::require!(root, mounts, cgroup2);
    testkit::in_private_mounts(|| {
        for path in mounts_of(Version::V2) {
            mount("tmpfs", &path, "tmpfs", MountFlags::empty(), None).unwrap();
        }
        assert_eq!(mounts_of(Version::V2), Vec::<PathBuf>::new());
        assert_eq!(Cgroup::open(Path::new("/"), Some(&Matcher::Unified)).unwrap_err().kind(), Kind::NotFound);
    });
}

#[test]
fn a_read_only_mount_is_seen_as_such_and_goes_last() {
    testkit::require!(root, mounts, cgroup2);
    testkit::in_private_mounts(|| {
        let elsewhere = scratch_directory();
        let usual = mounts_of(Version::V2)[0].clone();
        mount_bind(&usual, &elsewhere).unwrap();
        mount_remount(&usual, MountFlags::BIND | MountFlags::RDONLY, "").unwrap();
        let layout = detect();
        let writable =
            |path: &Path| unified(&layout).mounts.iter().find(|point| point.path == path).unwrap().writable;
        assert!(!writable(&usual));
        assert!(writable(&elsewhere));
        let name = format!("procward-test-writable-{}", std::process::id());
        let group = Cgroup::create(&Path::new("/").join(&name), Some(&Matcher::Unified)).unwrap();
        assert_eq!(group.children().unwrap(), Vec::<std::ffi::OsString>::new());
        std::fs::remove_dir(elsewhere.join(name)).unwrap();
    });
}

#[test]
fn a_mount_of_a_part_reaches_that_part_alone() {
    testkit::require!(root, mounts, cgroup2);
    let part = testkit::ScratchGroup::v2("part");
    let inner = Cgroup::create(&Path::new(part.name()).join("inner"), Some(&Matcher::Unified)).unwrap();
    testkit::in_private_mounts(|| {
        let elsewhere = scratch_directory();
        mount_bind(part.path(), &elsewhere).unwrap();
        for path in mounts_of(Version::V2).iter().filter(|path| **path != elsewhere) {
            unmount(path, UnmountFlags::DETACH).unwrap();
        }
        assert_eq!(unified(&detect()).mounts[0].root, part.name().as_bytes());
        let found = Cgroup::open(inner.path(), Some(&Matcher::Unified)).unwrap();
        assert_eq!(found.identity(), inner.identity());
        let above = Cgroup::open(Path::new("/"), Some(&Matcher::Unified)).unwrap_err();
        assert_eq!(above.kind(), Kind::NotFound, "{above}");
        assert!(above.to_string().contains("no mount of the hierarchy reaches this group"), "{above}");
    });
}
