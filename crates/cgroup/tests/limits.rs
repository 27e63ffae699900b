//! Limits and use: one surface over the files of both versions, all or nothing, and a reason for what is missing.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::fs;
use std::path::Path;

use cgroup::{Ceiling, Cgroup, Matcher, NewLimits, Stats};
use kernel::{Errno, Kind};
use testkit::{Census, ScratchGroup, sleeper};

const MIB: u64 = 1 << 20;

fn in_version_1(controller: &str, tag: &str) -> (ScratchGroup, Cgroup) {
    let scratch = ScratchGroup::v1(controller, tag);
    let group =
        Cgroup::open(Path::new(scratch.name()), Some(&Matcher::Controller(controller.to_owned()))).unwrap();
    (scratch, group)
}

fn in_version_2(tag: &str) -> (ScratchGroup, Cgroup) {
    let scratch = ScratchGroup::v2(tag);
    let group = Cgroup::open(Path::new(scratch.name()), Some(&Matcher::Unified)).unwrap();
    (scratch, group)
}

fn text(scratch: &ScratchGroup, file: &str) -> String {
    fs::read_to_string(scratch.path().join(file)).unwrap().trim().to_owned()
}

#[test]
fn memory_of_version_1_is_limited_alone_and_with_swap() {
    testkit::require!(memory1);
    let (scratch, group) = in_version_1("memory", "limits");
    let limits = group.limits().unwrap();
    assert_eq!(limits.memory_max.unwrap(), Ceiling::Max);
    assert_eq!(limits.memory_high.unwrap_err().kind(), Kind::Unsupported);
    let pids = limits.pids_max.unwrap_err();
    assert_eq!(pids.kind(), Kind::Unsupported, "{pids}");

    let memory = |memory_max| NewLimits { memory_max: Some(memory_max), ..NewLimits::default() };
    group.set_limits(&memory(Ceiling::At(64 * MIB))).unwrap();
    assert_eq!(text(&scratch, "memory.limit_in_bytes"), (64 * MIB).to_string());
    assert_eq!(group.limits().unwrap().memory_max.unwrap(), Ceiling::At(64 * MIB));
    group.set_limits(&memory(Ceiling::Max)).unwrap();
    assert_eq!(group.limits().unwrap().memory_max.unwrap(), Ceiling::Max);
}

#[test]
fn swap_of_version_1_is_the_difference_in_any_order() {
    testkit::require!(memory1);
    let (scratch, group) = in_version_1("memory", "swap");
    if !scratch.path().join("memory.memsw.limit_in_bytes").exists() {
        let error = group.limits().unwrap().swap_max.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (Kind::Unsupported, Some(Errno::NOENT)), "{error}");
        return;
    }
    let rows = [
        (Some(Ceiling::At(64 * MIB)), Some(Ceiling::At(32 * MIB)), 64, 96),
        // The swap that is left stays the same when memory alone is set, upwards and downwards.
        (Some(Ceiling::At(256 * MIB)), None, 256, 288),
        (Some(Ceiling::At(16 * MIB)), None, 16, 48),
        (None, Some(Ceiling::At(0)), 16, 16),
        (Some(Ceiling::At(8 * MIB)), Some(Ceiling::At(8 * MIB)), 8, 16),
    ];
    for (memory_max, swap_max, memory, both) in rows {
        group.set_limits(&NewLimits { memory_max, swap_max, ..NewLimits::default() }).unwrap();
        let found = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"].map(|file| text(&scratch, file));
        assert_eq!(found, [(memory * MIB).to_string(), (both * MIB).to_string()]);
        assert_eq!(group.limits().unwrap().swap_max.unwrap(), Ceiling::At((both - memory) * MIB));
    }
    let impossible = NewLimits {
        memory_max: Some(Ceiling::Max),
        swap_max: Some(Ceiling::At(MIB)),
        ..NewLimits::default()
    };
    assert_eq!(group.set_limits(&impossible).unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(group.limits().unwrap().memory_max.unwrap(), Ceiling::At(8 * MIB));
    group.set_limits(&NewLimits { memory_max: Some(Ceiling::Max), ..NewLimits::default() }).unwrap();
    let limits = group.limits().unwrap();
    assert_eq!([limits.memory_max.unwrap(), limits.swap_max.unwrap()], [Ceiling::Max; 2]);
}

