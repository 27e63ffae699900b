//! Opening a file of /proc: procward's core, against a plain openat and against the `pathrs` crate.

use std::hint::black_box;

use pathrs::flags::OpenFlags;
use pathrs::procfs::{ProcfsBase, ProcfsHandle};
use procfs::{Base, How};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::compare;

pub fn run(is_quick: bool) {
    let rounds = if is_quick { 21 } else { 101 };
    let kept = procfs::shared().expect("a procfs");
    let ours_kept = || {
        black_box(kept.open_file(&Base::OwnProcess, b"status", How::READ).expect("our own status"));
    };
    let plain = || {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        black_box(openat(CWD, c"/proc/self/status", flags, Mode::empty()).expect("our own status"));
    };
    let handle = ProcfsHandle::new().expect("a procfs of pathrs");
    let pathrs = || {
        black_box(handle.open(ProcfsBase::ProcSelf, "status", OpenFlags::O_RDONLY).expect("our own status"));
    };
    compare::many("open and close self/status, against plain openat", ours_kept, plain, rounds);
    compare::many(
        "the same through shared(), which looks whether the root is still its own",
        ours,
        plain,
        rounds,
    );
    compare::many("open and close self/status, against pathrs", ours_kept, pathrs, rounds);
    compare::many("the same through shared(), against pathrs", ours, pathrs, rounds);
}

/// Through `shared()`, as every caller has it.
pub fn ours() {
    let procfs = procfs::shared().expect("a procfs");
    black_box(procfs.open_file(&Base::OwnProcess, b"status", How::READ).expect("our own status"));
}
