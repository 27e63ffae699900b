//! Every system call of every operation fails, in every way: each time an error or success, and never a zombie or a
//! descriptor left.
//!
//! `PROCWARD_FAULTS=1` takes all errors instead of one of each kind (`testkit::errnos`).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints its table"
)]

use std::time::Duration;

use kernel::Result;
use kernel::ready::Deadline;
use process::{Bounds, Change, Command, Exit, Process, Scope, Stdio, spawn};
use testkit::{Child, errnos, fail_each_call, runtime, sleeper};

const LONG: Duration = Duration::from_secs(20);

/// Runs it on a process of its own, once for each of its calls and each error.
fn fail<T: Send>(
    title: &str,
    operation: impl Fn(&Child) -> Result<T> + Sync,
    check: impl Fn(&Child, Result<T>),
) {
    match fail_each_call(errnos(), sleeper, operation, |child, outcome| check(&child, outcome)) {
        Ok(faults) => println!("{title}: {} runs: {faults}", faults.runs()),
        Err(why) => println!("SKIPPED {title}: {why}"),
    }
}

#[test]
fn every_operation_bears_it() {
    // In turn: what another one has under way would be taken for something left behind.
    a_process_is_held_or_not();
    a_child_is_started_and_reaped_or_not();
    a_start_that_failed_leaves_nothing_that_runs();
    a_program_is_run_or_not();
}

fn a_process_is_held_or_not() {
    // It stays, once somebody needs it.
    let _root = procfs::shared();
    fail(
        "open",
        |child| Process::open(child.pid()),
        |child, opened| {
            assert!(opened.is_err() || opened.unwrap().pid() == child.pid());
        },
    );
    fail(
        "is_alive",
        |child| Process::open(child.pid())?.is_alive(),
        |_, alive| {
            assert!(alive.is_err() || alive.unwrap());
        },
    );
    fail(
        "info",
        |child| Process::open(child.pid())?.info(),
        |child, info| {
            assert!(info.is_err() || info.unwrap().ids.pid == child.pid());
        },
    );
    let identified = |child: &Child| {
        let identity = Process::open(child.pid())?.identity()?.clone();
        Process::from_identity(&identity)
    };
    fail("identity", identified, |child, found| {
        assert!(found.is_err() || found.unwrap().pid() == child.pid());
    });
    let signalled = |child: &Child| Process::open(child.pid())?.signal(0, Scope::Handle);
    fail("signal", signalled, |_, _| {});
    let waited = |child: &Child| Process::open(child.pid())?.wait_blocking(Deadline::after(Duration::ZERO));
    fail("wait", waited, |_, exit| assert!(exit.is_err() || exit.unwrap().is_none()));
}

/// With a reaper beside, as every child has; what the reaper cannot do because the kernel fails it is done here.
fn a_child_is_started_and_reaped_or_not() {
    let runtime = runtime();
    let plain = || Command::new("/bin/true").argument("x").descriptor(Stdio::Null).descriptor(Stdio::Pipe);
    let children = std::sync::Mutex::new(Vec::new());
    let started = |_: &Child| {
        let starting = spawn(plain())?;
        children.lock().unwrap().push(starting.child().clone());
        runtime.block_on(async {
            let child = starting.started().await?;
            child.wait().await
        })
    };
    fail("spawn", started, |_, exit| {
        for child in children.lock().unwrap().drain(..) {
            let seen = child.wait_blocking(Deadline::after(LONG)).unwrap().unwrap();
            // A start that cannot be followed is ended.
            assert!(has_succeeded(&seen) || (exit.is_err() && was_killed(&seen)), "{seen:?}");
        }
        assert!(exit.is_err() || has_succeeded(&exit.unwrap()));
    });
}

fn has_succeeded(exit: &Exit) -> bool {
    matches!(exit, Exit::Known { status, .. } if status.decode() == Change::Exited(0))
}

/// Who is told that a start failed has no handle to end it by.
fn a_start_that_failed_leaves_nothing_that_runs() {
    let runtime = runtime();
    let children = std::sync::Mutex::new(Vec::new());
    let started = |_: &Child| {
        let starting = spawn(Command::new("/bin/sleep").argument("1000"))?;
        children.lock().unwrap().push(starting.child().clone());
        runtime.block_on(starting.started())
    };
    fail("started", started, |_, started| {
        for child in children.lock().unwrap().drain(..) {
            if started.is_ok() {
                child.process().signal(9, Scope::Handle).unwrap();
            }
            let exit = child.wait_blocking(Deadline::after(LONG)).unwrap().unwrap();
            assert!(was_killed(&exit), "{exit:?} after {started:?}");
        }
        if let Err(error) = started {
            assert_eq!(error.kind(), kernel::Kind::SpawnFailed, "{error}");
        }
    });
}

fn was_killed(exit: &Exit) -> bool {
    matches!(exit, Exit::Known { status, .. } if matches!(status.decode(), Change::Signaled { signal: 9, .. }))
}

fn a_program_is_run_or_not() {
    let runtime = runtime();
    let bounds =
        || Bounds { input: b"x".to_vec(), max_bytes: 1024, deadline: Deadline::after(LONG), kill_signal: 9 };
    let run = |_: &Child| {
        let mut command = Command::new("/bin/cat");
        for _ in 0..3 {
            command = command.descriptor(Stdio::Pipe);
        }
        runtime.block_on(async {
            let starting = spawn(command)?;
            let reaper = tokio::spawn(starting.child().reap_in_background());
            let collected = starting.collect(bounds()).await;
            let _its_end = reaper.await;
            collected
        })
    };
    fail("run", run, |_, collected| assert!(collected.is_err() || collected.unwrap().stdout == b"x"));
}
