//! The child's side, from its first instruction to execve: see the rules on the front page of [`fork`](super).
//!
//! # Safety
//! This code runs in memory that another process is using. It calls nothing but this file and `raw`, allocates,
//! locks and frees nothing, writes only to its own stack, and cannot panic: no indexing, no checked arithmetic.
#![expect(unsafe_code, reason = "the child of a clone that shares memory")]

use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use libc::c_long;

use super::raw;
use super::script::{Op, Orders, Step};
use super::status::{Failure, Stage};

/// What a shell reports for a program that it could not run.
const EXIT_CODE: usize = 127;
const SET_BYTES: usize = size_of::<u64>();
/// The type of this number differs between C libraries, so it is not taken from theirs.
const TIOCSPGRP: usize = 0x5410;

/// Performs the orders; returns to nobody.
///
/// # Safety
/// `orders` must point to orders that stay untouched until the status descriptor has closed, and every address in
/// them must be valid for the system call it is passed to. All signals must be blocked.
pub(super) unsafe extern "C" fn run(orders: *const Orders) -> ! {
    // SAFETY: a reference requires memory that is initialised and not written to; that is our own contract.
    let orders = unsafe { &*orders };
    let mut opened = 0;
    for step in &orders.steps {
        if let Err(errno) = perform(&step.op, &mut opened) {
            report(orders.status, step.stage, index(step, errno), errno);
            break;
        }
    }
    exit(EXIT_CODE)
}

/// Ends at once; the child of a probe.
///
/// # Safety
/// None: the argument is not read. The signature is what clone calls.
pub(super) unsafe extern "C" fn leave(_: *const ()) -> ! {
    exit(0)
}

fn perform(op: &Op, opened: &mut usize) -> Result<(), i32> {
    match op {
        Op::Call { number, arguments } => call(*number, *arguments).map(drop),
        Op::Try { number, arguments } => {
            let _ = call(*number, *arguments);
            Ok(())
        }
        Op::ResetSignals { ignored } => reset_signals(*ignored),
        Op::EndUnlessAlive { parent } => end_unless_alive(*parent),
        Op::Open { path, least } => open_above(*path, *least).map(|above| *opened = above),
        Op::Give { target } => call(libc::SYS_dup3, [*opened, *target, 0, 0, 0, 0]).map(drop),
        Op::Await { pipe } => wait_for_byte(*pipe),
        Op::Foreground { terminal } => come_to_the_foreground(*terminal),
        Op::WriteOwn { procfs, path, data, length } => write_own(*procfs, *path, *data, *length),
        Op::CloseOneByOne { first, spare } => {
            close_one_by_one(*first, *spare);
            Ok(())
        }
        Op::Exec { candidates, arguments, environment } => Err(exec(candidates, *arguments, *environment)),
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "one frame less in unoptimised code")]
fn call(number: c_long, arguments: [usize; 6]) -> Result<usize, i32> {
    // SAFETY: the addresses must be valid for this call; those in the orders are by the contract of `run`, and those
    // passed from this file are of live locals of the size that the call is told.
    unsafe { raw::call(number, arguments) }
}

/// The kernel's `struct sigaction`: handler, flags, restorer, mask. All zeroes is the default disposition.
type Disposition = [u64; 4];
const HANDLER_DEFAULT: u64 = 0;
const HANDLER_IGNORE: u64 = 1;

/// `CLONE_CLEAR_SIGHAND` resets what had a handler and leaves what was ignored, and the legacy clone resets nothing,
/// so all are looked at. The table is the child's own: `CLONE_SIGHAND` is never asked for.
fn reset_signals(ignored: u64) -> Result<(), i32> {
    const LAST_SIGNAL: usize = 64;
    let (kill, stop) = (libc::SIGKILL.cast_unsigned() as usize, libc::SIGSTOP.cast_unsigned() as usize);
    let mut signal = 0_usize;
    while signal < LAST_SIGNAL {
        let keep_ignored = ignored >> signal & 1 == 1;
        signal = signal.wrapping_add(1);
        // Their disposition cannot be changed.
        if signal == kill || signal == stop {
            continue;
        }
        let mut now: Disposition = [0; 4];
        let old = std::ptr::from_mut(&mut now).expose_provenance();
        call(libc::SYS_rt_sigaction, [signal, 0, old, SET_BYTES, 0, 0])?;
        let wanted = if keep_ignored { HANDLER_IGNORE } else { HANDLER_DEFAULT };
        let [handler, ..] = now;
        if handler != wanted {
            let disposition: Disposition = [wanted, 0, 0, 0];
            let new = std::ptr::from_ref(&disposition).expose_provenance();
            call(libc::SYS_rt_sigaction, [signal, new, 0, SET_BYTES, 0, 0])?;
        }
    }
    Ok(())
}