#[test]
fn cpu_of_version_1_is_a_quota_and_shares() {
    testkit::require!(cpu1);
    let (scratch, group) = in_version_1("cpu", "limits");
    let limits = group.limits().unwrap();
    assert_eq!((limits.cpu_max.unwrap(), limits.cpu_weight.unwrap()), (Ceiling::Max, 100));
    let set = |cores, cpu_weight| {
        group.set_limits(&NewLimits {
            cpu_max: Some(cores),
            cpu_weight: Some(cpu_weight),
            ..NewLimits::default()
        })
    };
    set(Ceiling::At(1.5), 200).unwrap();
    let found = ["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares"].map(|file| text(&scratch, file));
    assert_eq!(found, ["150000", "100000", "2048"]);
    let limits = group.limits().unwrap();
    assert_eq!((limits.cpu_max.unwrap(), limits.cpu_weight.unwrap()), (Ceiling::At(1.5), 200));
    // Too little for a period of 100 ms.
    set(Ceiling::At(0.001), 1).unwrap();
    assert_eq!(text(&scratch, "cpu.cfs_period_us"), "1000000");
    assert_eq!(group.limits().unwrap().cpu_max.unwrap(), Ceiling::At(0.001));
    set(Ceiling::Max, 10_000).unwrap();
    let limits = group.limits().unwrap();
    assert_eq!((limits.cpu_max.unwrap(), limits.cpu_weight.unwrap()), (Ceiling::Max, 10_000));
}

#[test]
fn pids_are_limited_and_counted() {
    testkit::require!(pids1);
    let (_scratch, group) = in_version_1("pids", "limits");
    let pids = |ceiling| NewLimits { pids_max: Some(ceiling), ..NewLimits::default() };
    for ceiling in [Ceiling::At(7), Ceiling::At(0), Ceiling::Max] {
        group.set_limits(&pids(ceiling)).unwrap();
        assert_eq!(group.limits().unwrap().pids_max.unwrap(), ceiling);
    }
    assert_eq!(group.stats().unwrap().pids, Some(0));
    let child = sleeper();
    group.add(child.pid()).unwrap();
    assert_eq!(group.stats().unwrap(), Stats { pids: Some(1), ..Stats::default() });
}

#[test]
fn what_is_refused_changes_nothing() {
    testkit::require!(cpu1);
    let (scratch, group) = in_version_1("cpu", "refused");
    group.create_child(std::ffi::OsStr::new("inner")).unwrap();
    let inner = group.child(std::ffi::OsStr::new("inner")).unwrap();
    let files = ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"];
    let state = || files.map(|file| text(&scratch, file));
    let before = state();
    let rows = [
        (NewLimits { cpu_weight: Some(0), ..NewLimits::default() }, Kind::InvalidArgument),
        (NewLimits { cpu_weight: Some(10_001), ..NewLimits::default() }, Kind::InvalidArgument),
        (NewLimits { cpu_max: Some(Ceiling::At(f64::NAN)), ..NewLimits::default() }, Kind::InvalidArgument),
        (
            NewLimits { memory_max: Some(Ceiling::At(u64::MAX)), ..NewLimits::default() },
            Kind::InvalidArgument,
        ),
        (NewLimits { pids_max: Some(Ceiling::At(1 << 23)), ..NewLimits::default() }, Kind::InvalidArgument),
        // The last of them is what this hierarchy has not got.
        (
            NewLimits {
                cpu_max: Some(Ceiling::At(1.0)),
                cpu_weight: Some(500),
                memory_max: Some(Ceiling::At(MIB)),
                ..NewLimits::default()
            },
            Kind::Unsupported,
        ),
    ];
    for (limits, kind) in rows {
        assert_eq!(group.set_limits(&limits).unwrap_err().kind(), kind, "{limits:?}");
        assert_eq!(state(), before, "{limits:?}");
    }
    // A group below may not have more than the one above: the kernel refuses the quota after it took the period.
    inner.set_limits(&NewLimits { cpu_max: Some(Ceiling::At(1.0)), ..NewLimits::default() }).unwrap();
    let tight = NewLimits { cpu_max: Some(Ceiling::At(0.005)), ..NewLimits::default() };
    let error = group.set_limits(&tight).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
    assert_eq!(state(), before);
}

