//! The probes behind [`Capabilities`](crate::Capabilities): calls that a kernel with the feature must reject.
//!
//! # Safety
//! Raw system calls, because rustix cannot express calls that are meant to fail. Every pointer passed is null
//! and every descriptor one that cannot exist, so that the kernel reads and changes nothing.
#![expect(unsafe_code, reason = "null-argument probes cannot be written with typed calls")]

use libc::c_long;
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::feature::Feature;
use crate::support::Support;

/// A descriptor that no process can have: the table never grows this far.
const NO_FD: c_long = 0x7fff_ffff;
const NULL: c_long = 0;
/// `CLONE_ARGS_SIZE_VER2`: the first `clone_args` with a cgroup field.
const CLONE_ARGS_WITH_CGROUP: c_long = 88;

/// Asks the kernel. `Err` is a passing condition: nothing was learnt.
pub(crate) fn ask(feature: Feature) -> Result<Support> {
    match feature {
        // openat2(dirfd, path, how = NULL, size = 24): EFAULT once the size is accepted.
        Feature::Openat2 => {
            null_call(libc::SYS_openat2, [i64::from(libc::AT_FDCWD), NULL, NULL, 24, 0], Errno::FAULT)
        }
        Feature::Fsopen => null_call(libc::SYS_fsopen, [NULL, 0, 0, 0, 0], Errno::FAULT),
        // With OPEN_TREE_CLONE, privilege is checked before the path is read.
        Feature::OpenTree => null_call(libc::SYS_open_tree, [NO_FD, NULL, 1, 0, 0], Errno::FAULT),
        Feature::PidfdOpen => null_call(libc::SYS_pidfd_open, [-1, 0, 0, 0, 0], Errno::INVAL),
        Feature::PidfdSendSignal => {
            null_call(libc::SYS_pidfd_send_signal, [NO_FD, 0, NULL, 0, 0], Errno::BADF)
        }
        // Not -1: waitid answers EINVAL for it, as for an unknown id type.
        Feature::PidfdWaitid => null_call(libc::SYS_waitid, [3, NO_FD, NULL, 4, NULL], Errno::BADF),
        // Unknown flags are rejected before the descriptor is looked at.
        Feature::PidfdProcessGroupSignal => {
            null_call(libc::SYS_pidfd_send_signal, [NO_FD, 0, NULL, 4, 0], Errno::BADF)
        }
        Feature::PidfdGetfd => null_call(libc::SYS_pidfd_getfd, [NO_FD, 0, 0, 0, 0], Errno::BADF),
        Feature::ProcessMrelease => null_call(libc::SYS_process_mrelease, [NO_FD, 0, 0, 0, 0], Errno::BADF),
        Feature::Clone3 => null_call(libc::SYS_clone3, [NULL, 0, 0, 0, 0], Errno::INVAL),
        Feature::CloneIntoCgroup => clone_into_no_cgroup(),
        Feature::CloseRange => Ok(close_range()),
        Feature::StatxMntId => statx_mount_id(),
        Feature::PidfdInfo => crate::pidfd::probe_info(),
        _ => Ok(Support::Absent(Errno::NOSYS)),
    }
}

/// `close_range(first > last)` is EINVAL where the call exists, so absence is told by the other numbers only.
fn close_range() -> Support {
    match raw(libc::SYS_close_range, [2, 1, 0, 0, 0]) {
        Err(Errno::NOSYS) => Support::Absent(Errno::NOSYS),
        Err(refused @ (Errno::PERM | Errno::ACCESS)) => Support::Refused(refused),
        _ => Support::Present,
    }
}

fn null_call(number: c_long, arguments: [c_long; 5], expected: Errno) -> Result<Support> {
    read(raw(number, arguments), expected)
}

/// A call that was meant to fail and did not is there, too: emulations are lenient.
fn read(answer: std::result::Result<(), Errno>, expected: Errno) -> Result<Support> {
    match answer {
        Ok(()) => Ok(Support::Present),
        Err(errno) => Support::classify(errno, expected).ok_or_else(|| Error::os("probe", errno)),
    }
}

fn raw(number: c_long, arguments: [c_long; 5]) -> std::result::Result<(), Errno> {
    let [first, second, third, fourth, fifth] = arguments;
    // SAFETY: the callee requires that pointers are valid for what it reads or writes; the probes above pass
    // null pointers and impossible descriptors only, which the kernel rejects without touching memory.
    answer(unsafe { libc::syscall(number, first, second, third, fourth, fifth, 0) })
}

fn answer(returned: c_long) -> std::result::Result<(), Errno> {
    if returned == -1 {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
    } else {
        Ok(())
    }
}

/// `clone3` into a group that cannot exist: EBADF where `CLONE_INTO_CGROUP` is known, EINVAL before 5.7.
/// No child is made: the group is looked up before the child can run. `CLONE_VM` keeps the attempt from copying
/// the page tables of a large program.
fn clone_into_no_cgroup() -> Result<Support> {
    #[repr(C)]
    #[derive(Default)]
    struct CloneArgs {
        flags: u64,
        unused: [u64; 9],
        cgroup: u64,
    }
    const CLONE_VM: u64 = 0x100;
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let arguments = CloneArgs {
        flags: CLONE_VM | CLONE_INTO_CGROUP,
        cgroup: NO_FD.unsigned_abs(),
        ..CloneArgs::default()
    };
    // SAFETY: clone3 requires a pointer to `size` readable bytes; `arguments` is a live local of exactly that
    // size. It cannot return twice, because the descriptor of the group does not exist.
    let returned =
        unsafe { libc::syscall(libc::SYS_clone3, std::ptr::from_ref(&arguments), CLONE_ARGS_WITH_CGROUP) };
    read(answer(returned), Errno::BADF)
}

fn statx_mount_id() -> Result<Support> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    match statx(CWD, "/", AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID) {
        Ok(answer) if StatxFlags::from_bits_retain(answer.stx_mask).contains(StatxFlags::MNT_ID) => {
            Ok(Support::Present)
        }
        Ok(_) => Ok(Support::Absent(Errno::INVAL)),
        Err(errno) => read(Err(errno), Errno::FAULT),
    }
}
