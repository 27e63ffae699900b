//! Threads that do everything at once to one child: they end it, wait for it, reap it, look at it, let go of it.
//!
//! What a thread sanitizer is to watch (`npm run test:sanitizers -- thread`); what is asserted holds without one. More of
//! it: `PROCWARD_ROUNDS=10000`.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::sync::Barrier;
use std::thread;

use kernel::Kind;
use kernel::ready::Deadline;
use process::{Change, Child, Command, Exit, Process, Scope, Starting, Stdio};
use testkit::Census;
use tokio::runtime::Builder;

const KILLED: Change = Change::Signaled { signal: 9, core_dumped: false };

fn rounds() -> usize {
    std::env::var("PROCWARD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(50)
}

/// It ends by being killed, and never by itself.
fn start() -> Starting {
    let command = Command::new("/bin/sleep").argument("1000");
    process::spawn(command.descriptor(Stdio::Null).descriptor(Stdio::Null).descriptor(Stdio::Null)).unwrap()
}

fn change(exit: Exit) -> Option<Change> {
    match exit {
        Exit::Known { status, .. } => Some(status.decode()),
        Exit::Unknown => None,
    }
}

/// Taken when what is opened once and kept, the shared /proc, is open.
fn census() -> Census {
    Process::own().unwrap().identity().unwrap();
    Census::take()
}

fn wait_for_its_start(starting: Starting) {
    // Killed before it became the program, it counts as started: its exit tells.
    starting.started_blocking().unwrap();
}

fn wait(child: &Child) {
    assert_eq!(child.wait_blocking(Deadline::NEVER).unwrap().and_then(change), Some(KILLED));
}

/// On one runtime, as in the product: whoever waits shares one registration with it.
fn wait_on_a_runtime(child: &Child, reaps: bool) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if reaps {
            // Dropped half-way: whoever waits for it then waits for itself.
            tokio::spawn(child.reap_in_background()).abort();
            drop(tokio::spawn(child.reap_in_background()));
        }
        let other = tokio::spawn({
            let child = child.clone();
            async move { child.wait().await }
        });
        assert_eq!(change(child.wait().await.unwrap()), Some(KILLED));
        assert_eq!(change(other.await.unwrap().unwrap()), Some(KILLED));
    });
}

fn ask_until_it_has_ended(child: &Child) {
    loop {
        if let Some(exit) = child.try_reap().unwrap() {
            assert_eq!(change(exit), Some(KILLED));
            return;
        }
        thread::yield_now();
    }
}

fn kill_until_it_is_gone(process: &Process) {
    loop {
        match process.signal(9, Scope::Handle) {
            Ok(()) => thread::yield_now(),
            Err(error) => return assert_eq!(error.kind(), Kind::Gone, "{error}"),
        }
    }
}

fn look_until_it_is_gone(process: &Process) {
    let (mut alive, mut exists) = (true, true);
    while exists {
        let (is_alive, still_exists) = (process.is_alive().unwrap(), process.exists().unwrap());
        assert!(alive || !is_alive, "it has come back to life");
        (alive, exists) = (is_alive, still_exists);
        match process.identity() {
            Ok(identity) => assert_eq!(identity.pid, process.pid()),
            Err(error) => assert_eq!(error.kind(), Kind::Gone, "{error}"),
        }
    }
    assert!(!process.is_alive().unwrap());
}

#[test]
fn rivals_for_one_child_agree_on_its_end() {
    let before = census();
    for round in 0..rounds() {
        let starting = start();
        let child = starting.child().clone();
        let begin = &Barrier::new(6);
        thread::scope(|scope| {
            let together = |act: Box<dyn FnOnce(Child) + Send>| {
                let child = child.clone();
                scope.spawn(move || {
                    begin.wait();
                    act(child);
                })
            };
            together(Box::new(|_| wait_for_its_start(starting)));
            together(Box::new(|child| wait(&child)));
            together(Box::new(move |child| wait_on_a_runtime(&child, round % 2 == 0)));
            together(Box::new(|child| ask_until_it_has_ended(&child)));
            together(Box::new(|child| look_until_it_is_gone(child.process())));
            together(Box::new(|child| kill_until_it_is_gone(child.process())));
        });
        wait(&child);
    }
    before.assert_unchanged();
}

/// The stacks that children run on are used again: no two at a time may have the same.
#[test]
fn threads_that_start_children_at_once_each_get_their_own() {
    let before = census();
    thread::scope(|scope| {
        for first in [0_u8, 64, 128, 192] {
            scope.spawn(move || {
                for round in 0..rounds() {
                    let code = first + u8::try_from(round % 64).unwrap();
                    let command = Command::new("/bin/sh").argument("-c").argument(format!("exit {code}"));
                    let child = process::spawn(command).unwrap().started_blocking().unwrap();
                    let exit = child.wait_blocking(Deadline::NEVER).unwrap();
                    assert_eq!(exit.and_then(change), Some(Change::Exited(code)));
                }
            });
        }
    });
    before.assert_unchanged();
}
