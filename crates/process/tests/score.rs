//! The score for the out-of-memory killer: the child's from its first instruction, and never ours.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use kernel::fork::{Closing, Engine, Strategy};
use kernel::ready::Deadline;
use kernel::{Capabilities, Errno};
use process::{Bounds, Command, Exit, IdMap, Process, Stdio, UserNamespace, spawn_with};
use rustix::thread::CapabilitySet;
use testkit::{Census, ScratchGroup};

fn engines() -> Vec<Engine> {
    let best = Engine::choose(Capabilities::here());
    vec![best, Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne }]
}

fn ours() -> Vec<u8> {
    Process::own().unwrap().directory().unwrap().read(b"oom_score_adj").unwrap()
}

fn its_own() -> Command {
    let command = Command::new("/bin/cat").argument("/proc/self/oom_score_adj");
    command.descriptor(Stdio::Null).descriptor(Stdio::Pipe).descriptor(Stdio::Inherit)
}

/// What it prints, once it has ended well.
fn output(command: Command, engine: Engine) -> Vec<u8> {
    let bounds = Bounds { input: Vec::new(), max_bytes: 4096, deadline: Deadline::NEVER, kill_signal: 9 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let starting = spawn_with(command, engine).unwrap();
    let collected = runtime.block_on(starting.collect(bounds)).unwrap();
    assert!(matches!(collected.exit, Exit::Known { status, .. } if status.0 == 0), "{engine:?}");
    collected.stdout
}

#[test]
fn a_child_has_its_score_and_we_keep_ours() {
    testkit::require!(pidfd);
    let before = ours();
    for engine in engines() {
        assert_eq!(output(its_own().oom_score_adjust(765), engine), b"765\n", "{engine:?}");
        assert_eq!(ours(), before, "{engine:?}");
    }
}

#[test]
fn so_has_one_that_we_map_ids_for() {
    testkit::require!(pidfd, userns);
    let before = ours();
    let one = |outside| vec![IdMap { inside: 0, outside, count: 1 }];
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    for engine in engines() {
        let maps = UserNamespace { uid_map: one(uid), gid_map: one(gid), setgroups: false };
        assert_eq!(output(its_own().oom_score_adjust(7).user_namespace(maps), engine), b"7\n", "{engine:?}");
        assert_eq!(ours(), before, "{engine:?}");
    }
}

#[test]
fn so_has_one_that_is_born_in_a_group() {
    testkit::require!(pidfd, cgroup2);
    let before = ours();
    let group = ScratchGroup::v2("score");
    for engine in engines() {
        use rustix::fs::{CWD, Mode, OFlags, openat};
        let directory =
            openat(CWD, group.path(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let command = its_own().oom_score_adjust(7).cgroup(directory.unwrap());
        assert_eq!(output(command, engine), b"7\n", "{engine:?}");
        assert_eq!(ours(), before, "{engine:?}");
    }
}

#[test]
fn a_score_that_is_refused_fails_the_start_and_leaves_nothing() {
    testkit::require!(pidfd);
    Process::own().unwrap().identity().unwrap();
    let before = (ours(), Census::take());
    for engine in engines() {
        let invalid = spawn_with(its_own().oom_score_adjust(1001), engine).unwrap_err();
        assert_eq!(invalid.kind(), kernel::Kind::InvalidArgument);
        // In a container root may lack the right to it, too.
        if rustix::thread::capabilities(None).unwrap().effective.contains(CapabilitySet::SYS_RESOURCE) {
            let nobody = process::Credentials { uid: 65534, gid: 65534, groups: None };
            let lowered = its_own().credentials(nobody).oom_score_adjust(-1);
            assert_eq!(
                output(lowered, engine),
                b"-1\n",
                "written before the rights are given up: {engine:?}"
            );
        } else {
            let refused = spawn_with(its_own().oom_score_adjust(-1000), engine).unwrap();
            let error = refused.started_blocking().unwrap_err();
            assert_eq!((error.spawn_stage(), error.errno()), (Some("oom-score"), Some(Errno::ACCESS)));
        }
    }
    before.1.assert_unchanged();
    assert_eq!(ours(), before.0);
}