#[test]
fn what_version_2_lacks_is_said_with_the_place_where_it_is() {
    testkit::require!(cgroup2, memory1, pids1, cpu1);
    let (_scratch, group) = in_version_2("lacks");
    let error = group.limits().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (Kind::Unsupported, Some(Errno::NOENT)), "{error}");
    assert!(error.advice().unwrap().contains("Cgroup.create(path, { controller: 'memory' })"), "{error}");
    let rows = [
        ("memory", NewLimits { memory_max: Some(Ceiling::Max), ..NewLimits::default() }),
        ("memory", NewLimits { swap_max: Some(Ceiling::Max), ..NewLimits::default() }),
        ("pids", NewLimits { pids_max: Some(Ceiling::Max), ..NewLimits::default() }),
        ("cpu", NewLimits { cpu_max: Some(Ceiling::Max), ..NewLimits::default() }),
        ("cpu", NewLimits { cpu_weight: Some(100), ..NewLimits::default() }),
    ];
    for (controller, limits) in rows {
        let error = group.set_limits(&limits).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported, "{error}");
        assert!(error.advice().unwrap().contains(&format!("{{ controller: '{controller}' }}")), "{error}");
    }
    let stats = group.stats().unwrap();
    assert_eq!((stats.memory_bytes, stats.pids, stats.oom_kills), (None, None, None));
    assert!(stats.cpu_usage.is_some(), "version 2 counts time without a controller");
}

#[test]
fn version_2_limits_and_counts_what_its_controllers_do() {
    testkit::require!(memory2, pids2, cpu2);
    let (scratch, group) = in_version_2("limits");
    let limits = group.limits().unwrap();
    assert_eq!([limits.memory_max.unwrap(), limits.memory_high.unwrap()], [Ceiling::Max; 2]);
    assert_eq!((limits.cpu_max.unwrap(), limits.cpu_weight.unwrap()), (Ceiling::Max, 100));
    group
        .set_limits(&NewLimits {
            memory_max: Some(Ceiling::At(64 * MIB)),
            memory_high: Some(Ceiling::At(32 * MIB)),
            pids_max: Some(Ceiling::At(9)),
            cpu_max: Some(Ceiling::At(0.5)),
            cpu_weight: Some(7),
            swap_max: None,
        })
        .unwrap();
    let files = ["memory.max", "memory.high", "pids.max", "cpu.max", "cpu.weight"];
    let found = files.map(|file| text(&scratch, file));
    assert_eq!(found, ["67108864", "33554432", "9", "50000 100000", "7"]);
    let child = sleeper();
    group.add(child.pid()).unwrap();
    let stats = group.stats().unwrap();
    assert_eq!((stats.pids, stats.oom_kills), (Some(1), Some(0)));
    assert!(stats.memory_bytes.is_some());
}

#[test]
fn a_controller_that_is_not_handed_down_is_told_how_to_get_it() {
    testkit::require!(cgroup2, memory2);
    let (_scratch, group) = in_version_2("above");
    let inner = group.create_child(std::ffi::OsStr::new("inner")).unwrap();
    let error = inner.limits().unwrap_err();
    assert!(error.advice().unwrap().contains("'+memory' to cgroup.subtree_control"), "{error}");
}

#[test]
fn a_removed_group_is_gone_and_nothing_is_left_open() {
    testkit::require!(cgroup2, pids1);
    procfs::shared().unwrap();
    let census = Census::take();
    for (scratch, group) in [in_version_2("gone"), in_version_1("pids", "gone")] {
        let _ = group.limits();
        group.stats().unwrap();
        drop(scratch);
        let pids = NewLimits { pids_max: Some(Ceiling::Max), ..NewLimits::default() };
        let kinds = [
            group.limits().unwrap_err().kind(),
            group.set_limits(&pids).unwrap_err().kind(),
            group.stats().unwrap_err().kind(),
        ];
        assert_eq!(kinds, [Kind::Gone; 3]);
    }
    census.assert_unchanged();
}
