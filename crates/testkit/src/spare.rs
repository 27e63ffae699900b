//! Which calls are never made to fail, whoever makes them.

use libc::c_long;

/// Calls that are left alone. Runtimes end the program when the first of these fail, as they do without memory; the others
/// cannot fail, or do what they are asked even if they say that they failed.
pub(crate) const SPARED: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_munmap,
    libc::SYS_close,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Who is told that there is nothing yet waits for the event that follows; after a lie, none does.
const WAITED_FOR: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_waitid,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_recvfrom,
];

/// Whether a call is left alone.
pub(crate) fn is_spared(number: c_long, arguments: &[u64; 6]) -> bool {
    let [_, second, third, ..] = *arguments;
    // Before it closes a descriptor, the standard library asks whether it is open, in debug builds only.
    let asks_for_flags = number == libc::SYS_fcntl && second == u64::from(libc::F_GETFD.cast_unsigned());
    // A runtime wakes itself by writing a number to an eventfd, and ends the program when it cannot.
    let wakes = number == libc::SYS_write && third == size_of::<u64>() as u64;
    asks_for_flags || wakes || SPARED.contains(&number)
}

/// Whether a call is let go on that was to fail in this way.
pub(crate) fn would_wait_for_ever(number: c_long, errno: i32) -> bool {
    errno == libc::EAGAIN && WAITED_FOR.contains(&number)
}
