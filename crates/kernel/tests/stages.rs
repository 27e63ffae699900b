//! Every step of a start fails: it is told which, and nothing is left.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails by panicking")]

use std::os::fd::{AsFd, OwnedFd};

use kernel::fork::{
    Closing, Credentials, Engine, Failure, Outcome, Plan, ResourceLimit, Stage, Strategy, Strings,
};
use kernel::ready::{Deadline, blocking};
use kernel::wait::{self, Change, Events, Whom};
use kernel::{Capabilities, Errno, fork};
use testkit::Census;
use testkit::without::{Call, install};

fn engines() -> Vec<Engine> {
    let best = Engine::choose(Capabilities::here());
    vec![best, Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne }]
}

fn program() -> Plan {
    let strings = |list: &[&str]| Strings::from_block(list.join("\0").into());
    Plan { programs: strings(&["/bin/true"]), arguments: strings(&["true"]), ..Plan::default() }
}

fn open(path: &str) -> OwnedFd {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// Starts it to its end, which must be a failure; a child that existed has exited with 127 and is reaped.
fn failure(engine: Engine, plan: Plan) -> Failure {
    let mut newborn = match fork::start(engine, plan) {
        Ok(newborn) => newborn,
        Err(failure) => return failure,
    };
    drop(newborn.release.take());
    loop {
        if let Some(outcome) = newborn.birth.poll().unwrap() {
            blocking(newborn.pidfd.as_fd(), Deadline::NEVER).unwrap();
            let exit = wait::poll(Whom::Number(newborn.pid), Events::Exit).unwrap().unwrap().0.decode();
            assert_eq!(exit, Change::Exited(127));
            let Outcome::Failed(failure) = outcome else { panic!("started") };
            return failure;
        }
        blocking(newborn.birth.pipe().unwrap().as_fd(), Deadline::NEVER).unwrap();
    }
}

/// A plan that reaches this stage, and the call that a filter is to take from the child; no call where the kernel itself
/// refuses.
fn doomed(stage: Stage) -> (Plan, Option<Call>) {
    let taken = |number, when| Some(Call { number, when });
    let plan = program();
    match stage {
        // A thread of ours in a memory of its own: there is no such thing.
        Stage::Clone => (Plan { namespaces: 0x1_0000, ..plan }, None),
        Stage::IdMap => (Plan { held_back: true, ..plan }, None),
        Stage::Session => (Plan { session: true, ..plan }, taken(libc::SYS_setsid, None)),
        Stage::ProcessGroup => (Plan { process_group: Some(1 << 22), ..plan }, None),
        Stage::Terminal => {
            (Plan { detach_terminal: true, ..plan }, taken(libc::SYS_ioctl, Some((1, 0x5422))))
        }
        Stage::Signals => (plan, taken(libc::SYS_rt_sigaction, Some((0, 17)))),
        Stage::Unshare => (Plan { unshared: 0x400_0000, ..plan }, taken(libc::SYS_unshare, None)),
        Stage::Mounts => (Plan { unshared: 0x1002_0000, ..plan }, taken(libc::SYS_mount, None)),
        Stage::Root => (Plan { root: Some(c"/nonexistent".to_owned()), ..plan }, None),
        Stage::ResourceLimits => {
            let upside_down = ResourceLimit { resource: 4, soft: 2, hard: 1 };
            (Plan { resource_limits: vec![upside_down], ..plan }, None)
        }
        Stage::Scheduling => (Plan { niceness: Some(19), ..plan }, taken(libc::SYS_setpriority, None)),
        Stage::OomScore => (Plan { oom_score_adjust: Some(1001), procfs: Some(open("/proc")), ..plan }, None),
        Stage::Cgroup => (Plan { cgroups: vec![open("/proc")], ..plan }, None),
        Stage::Groups => (changed(plan, Some(vec![1])), taken(libc::SYS_setgroups, None)),
        Stage::Gid => (changed(plan, None), taken(libc::SYS_setresgid, None)),
        Stage::Uid => (changed(plan, None), taken(libc::SYS_setresuid, None)),
        Stage::Capabilities => {
            (Plan { dropped_capabilities: 1, ..plan }, taken(libc::SYS_prctl, Some((0, 24))))
        }
        Stage::Cwd => (Plan { directory: Some(c"/nonexistent".to_owned()), ..plan }, None),
        Stage::ParentDeathSignal => (Plan { parent_death_signal: Some(65), ..plan }, None),
        Stage::NoNewPrivileges => {
            (Plan { no_new_privileges: true, ..plan }, taken(libc::SYS_prctl, Some((0, 38))))
        }
        Stage::Seccomp => (Plan { no_new_privileges: true, seccomp: Some(vec![u64::MAX]), ..plan }, None),
        Stage::Landlock => (Plan { landlock: Some(open("/proc")), no_new_privileges: true, ..plan }, None),
        Stage::Descriptors => {
            (Plan { descriptors: vec![Some(open("/proc").into())], ..plan }, taken(libc::SYS_dup3, None))
        }
        Stage::Exec => (Plan { programs: Strings::from_block(b"/nonexistent".into()), ..plan }, None),
    }
}

/// To our own ids: nobody is refused that.
fn changed(plan: Plan, groups: Option<Vec<u32>>) -> Plan {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    Plan { credentials: Some(Credentials { uid, gid, groups }), ..plan }
}

/// Guard pages of the size that only stacks of children have.
fn stacks() -> usize {
    use std::io::Read;
    let mut maps = String::new();
    std::fs::File::from(open("/proc/self/maps")).read_to_string(&mut maps).unwrap();
    let guard = |line: &&str| {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let address = |text| usize::from_str_radix(text, 16).unwrap();
        rest.starts_with("---p") && address(to) - address(from) == 0x1_0000
    };
    maps.lines().filter(guard).count()
}

#[test]
fn every_stage_fails_by_its_name_and_leaves_nothing() {
    for engine in engines() {
        for stage in Stage::ALL {
            let once = move || {
                let (plan, taken) = doomed(*stage);
                // For this thread only, and what it starts.
                if let Some(call) = taken {
                    install(&[call], libc::EIO.cast_unsigned()).unwrap();
                }
                let failed = failure(engine, plan);
                assert_eq!(failed.stage, *stage, "{engine:?}: {failed:?}");
                if taken.is_some() {
                    assert_eq!(failed.errno, Errno::IO, "{engine:?} {stage:?}");
                }
            };
            let on_a_thread = || std::thread::spawn(once).join().unwrap();
            // The first may fill the pool of stacks.
            on_a_thread();
            let (before, mapped) = (Census::take(), stacks());
            on_a_thread();
            on_a_thread();
            before.assert_unchanged();
            assert!(stacks() <= mapped, "{engine:?} {stage:?}");
        }
    }
}
