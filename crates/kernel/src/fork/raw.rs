//! One system call by inline assembly: nothing of the C library runs.
//!
//! # Safety
//! `syscall` and `svc` enter the kernel and return; what the call does to memory is the caller's to justify.
#![expect(
    unsafe_code,
    reason = "system calls without libc: errno is thread-local, and the child shares it with the parent's thread"
)]

use std::arch::asm;

use libc::c_long;

/// Performs a system call; `Err` is the error number.
///
/// # Safety
/// Every pointer among the arguments must be valid for what this system call reads and writes through it.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the child must not depend on anything outside its own file being called"
)]
pub(super) unsafe fn call(number: c_long, arguments: [usize; 6]) -> Result<usize, i32> {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let returned: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction clobbers rcx and r11 and returns in rax; the caller vouches for the arguments.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => returned,
            in("rdi") first, in("rsi") second, in("rdx") third, in("r10") fourth, in("r8") fifth, in("r9") sixth,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the instruction returns in x0 and preserves everything else; the caller vouches for the arguments.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") first => returned,
            in("x1") second, in("x2") third, in("x3") fourth, in("x4") fifth, in("x5") sixth,
            options(nostack),
        );
    }
    answer(returned)
}

/// The kernel answers -4095 to -1 for an error, and nothing else in that range.
#[inline]
pub(super) fn answer(returned: isize) -> Result<usize, i32> {
    const LARGEST_ERRNO: isize = 4095;
    if (-LARGEST_ERRNO..0).contains(&returned) {
        #[expect(clippy::cast_possible_truncation, reason = "at most 4095")]
        Err(returned.wrapping_neg() as i32)
    } else {
        Ok(returned.cast_unsigned())
    }
}
