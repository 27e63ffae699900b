//! Holding a process: what it answers while it runs, as a zombie, and once it was reaped.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::os::fd::{AsFd, AsRawFd};

use kernel::Kind;
use kernel::ready::{Deadline, blocking};
use process::{Command, Stdio};
use process::{Process, Scope, Starting};

fn pause() -> Starting {
    let command = Command::new("/bin/sleep").argument("1000");
    process::spawn(command.descriptor(Stdio::Null).descriptor(Stdio::Null).descriptor(Stdio::Null)).unwrap()
}

#[test]
fn a_number_without_a_process_is_not_found() {
    let ended = {
        let child = pause().started_blocking().unwrap();
        child.process().signal(9, Scope::Handle).unwrap();
        child.wait_blocking(Deadline::NEVER).unwrap();
        child.process().pid()
    };
    let error = Process::open(ended).unwrap_err();
    assert_eq!((error.kind(), error.about_pid()), (Kind::NotFound, Some(ended)));
    for number in [0, -1, i32::MIN] {
        assert_eq!(Process::open(number).unwrap_err().kind(), Kind::InvalidArgument);
    }
}

#[test]
fn we_are_alive_and_are_told_who_we_are() {
    let own = Process::own().unwrap();
    assert!(own.is_alive().unwrap() && own.exists().unwrap());
    let info = own.info().unwrap();
    assert_eq!((info.ids.pid, info.ids.tgid), (own.pid(), own.pid()));
    assert_eq!(info.credentials.uid[1], rustix::process::geteuid().as_raw());
    own.signal(0, Scope::Handle).unwrap();
    assert_eq!(own.signal(1000, Scope::Handle).unwrap_err().kind(), Kind::InvalidArgument);
}

#[test]
fn a_handle_is_of_its_process_at_every_stage() {
    let child = pause().started_blocking().unwrap();
    let held = Process::open(child.process().pid()).unwrap();
    assert!(held.is_alive().unwrap());
    // What is in `net`, older kernels do not open where there are no global files.
    assert!(String::from_utf8_lossy(&held.directory().unwrap().read(b"net/dev").unwrap()).contains("lo:"));
    let comm = held.directory().unwrap().read(b"comm").unwrap();
    assert_eq!(comm, b"sleep\n");

    held.signal(15, Scope::Handle).unwrap();
    assert!(blocking(child.process().pidfd().unwrap(), Deadline::NEVER).unwrap());
    assert!(!held.is_alive().unwrap());
    assert!(held.exists().unwrap());
    held.signal(15, Scope::Handle).unwrap();

    child.wait_blocking(Deadline::NEVER).unwrap();
    assert!(!held.exists().unwrap());
    for error in [
        held.signal(15, Scope::Handle).unwrap_err(),
        held.info().unwrap_err(),
        held.directory().unwrap_err(),
        held.identity().unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.about_pid()), (Kind::Gone, Some(held.pid())), "{error}");
    }
}

#[test]
fn a_directory_fails_instead_of_changing_owner() {
    let child = pause().started_blocking().unwrap();
    let directory = child.process().directory().unwrap();
    assert!(
        directory.readlink(b"exe").unwrap().ends_with(b"/sleep")
            || !directory.readlink(b"exe").unwrap().is_empty()
    );
    assert_eq!(directory.read(b"nothing").unwrap_err().kind(), Kind::NotFound);
    child.process().signal(9, Scope::Handle).unwrap();
    child.wait_blocking(Deadline::NEVER).unwrap();
    assert_eq!(directory.read(b"comm").unwrap_err().kind(), Kind::Gone);
    assert_eq!(directory.read(b"nothing").unwrap_err().kind(), Kind::Gone);
    assert_eq!(directory.readlink(b"exe").unwrap_err().kind(), Kind::Gone);
}

#[test]
fn a_signal_reaches_the_whole_group() {
    if process::support(kernel::Feature::PidfdProcessGroupSignal).unwrap().errno().is_some() {
        return;
    }
    let script = "sleep 1000 & echo; wait";
    let command = Command::new("/bin/sh").argument("-c").argument(script).process_group(0);
    let mut starting =
        process::spawn(command.descriptor(Stdio::Null).descriptor(Stdio::Pipe).descriptor(Stdio::Null))
            .unwrap();
    let output = starting.take_streams().remove(1).unwrap();
    let leader = starting.started_blocking().unwrap();
    blocking(output.as_fd(), Deadline::NEVER).unwrap();
    rustix::io::read(&output, &mut [0_u8; 8]).unwrap();
    leader.process().signal(9, Scope::Group).unwrap();
    leader.wait_blocking(Deadline::NEVER).unwrap();
    // The sleeper held the pipe too: it ends only when both are gone.
    blocking(output.as_fd(), Deadline::NEVER).unwrap();
    assert_eq!(rustix::io::read(&output, &mut [0_u8; 8]).unwrap(), 0);
}

#[test]
fn copies_share_one_handle() {
    testkit::require!(pidfd);
    let own = Process::own().unwrap();
    assert_eq!(own.clone().pidfd().unwrap().as_raw_fd(), own.pidfd().unwrap().as_raw_fd());
}

#[test]
fn a_duplicate_of_the_pidfd_outlives_the_handle_and_is_of_the_same_process() {
    let child = pause().started_blocking().unwrap();
    let ours = child.process().pidfd().unwrap().try_clone_to_owned().unwrap();
    child.process().signal(9, Scope::Handle).unwrap();
    child.wait_blocking(Deadline::NEVER).unwrap();
    drop(child);
    assert!(blocking(ours.as_fd(), Deadline::NEVER).unwrap());
    if kernel::Capabilities::here().has(kernel::Feature::PidfdSendSignal) {
        let error = kernel::pidfd::send_signal(ours.as_fd(), 0, Scope::Handle).unwrap_err();
        assert_eq!(error.kind(), Kind::Gone);
    }
}
