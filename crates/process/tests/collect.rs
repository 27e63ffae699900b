//! Running a program to its end: what is collected, what ends it, and what it leaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails by panicking")]

use std::time::Duration;

use kernel::ready::Deadline;
use kernel::{Errno, Result};
use process::{Bounds, Change, Collected, Command, Exit, Process, Stdio};
use testkit::Census;
use tokio::runtime::{Builder, Runtime};

const NO_BOUNDS: Bounds =
    Bounds { input: Vec::new(), max_bytes: usize::MAX, deadline: Deadline::NEVER, kill_signal: 15 };

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Taken when what is opened once and kept, the shared /proc, is open.
fn census() -> Census {
    Process::own().unwrap().identity().unwrap();
    Census::take()
}

fn shell(script: &str) -> Command {
    let command = Command::new("sh").argument("-c").argument(script).variable(b"PATH", b"/usr/bin:/bin");
    command.descriptor(Stdio::Pipe).descriptor(Stdio::Pipe).descriptor(Stdio::Pipe)
}

fn collect(script: &str, bounds: Bounds) -> Result<Collected> {
    let starting = process::spawn(shell(script)).unwrap();
    runtime().block_on(starting.collect(bounds))
}

fn change(exit: Exit) -> Change {
    match exit {
        Exit::Known { status, .. } => status.decode(),
        Exit::Unknown => panic!("unknown exit"),
    }
}

#[test]
fn input_of_many_pipes_comes_back_whole_and_streams_are_kept_apart() {
    let input: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_ne_bytes).collect();
    let ran = collect("cat; echo done >&2; exit 3", Bounds { input: input.clone(), ..NO_BOUNDS }).unwrap();
    assert!(ran.stdout == input);
    assert_eq!((ran.stderr, change(ran.exit)), (b"done\n".to_vec(), Change::Exited(3)));
}

#[test]
fn a_program_that_does_not_read_its_input_ends_all_the_same() {
    let ran = collect("echo out", Bounds { input: vec![b'x'; 1 << 20], ..NO_BOUNDS }).unwrap();
    assert_eq!((ran.stdout, change(ran.exit)), (b"out\n".to_vec(), Change::Exited(0)));
}

#[test]
fn a_grandchild_that_keeps_the_pipes_open_delays_nothing() {
    testkit::require!(pidfd);
    let before = census();
    let ran = collect("sleep 1000 & echo $!", NO_BOUNDS).unwrap();
    let pid = String::from_utf8(ran.stdout).unwrap().trim().parse().unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    before.assert_unchanged();
}

#[test]
fn too_much_output_ends_it() {
    testkit::require!(pidfd);
    let before = census();
    let starting = process::spawn(shell("while :; do echo more; done")).unwrap();
    let child = starting.child().clone();
    let error = runtime().block_on(starting.collect(Bounds { max_bytes: 100, ..NO_BOUNDS })).unwrap_err();
    assert_eq!((error.errno(), error.about_pid()), (Some(Errno::NOBUFS), Some(child.process().pid())));
    let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
    assert_eq!(change(exit), Change::Signaled { signal: 15, core_dumped: false });
    drop(child);
    before.assert_unchanged();
}

#[test]
fn the_deadline_ends_it_and_its_exit_is_told() {
    let bounds = Bounds { deadline: Deadline::after(Duration::from_millis(1)), kill_signal: 9, ..NO_BOUNDS };
    let ran = collect("exec sleep 1000", bounds).unwrap();
    assert_eq!(change(ran.exit), Change::Signaled { signal: 9, core_dumped: false });
}

#[test]
fn giving_up_ends_it() {
    let starting = process::spawn(shell("exec sleep 1000")).unwrap();
    let child = starting.child().clone();
    runtime().block_on(async {
        let running = starting.collect(NO_BOUNDS);
        assert!(tokio::time::timeout(Duration::from_millis(1), running).await.is_err());
    });
    let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
    assert_eq!(change(exit), Change::Signaled { signal: 15, core_dumped: false });
}

#[test]
fn giving_up_before_it_was_ever_polled_ends_it() {
    let starting = process::spawn(shell("exec sleep 20")).unwrap();
    let child = starting.child().clone();
    drop(starting.collect(NO_BOUNDS));
    let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
    assert_eq!(change(exit), Change::Signaled { signal: 15, core_dumped: false });
}

#[test]
fn a_start_that_fails_is_told_as_such() {
    let starting = process::spawn(Command::new("/nonexistent").descriptor(Stdio::Pipe)).unwrap();
    let error = runtime().block_on(starting.collect(NO_BOUNDS)).unwrap_err();
    assert_eq!((error.spawn_stage(), error.errno()), (Some("exec"), Some(Errno::NOENT)));
}
