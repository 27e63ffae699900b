//! The seccomp filter behind `without`: compiled by seccompiler, installed here.
//!
//! Not by seccompiler, whose installation always sets `no_new_privs`: with that, everything below would run
//! under one more difference than the calls that were taken away (set-user-ID programs, for one).
#![expect(unsafe_code, reason = "seccomp(2) has no wrapper that leaves no_new_privs alone")]

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;
use std::ptr;

use rustix::thread::set_no_new_privs;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::Call;

/// Makes the kernel answer `errno` to these calls of the calling thread, and of everything it starts from now on.
///
/// `no_new_privs` is set only where the kernel demands it: for a caller without `CAP_SYS_ADMIN`.
///
/// # Errors
/// What the compiler of the filter, or the kernel, found wrong with it.
pub fn install(calls: &[Call], errno: u32) -> Result<(), String> {
    let program = compile(calls, errno).map_err(|error| error.to_string())?;
    let outcome = match set_filter(&program) {
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
            set_no_new_privs(true).map_err(|error| format!("no_new_privs: {error}"))?;
            set_filter(&program)
        }
        outcome => outcome,
    };
    outcome.map_err(|error| format!("seccomp: {error}"))
}

fn compile(calls: &[Call], errno: u32) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let mut unconditional = Vec::new();
    for call in calls {
        let of_this_call = rules.entry(call.number).or_default();
        match call.when {
            // An empty list of rules matches every call, so conditions beside it would have the last word.
            None => unconditional.push(call.number),
            Some((argument, value)) => {
                let equals = SeccompCmpOp::Eq;
                let condition =
                    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, equals, u64::from(value))?;
                of_this_call.push(SeccompRule::new(vec![condition])?);
            }
        }
    }
    for number in unconditional {
        rules.insert(number, Vec::new());
    }
    let arch = TargetArch::try_from(ARCH)?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch)?.try_into()
}

fn set_filter(program: &BpfProgram) -> io::Result<()> {
    let mut instructions: Vec<libc::sock_filter> =
        program.iter().map(|i| libc::sock_filter { code: i.code, jt: i.jt, jf: i.jf, k: i.k }).collect();
    let length = u16::try_from(instructions.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len: length, filter: instructions.as_mut_ptr() };
    // SAFETY: seccomp reads `len` instructions at `filter` and copies them; both belong to `instructions`, which
    // lives until the end of this function.
    let answer = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, ptr::from_ref(&program))
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

    use super::*;

    const ALWAYS: Call = Call { number: libc::SYS_pidfd_open, when: None };

    /// A filter stays for the life of its thread: each test spends one.
    fn pidfd_open_under(calls: &[Call], pid: Pid) -> Option<i32> {
        let answer = || {
            install(calls, 4095).unwrap();
            pidfd_open(pid, PidfdFlags::empty()).err().map(rustix::io::Errno::raw_os_error)
        };
        thread::scope(|scope| scope.spawn(answer).join().unwrap())
    }

    #[test]
    fn a_call_answers_what_was_asked_for() {
        assert_eq!(pidfd_open_under(&[ALWAYS], getpid()), Some(4095));
    }

    #[test]
    fn a_condition_leaves_other_arguments_alone() {
        crate::require!(pidfd);
        let first = Call { when: Some((0, 1)), ..ALWAYS };
        assert_eq!(pidfd_open_under(&[first], Pid::INIT), Some(4095));
        assert_eq!(pidfd_open_under(&[first], getpid()), None);
    }

    #[test]
    fn a_call_without_condition_wins_over_one_with() {
        let first = Call { when: Some((0, 1)), ..ALWAYS };
        assert_eq!(pidfd_open_under(&[ALWAYS, first], getpid()), Some(4095));
    }
}