/// Our parent may have ended before the death signal was asked for, and then it never comes. getppid would not tell:
/// it is 0 in a new pid namespace, and another process's id when `CLONE_PARENT` is used. A handle tells.
fn end_unless_alive(parent: RawFd) -> Result<(), i32> {
    #[repr(C)]
    struct PollFd {
        fd: i32,
        events: i16,
        revents: i16,
    }
    let mut watched = PollFd { fd: parent, events: libc::POLLIN, revents: 0 };
    let at = std::ptr::from_mut(&mut watched).expose_provenance();
    let no_time = [0_u64; 2];
    let timeout = std::ptr::from_ref(&no_time).expose_provenance();
    if call(libc::SYS_ppoll, [at, 1, timeout, 0, 0, 0])? > 0 {
        exit(EXIT_CODE);
    }
    Ok(())
}

/// Our parent does something to us from outside, and then writes a byte. If it cannot it closes the pipe instead, and
/// knows more about the reason than we do. Our own copy of its end has to go first, or the pipe would never end.
fn wait_for_byte([read_end, write_end]: [RawFd; 2]) -> Result<(), i32> {
    close(write_end.cast_unsigned() as usize);
    let mut byte = 0_u8;
    let at = std::ptr::from_mut(&mut byte).expose_provenance();
    match call(libc::SYS_read, [read_end.cast_unsigned() as usize, at, 1, 0, 0, 0])? {
        0 => Err(libc::ECANCELED),
        _ => Ok(()),
    }
}

/// The terminal would stop us for it, if its signal were not blocked.
fn come_to_the_foreground(terminal: RawFd) -> Result<(), i32> {
    let group = call(libc::SYS_getpgid, [0; 6])?;
    #[expect(clippy::cast_possible_truncation, reason = "the kernel's pid_t")]
    let group = group as u32;
    let at = std::ptr::from_ref(&group).expose_provenance();
    call(libc::SYS_ioctl, [terminal.cast_unsigned() as usize, TIOCSPGRP, at, 0, 0, 0]).map(drop)
}

/// Tries the candidates as execvp does: one that is not there leads to the next, and so does one that we may not
/// execute, which is the answer if no other can be. A path that was given whole has one candidate, and its own answer.
pub(super) fn exec(candidates: &[usize], arguments: usize, environment: usize) -> i32 {
    let searched = candidates.len() > 1;
    let mut answer = libc::ENOENT;
    for candidate in candidates {
        let Err(errno) = call(libc::SYS_execve, [*candidate, arguments, environment, 0, 0, 0]) else {
            continue;
        };
        match errno {
            _ if !searched => return errno,
            libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
            libc::EACCES => answer = errno,
            _ => return errno,
        }
    }
    answer
}

/// The kernel has one answer for a program that is missing and for one whose interpreter is, and one for a program that
/// may not be executed and for a directory. Here both can be told apart: with the root and the rights of the child.
fn index(step: &Step, errno: i32) -> u32 {
    let Op::Exec { candidates, .. } = &step.op else { return step.index };
    let (flags, found) = match errno {
        libc::ENOENT => (libc::O_PATH | libc::O_CLOEXEC, Failure::NO_INTERPRETER),
        libc::EACCES => (libc::O_PATH | libc::O_CLOEXEC | libc::O_DIRECTORY, Failure::IS_DIRECTORY),
        _ => return step.index,
    };
    for candidate in candidates {
        if open(libc::AT_FDCWD, *candidate, flags).is_ok() {
            return found;
        }
    }
    step.index
}

/// Nothing but the file itself is accepted, even by root, who alone could have mounted something over it. Where a filter
/// has taken `openat2` away that cannot be said, as little as anywhere else then.
fn write_own(procfs: RawFd, path: usize, data: usize, length: usize) -> Result<(), i32> {
    /// `struct open_how`: flags, mode, resolve.
    const RESOLVE: u64 = libc::RESOLVE_NO_XDEV | libc::RESOLVE_NO_MAGICLINKS | libc::RESOLVE_BENEATH;
    let flags = libc::O_WRONLY | libc::O_CLOEXEC;
    let how = [u64::from(flags.cast_unsigned()), 0, RESOLVE];
    let at = std::ptr::from_ref(&how).expose_provenance();
    let directory = procfs.cast_unsigned() as usize;
    let opened = match call(libc::SYS_openat2, [directory, path, at, size_of_val(&how), 0, 0]) {
        Err(libc::ENOSYS | libc::EPERM) => open(procfs, path, flags),
        answer => answer,
    }?;
    let written = call(libc::SYS_write, [opened, data, length, 0, 0, 0]);
    close(opened);
    written.map(drop)
}

