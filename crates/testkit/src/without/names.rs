//! The system calls and errors that `without` knows by name.

/// Calls that procward falls back from, and those that tests take away to see what happens.
pub(super) const CALLS: &[(&str, i64)] = &[
    // Newer than the oldest kernel we run on.
    ("clone3", libc::SYS_clone3),
    ("close_range", libc::SYS_close_range),
    ("execveat", libc::SYS_execveat),
    ("faccessat2", libc::SYS_faccessat2),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("fsopen", libc::SYS_fsopen),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("open_tree", libc::SYS_open_tree),
    ("openat2", libc::SYS_openat2),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("process_mrelease", libc::SYS_process_mrelease),
    ("statx", libc::SYS_statx),
    // Always there, unless a security profile refuses them.
    ("clone", libc::SYS_clone),
    ("ioctl", libc::SYS_ioctl),
    ("kcmp", libc::SYS_kcmp),
    ("kill", libc::SYS_kill),
    ("mount", libc::SYS_mount),
    ("openat", libc::SYS_openat),
    ("prctl", libc::SYS_prctl),
    ("pread64", libc::SYS_pread64),
    ("prlimit64", libc::SYS_prlimit64),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("ptrace", libc::SYS_ptrace),
    ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
    ("seccomp", libc::SYS_seccomp),
    ("setns", libc::SYS_setns),
    ("socket", libc::SYS_socket),
    ("unshare", libc::SYS_unshare),
    ("waitid", libc::SYS_waitid),
    // Without which nothing runs: they are taken away one at a time (`fail_each_call`).
    ("bind", libc::SYS_bind),
    ("capget", libc::SYS_capget),
    ("chdir", libc::SYS_chdir),
    ("clock_nanosleep", libc::SYS_clock_nanosleep),
    ("connect", libc::SYS_connect),
    ("dup3", libc::SYS_dup3),
    ("epoll_create1", libc::SYS_epoll_create1),
    ("epoll_ctl", libc::SYS_epoll_ctl),
    ("eventfd2", libc::SYS_eventfd2),
    ("execve", libc::SYS_execve),
    ("faccessat", libc::SYS_faccessat),
    ("fcntl", libc::SYS_fcntl),
    ("fstat", libc::SYS_fstat),
    ("fstatfs", libc::SYS_fstatfs),
    ("getcwd", libc::SYS_getcwd),
    ("getdents64", libc::SYS_getdents64),
    ("getpeername", libc::SYS_getpeername),
    ("getresuid", libc::SYS_getresuid),
    ("getsockname", libc::SYS_getsockname),
    ("getsockopt", libc::SYS_getsockopt),
    ("lseek", libc::SYS_lseek),
    ("mkdirat", libc::SYS_mkdirat),
    ("mprotect", libc::SYS_mprotect),
    ("newfstatat", libc::SYS_newfstatat),
    ("pipe2", libc::SYS_pipe2),
    ("ppoll", libc::SYS_ppoll),
    ("pwrite64", libc::SYS_pwrite64),
    ("read", libc::SYS_read),
    ("readlinkat", libc::SYS_readlinkat),
    ("recvmsg", libc::SYS_recvmsg),
    ("rseq", libc::SYS_rseq),
    ("sched_getaffinity", libc::SYS_sched_getaffinity),
    ("sched_getattr", libc::SYS_sched_getattr),
    ("sched_setattr", libc::SYS_sched_setattr),
    ("sendmsg", libc::SYS_sendmsg),
    ("set_robust_list", libc::SYS_set_robust_list),
    ("shutdown", libc::SYS_shutdown),
    ("socketpair", libc::SYS_socketpair),
    ("statfs", libc::SYS_statfs),
    ("timerfd_create", libc::SYS_timerfd_create),
    ("timerfd_settime", libc::SYS_timerfd_settime),
    ("tgkill", libc::SYS_tgkill),
    ("uname", libc::SYS_uname),
    ("unlinkat", libc::SYS_unlinkat),
    ("wait4", libc::SYS_wait4),
    ("write", libc::SYS_write),
    ("writev", libc::SYS_writev),
];

/// The name of a call, or its number where it has none here.
pub(crate) fn name_of(number: i64) -> String {
    let known = CALLS.iter().find(|(_, known)| *known == number);
    known.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

/// Every call that has a name here.
pub(crate) fn named_calls() -> impl Iterator<Item = (&'static str, i64)> {
    CALLS.iter().copied()
}

/// What kernels and security profiles answer.
pub(super) const ERRNOS: &[(&str, u32)] = &[
    ("E2BIG", libc::E2BIG.cast_unsigned()),
    ("EACCES", libc::EACCES.cast_unsigned()),
    ("EAGAIN", libc::EAGAIN.cast_unsigned()),
    ("EBADF", libc::EBADF.cast_unsigned()),
    ("EBUSY", libc::EBUSY.cast_unsigned()),
    ("EINTR", libc::EINTR.cast_unsigned()),
    ("EINVAL", libc::EINVAL.cast_unsigned()),
    ("EIO", libc::EIO.cast_unsigned()),
    ("EMFILE", libc::EMFILE.cast_unsigned()),
    ("ENFILE", libc::ENFILE.cast_unsigned()),
    ("ENODEV", libc::ENODEV.cast_unsigned()),
    ("ENOENT", libc::ENOENT.cast_unsigned()),
    ("ENOMEM", libc::ENOMEM.cast_unsigned()),
    ("ENOSYS", libc::ENOSYS.cast_unsigned()),
    ("ENOTTY", libc::ENOTTY.cast_unsigned()),
    ("EOPNOTSUPP", libc::EOPNOTSUPP.cast_unsigned()),
    ("EPERM", libc::EPERM.cast_unsigned()),
    ("ESRCH", libc::ESRCH.cast_unsigned()),
    ("EXDEV", libc::EXDEV.cast_unsigned()),
];

/// The names of a table, as an error message lists them.
pub(super) fn list<T>(table: &[(&str, T)]) -> String {
    table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
