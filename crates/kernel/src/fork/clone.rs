//! Creating a child that shares our memory and runs on a stack of its own.
//!
//! # Safety
//! The assembly continues in the child by calling `entry` on the new stack, never by returning: the parent's
//! frame is in use by the parent, which runs on at the same time.
#![expect(unsafe_code, reason = "clone cannot be called through a function that returns twice")]

use std::arch::asm;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::c_long;
use rustix::io::Errno;

use super::raw;
use super::stack::Stack;

/// How children are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// clone3 with all we ask of it (5.7): handlers are reset by the kernel, birth is inside the control group.
    Clone3,
    /// clone with a pidfd (5.2), where clone3 is missing or filtered: the child resets handlers by hand and moves
    /// itself into the control group before it runs the program.
    LegacyClone,
}

/// Whose memory the child runs in until it executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// Ours, while we go on.
    Shared,
    /// Ours, while the calling thread waits for it to execute or to end. What the kernel keeps alike for all who share
    /// memory it then changes for the child alone.
    Suspending,
    /// A copy, which takes as long as for fork.
    Copied,
}

impl Memory {
    const fn flags(self) -> u64 {
        match self {
            // The books that a sanitizer keeps on memory are in it: a child that shares it would write into those of the
            // thread that cloned, and leave its frames in those of its stack, for it never returns from them.
            _ if cfg!(sanitized) => 0,
            Self::Shared => CLONE_VM,
            Self::Suspending => CLONE_VM | CLONE_VFORK,
            Self::Copied => 0,
        }
    }
}

/// What to create.
#[derive(Debug)]
pub(super) struct Request<'a, T> {
    /// Where it runs.
    pub memory: Memory,
    /// `CLONE_NEW*`.
    pub namespaces: u64,
    /// What the parent gets at its death; 0 for nothing.
    pub exit_signal: i32,
    /// What it runs on.
    pub stack: &'a Stack,
    /// Where it is born. [`Strategy::Clone3`] only.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// What it runs.
    pub entry: unsafe extern "C" fn(*const T) -> !,
    /// What that is given.
    pub argument: *const T,
}

const CLONE_VM: u64 = 0x100;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const NO_FD: i32 = -1;

/// `struct clone_args` as of 5.7.
#[repr(C)]
#[derive(Debug, Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Creates the child with every signal blocked, and returns its id and a handle for it.
///
/// # Safety
/// `entry` must be sound to run in a task that shares this memory, on `stack`, with `argument`; stack and argument
/// must stay untouched until that task has left our memory.
pub(super) unsafe fn clone<T>(strategy: Strategy, request: &Request<'_, T>) -> Result<(i32, OwnedFd), Errno> {
    let mut pidfd = NO_FD;
    let pidfd_at = std::ptr::from_mut(&mut pidfd).expose_provenance();
    let mask = block_all_signals();
    let arguments;
    let (number, registers) = match strategy {
        Strategy::Clone3 => {
            let born_inside = request.cgroup.map_or(0, |_| CLONE_INTO_CGROUP);
            arguments = CloneArgs {
                flags: CLONE_PIDFD
                    | CLONE_CLEAR_SIGHAND
                    | born_inside
                    | request.memory.flags()
                    | request.namespaces,
                pidfd: pidfd_at as u64,
                exit_signal: u64::from(request.exit_signal.cast_unsigned()),
                stack: request.stack.bottom() as u64,
                stack_size: Stack::size() as u64,
                cgroup: request.cgroup.map_or(0, |group| u64::from(group.as_raw_fd().cast_unsigned())),
                ..CloneArgs::default()
            };
            let at = std::ptr::from_ref(&arguments).expose_provenance();
            (libc::SYS_clone3, [at, size_of::<CloneArgs>(), 0, 0, 0])
        }
        Strategy::LegacyClone => {
            #[expect(clippy::cast_possible_truncation, reason = "only 64-bit targets are supported")]
            let flags = (CLONE_PIDFD | request.memory.flags() | request.namespaces) as usize
                | request.exit_signal.cast_unsigned() as usize;
            let top = request.stack.bottom().wrapping_add(Stack::size());
            // The handle is returned where clone otherwise writes the parent's copy of the id.
            (libc::SYS_clone, [flags, top, pidfd_at, 0, 0])
        }
    };
    // SAFETY: `enter` requires arguments that give the child its own stack, an entry that is sound there, and
    // memory that outlives the child's use of it; the first is what both arms do, the rest is our own contract.
    let returned = unsafe { enter(number, registers, request.entry, request.argument) };
    restore_signals(mask);
    let pid = raw::answer(returned).map_err(Errno::from_raw_os_error)?;
    let pid = i32::try_from(pid).map_err(|_| Errno::IO)?;
    if pidfd == NO_FD {
        // An emulator that ignored the flag. Nobody else can reap the child, so its id is still its own.
        let id = rustix::process::Pid::from_raw(pid).ok_or(Errno::IO)?;
        return Ok((pid, rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty())?));
    }
    // SAFETY: the descriptor must be open and ours alone; the kernel created it for this call.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// Enters the kernel once; in the child calls `entry(argument)`, in the parent returns what the kernel answered.
///
/// # Safety
/// The system call must be clone or clone3 with a stack of its own; otherwise as [`clone`].
unsafe fn enter<T>(
    number: c_long,
    registers: [usize; 5],
    entry: unsafe extern "C" fn(*const T) -> !,
    argument: *const T,
) -> isize {
    let [first, second, third, fourth, fifth] = registers;
    let returned: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel switches the child, and only the child, to the new stack, which is aligned to 16 bytes,
    // as `call` requires; the frame pointer is cleared so that no unwinder walks into the parent's frames. The
    // parent passes over the call. The clobbers are those of `syscall`.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number => returned,
            in("rdi") first, in("rsi") second, in("rdx") third, in("r10") fourth, in("r8") fifth,
            in("r12") argument, in("r13") entry,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; frame pointer and return address are cleared for the unwinder.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            in("x8") number,
            inlateout("x0") first => returned,
            in("x1") second, in("x2") third, in("x3") fourth, in("x4") fifth,
            in("x20") argument, in("x21") entry,
            lateout("x30") _,
        );
    }
    returned
}

/// The kernel's signal set, which the C library's differs from.
const SET_BYTES: usize = size_of::<u64>();

/// A handler of ours must not run in the child, where it would find our memory and not our thread. Raw, because
/// the C library keeps its own signals 32 and 33 out of every mask.
fn block_all_signals() -> u64 {
    let all = u64::MAX;
    let mut before = 0_u64;
    let how = libc::SIG_SETMASK.cast_unsigned() as usize;
    let (new, old) =
        (std::ptr::from_ref(&all).expose_provenance(), std::ptr::from_mut(&mut before).expose_provenance());
    // SAFETY: rt_sigprocmask requires two sets of the given size, readable and writable; both are live locals.
    let _ = unsafe { raw::call(libc::SYS_rt_sigprocmask, [how, new, old, SET_BYTES, 0, 0]) };
    before
}

fn restore_signals(mask: u64) {
    let how = libc::SIG_SETMASK.cast_unsigned() as usize;
    let new = std::ptr::from_ref(&mask).expose_provenance();
    // SAFETY: rt_sigprocmask requires a readable set of the given size; `mask` is one.
    let _ = unsafe { raw::call(libc::SYS_rt_sigprocmask, [how, new, 0, SET_BYTES, 0, 0]) };
}
