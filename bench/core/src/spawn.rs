//! Starting `true` and waiting for it: procward's core, against the standard library, and against posix_spawn(3) and
//! waitpid(2), which is as soon as it can be had: one clone(2) that shares memory, and nothing looked up or verified.

use std::ffi::{CStr, CString};
use std::process::Stdio;
use std::ptr;

use kernel::ready::Deadline;
use process::Command;

use crate::compare;

/// As PATH is in a program that looks through it.
const PROGRAM: &CStr = c"/usr/bin/true";

pub fn run(is_quick: bool) {
    let rounds = if is_quick { 21 } else { 101 };
    compare::several("spawn to exit of `true` by the core, against std::process", 10, ours, standard, rounds);
    compare::several("spawn to exit of `true` by the core, against posix_spawn", 10, ours, plain, rounds);
}

/// Held by its pidfd, with a status pipe, on /dev/null.
pub fn ours() {
    let program = PROGRAM.to_str().expect("ASCII");
    let command = environment().iter().fold(Command::new(program), |command, (name, value)| {
        command.variable(name.as_bytes(), value.as_bytes())
    });
    let null = || process::Stdio::Null;
    let command = command.descriptor(null()).descriptor(null()).descriptor(null());
    let child = process::spawn(command).and_then(process::Starting::started_blocking).expect("a child");
    child.wait_blocking(Deadline::NEVER).expect("its exit");
}

fn standard() {
    let mut command = std::process::Command::new(PROGRAM.to_str().expect("ASCII"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().expect("a child").success());
}

fn plain() {
    let variables: Vec<CString> = environment()
        .iter()
        .map(|(name, value)| CString::new(format!("{name}={value}")).expect("no null byte"))
        .collect();
    let mut pointers: Vec<_> = variables.iter().map(|variable| variable.as_ptr().cast_mut()).collect();
    pointers.push(ptr::null_mut());
    let arguments = [PROGRAM.as_ptr().cast_mut(), ptr::null_mut()];
    let (mut pid, mut status) = (0, 0);
    // SAFETY: posix_spawn wants a path, arguments and variables that end with null pointers: all are owned by this function, and
    // null stands for no actions and no attributes.
    let errno = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            PROGRAM.as_ptr(),
            ptr::null(),
            ptr::null(),
            arguments.as_ptr(),
            pointers.as_ptr(),
        )
    };
    assert_eq!(errno, 0, "posix_spawn");
    // SAFETY: waitpid writes the status to where it is told to, which is ours.
    let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((reaped, status), (pid, 0), "waitpid");
}

fn environment() -> Vec<(String, String)> {
    std::env::vars().collect()
}
