//! Waiting for children and for strangers, asynchronously and not, by one and by many.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails by panicking"
)]

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use kernel::ready::{Deadline, blocking};
use kernel::wait::Status;
use kernel::{Feature, Kind};
use process::{Change, Child, Command, Exit, Process, Scope, Stdio};
use testkit::Census;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn shell(script: &str) -> Command {
    let command = Command::new("/bin/sh").argument("-c").argument(script).variable(b"PATH", b"/usr/bin:/bin");
    command.descriptor(Stdio::Null).descriptor(Stdio::Pipe).descriptor(Stdio::Null)
}

fn start(script: &str) -> Child {
    process::spawn(shell(script)).unwrap().started_blocking().unwrap()
}

fn change(exit: Exit) -> Change {
    match exit {
        Exit::Known { status, .. } => status.decode(),
        Exit::Unknown => panic!("unknown exit"),
    }
}

/// Taken when what is opened once and kept, the shared /proc, is open.
fn census() -> Census {
    process::Process::own().unwrap().identity().unwrap();
    Census::take()
}

#[test]
fn every_exit_is_told_with_what_was_used() {
    for code in [0, 1, 42, 127, 128, 255] {
        let child = start(&format!("exit {code}"));
        let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
        assert_eq!(change(exit), Change::Exited(code));
        let Exit::Known { usage: Some(usage), .. } = exit else { panic!("{exit:?}") };
        assert!(usage.max_rss_bytes > 0);
    }
    for signal in [1, 9, 15, 34, 64] {
        let child = start("exec sleep 1000");
        child.process().signal(signal, Scope::Handle).unwrap();
        let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
        assert_eq!(change(exit), Change::Signaled { signal, core_dumped: false });
    }
}

#[test]
fn a_deadline_leaves_the_child_as_it_is() {
    let child = start("exec sleep 1000");
    assert_eq!(child.wait_blocking(Deadline::after(Duration::from_millis(5))).unwrap(), None);
    assert_eq!(child.process().wait_blocking(Deadline::after(Duration::from_millis(5))).unwrap(), None);
    assert_eq!(child.try_reap().unwrap(), None);
    child.process().signal(9, Scope::Handle).unwrap();
    child.wait_blocking(Deadline::NEVER).unwrap();
}

#[test]
fn many_wait_for_one_and_read_the_same() {
    for in_background in [false, true] {
        let before = census();
        let runtime = runtime();
        let child = start("exec sleep 1000");
        runtime.block_on(async {
            let mut tasks = Vec::new();
            if in_background {
                let reaper = child.reap_in_background();
                tasks.push(tokio::spawn(async move { reaper.await.map(|()| None) }));
            }
            for _ in 0..10 {
                let child = child.clone();
                tasks.push(tokio::spawn(async move { child.wait().await.map(Some) }));
            }
            let blocked = {
                let child = child.clone();
                std::thread::spawn(move || child.wait_blocking(Deadline::NEVER).unwrap().unwrap())
            };
            tokio::task::yield_now().await;
            child.process().signal(9, Scope::Handle).unwrap();
            for task in tasks {
                if let Some(exit) = task.await.unwrap().unwrap() {
                    assert_eq!(change(exit), Change::Signaled { signal: 9, core_dumped: false });
                }
            }
            assert_eq!(change(blocked.join().unwrap()), Change::Signaled { signal: 9, core_dumped: false });
            assert!(child.wait().await.is_ok());
        });
        drop((runtime, child));
        before.assert_unchanged();
    }
}

#[test]
fn a_dropped_wait_disturbs_nobody() {
    let runtime = runtime();
    let child = start("exec sleep 1000");
    runtime.block_on(async {
        let given_up = tokio::time::timeout(Duration::from_millis(5), child.wait()).await;
        assert!(given_up.is_err());
        child.process().signal(15, Scope::Handle).unwrap();
        assert_eq!(change(child.wait().await.unwrap()), Change::Signaled { signal: 15, core_dumped: false });
    });
}