/// What has a lower number is one of the child's own, and is replaced with them.
fn open_above(path: usize, least: RawFd) -> Result<usize, i32> {
    let least = least.cast_unsigned() as usize;
    let opened = open(libc::AT_FDCWD, path, libc::O_RDWR | libc::O_CLOEXEC)?;
    if opened >= least {
        return Ok(opened);
    }
    let duplicate = libc::F_DUPFD_CLOEXEC.cast_unsigned() as usize;
    call(libc::SYS_fcntl, [opened, duplicate, least, 0, 0, 0])
}

fn open(directory: RawFd, path: usize, flags: i32) -> Result<usize, i32> {
    let (directory, flags) = (directory.cast_unsigned() as usize, flags.cast_unsigned() as usize);
    call(libc::SYS_openat, [directory, path, flags, 0, 0, 0])
}

/// Without `close_range`: by /proc/self/fd, and where that cannot be read, by number.
fn close_one_by_one(first: RawFd, spare: RawFd) {
    // Any more would take the better part of a second, and a limit may be a billion.
    const LAST: RawFd = 1 << 20;
    let path = c"/proc/self/fd".as_ptr().expose_provenance();
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    if let Ok(listing) = open(libc::AT_FDCWD, path, flags) {
        close_listed(listing, first, spare);
        close(listing);
        return;
    }
    let mut fd = first;
    while fd < LAST {
        if fd != spare {
            close(fd.cast_unsigned() as usize);
        }
        fd = fd.wrapping_add(1);
    }
}

/// procfs lists descriptors in ascending order and remembers the last number, so closing while reading skips none.
fn close_listed(listing: usize, first: RawFd, spare: RawFd) {
    const BYTES: usize = 1024;
    // The fixed part of `struct linux_dirent64`: inode 8, offset 8, length 2, type 1; then the name.
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    loop {
        // Zeroed by a loop of the C library's otherwise.
        let mut buffer = MaybeUninit::<[u8; BYTES]>::uninit();
        let at = std::ptr::from_mut(&mut buffer).expose_provenance();
        let Ok(filled) = call(libc::SYS_getdents64, [listing, at, BYTES, 0, 0, 0]) else { return };
        if filled == 0 {
            return;
        }
        // SAFETY: the bytes must be initialised and lie in one object; the kernel wrote as many as it answered, and
        // never more than fit.
        let mut rest = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), filled) };
        while let Some(&[low, high]) = rest.get(LENGTH_AT..NAME_AT.wrapping_sub(1)) {
            let length = u16::from_ne_bytes([low, high]) as usize;
            if let Some(fd) = number(rest.get(NAME_AT..length).unwrap_or(&[]))
                && fd >= first.cast_unsigned() as usize
                && fd != spare.cast_unsigned() as usize
                && fd != listing
            {
                close(fd);
            }
            rest = rest.get(length..).unwrap_or(&[]);
        }
    }
}

/// A decimal number that ends with a null byte; `.` and `..` are none.
fn number(name: &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for byte in name {
        match byte {
            b'0'..=b'9' => value = value.wrapping_mul(10).wrapping_add(byte.wrapping_sub(b'0') as usize),
            0 => return Some(value),
            _ => return None,
        }
    }
    None
}

/// A descriptor that is not open needs no closing.
fn close(fd: usize) {
    let _ = call(libc::SYS_close, [fd, 0, 0, 0, 0, 0]);
}

fn report(status: RawFd, stage: Stage, index: u32, errno: i32) {
    let record = [stage as u32, index, errno.cast_unsigned()];
    let at = std::ptr::from_ref(&record).expose_provenance();
    // If nobody reads any more there is nobody to tell.
    let _ = call(libc::SYS_write, [status.cast_unsigned() as usize, at, size_of_val(&record), 0, 0, 0]);
}

fn exit(code: usize) -> ! {
    loop {
        let _ = call(libc::SYS_exit_group, [code, 0, 0, 0, 0, 0]);
    }
}
