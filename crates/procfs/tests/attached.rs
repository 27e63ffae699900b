//! What only a detached root denies: recognised, and read through the attached /proc where that was allowed.
//!
//! `AppArmor` is what denies so, and cannot be had in a test. In its place a filter answers EACCES to look-ups that
//! start at the descriptor of the detached root, which is what such a rule looks like from here.
//!
//! One test, because it foresees the number of a descriptor: nothing else may be opened meanwhile.
#![expect(clippy::unwrap_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::AsRawFd;

use kernel::{Capabilities, Errno, Feature, Kind};
use procfs::{Base, How, Options, Origin, Procfs, Resolver, Strategy};
use rustix::io::fcntl_dupfd_cloexec;
use testkit::Census;
use testkit::without::{self, Call};

/// Asks a detached root that denies everything, on a thread that keeps its filter to its end.
fn ask(options: &Options, resolver: Resolver, question: impl FnOnce(&Procfs) + Send) {
    let strategy = Strategy::here().only(Origin::OpenTree).resolving_by(resolver);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            // The lowest number that is free, which the root will have.
            let number = fcntl_dupfd_cloexec(std::io::stdin(), 3).unwrap().as_raw_fd();
            let procfs = Procfs::open_with(options, &strategy).unwrap();
            let calls = [libc::SYS_openat2, libc::SYS_openat]
                .map(|call| Call { number: call, when: Some((0, number.cast_unsigned())) });
            without::install(&calls, libc::EACCES.cast_unsigned()).unwrap();
            question(&procfs);
        });
        asked.join().unwrap();
    });
}

#[test]
fn a_denial_of_the_detached_root_alone_is_named_and_can_be_got_round() {
    testkit::require!(root, mounts, openat2);
    let here = Capabilities::here().demand(Feature::OpenTree, "open_tree").map_err(|error| error.to_string());
    if !testkit::need::met("open_tree", here, module_path!()) {
        return;
    }
    let census = Census::take();
    let global: (Base, &[u8]) = (Base::Root, b"uptime");
    let own: (Base, &[u8]) = (Base::OwnProcess, b"status");
    let patient = Options { retry_attached: true, ..Options::unmasked() };

    ask(&Options::unmasked(), Resolver::Openat2, |procfs| {
        for (base, path) in [global, own] {
            let error = procfs.read(&base, path).unwrap_err();
            assert_eq!((error.kind(), error.errno()), (Kind::PermissionDenied, Some(Errno::ACCESS)));
            assert!(error.advice().is_some_and(|hint| hint.contains("AppArmor")), "{error}");
        }
    });
    ask(&patient, Resolver::Openat2, |procfs| {
        for (base, path) in [global, own, (Base::this_thread(), b"status")] {
            assert!(!procfs.read(&base, path).unwrap().is_empty());
        }
        // Numbers may mean another process there; a link's target is not protected by openat2.
        for (base, path, how) in
            [(Base::Pid(1), b"stat".as_slice(), How::READ), (Base::OwnProcess, b"exe", How::READ.follow())]
        {
            let error = procfs.open_file(&base, path, how).unwrap_err();
            assert_eq!((error.kind(), error.advice()), (Kind::PermissionDenied, None), "{error}");
        }
        // What the attached /proc has not got either is answered as the detached one did.
        assert_eq!(procfs.read(&Base::Root, b"missing").unwrap_err().kind(), Kind::PermissionDenied);
    });
    ask(&patient, Resolver::Walk, |procfs| {
        let error = procfs.read(&own.0, own.1).unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::PermissionDenied, None), "{error}");
    });
    // A denial of both is nothing special: this file may be written only, by anybody's right.
    let procfs = Procfs::open(&patient).unwrap();
    let error = procfs.read(&Base::Root, b"sys/vm/drop_caches").unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::PermissionDenied, None), "{error}");
    drop(procfs);
    census.assert_unchanged();
}