#[test]
fn those_who_wait_take_over_when_the_reaper_is_dropped() {
    let runtime = runtime();
    let child = start("exec sleep 1000");
    runtime.block_on(async {
        let reaper = tokio::spawn(child.reap_in_background());
        let waiting = tokio::spawn({
            let child = child.clone();
            async move { child.wait().await }
        });
        tokio::task::yield_now().await;
        reaper.abort();
        assert!(reaper.await.unwrap_err().is_cancelled());
        child.process().signal(9, Scope::Handle).unwrap();
        assert!(waiting.await.unwrap().is_ok());
    });
}

#[test]
fn a_background_reaper_leaves_no_zombie_when_nobody_asks() {
    let before = census();
    let runtime = runtime();
    runtime.block_on(async {
        let reapers: Vec<_> = (0..20)
            .map(|code| {
                let starting = process::spawn(shell(&format!("exit {code}"))).unwrap();
                tokio::spawn(starting.child().reap_in_background())
            })
            .collect();
        for reaper in reapers {
            reaper.await.unwrap().unwrap();
        }
    });
    drop(runtime);
    before.assert_unchanged();
}

/// A grandchild that exits with 7 when told to, and is reaped by its parent, which then exits with 3.
struct Stranger {
    parent: Child,
    held: Process,
    tell_child: OwnedFd,
    tell_parent: OwnedFd,
}

fn stranger() -> Stranger {
    let script = "sh -c 'read line; exit 7' <&3 & echo $!; read line; wait $!; exit 3";
    let command = Command::new("/bin/sh").argument("-c").argument(script).variable(b"PATH", b"/usr/bin:/bin");
    let command = command.descriptor(Stdio::Pipe).descriptor(Stdio::Pipe).descriptor(Stdio::Null);
    let mut starting = process::spawn(command.descriptor(Stdio::Pipe)).unwrap();
    let mut streams = starting.take_streams();
    let parent = starting.started_blocking().unwrap();
    let (tell_child, output, tell_parent) =
        (streams.remove(3).unwrap(), streams.remove(1).unwrap(), streams.remove(0).unwrap());
    blocking(output.as_fd(), Deadline::NEVER).unwrap();
    let mut buffer = [0_u8; 32];
    let filled = rustix::io::read(&output, &mut buffer).unwrap();
    let pid = std::str::from_utf8(&buffer[..filled]).unwrap().trim().parse().unwrap();
    Stranger { held: Process::open(pid).unwrap(), parent, tell_child, tell_parent }
}

fn tell(stream: &OwnedFd) {
    assert_eq!(rustix::io::write(stream, b"go\n").unwrap(), 3);
}

fn assert_stranger(exit: Exit) {
    // Where only the zombie tells, it may have been reaped before anybody looked.
    let may_be_missed = !are_told() && exit == Exit::Unknown;
    assert!(may_be_missed || exit == Exit::Known { status: Status(7 << 8), usage: None }, "{exit:?}");
}

/// Whether the kernel tells everybody how a process ended.
fn are_told() -> bool {
    process::support(Feature::PidfdExitInfo).unwrap().is_present()
}

#[test]
fn the_exit_of_a_stranger_is_told_once_its_parent_reaped_it() {
    let Stranger { parent, held, tell_child, tell_parent } = stranger();
    let waiting = std::thread::spawn(move || {
        let exit = runtime().block_on(held.wait()).unwrap();
        (held, exit)
    });
    tell(&tell_child);
    tell(&tell_parent);
    let (held, exit) = waiting.join().unwrap();
    assert_stranger(exit);
    assert_eq!(change(parent.wait_blocking(Deadline::NEVER).unwrap().unwrap()), Change::Exited(3));
    // And again, for whoever still holds it.
    assert_stranger(held.wait_blocking(Deadline::NEVER).unwrap().unwrap());
    assert_stranger(runtime().block_on(held.wait()).unwrap());
}

