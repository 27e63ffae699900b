//! The shared handle: one for the process, replaced when its descriptor was closed or belongs to somebody else.
//!
//! These tests close descriptors under the library, so each runs alone, in a process of its own.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]
#![expect(unsafe_code, reason = "closing a descriptor that somebody else owns is what is tested")]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use procfs::{Base, Guarantee, Options, Origin, Procfs};
use rustix::fs::fstat;

/// Runs one test of this binary in a process of its own; true in that process.
#[expect(clippy::disallowed_methods, reason = "a test may start programs")]
fn alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let own = std::env::current_exe().expect("the path of this test");
    let status = std::process::Command::new(own).args(["--exact", test]).env("ALONE", "1").status();
    assert!(status.expect("run this test").success());
    false
}

/// What may be shared: an instance of our own, masked.
fn own_masked_instance() -> Result<(), String> {
    let options = Options { require: vec![Guarantee::NoOvermounts, Guarantee::Masked], ..Options::default() };
    Procfs::open(&options).map(drop).map_err(|error| error.to_string())
}

fn may_share() -> bool {
    testkit::need::met("fsopen", own_masked_instance(), module_path!())
}

/// The number that the shared root has: the only one so high in this process.
fn shared_number() -> RawFd {
    let procfs = Procfs::open(&Options::default()).expect("a second procfs");
    let numbers = procfs.readdir(&Base::OwnProcess, b"fd").expect("our descriptors");
    let numbers = numbers.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok());
    numbers.filter(|number| *number >= 512).max().expect("a shared root")
}

fn works(procfs: &Procfs) -> bool {
    let status = procfs.read(&Base::OwnProcess, b"status").expect("our status");
    procfs::parse::status(&status).tgid() == i32::try_from(std::process::id()).ok()
}

#[test]
fn every_caller_gets_the_same_handle_at_a_high_number() {
    if !may_share() || !alone("every_caller_gets_the_same_handle_at_a_high_number") {
        return;
    }
    let first = procfs::shared().unwrap();
    assert_eq!(first.info().origin, Origin::Fsopen);
    assert!(Arc::ptr_eq(&first, &procfs::shared().unwrap()));
    let elsewhere = std::thread::spawn(|| procfs::shared().unwrap()).join().unwrap();
    assert!(Arc::ptr_eq(&first, &elsewhere));
    assert!(works(&first));
    assert!(shared_number() >= 512);
}

#[test]
fn a_closed_descriptor_is_replaced_by_a_new_root() {
    if !may_share() || !alone("a_closed_descriptor_is_replaced_by_a_new_root") {
        return;
    }
    let stale = procfs::shared().unwrap();
    let number = shared_number();
    // SAFETY: `close` asks that the descriptor is not used by its owner any more; that the owner copes with a
    // breach of this rule is what is tested.
    drop(unsafe { OwnedFd::from_raw_fd(number) });
    let fresh = procfs::shared().unwrap();
    assert!(!Arc::ptr_eq(&stale, &fresh));
    assert!(works(&fresh));
    drop(stale);
    assert!(works(&fresh));
}

#[test]
fn the_descriptor_of_somebody_else_is_left_alone() {
    if !may_share() || !alone("the_descriptor_of_somebody_else_is_left_alone") {
        return;
    }
    let stale = procfs::shared().unwrap();
    let number = shared_number();
    // SAFETY: as above.
    drop(unsafe { OwnedFd::from_raw_fd(number) });
    // Somebody else opens something and gets the number.
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    let foreign = rustix::io::fcntl_dupfd_cloexec(&reader, number).unwrap();
    assert_eq!(foreign.as_raw_fd(), number);
    let before = fstat(foreign.as_fd()).unwrap();

    let fresh = procfs::shared().unwrap();
    assert!(!Arc::ptr_eq(&stale, &fresh));
    assert!(works(&fresh));
    drop(stale);
    drop(fresh);
    let after = fstat(foreign.as_fd()).unwrap();
    assert_eq!((before.st_dev, before.st_ino), (after.st_dev, after.st_ino));
}

#[test]
fn where_nothing_may_be_shared_every_caller_gets_a_handle_that_is_closed_after() {
    if own_masked_instance().is_ok() {
        return;
    }
    let census = testkit::Census::take();
    let (first, second) = (procfs::shared().unwrap(), procfs::shared().unwrap());
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(works(&first) && works(&second));
    drop((first, second));
    census.assert_unchanged();
}
