//! What a child does between clone and exec, where it shares our memory: the calls of its plan, and nothing else. An
//! allocation, a lock or a panic would show as one more.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use kernel::Capabilities;
use kernel::fork::{Closing, Engine, Plan, ResourceLimit, Strategy, Strings, start};
use kernel::ready::{Deadline, blocking};
use kernel::wait::{self, Events, Whom};
use libc::c_long;
use testkit::list_syscalls;

fn engines() -> Vec<Engine> {
    let best = Engine::choose(Capabilities::here());
    vec![best, Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne }]
}

fn strings(list: &[&str]) -> Strings {
    Strings::from_block(list.join("\0").into())
}

fn file() -> Arc<OwnedFd> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap().into()
}

/// Everything that needs no rights.
fn plan() -> Plan {
    Plan {
        programs: strings(&["/nonexistent/true", "/bin/true"]),
        arguments: strings(&["true"]),
        environment: strings(&["A=1", "B=2"]),
        descriptors: vec![Some(file()), None, Some(file()), None],
        null: vec![3],
        session: true,
        ignored_signals: 1 << 1,
        directory: Some(c"/".to_owned()),
        resource_limits: vec![ResourceLimit { resource: 4, soft: 0, hard: 0 }],
        umask: Some(0o22),
        processors: vec![u64::MAX],
        parent_death_signal: Some(15),
        no_new_privileges: true,
        ..Plan::default()
    }
}

/// The calls of one child until it executes its program.
fn calls(engine: Engine, plan: Plan) -> Result<Vec<c_long>, String> {
    let run = || {
        let newborn = start(engine, plan).unwrap();
        blocking(newborn.pidfd.as_fd(), Deadline::NEVER).unwrap();
        wait::poll(Whom::Number(newborn.pid), Events::Exit).unwrap().unwrap();
    };
    let ((), made) = list_syscalls(run)?;
    let by_child: Vec<c_long> = made.iter().filter(|made| made.by_child).map(|made| made.number).collect();
    let executes = |call: &c_long| *call == libc::SYS_execve;
    // One candidate is missing, the next is the program.
    let end = by_child.iter().enumerate().filter(|(_, call)| executes(call)).nth(1).unwrap().0;
    Ok(by_child.into_iter().take(end + 1).collect())
}

#[test]
fn a_child_makes_the_calls_of_its_plan_and_no_others() {
    testkit::require!(pidfd);
    for engine in engines() {
        let Ok(made) = calls(engine, plan()) else {
            return println!("SKIPPED: no listener for system calls here");
        };
        let mut expected = vec![libc::SYS_openat];
        // Where /dev/null came to have the number of one of its descriptors.
        expected.extend(made.iter().filter(|call| **call == libc::SYS_fcntl).take(1));
        expected.push(libc::SYS_setsid);
        expected.extend(made.iter().filter(|call| **call == libc::SYS_rt_sigaction));
        expected.extend([libc::SYS_prlimit64, libc::SYS_sched_setaffinity, libc::SYS_umask, libc::SYS_chdir]);
        // The signal at our death, and whether that was before; no new privileges.
        expected.extend([libc::SYS_prctl, libc::SYS_ppoll, libc::SYS_prctl]);
        expected.extend([libc::SYS_dup3, libc::SYS_close, libc::SYS_dup3, libc::SYS_dup3]);
        match engine.closing {
            Closing::Range => {
                expected.extend(made.iter().filter(|call| **call == libc::SYS_close_range));
            }
            Closing::OneByOne => {
                let listing = [libc::SYS_openat, libc::SYS_getdents64, libc::SYS_close];
                let from = made.iter().rposition(|call| *call == libc::SYS_openat).unwrap();
                let closing: Vec<_> =
                    made.iter().skip(from).take_while(|call| listing.contains(call)).copied().collect();
                expected.extend(closing);
            }
        }
        expected.extend([libc::SYS_rt_sigprocmask, libc::SYS_execve, libc::SYS_execve]);
        assert_eq!(made, expected, "{engine:?}");
    }
}