#[test]
fn a_zombie_of_somebody_else_is_not_mistaken_for_a_known_exit() {
    let Stranger { parent, held, tell_child, tell_parent } = stranger();
    // A parent that is stopped does not reap.
    parent.process().signal(19, Scope::Handle).unwrap();
    while parent.poll_state().unwrap().is_none() {
        std::thread::yield_now();
    }
    tell(&tell_child);
    while held.is_alive().unwrap() {
        std::thread::yield_now();
    }
    assert!(held.exists().unwrap());
    let early = held.wait_blocking(Deadline::after(Duration::from_millis(5))).unwrap();
    if are_told() {
        assert_eq!(early, None);
    } else {
        assert_stranger(early.unwrap());
    }
    parent.process().signal(18, Scope::Handle).unwrap();
    tell(&tell_parent);
    assert_stranger(held.wait_blocking(Deadline::NEVER).unwrap().unwrap());
    parent.wait_blocking(Deadline::NEVER).unwrap();
}

#[test]
fn a_child_that_somebody_else_reaped_still_tells() {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let child = start("exit 9");
    let number = rustix::process::Pid::from_raw(child.process().pid());
    waitid(WaitId::Pid(number.unwrap()), WaitIdOptions::EXITED).unwrap();
    let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
    if are_told() {
        assert_eq!(exit, Exit::Known { status: Status(9 << 8), usage: None });
    } else {
        assert_eq!(exit, Exit::Unknown);
    }
}

#[test]
fn stops_and_continuations_are_told_when_asked() {
    let child = start("exec sleep 1000");
    assert_eq!(child.poll_state().unwrap(), None);
    child.process().signal(19, Scope::Handle).unwrap();
    let stopped = (0..1_000_000).find_map(|_| {
        std::thread::yield_now();
        child.poll_state().unwrap()
    });
    assert_eq!(stopped.unwrap().decode(), Change::Stopped { signal: 19, trap_cause: None });
    child.process().signal(9, Scope::Handle).unwrap();
    child.wait_blocking(Deadline::NEVER).unwrap();
    assert_eq!(child.poll_state().unwrap_err().kind(), Kind::Gone);
}

#[test]
fn a_child_that_is_stopped_has_not_ended() {
    let child = start("exec sleep 1000");
    child.process().signal(19, Scope::Handle).unwrap();
    while child.poll_state().unwrap().is_none() {
        std::thread::yield_now();
    }
    let soon = || Deadline::after(Duration::from_millis(5));
    assert_eq!(child.wait_blocking(soon()).unwrap(), None);
    assert_eq!(child.process().wait_blocking(soon()).unwrap(), None);
    assert!(child.process().is_alive().unwrap());
    child.process().signal(9, Scope::Handle).unwrap();
    let exit = child.wait_blocking(Deadline::NEVER).unwrap().unwrap();
    assert_eq!(change(exit), Change::Signaled { signal: 9, core_dumped: false });
}

#[test]
fn a_wait_that_was_given_up_on_one_runtime_can_be_made_on_another() {
    let child = start("exec sleep 1000");
    let held = Process::open(child.process().pid()).unwrap();
    runtime().block_on(async {
        let soon = Duration::from_millis(5);
        assert!(tokio::time::timeout(soon, child.wait()).await.is_err());
        assert!(tokio::time::timeout(soon, held.wait()).await.is_err());
    });
    runtime().block_on(async {
        let waiting = tokio::spawn(async move { held.wait().await });
        tokio::task::yield_now().await;
        child.process().signal(9, Scope::Handle).unwrap();
        let killed = Change::Signaled { signal: 9, core_dumped: false };
        assert_eq!(change(child.wait().await.unwrap()), killed);
        let told = waiting.await.unwrap().unwrap();
        assert!(!are_told() && told == Exit::Unknown || change(told) == killed);
    });
}

#[test]
fn the_features_of_this_crate_are_probed_without_a_trace() {
    let before = census();
    process::support(Feature::PidfdExitInfo).unwrap();
    process::support(Feature::UserNamespaces).unwrap();
    before.assert_unchanged();
}
